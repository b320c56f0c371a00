//! From the file as it is written to the sweep as it is meant.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::block::{Axis, Block};
use super::check::Checks;
use super::draft::Draft;
use super::grid::Grid;
use super::key::{Key, Place};
use super::problem::{Problem, Span, quoted};
use super::reader::{MOST, MOST_HELP, Reader, Weights, plain};
use super::sample::Drawn;
use super::value::Value;
use super::written::{File, Protocol};
use super::{Limits, Stop, Sweep};
use crate::id::{RunId, SweepId};
use crate::measurement::Split;
use crate::run::{Architecture, Dataset, Init, Loss, NetworkPoint, Point, Source};

/// The sweep; `None` when there are problems, all of which the reader then holds.
pub(super) fn sweep(reader: &mut Reader<'_>, file: &File, source: &str) -> Option<Sweep> {
    required_steps(reader, file);
    let default_seeds = match file.train.protocol {
        Some(Protocol::Paper) => vec![0, 1, 2],
        _ => vec![0],
    };
    let seeds = file
        .seeds
        .as_ref()
        .map_or(default_seeds, |(seeds, _)| seeds.clone());
    let points = if is_small_enough(reader, file, seeds.len()) {
        expand(reader, file, source)
    } else {
        Vec::new()
    };
    // Of a size that could not be read nobody knows which weights fit it.
    if file.blocks.iter().all(|block| block.is_sound) {
        check_weights(reader, &points);
    }
    if !reader.problems.is_empty() {
        return None;
    }
    let mut own_axes: Vec<String> = Vec::new();
    for axis in file.blocks.iter().flat_map(|block| &block.axes) {
        let name = axis.key.name();
        if axis.key.is_own_axis() && !own_axes.iter().any(|other| other == name) {
            own_axes.push(name.to_owned());
        }
    }
    Some(Sweep {
        id: id(source, reader),
        name: file.name.clone()?,
        seeds,
        points,
        own_axes,
        files: std::mem::take(&mut reader.named),
        limits: Limits {
            max_attempts: file.max_attempts.unwrap_or(3),
            max_losses: file.max_losses.unwrap_or(10),
            max_failures: file.max_failures,
            time_limit: file.train.time_limit,
        },
        priority: file.priority.unwrap_or(0),
        requires: file.requires.clone(),
        stop: file.alpha_ci.as_ref().map(|(alpha_ci, _)| Stop {
            alpha_ci: *alpha_ci,
        }),
    })
}

fn id(source: &str, reader: &Reader<'_>) -> SweepId {
    let content = serde_json::to_vec(&(source, &reader.named)).expect("texts and digests");
    SweepId::of(&content)
}

/// `train.steps` is required, unless the protocol sets it or every block has it as an axis.
fn required_steps(reader: &mut Reader<'_>, file: &File) {
    let train = &file.train;
    let is_set = train.place(Key::Steps).is_some()
        || train.broken.contains(&Key::Steps)
        || reader.is_unread(Place::Top, "train")
        || train.protocol == Some(Protocol::Code)
        || (!file.blocks.is_empty()
            && file
                .blocks
                .iter()
                .all(|block| block.axis(Key::Steps).is_some()));
    if is_set {
        return;
    }
    let problem = match train.protocol {
        Some(_) => Problem::at(
            train.protocol_at.clone(),
            "protocol `paper` sets no `steps`",
        )
        .help("write how many at most, as in `steps = 10000`, below `[train]`"),
        None => Problem::at(train.span.clone(), "`steps` is missing")
            .help("write `steps = 2000` below `[train]`, or `protocol = \"code\"`"),
    };
    reader.problems.push(problem);
}

/// Initial weights must be those of the networks that begin with them.
fn check_weights(reader: &mut Reader<'_>, points: &[Arc<Point>]) {
    for Weights { path, digest, span } in std::mem::take(&mut reader.weights) {
        let networks = points.iter().filter_map(|point| point.network());
        let mut begin = networks
            .filter(|point| point.train.init == Init::Weights(digest))
            .peekable();
        if begin.peek().is_none() {
            continue;
        }
        let Some(content) = reader.content(&path, span.clone()) else {
            continue;
        };
        let unfit = begin.find_map(|point| reader.files.check_weights(point, &content).err());
        if let Some(why) = unfit {
            let message = format!("{} does not fit the network", quoted(&path));
            reader
                .problems
                .push(Problem::at(span, message).label(plain(&why)).help(
                    "write a file with the tensors of this network, as `tailsweep weights` does",
                ));
        }
    }
}

/// Judges the number of points and runs before any is made.
fn is_small_enough(reader: &mut Reader<'_>, file: &File, seeds: usize) -> bool {
    const MOST_JUDGED: usize = 2_000_000_000;
    let (mut points, mut taken): (usize, usize) = (0, 0);
    for block in &file.blocks {
        let size = Grid::of(block).size().unwrap_or(usize::MAX);
        let most = block.sample.as_ref().map_or(size, |sample| sample.count);
        points = points.saturating_add(size);
        taken = taken.saturating_add(size.min(most));
        if points > MOST {
            reader.problems.push(
                Problem::at(block.span.clone(), "this block makes too many points")
                    .label(format!("{} in all, up to here", count(points)))
                    .help(MOST_HELP),
            );
            return false;
        }
        if size.saturating_mul(block.rules.conditions()) > MOST_JUDGED {
            reader.problems.push(
                Problem::at(block.span.clone(), "too many rules for so many points")
                    .help("write several blocks with fewer values each"),
            );
            return false;
        }
    }
    if taken.saturating_mul(seeds) <= MOST {
        return true;
    }
    let span = file.seeds.as_ref().map_or(0..0, |(_, span)| span.clone());
    reader.problems.push(
        Problem::at(span, "this makes too many runs")
            .label(format!("{seeds} for each of {} points", count(taken)))
            .help(MOST_HELP),
    );
    false
}

fn count(points: usize) -> String {
    if points == usize::MAX {
        "more than can be counted".to_owned()
    } else {
        points.to_string()
    }
}

/// The points of all blocks, block by block. Of a block with problems the points that its other
/// values make are checked all the same, so that everything is said at once.
fn expand(reader: &mut Reader<'_>, file: &File, source: &str) -> Vec<Arc<Point>> {
    let base = Draft::of(file);
    let mut points = Vec::new();
    let sections_are_sound = file.sections().iter().all(|one| one.broken.is_empty());
    let mut checks = Checks::of(file, source);
    let mut known = Known::of(file);
    for (number, block) in file
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.has_sound_rules)
    {
        let before = points.len();
        let mut faulty = false;
        let mut drawn = block.sample.as_ref().map(|sample| Drawn::of(block, sample));
        let mut take = |position: &[usize], point: Arc<Point>| {
            if block.is_sound {
                known.insert(number, block, position, &point);
            }
            points.push(point);
        };
        let hit = Grid::of(block).each(|position| {
            let mut draft = base.clone();
            for (axis, index) in block.axes.iter().zip(position) {
                draft.set(axis.key, &axis.values[*index]);
            }
            let point = match draft.point() {
                Ok(point) => point,
                // What is at fault may be what could not be read.
                Err(fault) => {
                    faulty = true;
                    if block.is_sound && sections_are_sound {
                        checks.fault(block, position, fault);
                    }
                    return;
                }
            };
            checks.check(block, position, &point);
            match &mut drawn {
                Some(drawn) => drawn.offer(position, point),
                None => take(position, Arc::new(point)),
            }
        });
        match drawn.map(Drawn::into_points) {
            Some(Ok(drawn)) => {
                for ticket in drawn {
                    take(&ticket.position, ticket.point);
                }
            }
            Some(Err(problem)) if block.is_sound => {
                reader.problems.push(*problem);
                continue;
            }
            Some(Err(_)) | None => {}
        }
        if !block.is_sound {
            continue;
        }
        for (rule, _) in block.rules.exclude.iter().zip(hit).filter(|(_, hit)| !hit) {
            reader.problems.push(
                Problem::at(rule.span.clone(), "the excluded point does not exist")
                    .help("each value exists, but no point has all of them: leave this one out"),
            );
        }
        if points.len() == before && !faulty {
            reader.problems.push(
                Problem::at(block.span.clone(), "this block has no points left")
                    .help("its `exclude` and `when` leave out all of them: take some of them away"),
            );
        }
    }
    reader.problems.extend(checks.into_problems());
    reader.problems.extend(known.into_problems(file));
    points
}

/// What tells two points apart: all of it, with settings as a digest.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    /// As a digest.
    WithoutNetwork(RunId),
    Network(Dataset, Architecture, u32, u64, Loss, RunId),
}

/// The points so far, to find those that stand in the file twice.
struct Known {
    /// With the block in which each was seen first. Empty when no two points can be equal.
    points: HashMap<Identity, usize>,
    can_repeat: bool,
    /// Digests of `[train]` and `[measure]`, by what applies and positions in own axes.
    settings: HashMap<(usize, [bool; 2], Vec<usize>), RunId>,
    /// How often a block repeats an earlier one, with the first such point.
    repeats: Vec<(usize, usize, usize, String)>,
}

impl Known {
    fn of(file: &File) -> Self {
        // Within a block two points can only be equal by what does not apply to them: the dropout
        // of a network that has none, the test split of data that have none, names of own data,
        // how a number of generated examples is written, the index of a law that is not stable.
        let is_by_name = |value: &Value| match value {
            Value::Dataset(dataset) => matches!(dataset.source, Source::Named(_)),
            _ => true,
        };
        let may_repeat = |axis: &Axis| match axis.key {
            Key::Dropout | Key::Splits => true,
            Key::Dataset => !axis.values.iter().all(is_by_name),
            _ => false,
        };
        let idle = file.blocks.iter().any(Block::is_without_network);
        let mut axes = file.blocks.iter().flat_map(|block| &block.axes);
        Self {
            points: HashMap::new(),
            can_repeat: file.blocks.len() > 1 || idle || axes.any(may_repeat),
            settings: HashMap::new(),
            repeats: Vec::new(),
        }
    }

    fn insert(&mut self, number: usize, block: &Block, position: &[usize], point: &Point) {
        if !self.can_repeat {
            return;
        }
        let identity = match point {
            Point::Network(point) => self.network(number, block, position, point),
            Point::Synthetic(_) | Point::LevySde(_) => {
                let content = serde_json::to_vec(point);
                let content = content.expect("a point is plain data with finite floats");
                Identity::WithoutNetwork(RunId::of(&content))
            }
        };
        let first = match self.points.entry(identity) {
            Entry::Occupied(first) => *first.get(),
            Entry::Vacant(place) => {
                place.insert(number);
                return;
            }
        };
        let repeat = self
            .repeats
            .iter_mut()
            .find(|(a, b, ..)| (*a, *b) == (first, number));
        match repeat {
            Some((.., times, _)) => *times += 1,
            None => self
                .repeats
                .push((first, number, 1, described(block, position))),
        }
    }

    fn network(
        &mut self,
        number: usize,
        block: &Block,
        position: &[usize],
        point: &NetworkPoint,
    ) -> Identity {
        let own = block
            .axes
            .iter()
            .zip(position)
            .filter_map(|(axis, index)| axis.key.is_own_axis().then_some(*index))
            .collect();
        let has_test = point.dataset.examples(Split::Test) > 0;
        let what_applies = [point.architecture.has_dropout(), has_test];
        let settings = self
            .settings
            .entry((number, what_applies, own))
            .or_insert_with(|| {
                let content = serde_json::to_vec(&(&point.train, &point.measure));
                RunId::of(&content.expect("settings are plain data with finite floats"))
            });
        Identity::Network(
            point.dataset.anonymous(),
            point.architecture,
            point.batch_size,
            point.learning_rate.to_bits(),
            point.loss,
            *settings,
        )
    }

    fn into_problems(self, file: &File) -> Vec<Problem> {
        let span = |number: usize| -> Span { file.blocks[number].span.clone() };
        self.repeats
            .into_iter()
            .map(|(first, number, times, example)| {
                if first == number {
                    let block = &file.blocks[number];
                    if block.is_without_network() {
                        let message = format!("the same runs {} times", times + 1);
                        return Problem::at(span(number), message).help(format!(
                            "not all of them depend on every axis, such as the one with \
                             {example}: leave them out by `when` or `exclude`"
                        ));
                    }
                    let place = |key| block.axis(key).map(|axis| block.axes[axis].place(1));
                    let (place, help) = match place(Key::Dropout) {
                        Some(place) => {
                            (place, "`fcn` has no dropout: leave `\"train.dropout\"` out")
                        }
                        None => (
                            place(Key::Splits).unwrap_or(span(number)),
                            "equal data under two names, or a split that the data do not have: \
                             leave one of them out",
                        ),
                    };
                    return Problem::at(place, "the same runs twice").help(help);
                }
                let points = if times == 1 {
                    "point stands"
                } else {
                    "points stand"
                };
                Problem::at(span(number), format!("{times} {points} in two blocks"))
                    .label("here again")
                    .also(span(first), "first here")
                    .help(format!(
                        "leave them out, as in `exclude = [{{ {example} }}]`"
                    ))
            })
            .collect()
    }
}

/// A point as `exclude` would name it: the axes of its block that have several values.
fn described(block: &Block, position: &[usize]) -> String {
    let all: Vec<_> = block.axes.iter().zip(position).collect();
    let several: Vec<_> = all
        .iter()
        .filter(|(axis, _)| axis.values.len() > 1)
        .collect();
    let named = if several.is_empty() {
        all.iter().take(1).collect()
    } else {
        several
    };
    let part = |value: &Value| match value {
        Value::Dataset(dataset) if value.to_string() != dataset.source.kind() => value.to_string(),
        Value::Dataset(_)
        | Value::Architecture(_)
        | Value::Loss(_)
        | Value::Sampling(_)
        | Value::Word(_) => {
            format!("\"{value}\"")
        }
        _ => value.to_string(),
    };
    let parts = named.into_iter().map(|(axis, index)| {
        let name = axis.key.name();
        let quote = if axis.key.is_own_axis() { "\"" } else { "" };
        format!("{quote}{name}{quote} = {}", part(&axis.values[**index]))
    });
    parts.collect::<Vec<_>>().join(", ")
}
