//! `measurements.csv`: what was taken at each step, beside the estimates.

use tailsweep_stats::EIGENVALUES;

use super::{Cell, Table};
use crate::facts::Facts;

pub(crate) struct Measurements<'a> {
    pub(crate) facts: &'a Facts,
}

impl Table for Measurements<'_> {
    fn name(&self) -> &'static str {
        "measurements"
    }

    fn columns(&self) -> Vec<String> {
        [
            "run_id",
            "step",
            "split",
            "loss",
            "accuracy",
            "params",
            "batches",
            "zero_fraction",
            "noise_norm_mean",
            "noise_norm_max",
            "kurtosis",
            "max_to_sum_2",
            "max_to_sum_4",
            "projections",
            "shapiro_wilk_accepted",
            "anderson_darling_accepted",
            "gaussianity_problem",
            "covariance_trace",
            "eigenvalue_1",
            "eigenvalue_2",
            "eigenvalue_3",
            "eigenvalue_4",
            "eigenvalue_5",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn len(&self) -> usize {
        self.facts.measurements.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let row = &self.facts.measurements[index];
        let spectrum = row.spectrum.as_ref();
        let eigenvalue = |index: usize| spectrum.and_then(|it| it.leading.get(index).copied());
        let mut cells = vec![
            Cell::Text(self.facts.runs[row.run].id.to_string().into()),
            Cell::Whole(row.step),
            Cell::text(row.split.as_str()),
            row.loss.into(),
            row.accuracy.into(),
            Cell::Whole(row.params),
            Cell::Whole(row.batches),
            row.zero_fraction.into(),
            row.noise_norm_mean.into(),
            row.noise_norm_max.into(),
            row.kurtosis.into(),
            row.max_to_sum_2.into(),
            row.max_to_sum_4.into(),
            Cell::Whole(row.gaussianity.map_or(0, |read| read.projections)),
            row.gaussianity.ok().map(|read| read.shapiro_wilk).into(),
            row.gaussianity
                .ok()
                .map(|read| read.anderson_darling)
                .into(),
            row.gaussianity.err().map(|problem| problem.as_str()).into(),
            spectrum.map(|spectrum| spectrum.trace).into(),
        ];
        cells.extend((0..EIGENVALUES).map(|index| eigenvalue(index).into()));
        cells
    }
}
