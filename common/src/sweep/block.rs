//! A `[[block]]` as it is written: its axes, and the rules that leave points out.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;

use super::key::{Key, Place};
use super::problem::{Problem, Span, quoted};
use super::reader::{Entry, Node, Reader, wrong_kind};
use super::rules::{self, Rules};
use super::sample::Sample;
use super::value::{Family, Value, twice};
use super::written::Protocol;
use crate::run::Loss;

/// One product of axes.
pub(super) struct Block {
    /// Its header.
    pub(super) span: Span,
    /// In the order in which they vary, the last fastest.
    pub(super) axes: Vec<Axis>,
    pub(super) rules: Rules,
    pub(super) sample: Option<Sample>,
    /// What it says of the time limit of the sweep.
    pub(super) time_limit: Option<(Duration, Span)>,
    /// Whether all of its axes and rules could be read.
    pub(super) is_sound: bool,
    /// Whether all of its rules could be read; if not, nobody knows which points are meant.
    pub(super) has_sound_rules: bool,
}

/// The values of one key in a block.
pub(super) struct Axis {
    pub(super) key: Key,
    /// Never empty.
    pub(super) values: Vec<Value>,
    /// The place of each value, or one place for all of them.
    pub(super) places: Vec<Span>,
}

impl Axis {
    /// Where value `index` stands.
    pub(super) fn place(&self, index: usize) -> Span {
        self.places
            .get(index)
            .or(self.places.first())
            .cloned()
            .unwrap_or_default()
    }
}

impl Block {
    /// The position of the axis of `key`.
    pub(super) fn axis(&self, key: Key) -> Option<usize> {
        self.axes.iter().position(|axis| axis.key == key)
    }

    /// Whether it trains no network.
    pub(super) fn is_without_network(&self) -> bool {
        self.families().iter().any(|family| !family.is_network())
    }

    fn families(&self) -> Vec<Family> {
        let values = self
            .axis(Key::Architecture)
            .map(|axis| &self.axes[axis].values);
        let family = |value: &Value| match value {
            Value::Architecture(family) => Some(*family),
            _ => None,
        };
        values.into_iter().flatten().filter_map(family).collect()
    }
}

impl Reader<'_> {
    /// Reads one block; under a protocol it may leave out batch size and learning rate.
    pub(super) fn block(&mut self, node: &Node<'_>, protocol: Option<Protocol>) -> Option<Block> {
        let table = self.table("block", node, "write its axes below `[[block]]`")?;
        let mut axes = Vec::new();
        let mut broken = Vec::new();
        let mut rules = [None, None, None];
        let mut sample = None;
        let mut time_limit = None;
        for entry in self.entries(table) {
            match (entry.key, Key::of_axis(entry.key)) {
                (_, Some(key)) => {
                    let before = self.problems.len();
                    axes.extend(self.axis(key, entry.key, entry.value));
                    if self.problems.len() > before {
                        broken.push(key);
                    }
                }
                ("zip", _) => rules[0] = Some(entry.value),
                ("exclude", _) => rules[1] = Some(entry.value),
                ("when", _) => rules[2] = Some(entry.value),
                ("sample", _) => sample = self.sample(entry.value),
                ("train" | "measure" | "synthetic" | "levy_sde", _) => self.unquoted_axis(&entry),
                ("train.time_limit", _) => time_limit = self.time_limit_of_block(entry.value),
                ("train.protocol", _) => self.never_an_axis(&entry),
                _ => {
                    let meant = self.unknown_key(Place::Block, &entry);
                    broken.extend(meant.and_then(Key::of_axis));
                }
            }
        }
        let unread = self.unread_keys(Place::Block).into_iter();
        broken.extend(unread.filter(|key| axes.iter().all(|axis: &Axis| axis.key != *key)));
        let mut block = Block {
            span: node.span(),
            axes,
            rules: Rules::default(),
            sample,
            time_limit,
            is_sound: true,
            has_sound_rules: true,
        };
        complete(&mut block, protocol, &broken);
        let before = self.problems.len();
        self.missing(&block, &broken);
        block.is_sound = broken.is_empty() && self.problems.len() == before;
        // The axes that every block has come first, own axes in the order of the file.
        block.axes.sort_by_key(|axis| {
            Key::AXES
                .iter()
                .position(|key| *key == axis.key)
                .unwrap_or(Key::AXES.len())
        });
        let before = self.problems.len();
        let has_rules = rules.iter().any(Option::is_some);
        block.rules = rules::read(self, &block.axes, &broken, rules);
        block.has_sound_rules = self.problems.len() == before && (!has_rules || broken.is_empty());
        block.is_sound = block.is_sound && block.has_sound_rules;
        Some(block)
    }

    fn axis(&mut self, key: Key, what: &str, node: &Node<'_>) -> Option<Axis> {
        let (values, places) = self.values(key, what, node)?;
        let mut seen = BTreeMap::new();
        // The values of a range are compared where they are made.
        for (index, place) in places
            .iter()
            .enumerate()
            .filter(|_| places.len() == values.len())
        {
            if let Some(first) = seen.insert(format!("{:?}", values[index]), index) {
                let first: Span = places[first].clone();
                self.problems.push(twice(
                    what,
                    &values[index].to_string(),
                    place.clone(),
                    first,
                ));
            }
        }
        (!values.is_empty()).then_some(Axis {
            key,
            values,
            places,
        })
    }

    /// A list of values, a range, or a single value, with the places of the values; of a list
    /// those that can be read.
    pub(super) fn values(
        &mut self,
        key: Key,
        what: &str,
        node: &Node<'_>,
    ) -> Option<(Vec<Value>, Vec<Span>)> {
        let items = match node.get_ref() {
            DeValue::Table(_) if key.numbers().is_some() => {
                return self
                    .spaced(key, what, node)
                    .map(|values| (values, vec![node.span()]));
            }
            DeValue::Table(table) if table.contains_key("values") => {
                let message = format!("`{what}` must be a value or a list of values");
                let help = self.of_another_program(key, what, table);
                let help = help.unwrap_or(format!("write `{}`", written(key)));
                return self.refuse(Problem::at(node.span(), message).help(help));
            }
            DeValue::Array(items) => items,
            _ => return Some((vec![self.value(key, what, node)?], vec![node.span()])),
        };
        if items.is_empty() {
            return self.refuse(
                Problem::at(node.span(), format!("`{what}` has no values"))
                    .help(format!("write at least one, as in `{}`", written(key))),
            );
        }
        let takes_lists = key.is_list();
        if takes_lists && items.iter().all(|item| !item.get_ref().is_array()) {
            return self.refuse(
                Problem::at(
                    node.span(),
                    format!("as an axis, `{what}` must be a list of lists"),
                )
                .help(format!(
                    "write one list for each value, as in `{}`",
                    written(key)
                )),
            );
        }
        let mut values = Vec::with_capacity(items.len());
        let mut places = Vec::with_capacity(items.len());
        for item in items.iter() {
            if let DeValue::Array(_) = item.get_ref()
                && !takes_lists
            {
                let help = format!("write `{}`", written(key));
                let problem =
                    wrong_kind(what, "a list of values", item.get_ref(), item.span(), &help);
                self.problems
                    .push(problem.label("this is a list in a list"));
            } else if item.get_ref().is_table() && key.numbers().is_some() {
                self.problems.push(
                    Problem::at(item.span(), format!("a range in the list of `{what}`"))
                        .help("write either a list of values or one range"),
                );
            } else if let Some(value) = self.value(key, what, item) {
                values.push(value);
                places.push(item.span());
            }
        }
        Some((values, places))
    }

    fn unquoted_axis(&mut self, entry: &Entry<'_, '_>) {
        let inner = entry
            .value
            .get_ref()
            .as_table()
            .and_then(|table| table.keys().next());
        let key = inner.map_or("momentum", |key| key.get_ref().as_ref());
        self.problems.push(
            Problem::at(entry.span.clone(), format!("unknown key `{}`", entry.key))
                .label("a table inside a block")
                .help(format!(
                    "write the axis in quotes: `\"{}.{key}\" = …`",
                    entry.key
                )),
        );
    }

    fn never_an_axis(&mut self, entry: &Entry<'_, '_>) {
        let message = format!("{} cannot be an axis", quoted(entry.key));
        self.problems.push(
            Problem::at(entry.span.clone(), message)
                .help("it is a preset for the whole file: write one file for each"),
        );
    }

    fn missing(&mut self, block: &Block, broken: &[Key]) {
        let has = |key| block.axis(key).is_some() || broken.contains(&key);
        if self.without_network(block) {
            return;
        }
        for key in [
            Key::Dataset,
            Key::Architecture,
            Key::BatchSize,
            Key::LearningRate,
        ] {
            if !has(key) {
                self.problems.push(missing_axis(block, key));
            }
        }
        self.sizes(block, Key::Width, Family::has_width, has(Key::Width));
        self.sizes(block, Key::Depth, Family::has_depth, has(Key::Depth));
    }

    /// Judges the axes of a block that trains no network; false if it may train one.
    fn without_network(&mut self, block: &Block) -> bool {
        let families = block.families();
        let Some(family) = families.iter().find(|family| !family.is_network()) else {
            self.foreign(block, families.first().copied());
            return false;
        };
        if families.len() > 1 {
            let place = block
                .axis(Key::Architecture)
                .map(|axis| block.axes[axis].place(0));
            let word = family.as_str();
            self.problems.push(
                Problem::at(
                    place.unwrap_or_default(),
                    format!("`{word}` and other architectures have different keys"),
                )
                .help("write a `[[block]]` for each of them"),
            );
        } else {
            self.foreign(block, Some(*family));
        }
        true
    }

    /// Refuses axes that runs of `family` do not depend on; those of a network are judged elsewhere,
    /// but for the keys of what trains none.
    fn foreign(&mut self, block: &Block, family: Option<Family>) {
        let Some(family) = family else {
            return;
        };
        for axis in &block.axes {
            let key = axis.key;
            let is_judged_elsewhere =
                family.is_network() && !matches!(key, Key::Synthetic(_) | Key::Levy(_));
            if !key.is_for(family) && !is_judged_elsewhere {
                let name = key.name();
                let message = format!("`{}` takes no `{name}`", family.as_str());
                self.problems
                    .push(Problem::at(axis.place(0), message).help(format!("leave `{name}` out")));
            }
        }
    }

    /// Width or depth: needed by some architectures, and never taken by the others.
    fn sizes(&mut self, block: &Block, key: Key, takes: fn(Family) -> bool, has: bool) {
        let families = block.families();
        let with = families.iter().find(|family| takes(**family));
        let without = families.iter().find(|family| !takes(**family));
        let place = |key| block.axis(key).map(|axis| block.axes[axis].place(0));
        let name = key.name();
        match (with, without) {
            (Some(with), Some(without)) => self.problems.push(
                Problem::at(
                    place(Key::Architecture).unwrap_or_default(),
                    format!(
                        "`{}` takes a `{name}`, `{}` none",
                        with.as_str(),
                        without.as_str()
                    ),
                )
                .help("write a `[[block]]` for each of them"),
            ),
            (Some(_), None) if !has => self.problems.push(missing_axis(block, key)),
            // Nearly all architectures have a width, so one whose name is not known has it too.
            (None, None) if !has && key == Key::Width => {
                self.problems.push(missing_axis(block, key));
            }
            (None, Some(without)) => {
                if let Some(place) = place(key) {
                    let what = match without {
                        Family::LinearRegression => "it is one layer, as wide as the examples",
                        _ => "its number of layers is fixed",
                    };
                    self.problems.push(
                        Problem::at(place, format!("`{}` takes no `{name}`", without.as_str()))
                            .help(format!("leave `{name}` out: {what}")),
                    );
                }
            }
            _ => {}
        }
    }
}

/// `key = values`, for messages.
fn written(key: Key) -> String {
    let quote = if key.is_own_axis() { "\"" } else { "" };
    format!("{quote}{}{quote} = [{}]", key.name(), key.example())
}

fn missing_axis(block: &Block, key: Key) -> Problem {
    let of = if key == Key::Depth {
        " for its `fcn`"
    } else {
        ""
    };
    Problem::at(
        block.span.clone(),
        format!("this block has no `{}`{of}", key.name()),
    )
    .help(format!(
        "write `{} = {}` below it",
        key.name(),
        key.example()
    ))
}

/// Fills in the axes that may be left out.
fn complete(block: &mut Block, protocol: Option<Protocol>, broken: &[Key]) {
    let families = block.families();
    let mut default = |key: Key, value: Value| {
        if block.axis(key).is_none() && !broken.contains(&key) {
            let places = vec![block.span.clone()];
            block.axes.push(Axis {
                key,
                values: vec![value],
                places,
            });
        }
    };
    let families = families.as_slice();
    if let [family @ (Family::Synthetic | Family::LevySde)] = families {
        let rate = if *family == Family::LevySde {
            0.01
        } else {
            1.0
        };
        default(Key::BatchSize, Value::Whole(1));
        default(Key::LearningRate, Value::Real(rate));
        return;
    }
    default(Key::Loss, Value::Loss(Loss::Nll));
    if let Some(protocol) = protocol {
        default(Key::BatchSize, Value::Whole(protocol.batch_size()));
        default(Key::LearningRate, Value::Real(protocol.learning_rate()));
    }
}
