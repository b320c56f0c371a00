//! A1: α̂ against α for iid stable numbers, as in the paper's Figure 4.
//!
//! SαS(α_k) of scale 1, α_k = 0.1 + 0.019k, k = 1 … 100; K1 = 100, K2 = 1000; 100 repeats.
//!
//! **Tolerances** follow from the number n of repeats and the number g of α. A mean is within 4.5
//! of its standard errors. The ratio of a standard deviation to the formula
//! sd(α̂) ≈ α²√(V/K2)/ln K1, V = (π²/6)(1/α² + ½), which is up to 3.5 % too large, is within
//! 4.5/√(2(n−1)) + 3.5 % of 1: 35 % for n = 100, and 68 % for the n = 25 of the quick way. The mean
//! of the ratios is within 4.5/√(2(n−1)g) + 1.75 %: 5 %, and 22 % for n = 25, g = 10.
//!
//! The other estimators see the same numbers as 100 rows of 1000 values in the first repeats: one
//! line each, relative bias and relative standard deviation, averaged over α. They are not judged,
//! and some of the figure's α are out of their reach: the moments of `flom` exist for α > 0.2 only,
//! `mcculloch`'s table begins at α = 0.593, and tail estimators read the power law of a sample that
//! has none near α = 2. Averages over α are then those of the worst.

use std::sync::Arc;

use tailsweep_stats::bias::standard_deviation;
use tailsweep_stats::{
    Estimate, Estimator, NoiseShape, Scope, Treatment, Treatments, mohammadi, summarise_about,
};

use crate::Effort;
use crate::draws::{Draws, Law};
use crate::line::{Beside, Expected, Line};
use crate::sample::{Sample, repeat};

const K1: usize = 100;
const K2: usize = 1000;
const STANDARD_ERRORS: f64 = 4.5;

/// What one repeat reads.
struct Reading {
    alpha: f64,
    /// The first estimate of each kind.
    others: Vec<(Kind, f64)>,
}

type Kind = (Estimator, Treatment);

pub(crate) fn lines(effort: Effort) -> Vec<Line> {
    let indices: Vec<u64> = match effort {
        Effort::Quick => (10..=100).step_by(10).collect(),
        Effort::Full => (1..=100).collect(),
    };
    let repeats: u64 = effort.pick(25, 100);
    let with_others: u64 = effort.pick(5, 20);
    let readings = repeat(indices.len() as u64 * repeats, |index| {
        let (k, own) = (indices[(index / repeats) as usize], index % repeats);
        read(k, own, own < with_others)
    });
    let by_alpha: Vec<(f64, &[Reading])> = indices
        .iter()
        .map(|k| alpha_of(*k))
        .zip(readings.chunks(repeats as usize))
        .collect();
    let mut lines = judged(&by_alpha, effort);
    lines.extend(shown(&by_alpha, with_others));
    lines
}

fn alpha_of(k: u64) -> f64 {
    // Exactly 2 at the end.
    (100 + 19 * k) as f64 / 1000.0
}

fn read(k: u64, repeat: u64, with_others: bool) -> Reading {
    let mut draws = Draws::new("fig4", k, repeat);
    let law = Law::stable(alpha_of(k));
    let values: Vec<f64> = (0..K1 * K2).map(|_| draws.of(law)).collect();
    Reading {
        alpha: mohammadi(&values, K1).unwrap_or(f64::NAN),
        others: if with_others {
            others(&values)
        } else {
            Vec::new()
        },
    }
}

/// The first estimate of each kind on these values as rows that are noise already.
fn others(values: &[f64]) -> Vec<(Kind, f64)> {
    let (rows, params) = (100, values.len() / 100);
    let shape = NoiseShape::without_layers(rows, params, Treatments::default());
    let shape = Arc::new(shape.expect("100 × 1000 is a shape"));
    let rows: Vec<&[f64]> = values.chunks(params).collect();
    let estimates = summarise_about(shape, &rows, vec![0.0; params].into())
        .estimates()
        .expect("all rows were fed");
    let mut found: Vec<(Kind, f64)> = Vec::new();
    for estimate in &estimates {
        let Estimate {
            estimator,
            treatment,
            ..
        } = *estimate;
        let kind = (estimator, treatment);
        if estimate.scope == Scope::All && found.iter().all(|(known, _)| *known != kind) {
            found.push((kind, estimate.alpha.unwrap_or(f64::NAN)));
        }
    }
    found
}

fn judged(by_alpha: &[(f64, &[Reading])], effort: Effort) -> Vec<Line> {
    let mut farthest = Line::new(
        "farthest mean of α̂ from α, in standard errors",
        Expected::AtMost(STANDARD_ERRORS),
        0.0,
    );
    let mut ratios: Vec<(f64, f64)> = Vec::new();
    for (alpha, readings) in by_alpha {
        let read: Sample = readings.iter().map(|reading| reading.alpha).collect();
        let distance = (read.mean() - alpha).abs() / read.std_error();
        // A NaN is the farthest of all, and stays.
        if distance.is_nan() || distance > farthest.measured {
            farthest.measured = distance;
            farthest.what = format!("farthest mean of α̂ from α, in s.e.: at α = {alpha}");
        }
        ratios.push((
            *alpha,
            read.sd() / standard_deviation(*alpha, K1 as f64, K2 as f64),
        ));
    }
    let repeats = by_alpha[0].1.len() as f64;
    let of_one = STANDARD_ERRORS / (2.0 * (repeats - 1.0)).sqrt();
    let of_mean = of_one / (by_alpha.len() as f64).sqrt();
    let (each, mean) = match effort {
        Effort::Quick => (of_one + 0.035, of_mean + 0.0175),
        Effort::Full => (0.35, 0.05),
    };
    let near_one = |within| Expected::Near { value: 1.0, within };
    let by_distance =
        |a: &&(f64, f64), b: &&(f64, f64)| (a.1 - 1.0).abs().total_cmp(&(b.1 - 1.0).abs());
    let (at, ratio) = ratios.iter().max_by(by_distance).expect("there are α");
    let all: Sample = ratios.iter().map(|(_, ratio)| *ratio).collect();
    vec![
        farthest,
        Line::new(
            format!("sd(α̂)/formula, farthest from 1: at α = {at}"),
            near_one(each),
            *ratio,
        ),
        Line::new("sd(α̂)/formula, mean over α", near_one(mean), all.mean()),
    ]
}

/// α̂/α − 1 of each other estimator, averaged over α.
fn shown(by_alpha: &[(f64, &[Reading])], repeats: u64) -> Vec<Line> {
    let kinds: Vec<Kind> = by_alpha[0].1[0]
        .others
        .iter()
        .map(|(kind, _)| *kind)
        .collect();
    let line = |(index, kind): (usize, Kind)| {
        let (mut biases, mut spreads, mut missing) = (Sample::default(), Sample::default(), 0);
        for (alpha, readings) in by_alpha {
            let read: Sample = readings[..repeats as usize]
                .iter()
                .map(|reading| reading.others[index].1 / alpha - 1.0)
                .filter(|ratio| !ratio.is_nan())
                .collect();
            missing += repeats as usize - read.len();
            if read.len() > 1 {
                biases.push(read.mean());
                spreads.push(read.sd());
            }
        }
        let (estimator, treatment) = kind;
        let mut what = format!("α̂/α − 1 of {estimator}, {treatment}");
        if missing > 0 {
            what += &format!(" ({missing} of {} none)", by_alpha.len() * repeats as usize);
        }
        Line::new(what, Expected::Shown(None), biases.mean()).beside(Beside::Spread(spreads.mean()))
    };
    kinds.into_iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_that_of_the_figure() {
        assert_eq!(alpha_of(1), 0.119);
        assert_eq!(alpha_of(100), 2.0);
    }
}
