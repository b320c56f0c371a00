//! `runs.csv`: every run of the sweep, whatever became of it.
//!
//! Losses and accuracies are those of the last measurement there is; `steps` is empty until the
//! run is over.

use tailsweep_common::measurement::Split;

use super::{Cell, Table};
use crate::facts::Facts;
use crate::fields::Field;

pub(crate) struct Runs<'a> {
    pub(crate) facts: &'a Facts,
}

impl Table for Runs<'_> {
    fn name(&self) -> &'static str {
        "runs"
    }

    fn columns(&self) -> Vec<String> {
        let own = [
            "seed",
            "params",
            "state",
            "steps",
            "train_loss",
            "train_accuracy",
            "test_loss",
            "test_accuracy",
            "reason",
        ];
        let further = Field::further(&self.facts.text.sweep.own_axes);
        let listed = Field::LISTED.iter().map(Field::column);
        let names = ["run_id"].into_iter().chain(listed).chain(own);
        names
            .chain(further.iter().map(Field::column))
            .map(str::to_owned)
            .collect()
    }

    fn len(&self) -> usize {
        self.facts.runs.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let run = &self.facts.runs[index];
        let point = &*self.facts.points[run.point].point;
        let [train, test] = [Split::Train, Split::Test].map(|split| self.facts.last(run, split));
        let mut row = vec![Cell::Text(run.id.to_string().into())];
        row.extend(Field::LISTED.iter().map(|field| field.cell(point)));
        row.extend([
            Cell::Whole(run.seed),
            Cell::Whole(run.params),
            Cell::text(run.state.as_str()),
            run.steps.filter(|_| run.state.is_over()).into(),
            train.and_then(|row| row.loss).into(),
            train.and_then(|row| row.accuracy).into(),
            test.and_then(|row| row.loss).into(),
            test.and_then(|row| row.accuracy).into(),
            run.reason.map(|reason| reason.as_str()).into(),
        ]);
        let further = Field::further(&self.facts.text.sweep.own_axes);
        row.extend(further.iter().map(|field| field.cell(point)));
        row
    }
}
