//! Tail indices of the sums, with their errors.

use std::f64::consts::{LN_2, PI};

use super::{GroupRow, LogTotal, PairedSums, SlopeLevel};
use crate::estimate::theta::jackknife;
use crate::estimate::{Estimate, Estimator, Interval, Problem, Scope};
use crate::exact_sum::ExactSum;
use crate::student::student_t_quantile;
use crate::treatment::Treatment;

/// Upper groups that a slope's interval needs.
const FEWEST_GROUPS: usize = 5;

impl PairedSums {
    /// Of all parameters: `within_coordinate`, `across_minibatches`, and `local_slope` at each level
    /// (one row, of a problem, when there are fewer than four minibatches).
    pub fn estimates_of_all(&self) -> Vec<Estimate> {
        let mut estimates = self.estimates_of_scope(0, &Scope::All);
        estimates.extend(self.levels.iter().enumerate().map(|(index, level)| {
            let upper_groups = self.pairs >> (index + 1);
            local_slope(index as u32, level, upper_groups)
        }));
        if self.levels.is_empty() {
            estimates.push(Estimate {
                problem: Some(Problem::TooFewBatches),
                ..slope_without_value(0)
            });
        }
        estimates
    }

    /// Of one layer, counted from 0: `within_coordinate` and `across_minibatches`.
    pub fn estimates_of_layer(&self, layer: usize, name: &str) -> Vec<Estimate> {
        self.estimates_of_scope(layer + 1, &Scope::Layer(name.to_owned()))
    }

    fn estimates_of_scope(&self, index: usize, scope: &Scope) -> Vec<Estimate> {
        let rows = self.scopes.get(index).map_or(&[][..], Vec::as_slice);
        let enough = self.pairs >= 2;
        vec![
            within_coordinate(scope, rows, enough),
            across_minibatches(scope, rows, enough),
        ]
    }
}

/// Mean and standard error of the mean of independent values, from exact sums.
struct Mean {
    mean: f64,
    /// With two values or more.
    std_error: Option<f64>,
}

impl Mean {
    /// `None` without values.
    fn of<'a>(
        count: u64,
        sums: impl Iterator<Item = (&'a ExactSum, &'a ExactSum)>,
    ) -> Option<Self> {
        let (mut sum, mut squares) = (ExactSum::new(), ExactSum::new());
        for (row_sum, row_squares) in sums {
            sum.merge(row_sum);
            squares.merge(row_squares);
        }
        if count == 0 {
            return None;
        }
        let n = count as f64;
        let mean = sum.value() / n;
        let std_error = (count > 1).then(|| {
            // Equal values may leave a rounding error below zero.
            let variance = ((squares.value() - n * mean * mean) / (n - 1.0)).max(0.0);
            (variance / n).sqrt()
        });
        Some(Self { mean, std_error })
    }
}

fn within_coordinate(scope: &Scope, rows: &[GroupRow], enough: bool) -> Estimate {
    let groups = rows.iter().map(|row| row.groups).sum();
    let estimate = Estimate {
        samples: rows.iter().map(|row| row.samples).sum(),
        blocks: groups,
        ..without_value(scope.clone(), Estimator::WithinCoordinate)
    };
    let sums = rows.iter().map(|row| (&row.h, &row.h_squared));
    let Some(spread) = Mean::of(groups, sums) else {
        return estimate.with_problem(nothing_left(enough));
    };
    let Some(alpha) = alpha_of_spread(spread.mean) else {
        return estimate.with_problem(Problem::LighterThanStable);
    };
    let theta = 1.0 / alpha;
    let std_error = spread
        .std_error
        .map(|error| 3.0 / PI.powi(2) * alpha.powi(3) * error);
    let degrees = degrees_of(groups);
    let interval = spread.std_error.zip(degrees).map(|(error, degrees)| {
        let reach = error * student_t_quantile(0.975, f64::from(degrees));
        Interval {
            // The larger spread is the heavier tail, and is above π²/12 because the mean is.
            low: alpha_of_spread(spread.mean + reach).unwrap_or(0.0),
            high: alpha_of_spread(spread.mean - reach).unwrap_or(f64::INFINITY),
        }
    });
    Estimate {
        alpha: Some(alpha),
        std_error,
        interval,
        theta: Some(theta),
        theta_std_error: std_error.map(|error| error * theta * theta),
        degrees: interval.and(degrees),
        ..estimate
    }
}

/// α = (6V/π² − ½)^(−½); `None` for V ≤ π²/12, which no stable law has.
fn alpha_of_spread(spread: f64) -> Option<f64> {
    let theta_squared = 6.0 * spread / PI.powi(2) - 0.5;
    (spread > PI.powi(2) / 12.0 && theta_squared > 0.0).then(|| 1.0 / theta_squared.sqrt())
}

fn across_minibatches(scope: &Scope, rows: &[GroupRow], enough: bool) -> Estimate {
    let with_t = |row: &GroupRow| row.groups.saturating_sub(row.cancelled_groups);
    let groups = rows.iter().map(with_t).sum();
    let estimate = Estimate {
        samples: rows
            .iter()
            .map(|row| row.samples.saturating_sub(row.cancelled_samples))
            .sum(),
        blocks: groups,
        ..without_value(scope.clone(), Estimator::AcrossMinibatches)
    };
    let sums = rows.iter().map(|row| (&row.t, &row.t_squared));
    match Mean::of(groups, sums) {
        None => estimate.with_problem(nothing_left(enough)),
        Some(growth) => estimate.with_theta(
            growth.mean / LN_2,
            growth
                .std_error
                .map(|error| error / LN_2)
                .zip(degrees_of(groups)),
        ),
    }
}

fn local_slope(index: u32, level: &SlopeLevel, upper_groups: u64) -> Estimate {
    let upper = Logs::of(level.rows.iter().map(|row| &row.upper));
    let lower = Logs::of(level.rows.iter().map(|row| &row.lower).chain([&level.rest]));
    let estimate = Estimate {
        samples: upper.samples,
        blocks: upper_groups,
        ..slope_without_value(index)
    };
    let theta_of = |upper: Logs, lower: Logs| Some((upper.mean()? - lower.mean()?) / LN_2);
    let Some(theta) = theta_of(upper, lower) else {
        return estimate.with_problem(Problem::NoValues);
    };
    let deleted = level
        .rows
        .iter()
        .map(|row| theta_of(upper.without(&row.upper), lower.without(&row.lower)));
    let error = deleted
        .collect::<Option<Vec<f64>>>()
        .filter(|deleted| deleted.len() >= FEWEST_GROUPS)
        .map(|deleted| (jackknife(&deleted), deleted.len() as u32 - 1));
    estimate.with_theta(theta, error)
}

/// A number of logarithms and their sum, rounded.
#[derive(Clone, Copy)]
struct Logs {
    samples: u64,
    sum: f64,
}

impl Logs {
    fn of<'a>(totals: impl Iterator<Item = &'a LogTotal>) -> Self {
        let mut whole = LogTotal::default();
        totals.for_each(|total| whole.merge(total));
        Self {
            samples: whole.samples,
            sum: whole.sum.value(),
        }
    }

    fn without(self, part: &LogTotal) -> Self {
        Self {
            samples: self.samples.saturating_sub(part.samples),
            sum: self.sum - part.sum.value(),
        }
    }

    fn mean(self) -> Option<f64> {
        (self.samples > 0).then(|| self.sum / self.samples as f64)
    }
}

fn without_value(scope: Scope, estimator: Estimator) -> Estimate {
    Estimate::without_value(scope, estimator, Treatment::Paired)
}

fn slope_without_value(index: u32) -> Estimate {
    Estimate {
        k1: 2_u64.checked_shl(index),
        ..without_value(Scope::All, Estimator::LocalSlope)
    }
}

fn nothing_left(enough: bool) -> Problem {
    match enough {
        true => Problem::NoValues,
        false => Problem::TooFewBatches,
    }
}

/// Of a mean of so many values; `None` below two.
fn degrees_of(values: u64) -> Option<u32> {
    let degrees = values.checked_sub(1).filter(|degrees| *degrees > 0)?;
    Some(u32::try_from(degrees).unwrap_or(u32::MAX))
}
