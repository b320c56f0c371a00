//! `zip`, `exclude` and `when`: which points of the product of the axes are meant.
//!
//! All three are judged on the values that the axes have, so a value that an axis lacks is a
//! slip of the pen and a problem.

use toml::de::{DeTable, DeValue};

use super::block::Axis;
use super::key::Key;
use super::problem::{Problem, Span, listed, quoted};
use super::reader::{Node, Reader, wrong_kind};
use super::unknown::{alias_among, closest};
use super::value::Value;

const ZIP: &str = "write lists of axes, as in `zip = [[\"batch_size\", \"learning_rate\"]]`";
const EXCLUDE: &str = "write a list of points, as in `exclude = [{ width = 512, depth = 4 }]`";
const WHEN: &str = "write it as `when = [{ if = { depth = 6 }, then = { width = [8, 32] } }]`";

/// Conditions times values that are looked at for one block: more would take minutes.
const MOST_LOOKED_AT: usize = 1_000_000_000;

/// The rules of one block. Axes are positions in its list.
#[derive(Default)]
pub(super) struct Rules {
    /// Axes that advance together.
    pub(super) zip: Vec<Vec<usize>>,
    pub(super) exclude: Vec<Exclude>,
    pub(super) when: Vec<When>,
}

impl Rules {
    /// Number of conditions that each point is judged by.
    pub(super) fn conditions(&self) -> usize {
        let excluded: usize = self.exclude.iter().map(|rule| rule.points.len()).sum();
        let kept: usize = self
            .when
            .iter()
            .map(|rule| rule.matches.len() + rule.keeps.len())
            .sum();
        excluded + kept
    }
}

/// Points to leave out: those that fulfil all conditions.
pub(super) struct Exclude {
    pub(super) span: Span,
    pub(super) points: Vec<Condition>,
}

/// Of the points that match, only those that `keeps` says are kept.
pub(super) struct When {
    pub(super) matches: Vec<Condition>,
    pub(super) keeps: Vec<Condition>,
}

/// Some of the values of one axis.
pub(super) struct Condition {
    pub(super) axis: usize,
    /// For each value of the axis, whether it is one of them.
    pub(super) among: Vec<bool>,
}

/// The rules, in the order zip, exclude, when; an axis that could not be read is `broken`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    axes: &[Axis],
    broken: &[Key],
    written: [Option<&Node<'_>>; 3],
) -> Rules {
    let [zip, exclude, when] = written;
    let mut judge = Judge {
        reader,
        axes,
        broken,
        looked_at: 0,
    };
    Rules {
        zip: zip.map(|node| judge.zip(node)).unwrap_or_default(),
        exclude: exclude.map(|node| judge.exclude(node)).unwrap_or_default(),
        when: when.map(|node| judge.when(node)).unwrap_or_default(),
    }
}

struct Judge<'r, 'f, 'b> {
    reader: &'r mut Reader<'f>,
    axes: &'b [Axis],
    broken: &'b [Key],
    looked_at: usize,
}

impl Judge<'_, '_, '_> {
    fn refuse(&mut self, problem: Problem) {
        self.reader.problems.push(problem);
    }

    /// The items of a list; a single table is a list of one.
    fn items<'t, 's>(&mut self, what: &str, node: &'t Node<'s>, help: &str) -> Vec<&'t Node<'s>> {
        match node.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            DeValue::Table(_) if what != "zip" => vec![node],
            other => {
                self.refuse(wrong_kind(what, "a list", other, node.span(), help));
                Vec::new()
            }
        }
    }

    fn zip(&mut self, node: &Node<'_>) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for item in self.items("zip", node, ZIP) {
            let DeValue::Array(words) = item.get_ref() else {
                self.refuse(wrong_kind(
                    "zip",
                    "a list of lists",
                    item.get_ref(),
                    item.span(),
                    ZIP,
                ));
                continue;
            };
            let mut group = Vec::new();
            let mut is_sound = true;
            for word in words.iter() {
                let axis = self
                    .reader
                    .text("zip", word, ZIP)
                    .and_then(|text| self.axis(text, word.span()));
                let Some(axis) = axis else {
                    is_sound = false;
                    continue;
                };
                if group.contains(&axis) || groups.iter().flatten().any(|other| *other == axis) {
                    let message = format!("`{}` is zipped twice", self.axes[axis].key.name());
                    self.refuse(
                        Problem::at(word.span(), message)
                            .help("write each axis once, in the list of all that it advances with"),
                    );
                    is_sound = false;
                } else {
                    group.push(axis);
                }
            }
            if is_sound && group.len() < 2 {
                let problem = Problem::at(item.span(), "`zip` needs two axes or more").help(ZIP);
                self.refuse(problem);
                is_sound = false;
            }
            if is_sound && self.have_equal_lengths(&group, item.span()) {
                groups.push(group);
            }
        }
        groups
    }

    fn have_equal_lengths(&mut self, group: &[usize], span: Span) -> bool {
        let length = |axis: &usize| self.axes[*axis].values.len();
        let Some(other) = group.iter().find(|axis| length(axis) != length(&group[0])) else {
            return true;
        };
        let name = |axis: usize| self.axes[axis].key.name();
        let (first, other) = (group[0], *other);
        let message = format!(
            "zip of unequal lengths: {} and {}",
            length(&first),
            length(&other)
        );
        let label = format!(
            "`{}` has {}, `{}` has {}",
            name(first),
            values(length(&first)),
            name(other),
            values(length(&other))
        );
        let help = "axes that advance together need as many values each; a single value is a \
                    list of one";
        self.refuse(Problem::at(span, message).label(label).help(help));
        false
    }

    fn exclude(&mut self, node: &Node<'_>) -> Vec<Exclude> {
        let mut rules = Vec::new();
        for item in self.items("exclude", node, EXCLUDE) {
            let Some(table) = self.reader.table("exclude", item, EXCLUDE) else {
                continue;
            };
            if let Some(points) = self.conditions("exclude", table, item.span(), EXCLUDE) {
                rules.push(Exclude {
                    span: item.span(),
                    points,
                });
            }
        }
        rules
    }

    fn when(&mut self, node: &Node<'_>) -> Vec<When> {
        let mut rules = Vec::new();
        for item in self.items("when", node, WHEN) {
            let Some(table) = self.reader.table("when", item, WHEN) else {
                continue;
            };
            let (mut matches, mut keeps) = (None, None);
            for entry in self.reader.entries(table) {
                let part = match entry.key {
                    "if" => &mut matches,
                    "then" => &mut keeps,
                    other => {
                        let help = closest(other, ["if", "then"])
                            .map_or(WHEN.to_owned(), |key| format!("did you mean `{key}`?"));
                        let message = format!("unknown key {} in `when`", quoted(other));
                        self.refuse(Problem::at(entry.span, message).help(help));
                        continue;
                    }
                };
                *part = self
                    .reader
                    .table(entry.key, entry.value, WHEN)
                    .and_then(|table| self.conditions(entry.key, table, entry.value.span(), WHEN));
            }
            for key in ["if", "then"] {
                if !table.contains_key(key) {
                    let message = format!("this `when` has no `{key}`");
                    self.refuse(Problem::at(item.span(), message).help(WHEN));
                }
            }
            if let (Some(matches), Some(keeps)) = (matches, keeps) {
                rules.push(When { matches, keeps });
            }
        }
        rules
    }

    fn conditions(
        &mut self,
        what: &str,
        table: &DeTable<'_>,
        span: Span,
        help: &str,
    ) -> Option<Vec<Condition>> {
        if table.is_empty() {
            self.refuse(Problem::at(span, format!("`{what}` names no axis")).help(help));
            return None;
        }
        let mut conditions = Vec::new();
        for entry in self.reader.entries(table) {
            if let Some(axis) = self.axis(entry.key, entry.span.clone())
                && let Some(condition) = self.condition(axis, entry.key, entry.value)
            {
                conditions.push(condition);
            }
        }
        (conditions.len() == table.len()).then_some(conditions)
    }

    fn axis(&mut self, word: &str, span: Span) -> Option<usize> {
        if self.broken.iter().any(|key| key.name() == word) {
            return None;
        }
        let axis = self.axes.iter().position(|axis| axis.key.name() == word);
        if axis.is_none() {
            let read = self.axes.iter().map(|axis| axis.key);
            let keys = read.chain(self.broken.iter().copied());
            let names: Vec<&str> = keys.map(Key::name).collect();
            self.refuse(no_axis(&names, word, span));
        }
        axis
    }

    fn condition(&mut self, axis: usize, what: &str, node: &Node<'_>) -> Option<Condition> {
        let Axis { key, values, .. } = &self.axes[axis];
        let before = self.reader.problems.len();
        let (wanted, places) = self.reader.values(*key, what, node)?;
        self.looked_at = self
            .looked_at
            .saturating_add(wanted.len().saturating_mul(values.len()));
        if self.looked_at > MOST_LOOKED_AT {
            self.refuse(
                Problem::at(node.span(), "too many rules for so many values")
                    .help("write several blocks with fewer values each"),
            );
            return None;
        }
        let mut among = vec![false; values.len()];
        let mut is_sound = self.reader.problems.len() == before;
        for (index, value) in wanted.iter().enumerate() {
            let mut found = mark(&mut among, values, |other| same(other, value));
            if !found {
                found = mark(&mut among, values, |other| same_name(other, value));
            }
            if !found {
                let place = places.get(index).unwrap_or(&places[0]).clone();
                self.refuse(
                    Problem::at(place, format!("the axis `{what}` lacks this value"))
                        .help(format!("its values are {}", shown(values))),
                );
                is_sound = false;
            }
        }
        is_sound.then_some(Condition { axis, among })
    }
}

fn values(count: usize) -> String {
    if count == 1 {
        "1 value".to_owned()
    } else {
        format!("{count} values")
    }
}

fn mark(among: &mut [bool], values: &[Value], is_meant: impl Fn(&Value) -> bool) -> bool {
    let mut found = false;
    for (mark, _) in among
        .iter_mut()
        .zip(values)
        .filter(|(_, value)| is_meant(value))
    {
        *mark = true;
        found = true;
    }
    found
}

/// Whether a value that was written in a rule is that of the axis: floats to nine digits, since
/// nobody writes seventeen.
fn same(value: &Value, written: &Value) -> bool {
    match (value, written) {
        (Value::Real(value), Value::Real(written)) => {
            (value - written).abs() <= 1e-9 * value.abs().max(written.abs())
        }
        _ => value == written,
    }
}

/// Whether a bare name stands for a data set with limits or settings.
fn same_name(value: &Value, written: &Value) -> bool {
    match (value, written) {
        (Value::Dataset(value), Value::Dataset(written)) => {
            let kind = written.source.kind();
            kind == value.source.kind() && kind == Value::Dataset(written.clone()).to_string()
        }
        _ => false,
    }
}

fn shown(values: &[Value]) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<String> = values
        .iter()
        .take(SHOWN)
        .map(|value| quoted(&value.to_string()))
        .collect();
    if values.len() > SHOWN {
        words.push(format!("… ({} in all)", values.len()));
    }
    words.join(", ")
}

/// The problem of a rule that names no axis of the block.
fn no_axis(names: &[&str], word: &str, span: Span) -> Problem {
    let quoted_name = format!(".{word}");
    let near = names
        .iter()
        .find(|name| name.ends_with(&quoted_name))
        .copied()
        .or_else(|| alias_among(word, names))
        .or_else(|| closest(word, names.iter().copied()));
    let help = match near {
        None if ["train", "measure"].contains(&word) => {
            format!("write the axis in quotes, as in `\"{word}.…\" = …`")
        }
        Some(near) if near.contains('.') => format!("did you mean `\"{near}\"`?"),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its axes are {}", listed(names.iter().copied(), "and")),
    };
    Problem::at(span, format!("this block has no axis {}", quoted(word))).help(help)
}
