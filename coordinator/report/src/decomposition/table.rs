//! `decomposition.csv`: the parts of the published number, a row for each.

use tailsweep_common::measurement::Split;

use super::{beyond_surrogate, parts};
use crate::facts::Facts;
use crate::fields::Field;
use crate::late::PointRow;
use crate::lookup::Lookup;
use crate::seeds::OverSeeds;
use crate::tables::{Cell, Table};

struct Row {
    point: usize,
    split: Split,
    part: &'static str,
    /// `None` of a number that no run was measured for.
    over: Option<OverSeeds>,
    value: f64,
}

/// The parts at each point and split that has the treatments they need.
pub(crate) struct PartsTable<'a> {
    facts: &'a Facts,
    rows: Vec<Row>,
}

impl<'a> PartsTable<'a> {
    pub(crate) fn new(facts: &'a Facts, late: &[PointRow]) -> Self {
        let lookup = Lookup::new(facts, late);
        let points = 0..facts.points.len();
        let both = points.flat_map(|point| [(point, Split::Train), (point, Split::Test)]);
        let rows = both.flat_map(|(point, split)| of_point(&lookup, point, split));
        Self {
            facts,
            rows: rows.collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

fn of_point(lookup: &Lookup<'_>, point: usize, split: Split) -> Vec<Row> {
    let Some(parts) = parts(lookup, point, split) else {
        return Vec::new();
    };
    let over = [
        ("published", Some(parts.published)),
        ("zeros", Some(parts.zeros)),
        ("scales", Some(parts.scales)),
        ("correlation", Some(parts.correlation)),
        ("left", Some(parts.rest)),
        ("correlation_first", parts.correlation_first),
        ("scales_second", parts.scales_second),
        ("beyond_surrogate", beyond_surrogate(lookup, point, split)),
    ];
    let row = |part, over: Option<OverSeeds>, value| Row {
        point,
        split,
        part,
        over,
        value,
    };
    let stable = parts.stable_rest.map(|rest| row("stable_left", None, rest));
    over.into_iter()
        .filter_map(|(part, over)| Some(row(part, over, over?.mean)))
        .chain(stable)
        .collect()
}

impl Table for PartsTable<'_> {
    fn name(&self) -> &'static str {
        "decomposition"
    }

    fn columns(&self) -> Vec<String> {
        let own = ["split", "part", "seeds", "value", "ci_low", "ci_high"];
        Field::columns_with(&self.facts.text.sweep.own_axes, &own)
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let row = &self.rows[index];
        let point = &*self.facts.points[row.point].point;
        let interval = row.over.and_then(|over| over.interval);
        let own = [
            Cell::text(row.split.as_str()),
            Cell::text(row.part),
            row.over.map(|over| over.seeds).into(),
            Cell::Number(row.value),
            interval.map(|[low, _]| low).into(),
            interval.map(|[_, high]| high).into(),
        ];
        Field::row_with(&self.facts.text.sweep.own_axes, point, own)
    }
}
