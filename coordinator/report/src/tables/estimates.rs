//! `estimates.csv`: every estimate of every measurement.

use super::{Cell, Table};
use crate::facts::Facts;

pub(crate) struct Estimates<'a> {
    pub(crate) facts: &'a Facts,
}

impl Table for Estimates<'_> {
    fn name(&self) -> &'static str {
        "estimates"
    }

    fn columns(&self) -> Vec<String> {
        [
            "run_id",
            "step",
            "split",
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
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn len(&self) -> usize {
        self.facts.estimates.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let row = &self.facts.estimates[index];
        vec![
            Cell::Text(self.facts.runs[row.run].id.to_string().into()),
            Cell::Whole(row.step),
            Cell::text(row.split.as_str()),
            Cell::text(&row.scope),
            Cell::text(row.estimator.as_str()),
            Cell::text(row.treatment.as_str()),
            row.k1.into(),
            row.alpha.into(),
            row.std_error.into(),
            row.interval.map(|[low, _]| low).into(),
            row.interval.map(|[_, high]| high).into(),
            Cell::Whole(row.samples),
            Cell::Whole(row.blocks),
            row.problem.map(|problem| problem.as_str()).into(),
            Cell::text("gradient_noise"),
        ]
    }
}
