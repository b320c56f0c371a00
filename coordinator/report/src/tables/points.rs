//! `points.csv`: the late α of each point ([`crate::late`]).

use tailsweep_common::measurement::Split;
use tailsweep_stats::Treatment;

use super::{Cell, Table};
use crate::facts::{Facts, measured};
use crate::fields::Field;
use crate::late::PointRow;

pub(crate) struct Points<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) late: &'a [PointRow],
}

impl Table for Points<'_> {
    fn name(&self) -> &'static str {
        "points"
    }

    fn columns(&self) -> Vec<String> {
        let own = [
            "split",
            "estimator",
            "treatment",
            "k1",
            "seeds",
            "alpha",
            "alpha_mean",
            "between_seed_sd",
            "std_error",
            "ci_low",
            "ci_high",
            "problem",
        ];
        let further = Field::further(&self.facts.text.sweep.own_axes);
        let listed = Field::LISTED.iter().map(Field::column).chain(own);
        let further = further.iter().map(Field::column).chain([
            "late_rows",
            "late_values",
            "measured",
            "stable_reads",
        ]);
        listed.chain(further).map(str::to_owned).collect()
    }

    fn len(&self) -> usize {
        self.late.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let row = &self.late[index];
        let (point, late) = (&*self.facts.points[row.point].point, &row.late);
        let further = Field::further(&self.facts.text.sweep.own_axes);
        let mut cells: Vec<Cell<'_>> = Field::LISTED
            .iter()
            .map(|field| field.cell(point))
            .collect();
        cells.extend([
            row.key.split.map(Split::as_str).into(),
            Cell::text(row.key.estimator.as_str()),
            row.key.treatment.map(Treatment::as_str).into(),
            row.key.k1.into(),
            Cell::Whole(late.seeds),
            late.alpha.into(),
            late.alpha_mean.into(),
            late.between_seed_sd.into(),
            late.std_error.into(),
            late.interval.map(|[low, _]| low).into(),
            late.interval.map(|[_, high]| high).into(),
            late.problem.into(),
        ]);
        cells.extend(further.iter().map(|field| field.cell(point)));
        cells.extend([
            Cell::Whole(late.rows),
            Cell::Whole(late.values),
            Cell::text(measured(row.key.treatment)),
            row.stable_reads.into(),
        ]);
        cells
    }
}
