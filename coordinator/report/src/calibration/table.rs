//! `calibration.csv`: the estimators on synthetic noise, beside closed forms.

use super::{Calibrated, calibrated};
use crate::facts::Facts;
use crate::fields::Field;
use crate::tables::{Cell, Table};

/// What is read at each point, over all draws.
pub(crate) struct CalibrationTable<'a> {
    facts: &'a Facts,
    rows: Vec<Calibrated<'a>>,
}

/// The columns after the settings of the point.
const COLUMNS: [&str; 20] = [
    "split",
    "estimator",
    "treatment",
    "k1",
    "law",
    "index",
    "draws",
    "values",
    "alpha",
    "std_error",
    "expected_alpha",
    "alpha_mean",
    "alpha_sd",
    "expected_sd",
    "covered",
    "coverage",
    "coverage_low",
    "coverage_high",
    "params",
    "minibatches",
];

impl<'a> CalibrationTable<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Self {
        Self {
            facts,
            rows: calibrated(facts),
        }
    }
}

impl Table for CalibrationTable<'_> {
    fn name(&self) -> &'static str {
        "calibration"
    }

    fn columns(&self) -> Vec<String> {
        Field::columns_with(&self.facts.text.sweep.own_axes, &COLUMNS)
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let row = &self.rows[index];
        let point = &*self.facts.points[row.index].point;
        let pooled = row.pooled();
        let coverage = row.coverage();
        let has_alpha = row.alpha.count > 0;
        let own = [
            Cell::text(row.split.as_str()),
            Cell::text(row.estimator.as_str()),
            Cell::text(row.treatment.as_str()),
            row.k1.into(),
            Cell::text(row.point.law.as_str()),
            Cell::Number(row.point.law.index()),
            Cell::Whole(row.draws),
            Cell::Whole(row.alpha.count),
            pooled.map(|(alpha, _)| alpha).into(),
            pooled.and_then(|(_, error)| error).into(),
            row.expected_alpha().into(),
            has_alpha.then_some(row.alpha.mean).into(),
            row.alpha.sd().into(),
            row.expected_sd.into(),
            row.covered.into(),
            coverage.map(|(share, _)| share).into(),
            coverage.map(|(_, [low, _])| low).into(),
            coverage.map(|(_, [_, high])| high).into(),
            Cell::Whole(row.point.params.into()),
            Cell::Whole(row.point.all_minibatches() as u64),
        ];
        Field::row_with(&self.facts.text.sweep.own_axes, point, own)
    }
}
