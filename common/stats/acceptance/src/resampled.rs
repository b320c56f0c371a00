//! A14 on real noise: how often 95 % intervals hold what all the rows say.
//!
//! The rows are gradients of 500 minibatches of a small trained network, 100 of its parameters
//! (`data/make_gradients.py` says how they were made). P of them are drawn with replacement, so that
//! minibatches are independent, as the theory of the paired intervals wants it, while parameters
//! stay as correlated and as unequal as they are. The truth of a paired estimate is its value over
//! 40,000 drawn rows, that of `published_rows` at K1 = 32 (a longer one leaves fewer than
//! 30 blocks at P = 24) its value over the 500 rows.
//!
//! The paired intervals must cover 93–97 %, as in [`coverage`](crate::coverage); that of the centred
//! treatment is printed as it is. It says nothing of minibatches of a partition, which are not
//! independent, nor of other networks.

use std::sync::Arc;

use tailsweep_stats::{Estimate, Estimator, NoiseShape, Treatment, summarise};

use crate::coverage::{COVERING, REPEATS, holds, line, name};
use crate::draws::Draws;
use crate::line::{Expected, Line};
use crate::matrix::all;
use crate::sample::repeat;

const PARAMS: usize = 100;

/// By row, float32.
const GRADIENTS: &[u8] = include_bytes!("../data/gradients.f32");

/// Estimator, treatment, K1.
const KINDS: [(Estimator, Treatment, Option<u64>); 3] = [
    (Estimator::WithinCoordinate, Treatment::Paired, None),
    (Estimator::AcrossMinibatches, Treatment::Paired, None),
    (Estimator::Mohammadi, Treatment::PublishedRows, Some(32)),
];

pub(crate) fn lines() -> Vec<Line> {
    let rows = rows();
    let many = drawn(&rows, 40_000, &mut Draws::new("resampled", 0, 0));
    let (paired, centred) = (estimates(&many), estimates(&rows));
    let mut lines = Vec::new();
    for minibatches in [24, 100] {
        let held = repeat(REPEATS, |repeat| {
            let mut draws = Draws::new("resampled", minibatches as u64, repeat + 1);
            let read = estimates(&drawn(&rows, minibatches, &mut draws));
            KINDS.map(|kind| {
                let truth = match kind.1 {
                    Treatment::Paired => of(&paired, kind),
                    _ => of(&centred, kind),
                };
                let truth = truth.and_then(|truth| truth.alpha);
                of(&read, kind)
                    .zip(truth)
                    .is_some_and(|(own, truth)| holds(own, truth))
            })
        });
        for (index, (estimator, treatment, k1)) in KINDS.into_iter().enumerate() {
            let covered = held.iter().filter(|held| held[index]).count() as f64;
            let kind = name((estimator, treatment, k1));
            let what = format!("coverage, %: gradients, P = {minibatches}: {kind}");
            let expected = match treatment {
                Treatment::Paired => COVERING,
                _ => Expected::Shown(None),
            };
            lines.push(line(what, expected, covered / REPEATS as f64, REPEATS));
        }
    }
    for kind in KINDS {
        let truth = match kind.1 {
            Treatment::Paired => of(&paired, kind),
            _ => of(&centred, kind),
        };
        if let Some(truth) = truth {
            let what = format!("gradients, all rows: {}", name(kind));
            lines.push(Line::of_estimate(what, Expected::Shown(None), truth));
        }
    }
    lines
}

fn rows() -> Vec<Vec<f32>> {
    let values: Vec<f32> = GRADIENTS
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    values.chunks(PARAMS).map(<[f32]>::to_vec).collect()
}

fn drawn(rows: &[Vec<f32>], number: usize, draws: &mut Draws) -> Vec<Vec<f32>> {
    let mut row = || rows[(draws.uniform() * rows.len() as f64) as usize].clone();
    (0..number).map(|_| row()).collect()
}

fn estimates(rows: &[Vec<f32>]) -> Vec<Estimate> {
    let treatments = KINDS.into_iter().map(|(_, treatment, _)| treatment);
    let shape = NoiseShape::without_layers(rows.len(), PARAMS, treatments.collect());
    summarise(Arc::new(shape.expect("there are rows")), rows)
        .estimates()
        .expect("all rows were fed")
}

fn of(
    estimates: &[Estimate],
    (estimator, treatment, k1): (Estimator, Treatment, Option<u64>),
) -> Option<&Estimate> {
    all(estimates, estimator, treatment).find(|estimate| k1.is_none() || estimate.k1 == k1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradients_are_500_rows_that_vary() {
        let rows = rows();
        assert_eq!(rows.len(), 500);
        assert!(rows.iter().all(|row| row.len() == PARAMS));
        assert!(rows.iter().flatten().all(|value| value.is_finite()));
    }
}
