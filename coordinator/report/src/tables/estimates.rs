//! `estimates.csv`: every estimate of every measurement.

use tailsweep_common::measurement::Split;
use tailsweep_stats::Treatment;

use super::{Cell, Table};
use crate::facts::{Facts, Told};

/// The columns that tell of an estimate itself.
pub(crate) const TOLD: [&str; 13] = [
    "scope",
    "estimator",
    "treatment",
    "k1",
    "alpha",
    "std_error",
    "ci_low",
    "ci_high",
    "samples",
    "blocks",
    "problem",
    "measured",
    "stable_reads",
];

/// The cells of those columns.
pub(crate) fn told(told: &Told) -> [Cell<'_>; TOLD.len()] {
    [
        Cell::text(&told.scope),
        Cell::text(told.estimator.as_str()),
        told.treatment.map(Treatment::as_str).into(),
        told.k1.into(),
        told.alpha.into(),
        told.std_error.into(),
        told.interval.map(|[low, _]| low).into(),
        told.interval.map(|[_, high]| high).into(),
        Cell::Whole(told.samples),
        Cell::Whole(told.blocks),
        told.problem.map(|problem| problem.as_str()).into(),
        Cell::text(told.measured()),
        told.stable_reads.into(),
    ]
}

pub(crate) struct Estimates<'a> {
    pub(crate) facts: &'a Facts,
}

impl Table for Estimates<'_> {
    fn name(&self) -> &'static str {
        "estimates"
    }

    fn columns(&self) -> Vec<String> {
        let own = ["run_id", "step", "split"];
        own.into_iter().chain(TOLD).map(str::to_owned).collect()
    }

    fn len(&self) -> usize {
        self.facts.estimates.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let row = &self.facts.estimates[index];
        let own = [
            Cell::Text(self.facts.runs[row.run].id.to_string().into()),
            Cell::Whole(row.step),
            row.split.map(Split::as_str).into(),
        ];
        own.into_iter().chain(told(&row.told)).collect()
    }
}
