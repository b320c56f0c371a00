//! A14: how often 95 % intervals hold the true α.
//!
//! SαS(α), α = 1.2, 1.5, 1.8, 2; P = 24 and 100 minibatches of M = 500 parameters: iid values, and
//! values with scales ln σ ~ N(0, 1) in units of 25 that share a factor with ρ = 0.2, new scales in
//! each repeat. 2,000 repeats: the binomial standard error of a coverage of 95 % is 0.5 %.
//!
//! The paired intervals must cover 93–97 %. The quick way has P = 24 alone and fewer
//! repeats, and its range is wider by 3 of its binomial standard errors.
//!
//! **Where they don't.** When one heavy factor with ρ = 0.2 runs through all parameters, a rare
//! minibatch in which it outshines the rest moves all of them, and V with it. The mean of h is right,
//! but its law is skew (skewness 12 at α = 1.2, M = 150), and most samples of 6 or 25 groups have no
//! such minibatch: V and its error are both too small, the interval of `within_coordinate` lies too
//! high. P = 100 is worse than P = 24, and only a thousand groups cover. Those lines are printed as
//! they are, not judged: it is a limit of the interval that a reader must know of.
//!
//! M matters little: an interval is made of the spread between minibatches, so its coverage depends
//! on P. The published number, at its K1 = 100 (P = 24) and 200 (P = 100), reads the iid values
//! alone, where it has no bias; its coverage is printed as it is.

use tailsweep_stats::{Estimate, Estimator, Treatment};

use crate::Effort;
use crate::draws::{Draws, Law};
use crate::line::{Expected, Line};
use crate::matrix::{Noise, first};
use crate::sample::repeat;

const PARAMS: usize = 500;
const ALPHAS: [f64; 4] = [1.2, 1.5, 1.8, 2.0];
const MINIBATCHES: [usize; 2] = [24, 100];

const WITHIN: (Estimator, Treatment) = (Estimator::WithinCoordinate, Treatment::Paired);
const ACROSS: (Estimator, Treatment) = (Estimator::AcrossMinibatches, Treatment::Paired);
const PUBLISHED: (Estimator, Treatment) = (Estimator::Mohammadi, Treatment::Published);

pub(crate) fn lines(effort: Effort) -> Vec<Line> {
    let repeats = effort.pick(200, 2_000);
    let mut lines = Vec::new();
    for minibatches in &MINIBATCHES[..effort.pick(1, 2)] {
        for alpha in ALPHAS {
            let iid = Noise::iid(Law::stable(alpha), *minibatches, PARAMS);
            let correlated = Noise {
                scales: 1.0,
                unit: 25,
                correlation: 0.2,
                ..iid
            };
            let name = format!("SαS({alpha}), P = {minibatches}");
            let one_factor = Noise {
                unit: PARAMS,
                ..correlated
            };
            let kinds = [
                ("iid", iid, &[WITHIN, ACROSS, PUBLISHED][..]),
                ("correlated", correlated, &[WITHIN, ACROSS]),
                ("one factor", one_factor, &[WITHIN, ACROSS]),
            ];
            for (kind, noise, estimators) in kinds {
                let covered = coverage(kind, &noise, estimators, repeats);
                for ((estimator, treatment), covered) in estimators.iter().zip(covered) {
                    let judged = *treatment == Treatment::Paired && kind != "one factor";
                    let expected = match judged {
                        true => range(repeats),
                        false => Expected::Shown(None),
                    };
                    let what = format!("coverage, %: {name}, {kind}: {estimator}, {treatment}");
                    lines.push(Line::new(what, expected, 100.0 * covered).decimals(1));
                }
            }
        }
    }
    lines
}

/// 93 … 97 %, wider by 3 binomial standard errors where repeats are few.
pub(crate) fn range(repeats: u64) -> Expected {
    let reach = match repeats {
        2_000.. => 0.0,
        _ => 300.0 * (0.95 * 0.05 / repeats as f64).sqrt(),
    };
    Expected::Between {
        low: 93.0 - reach,
        high: (97.0 + reach).min(100.0),
    }
}

/// The share of repeats in which the interval of each estimator holds α; none does not.
fn coverage(
    kind: &str,
    noise: &Noise,
    estimators: &[(Estimator, Treatment)],
    repeats: u64,
) -> Vec<f64> {
    let alpha = noise.law.alpha();
    let case = 1_000 * noise.minibatches as u64 + (100.0 * alpha).round() as u64;
    let treatments: Vec<Treatment> = estimators.iter().map(|(_, treatment)| *treatment).collect();
    let held = repeat(repeats, |repeat| {
        let mut draws = Draws::new(kind, case, repeat);
        let estimates = noise.estimates(&mut draws, &treatments);
        let of = |(estimator, treatment): &(Estimator, Treatment)| {
            holds(first(&estimates, *estimator, *treatment), alpha)
        };
        estimators.iter().map(of).collect::<Vec<bool>>()
    });
    (0..estimators.len())
        .map(|index| held.iter().filter(|held| held[index]).count() as f64 / repeats as f64)
        .collect()
}

fn holds(estimate: &Estimate, alpha: f64) -> bool {
    estimate
        .interval
        .is_some_and(|interval| (interval.low..=interval.high).contains(&alpha))
}
