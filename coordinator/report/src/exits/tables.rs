//! `exits.csv` and `transitions.csv`.

use super::{Theory, share};
use crate::facts::Facts;
use crate::tables::{Cell, Table};

/// What was seen of each well at each measured step.
pub(crate) struct ExitTable<'a> {
    facts: &'a Facts,
    /// Of each point.
    theory: Vec<Option<Theory>>,
    /// The row of exits and the well of each row.
    rows: Vec<(usize, usize)>,
}

/// The columns, for their description too.
pub(crate) const EXITS: [&str; 20] = [
    "run_id",
    "step",
    "time",
    "well",
    "minimum",
    "height",
    "exits",
    "exits_left",
    "exits_right",
    "mean_exit_time",
    "std_error",
    "median_exit_time",
    "theory_exit_time",
    "share_right",
    "theory_share_right",
    "unfinished",
    "unfinished_time",
    "time_share",
    "theory_time_share",
    "running",
];

pub(crate) const TRANSITIONS: [&str; 7] = [
    "run_id",
    "step",
    "from_well",
    "to_well",
    "transitions",
    "rate",
    "theory_rate",
];

fn theories(facts: &Facts) -> Vec<Option<Theory>> {
    facts.all_points().map(Theory::of).collect()
}

impl<'a> ExitTable<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Self {
        let rows = facts.exits.iter().enumerate();
        Self {
            facts,
            theory: theories(facts),
            rows: rows
                .flat_map(|(row, seen)| (0..seen.exits.wells.len()).map(move |well| (row, well)))
                .collect(),
        }
    }
}

impl Table for ExitTable<'_> {
    fn name(&self) -> &'static str {
        "exits"
    }

    fn columns(&self) -> Vec<String> {
        EXITS.map(str::to_owned).to_vec()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let (row, well) = self.rows[index];
        let row = &self.facts.exits[row];
        let run = &self.facts.runs[row.run];
        let point = &self.facts.points[run.point].point;
        let seen = &row.exits.wells[well];
        let time = point.learning_rate();
        let exits = seen.exits();
        let theory = self.theory[run.point].as_ref();
        let of_theory = |say: &dyn Fn(&Theory) -> Option<f64>| theory.and_then(say).into();
        vec![
            Cell::Text(run.id.to_string().into()),
            Cell::Whole(row.step),
            Cell::Number(row.step as f64 * time),
            Cell::Whole(well as u64 + 1),
            of_theory(&|theory| Some(theory.potential.minimum(well))),
            of_theory(&|theory| Some(theory.potential.height(well))),
            Cell::Whole(exits),
            Cell::Whole(seen.left),
            Cell::Whole(seen.right),
            seen.mean().map(|steps| steps * time).into(),
            seen.std_error().map(|steps| steps * time).into(),
            seen.median.map(|steps| steps * time).into(),
            of_theory(&|theory| Some(theory.exit_time(well))),
            (exits > 0).then(|| seen.right as f64 / exits as f64).into(),
            of_theory(&|theory| Some(theory.to_the_right(well))),
            Cell::Whole(seen.unfinished),
            Cell::Number(seen.unfinished_steps as f64 * time),
            share(&row.exits.wells, well).into(),
            of_theory(&|theory| theory.share(well)),
            Cell::Whole(row.exits.running),
        ]
    }
}

/// How often each well was reached from each other at each measured step.
pub(crate) struct TransitionTable<'a> {
    facts: &'a Facts,
    theory: Vec<Option<Theory>>,
    /// The row of exits, and the two wells of each row.
    rows: Vec<(usize, usize, usize)>,
}

impl<'a> TransitionTable<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Self {
        let mut rows = Vec::new();
        for (row, seen) in facts.exits.iter().enumerate() {
            let wells = seen.exits.wells.len();
            let pairs = (0..wells).flat_map(|from| (0..wells).map(move |to| (row, from, to)));
            rows.extend(pairs.filter(|_| wells > 1));
        }
        Self {
            facts,
            theory: theories(facts),
            rows,
        }
    }
}

impl Table for TransitionTable<'_> {
    fn name(&self) -> &'static str {
        "transitions"
    }

    fn columns(&self) -> Vec<String> {
        TRANSITIONS.map(str::to_owned).to_vec()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn row(&self, index: usize) -> Vec<Cell<'_>> {
        let (row, from, to) = self.rows[index];
        let row = &self.facts.exits[row];
        let run = &self.facts.runs[row.run];
        let time = self.facts.points[run.point].point.learning_rate();
        let seen = &row.exits.wells[from];
        let visited = (seen.steps as f64 + seen.unfinished_steps as f64) * time;
        let rate = (visited > 0.0).then(|| seen.reached[to] as f64 / visited);
        let theory = self.theory[run.point].as_ref();
        let expected = theory.filter(|_| from != to);
        vec![
            Cell::Text(run.id.to_string().into()),
            Cell::Whole(row.step),
            Cell::Whole(from as u64 + 1),
            Cell::Whole(to as u64 + 1),
            Cell::Whole(seen.reached[to]),
            rate.into(),
            expected.and_then(|theory| theory.rate(from, to)).into(),
        ]
    }
}
