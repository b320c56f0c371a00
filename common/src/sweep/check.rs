//! What must hold between the values of a point, whichever axes they come from.

use std::collections::BTreeSet;

use tailsweep_stats::Treatment;
use toml::de::DeValue;

use super::block::Block;
use super::draft::Fault;
use super::key::Key;
use super::problem::{Problem, Span, quoted};
use super::value::Value;
use super::written::File;
use crate::measurement::Split;
use crate::run::{Architecture, Measure, NetworkPoint, Point, Targets};

/// A network of more parameters is a slip of the pen: its weights alone take 40 GB.
const MOST_PARAMS: u64 = 10_000_000_000;

/// Bytes that the dumped gradients of a run may take.
const MOST_DUMPED: u64 = 64 << 30;

/// Checks points one by one, and says each problem once for each place.
pub(super) struct Checks<'f> {
    file: &'f File,
    source: &'f str,
    problems: Vec<Problem>,
    said: BTreeSet<(Rule, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Images,
    Batch,
    Params,
    Accuracy,
    Interval,
    Fault,
    Loss,
    Classes,
    Test,
    Dump,
}

impl<'f> Checks<'f> {
    pub(super) fn of(file: &'f File, source: &'f str) -> Self {
        Self {
            file,
            source,
            problems: Vec::new(),
            said: BTreeSet::new(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Checks the point that stands at `position` in the axes of `block`.
    pub(super) fn check(&mut self, block: &Block, position: &[usize], point: &Point) {
        match point {
            Point::Network(point) => self.check_network(block, position, point),
            Point::Synthetic(point) => self.check_interval(Some(&point.measure)),
            Point::LevySde(_) => self.check_interval(None),
        }
    }

    /// Says why the values that stand at `position` make no point.
    pub(super) fn fault(&mut self, block: &Block, position: &[usize], fault: Fault) {
        let Fault { key, message, help } = fault;
        let is_written = block.axis(key).is_some()
            || key.is_own_axis() && self.file.section_of(key).place(key).is_some();
        let at = if is_written {
            place(self.file, block, position, key)
        } else {
            block.span.clone()
        };
        self.say(Rule::Fault, at.start, || {
            Problem::at(at, message).help(help)
        });
    }

    /// `[stop]` needs paired noise of the split `train`.
    fn check_interval(&mut self, measure: Option<&Measure>) {
        let Some((_, at)) = &self.file.alpha_ci else {
            return;
        };
        let has_it = |measure: &Measure| {
            measure.splits.contains(&Split::Train) && measure.treatments.contains(Treatment::Paired)
        };
        if !measure.is_some_and(has_it) {
            let at = at.clone();
            self.say(Rule::Interval, at.start, || {
                Problem::at(at, "`[stop]` looks at paired noise of the split `train`").help(
                    "write `\"train\"` among `splits` and `\"paired\"` among `treatments` below \
                     `[measure]`",
                )
            });
        }
    }

    fn check_network(&mut self, block: &Block, position: &[usize], point: &NetworkPoint) {
        let place = |key| place(self.file, block, position, key);
        let has = |keys: &[Key]| keys.iter().all(|key| block.axis(*key).is_some());
        let dataset = &point.dataset;
        if has(&[Key::Dataset])
            && matches!(point.architecture, Architecture::Alexnet { .. })
            && dataset.shape() != [3, 32, 32]
        {
            let at = place(Key::Dataset);
            self.say(Rule::Images, at.start, || {
                let [channels, height, width] = dataset.shape();
                Problem::at(at, "`alexnet` takes images of 3×32×32")
                    .label(format!(
                        "`{}` has {channels}×{height}×{width}",
                        dataset.source.kind()
                    ))
                    .help(
                        "write `cifar10` or `cifar100`, or save your own images as [n, 3, 32, 32]",
                    )
            });
            return;
        }
        if has(&[Key::Dataset, Key::Loss]) && !dataset.targets().fit(point.loss) {
            self.wrong_loss(block, position, point);
        }
        let examples = point.dataset.examples(Split::Train);
        if has(&[Key::Dataset, Key::BatchSize]) && point.batch_size as usize > examples {
            let at = place(Key::BatchSize);
            self.say(Rule::Batch, at.start, || {
                let message = format!(
                    "a batch of {} is larger than the training data of {examples}",
                    point.batch_size
                );
                Problem::at(at, message)
                    .label(format!(
                        "with {}",
                        quoted(&Value::Dataset(point.dataset.clone()).to_string())
                    ))
                    .help(format!("write at most `{examples}` with this data set"))
            });
        }
        let params = point.params();
        let size = match block.axis(Key::Width) {
            Some(_) => Key::Width,
            None => Key::Dataset,
        };
        if has(&[size]) && params > MOST_PARAMS {
            let at = place(size);
            self.say(Rule::Params, at.start, || {
                Problem::at(at, format!("a network of {params} parameters")).help(format!(
                    "write a smaller width or depth: {MOST_PARAMS} are the most"
                ))
            });
        }
        if has(&[Key::Dataset])
            && dataset.examples(Split::Test) == 0
            && point.measure.splits.contains(&Split::Test)
        {
            let at = place(Key::Dataset);
            self.say(Rule::Test, at.start, || {
                Problem::at(
                    at,
                    "this data set has no test examples, and nothing else is measured",
                )
                .help("add `test_images` and `test_labels`, or write `splits = [\"train\"]`")
            });
        }
        let measures_train = point.measure.splits.contains(&Split::Train);
        if point.train.stop_at_train_accuracy.is_some() && !measures_train {
            let at = match self.file.train.place(Key::StopAtTrainAccuracy) {
                None if block.axis(Key::StopAtTrainAccuracy).is_none() => place(Key::Splits),
                _ => place(Key::StopAtTrainAccuracy),
            };
            self.say(Rule::Accuracy, at.start, || {
                Problem::at(at, "`stop_at_train_accuracy` without the split `train`")
                    .help("write `splits = [\"train\", \"test\"]` below `[measure]`")
            });
        }
        let has_classes = matches!(dataset.targets(), Targets::Classes(_));
        if point.train.stop_at_train_accuracy.is_some() && has(&[Key::Dataset]) && !has_classes {
            let at = match block.axis(Key::StopAtTrainAccuracy) {
                None if self.file.train.place(Key::StopAtTrainAccuracy).is_none() => {
                    place(Key::Dataset)
                }
                _ => place(Key::StopAtTrainAccuracy),
            };
            self.say(Rule::Classes, at.start, || {
                Problem::at(
                    at,
                    "`stop_at_train_accuracy` with labels that are no classes",
                )
                .label(format!("`{}` has values", dataset.source.kind()))
                .help("write `stop_at_train_accuracy = false` below `[train]`")
            });
        }
        self.check_interval(Some(&point.measure));
        self.check_dump(block, position, point);
    }

    /// Steps that are dumped must be measured, and their files must be possible.
    fn check_dump(&mut self, block: &Block, position: &[usize], point: &NetworkPoint) {
        let sections_are_sound = self.file.sections().iter().all(|one| one.broken.is_empty());
        if !(block.is_sound && sections_are_sound) {
            return;
        }
        let (measure, steps) = (&point.measure, point.train.steps);
        let list = place(self.file, block, position, Key::Dump);
        let is_due = |step: u64| step <= steps && measure.is_due(step, steps);
        for (index, step) in measure.dump.iter().enumerate() {
            if is_due(*step) {
                continue;
            }
            let at = self.item(&list, index).unwrap_or(list.clone());
            self.say(Rule::Dump, at.start, || {
                let (wrong, help) = match *step > steps {
                    true => (
                        "comes after the last one",
                        format!("write at most `{steps}`"),
                    ),
                    false => (
                        "is not measured",
                        format!(
                            "write multiples of `every` ({}), or `{steps}`",
                            measure.every
                        ),
                    ),
                };
                Problem::at(at, format!("step `{step}` of `dump` {wrong}")).help(help)
            });
        }
        let splits = measure.splits.iter();
        let rows: u64 = splits.map(|split| point.minibatches(*split) as u64).sum();
        let bytes = (4 * rows)
            .saturating_mul(point.params())
            .saturating_mul(measure.dump.len() as u64);
        if bytes > MOST_DUMPED {
            self.say(Rule::Dump, list.start, || {
                let gib = bytes >> 30;
                Problem::at(
                    list,
                    format!("the files of `dump` would take {gib} GiB a run"),
                )
                .help(format!(
                    "write fewer steps, or `minibatches`: {} GiB are the most",
                    MOST_DUMPED >> 30
                ))
            });
        }
    }

    /// Where an item of a list stands.
    fn item(&self, list: &Span, index: usize) -> Option<Span> {
        let value = DeValue::parse(self.source.get(list.clone())?).ok()?;
        let span = value.get_ref().as_array()?.get(index)?.span();
        Some(list.start + span.start..list.start + span.end)
    }

    fn wrong_loss(&mut self, block: &Block, position: &[usize], point: &NetworkPoint) {
        let at = place(self.file, block, position, Key::Loss);
        let (kind, loss) = (point.dataset.source.kind(), point.loss.as_str());
        let (what, help) = match point.dataset.targets() {
            Targets::Classes(_) => ("classes", "write `loss = \"nll\"` or `loss = \"hinge\"`"),
            Targets::Values => ("values", "write `loss = \"squared\"`"),
        };
        self.say(Rule::Loss, at.start, || {
            Problem::at(at, format!("the loss `{loss}` does not fit `{kind}`"))
                .label(format!("the labels of `{kind}` are {what}"))
                .help(help)
        });
    }

    fn say(&mut self, rule: Rule, at: usize, problem: impl FnOnce() -> Problem) {
        if self.said.insert((rule, at)) {
            self.problems.push(problem());
        }
    }
}

/// Where the value of `key` of a point stands: in its axis, in its section, or nowhere.
fn place(file: &File, block: &Block, position: &[usize], key: Key) -> Span {
    if let Some(axis) = block.axis(key) {
        return block.axes[axis].place(position[axis]);
    }
    let section = file.section_of(key);
    section.place(key).unwrap_or(section.span.clone())
}
