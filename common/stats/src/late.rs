//! Late α: one number from the last quarter of several runs (the tail index of a point).
//!
//! Everything is pooled in θ = 1/α, where the errors are additive, and inverted once:
//!
//! ```text
//! late      steps ≥ last − min(10,000, last/4), those with a value
//! θ_s       mean of θ over the late steps of seed s;   s.e._s = mean of their s.e.(θ)
//! alpha     1 / mean_s θ_s
//! s.e.²     max(var_s(θ_s)/S, mean_s s.e._s²/S);       t with S − 1
//! S = 1     s.e._1, t with the degrees of the measurements (the fewest)
//! ```
//!
//! The s.e. of a seed is a mean and is not divided by the number of late steps, because
//! neighbouring measurements of one run are not independent. An α is never averaged, except for
//! `alpha_mean`, which is the plain mean that the paper shows.

use serde::{Deserialize, Serialize};

use crate::student::interval_of_theta;
use crate::{Interval, Problem};

/// Steps that are late at most, counted from the last one.
const LONGEST: u64 = 10_000;

/// Whether `step` belongs to the late part of a run that was last measured at `last`.
pub fn is_late(step: u64, last: u64) -> bool {
    let before = last.saturating_sub(step);
    before <= LONGEST && before <= last / 4
}

/// One late estimate of one seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// α̂, not 0.
    pub alpha: f64,
    /// Of α.
    pub std_error: Option<f64>,
    /// Degrees of freedom of its t.
    pub degrees: Option<u32>,
}

/// Late α of a point, or why there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Late {
    /// Seeds with at least one late value.
    pub seeds: u64,
    /// 1 / mean θ.
    pub alpha: Option<f64>,
    /// Mean over the seeds of the plain mean of α̂.
    pub alpha_mean: Option<f64>,
    /// Standard deviation over the seeds of 1/θ_s; from two seeds on.
    pub between_seed_sd: Option<f64>,
    /// Of `alpha`: α²·s.e.(θ).
    pub std_error: Option<f64>,
    /// 95 %; open above (infinite) where θ − t·s.e. ≤ 0.
    pub interval: Option<[f64; 2]>,
    /// A word: why there is no value, or a warning that stood beside the values.
    pub problem: Option<&'static str>,
    /// Late measurements of the done runs.
    pub rows: u64,
    /// Those of them with a value.
    pub values: u64,
}

impl Late {
    /// Standard error of 1/α.
    pub fn theta_error(&self) -> Option<f64> {
        Some(self.std_error? / self.alpha?.powi(2))
    }
}

/// What one seed says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// θ_s, the mean of 1/α̂.
    pub theta: f64,
    /// Its standard error.
    pub std_error: Option<f64>,
    /// The fewest degrees of freedom of its measurements.
    pub degrees: Option<u32>,
    /// The plain mean of α̂.
    pub alpha_mean: f64,
}

impl Seed {
    /// `None` without a value.
    pub fn of(values: &[Value]) -> Option<Self> {
        let std_errors: Vec<f64> = values
            .iter()
            .filter_map(|value| Some(value.std_error? / (value.alpha * value.alpha)))
            .collect();
        Some(Self {
            theta: mean(values.iter().map(|value| 1.0 / value.alpha))?,
            std_error: mean(std_errors.into_iter()),
            degrees: values.iter().filter_map(|value| value.degrees).min(),
            alpha_mean: mean(values.iter().map(|value| value.alpha))?,
        })
    }
}

/// Late α of a point from the late values of each of its seeds; a seed may have none.
pub fn combine(seeds: &[Vec<Value>]) -> Late {
    let seeds: Vec<Seed> = seeds.iter().filter_map(|values| Seed::of(values)).collect();
    pool(&seeds)
}

/// Late α of a point from what each of its seeds says.
pub fn pool(seeds: &[Seed]) -> Late {
    let count = seeds.len();
    let mut late = Late {
        seeds: count as u64,
        ..Late::default()
    };
    let Some(theta) = mean(seeds.iter().map(|seed| seed.theta)) else {
        return late;
    };
    late.alpha_mean = mean(seeds.iter().map(|seed| seed.alpha_mean));
    late.between_seed_sd = variance(seeds.iter().map(|seed| 1.0 / seed.theta))
        .map(f64::sqrt)
        .filter(|sd| sd.is_finite());
    if theta == 0.0 {
        late.problem = Some(Problem::NoGrowth.as_str());
        return late;
    }
    let alpha = 1.0 / theta;
    late.alpha = Some(alpha);
    let within = mean(
        seeds
            .iter()
            .filter_map(|seed| seed.std_error)
            .map(|error| error * error),
    );
    let between = variance(seeds.iter().map(|seed| seed.theta));
    let squared = [within, between].into_iter().flatten().reduce(f64::max);
    let Some(std_error) = squared.map(|squared| (squared / count as f64).sqrt()) else {
        return late;
    };
    late.std_error = Some(alpha * alpha * std_error);
    let degrees = if count > 1 {
        Some((count - 1) as u32)
    } else {
        seeds[0].degrees
    };
    let interval = degrees.and_then(|degrees| interval_of_theta(theta, std_error, degrees));
    late.interval = interval.map(|Interval { low, high }| [low, high]);
    late
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// With n − 1; `None` below two values.
fn variance(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let center = mean(values.clone())?;
    let count = values.clone().count();
    let squares: f64 = values
        .map(|value| (value - center) * (value - center))
        .sum();
    (count > 1).then(|| squares / (count - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(alpha: f64, std_error: f64, degrees: u32) -> Value {
        Value {
            alpha,
            std_error: Some(std_error),
            degrees: Some(degrees),
        }
    }

    fn close(left: Option<f64>, right: f64) {
        let left = left.expect("a number");
        assert!(
            (left - right).abs() <= 1e-12 * right.abs(),
            "{left} is not {right}"
        );
    }

    #[test]
    fn late_is_the_last_quarter_and_at_most_10_000_steps() {
        let late = |last| (0..=last).filter(|step| is_late(*step, last)).min();
        assert_eq!(late(100), Some(75));
        assert_eq!(late(50), Some(38), "37.5 is not reached by step 37");
        assert_eq!(late(0), Some(0));
        assert_eq!(late(65_000), Some(55_000));
    }

    #[test]
    fn seeds_are_pooled_in_theta() {
        // θ: seed 0 has 1/2 and 1/1 → 3/4; seed 1 has 1/4; mean 1/2.
        let late = combine(&[
            vec![value(2.0, 0.4, 9), value(1.0, 0.1, 7)],
            vec![value(4.0, 3.2, 9)],
        ]);
        assert_eq!(late.seeds, 2);
        close(late.alpha, 2.0);
        // Plain means: (2 + 1)/2 and 4.
        close(late.alpha_mean, 2.75);
        // 1/θ_s: 4/3 and 4.
        close(late.between_seed_sd, (8.0f64 / 3.0) / 2.0f64.sqrt());
        // var θ_s = 2·(1/4)² = 1/8, over S = 2: 1/16. s.e._0 = (0.1 + 0.1)/2 = 0.1 and
        // s.e._1 = 0.2: mean square 0.025, over 2: 0.0125, which is less.
        close(late.std_error, 4.0 * 0.25);
        // t with 1 degree is 12.706: θ − t·0.25 < 0, so it is open above.
        let [low, high] = late.interval.unwrap();
        close(Some(low), 1.0 / (0.5 + 12.706_204_736_174_7 * 0.25));
        assert_eq!(high, f64::INFINITY);
    }

    #[test]
    fn the_error_within_a_run_is_a_lower_bound() {
        let seed = || vec![value(1.25, 0.125, 23)];
        let late = combine(&[seed(), seed(), seed()]);
        close(late.alpha, 1.25);
        assert_eq!(late.between_seed_sd, Some(0.0));
        close(late.std_error, 0.125 / 3.0f64.sqrt());
        let half = 4.302_652_729_749_46 * 0.08 / 3.0f64.sqrt();
        let [low, high] = late.interval.unwrap();
        close(Some(low), 1.0 / (0.8 + half));
        close(Some(high), 1.0 / (0.8 - half));
    }

    #[test]
    fn one_seed_keeps_the_degrees_of_its_measurements() {
        let late = combine(&[vec![value(1.0, 0.02, 23), value(1.0, 0.04, 11)], vec![]]);
        assert_eq!((late.seeds, late.between_seed_sd), (1, None));
        close(late.std_error, 0.03);
        let [low, _] = late.interval.unwrap();
        close(Some(low), 1.0 / (1.0 + 0.03 * 2.200_985_160_082_95));
    }

    #[test]
    fn without_errors_one_seed_has_no_interval_and_two_have_their_spread() {
        let plain = |alpha| {
            vec![Value {
                alpha,
                std_error: None,
                degrees: None,
            }]
        };
        let one = combine(&[plain(1.6)]);
        assert_eq!(
            (one.alpha, one.std_error, one.interval),
            (Some(1.6), None, None)
        );
        let two = combine(&[plain(1.0), plain(2.0)]);
        close(two.std_error, (16.0 / 9.0) * 0.25);
    }

    #[test]
    fn one_measurement_of_one_seed_keeps_its_interval() {
        for theta in [0.5, 0.05, -0.05, -0.5] {
            let (std_error, degrees) = (0.1, 9);
            let measured = interval_of_theta(theta, std_error, degrees).unwrap();
            let alpha = 1.0 / theta;
            let late = combine(&[vec![value(alpha, alpha * alpha * std_error, degrees)]]);
            let [low, high] = late.interval.unwrap();
            close(Some(low), measured.low);
            assert!(high == measured.high || (high / measured.high - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_negative_mean_theta_is_told_as_it_is() {
        let late = combine(&[vec![value(-0.5, 0.025, 9)]]);
        close(late.alpha, -0.5);
        let [low, high] = late.interval.unwrap();
        assert!(low < -0.5 && high == f64::INFINITY);
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(combine(&[]), Late::default());
        let opposite = combine(&[vec![value(1.0, 0.1, 9)], vec![value(-1.0, 0.1, 9)]]);
        assert_eq!(
            (opposite.alpha, opposite.problem),
            (None, Some("no_growth"))
        );
    }
}
