//! Late α: one number for a point, from the last quarter of its runs (SCIENCE.md section 3).
//!
//! The pooling itself is [`tailsweep_stats::late`]. θ and its s.e. are taken from α and `std_error`
//! as they stand in `estimates.csv` (θ = 1/α, s.e.(θ) = s.e.(α)/α²), so a reader can
//! make `points.csv` again from that file alone; this includes `within_coordinate`, whose own
//! intervals are made on V.
//!
//! *Which runs*: those that are done. A diverged run is a result too, but its last quarter is
//! the end of a training that broke, not the late phase of one that trained; its estimates stay
//! in `estimates.csv`. A seed without a value is left out and `seeds` counts the others.

use std::ops::Range;

use tailsweep_common::measurement::{Measurement, Split};
use tailsweep_common::state::RunState;
use tailsweep_stats::late::{Late, Seed, Value, combine, is_late};
use tailsweep_stats::{Estimator, Problem, Scope, Treatment};

use crate::facts::{ALL, EstimateRow, Facts};

/// What one finished run says of the late `within_coordinate` α of its point, on the training
/// split: what `[stop]` looks at. `None` without a value.
pub fn within_coordinate(measurements: &[Measurement]) -> Option<Seed> {
    let last = measurements.last()?.step;
    let late = measurements
        .iter()
        .filter(|measurement| is_late(measurement.step, last));
    let values = late.filter_map(|measurement| {
        let noise = &measurement.split(Split::Train)?.noise;
        let estimates = noise.estimates().ok()?;
        let found = estimates.into_iter().find(|estimate| {
            (&estimate.scope, estimate.estimator, estimate.treatment)
                == (&Scope::All, Estimator::WithinCoordinate, Treatment::Paired)
        })?;
        value_of(found.alpha, found.std_error, found.degrees)
    });
    Seed::of(&values.collect::<Vec<_>>())
}

/// Which α: the key of a row beside its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// `None` of the iterates.
    pub(crate) split: Option<Split>,
    pub(crate) estimator: Estimator,
    /// `None` of the iterates.
    pub(crate) treatment: Option<Treatment>,
    pub(crate) k1: Option<u64>,
}

impl Key {
    fn of(row: &EstimateRow) -> Self {
        Self {
            split: row.split,
            estimator: row.told.estimator,
            treatment: row.told.treatment,
            k1: row.told.k1,
        }
    }
}

/// A row of `points.csv`.
#[derive(Clone, Debug)]
pub(crate) struct PointRow {
    /// In [`Facts::points`].
    pub(crate) point: usize,
    pub(crate) key: Key,
    pub(crate) late: Late,
    /// What SαS(1.5) would read, of standardised noise.
    pub(crate) stable_reads: Option<f64>,
    /// The fewest block sums, or groups of minibatches, that one of its late values rests on.
    pub(crate) blocks: u64,
}

/// The late α of every point, for each kind of estimate over all parameters that any of its
/// runs has: point by point, split by split, in the order in which the estimates come.
pub(crate) fn of_points(facts: &Facts) -> Vec<PointRow> {
    let points = facts.points.iter().enumerate();
    points
        .flat_map(|(point, known)| of_point(facts, point, &known.runs))
        .collect()
}

fn of_point(facts: &Facts, point: usize, runs: &Range<usize>) -> Vec<PointRow> {
    let runs = &facts.runs[runs.clone()];
    let mut keys: Vec<(Key, Option<f64>)> = Vec::new();
    let missing = match runs.iter().all(|run| run.state == RunState::Diverged) {
        true => "diverged",
        false => "no_finished_run",
    };
    // The late rows of each done run, for each key.
    let mut late: Vec<Vec<Vec<&EstimateRow>>> = Vec::new();
    for (run, result) in runs.iter().enumerate() {
        for row in facts
            .estimates_of(result)
            .iter()
            .filter(|row| &*row.told.scope == ALL)
        {
            let key = Key::of(row);
            let index = keys
                .iter()
                .position(|(known, _)| *known == key)
                .unwrap_or_else(|| {
                    keys.push((key, row.told.stable_reads));
                    late.push(vec![Vec::new(); runs.len()]);
                    keys.len() - 1
                });
            if result.state == RunState::Done && is_late(row.step, result.last_step) {
                late[index][run].push(row);
            }
        }
    }
    let mut rows: Vec<PointRow> = keys
        .into_iter()
        .zip(late)
        .map(|((key, stable_reads), late)| PointRow {
            point,
            key,
            late: of_rows(&late, missing),
            stable_reads,
            blocks: late
                .iter()
                .flatten()
                .filter(|row| row.told.alpha.is_some())
                .map(|row| row.told.blocks)
                .min()
                .unwrap_or(0),
        })
        .collect();
    // Train, test, iterates.
    rows.sort_by_key(|row| (row.key.split.is_none(), row.key.split));
    rows
}

/// `missing`: the word where no run has a row.
fn of_rows(seeds: &[Vec<&EstimateRow>], missing: &'static str) -> Late {
    let values: Vec<Vec<Value>> = seeds
        .iter()
        .map(|rows| rows.iter().filter_map(|row| value(row)).collect())
        .collect();
    let rows = || seeds.iter().flatten();
    let mut late = combine(&values);
    late.rows = rows().count() as u64;
    late.values = values.iter().map(|values| values.len() as u64).sum();
    late.problem = late.problem.or_else(|| {
        if late.alpha.is_some() {
            return rows()
                .filter(|row| value(row).is_some())
                .find_map(|row| word(row));
        }
        let mut problems = rows().map(|row| word(row));
        match problems.next() {
            None => Some(missing),
            Some(first) if problems.all(|problem| problem == first) => {
                first.or(Some("no_estimate"))
            }
            Some(_) => Some("no_estimate"),
        }
    });
    late
}

fn word(row: &EstimateRow) -> Option<&'static str> {
    row.told.problem.map(Problem::as_str)
}

fn value(row: &EstimateRow) -> Option<Value> {
    let told = &row.told;
    value_of(told.alpha, told.std_error, told.degrees)
}

fn value_of(alpha: Option<f64>, std_error: Option<f64>, degrees: Option<u32>) -> Option<Value> {
    let alpha = alpha.filter(|alpha| alpha.is_finite() && *alpha != 0.0)?;
    Some(Value {
        alpha,
        std_error,
        degrees,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_point_without_a_done_run_says_why() {
        for (state, word) in [
            (RunState::Diverged, "diverged"),
            (RunState::Running, "no_finished_run"),
        ] {
            let mut facts = fixture::facts();
            facts
                .runs
                .iter_mut()
                .for_each(|run| run.state = RunState::Diverged);
            facts.runs[0].state = state;
            let rows = of_points(&facts);
            assert!(!rows.is_empty());
            assert!(
                rows.iter().all(|row| row.late.problem == Some(word)),
                "{word}"
            );
        }
    }
}
