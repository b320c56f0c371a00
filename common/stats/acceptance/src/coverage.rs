//! A14: how often 95 % intervals hold the true α.
//!
//! SαS(α), α = 1.2, 1.5, 1.8, 2; P = 24 and 100 minibatches of M = 500 parameters: iid values, and
//! values with scales ln σ ~ N(0, 1) in units of 25 that share a factor with ρ = 0.2, new scales in
//! each repeat. 2,000 repeats: the binomial standard error of a coverage of 95 % is 0.5 %.
//!
//! The paired intervals must cover 93–97 %, in the quick way too, which has P = 24 alone and as many
//! repeats of them: the binomial standard error beside each coverage, 0.5 %, is what tells 95 % from
//! 93 or 97 %. `local_slope` is read at the levels that have an interval, K1 = 2 (6 groups of P = 24)
//! or K1 = 2 … 8 (25, 12 and 6 of P = 100).
//!
//! **Where they don't.** When one heavy factor with ρ = 0.2 runs through all parameters, a rare
//! minibatch in which it outshines the rest moves all of them, and V with it. The mean of h is right,
//! but its law is skew (skewness 12 at α = 1.2, M = 150), and most samples of 6 or 25 groups have no
//! such minibatch: V and its error are both too small, the interval of `within_coordinate` lies too
//! high. P = 100 is worse than P = 24, and only a thousand groups cover. Those lines are printed as
//! they are, not judged: it is a limit of the interval that a reader must know of.
//!
//! M matters little: an interval is made of the spread between minibatches, so its coverage depends
//! on P. The centred treatments, at the published K1 = 100 (P = 24) and 200 (P = 100), a ladder at K1
//! = 16, read the iid values alone, where they have no bias but that of a standardised one; their
//! coverage is printed as it is, of 200 repeats in the quick way.

use tailsweep_stats::{Estimate, Estimator, Treatment};

use crate::Effort;
use crate::draws::{Draws, Law};
use crate::line::{Beside, Expected, Line};
use crate::matrix::{Noise, all};
use crate::sample::repeat;

const PARAMS: usize = 500;
const ALPHAS: [f64; 4] = [1.2, 1.5, 1.8, 2.0];
const MINIBATCHES: [usize; 2] = [24, 100];

/// Estimator, treatment and, on a ladder, K1.
type Kind = (Estimator, Treatment, Option<u64>);

const WITHIN: Kind = (Estimator::WithinCoordinate, Treatment::Paired, None);
const ACROSS: Kind = (Estimator::AcrossMinibatches, Treatment::Paired, None);

const CENTRED: [Kind; 5] = [
    (Estimator::Mohammadi, Treatment::Published, None),
    (Estimator::Mohammadi, Treatment::ZerosDropped, None),
    (Estimator::Mohammadi, Treatment::Standardised, None),
    (Estimator::Mohammadi, Treatment::Permuted, Some(16)),
    (Estimator::LocalSlope, Treatment::Permuted, Some(16)),
];

/// Repeats of what is judged.
pub(crate) const REPEATS: u64 = 2_000;

/// What must be covered, in percent.
pub(crate) const COVERING: Expected = Expected::Between {
    low: 93.0,
    high: 97.0,
};

pub(crate) fn lines(effort: Effort) -> Vec<Line> {
    let shown = effort.pick(200, REPEATS);
    let mut lines = Vec::new();
    for minibatches in &MINIBATCHES[..effort.pick(1, 2)] {
        let groups = *minibatches as u64 / 2;
        let slopes = (1..=3).map(|level| 1 << level);
        let slopes = slopes.filter(|k1| groups / k1 > 5);
        let slopes = slopes.map(|k1| (Estimator::LocalSlope, Treatment::Paired, Some(k1)));
        let paired: Vec<Kind> = [WITHIN, ACROSS].into_iter().chain(slopes).collect();
        for alpha in ALPHAS {
            let iid = Noise::iid(Law::stable(alpha), *minibatches, PARAMS);
            let correlated = Noise {
                scales: 1.0,
                unit: 25,
                correlation: 0.2,
                ..iid
            };
            let one_factor = Noise {
                unit: PARAMS,
                ..correlated
            };
            let cases = [
                ("iid", iid, &paired[..], REPEATS),
                ("iid", iid, &CENTRED, shown),
                ("correlated", correlated, &paired, REPEATS),
                ("one factor", one_factor, &[WITHIN, ACROSS], shown),
            ];
            for (case, noise, kinds, repeats) in cases {
                let covered = coverage(case, &noise, kinds, repeats);
                for (kind, covered) in kinds.iter().zip(covered) {
                    let judged = kind.1 == Treatment::Paired && case != "one factor";
                    let expected = match judged {
                        true => COVERING,
                        false => Expected::Shown(None),
                    };
                    let what = format!(
                        "coverage, %: SαS({alpha}), P = {minibatches}, {case}: {}",
                        name(*kind)
                    );
                    lines.push(line(what, expected, covered, repeats));
                }
            }
        }
    }
    lines
}

/// A coverage in percent, with its binomial standard error.
pub(crate) fn line(what: String, expected: Expected, covered: f64, repeats: u64) -> Line {
    let error = 100.0 * (covered * (1.0 - covered) / repeats as f64).sqrt();
    Line::new(what, expected, 100.0 * covered)
        .beside(Beside::StdError(error))
        .decimals(1)
}

/// Estimator, treatment and K1 in words.
pub(crate) fn name((estimator, treatment, k1): Kind) -> String {
    let at = k1.map_or(String::new(), |k1| format!(", K1 = {k1}"));
    format!("{estimator}, {treatment}{at}")
}

/// The share of repeats in which the interval of each kind holds α; none does not.
fn coverage(case: &str, noise: &Noise, kinds: &[Kind], repeats: u64) -> Vec<f64> {
    let alpha = noise.law.alpha();
    let number = 1_000 * noise.minibatches as u64 + (100.0 * alpha).round() as u64;
    let treatments: Vec<Treatment> = kinds.iter().map(|(_, treatment, _)| *treatment).collect();
    let held = repeat(repeats, |repeat| {
        let mut draws = Draws::new(case, number, repeat);
        let estimates = noise.estimates(&mut draws, &treatments);
        let of = |(estimator, treatment, k1): &Kind| {
            let mut levels = all(&estimates, *estimator, *treatment);
            let read = levels.find(|estimate| k1.is_none() || estimate.k1 == *k1);
            read.is_some_and(|estimate| holds(estimate, alpha))
        };
        kinds.iter().map(of).collect::<Vec<bool>>()
    });
    (0..kinds.len())
        .map(|index| held.iter().filter(|held| held[index]).count() as f64 / repeats as f64)
        .collect()
}

pub(crate) fn holds(estimate: &Estimate, alpha: f64) -> bool {
    estimate
        .interval
        .is_some_and(|interval| (interval.low..=interval.high).contains(&alpha))
}
