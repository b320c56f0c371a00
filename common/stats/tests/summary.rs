//! Laws of summaries: merging, splitting, refusing, and the cases where nothing can be said.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use proptest::prelude::*;
use tailsweep_stats::{
    CentreSum, Estimate, Estimator, Incomplete, Layer, LogHistogram, MergeError, NoiseAccumulator,
    NoiseShape, NoiseSummary, Problem, ScaleSum, Scope, Treatment, Treatments, mohammadi,
    summarise, summarise_about,
};

fn shape(minibatches: usize, lens: &[usize], treatments: Treatments) -> Arc<NoiseShape> {
    let layers = lens.iter().enumerate().map(|(index, len)| Layer {
        name: format!("layer{index}"),
        len: *len,
        fan_in: 16,
        bias: false,
    });
    Arc::new(NoiseShape::new(minibatches, false, layers.collect(), treatments).unwrap())
}

fn every() -> Treatments {
    Treatment::ALL.into_iter().collect()
}

/// A small generator, for the tests' own numbers.
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) as f64 + 0.5) / f64::from(1_u32 << 31)
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn rows(&mut self, minibatches: usize, params: usize) -> Vec<Vec<f32>> {
        (0..minibatches)
            .map(|_| (0..params).map(|_| self.normal() as f32).collect())
            .collect()
    }
}

fn bytes(summary: &NoiseSummary) -> String {
    serde_json::to_string(summary).unwrap()
}

fn row(
    estimates: &[Estimate],
    estimator: Estimator,
    treatment: Treatment,
    k1: Option<u64>,
) -> &Estimate {
    estimates
        .iter()
        .find(|row| {
            row.scope == Scope::All
                && row.estimator == estimator
                && row.treatment == treatment
                && row.k1 == k1
        })
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn pieces_merged_in_any_order_are_the_whole(
        minibatches in 2_usize..90,
        pieces in 1_usize..12,
        order in any::<u64>(),
    ) {
        let shape = shape(minibatches, &[70, 30], every());
        let rows = Numbers(order).rows(minibatches, 100);
        let whole = summarise(shape, &rows);
        let mut parts = whole.clone().split(pieces);
        prop_assert_eq!(parts.len(), pieces.min(minibatches));
        prop_assert!(parts.len() == 1 || parts.iter().all(|part| !part.is_complete()));
        let mut numbers = Numbers(order);
        while parts.len() > 1 {
            // Pairs are merged in any order, so that the grouping is arbitrary too.
            let taken = parts.remove((numbers.uniform() * parts.len() as f64) as usize);
            let into = (numbers.uniform() * parts.len() as f64) as usize;
            parts[into].merge(&taken).unwrap();
        }
        prop_assert!(bytes(&parts[0]) == bytes(&whole));
        prop_assert!(parts[0] == whole);
        prop_assert!(parts[0].is_complete());
    }

    #[test]
    fn json_round_trips(minibatches in 1_usize..70, seed in any::<u64>()) {
        let rows = Numbers(seed).rows(minibatches, 40);
        let whole = summarise(shape(minibatches, &[40], every()), &rows);
        for part in whole.split(3) {
            let read: NoiseSummary = serde_json::from_str(&bytes(&part)).unwrap();
            prop_assert!(read == part, "floats read back exactly");
        }
    }
}

#[test]
fn parts_fed_one_by_one_or_together_give_the_same_bytes() {
    let shape = shape(21, &[5000, 17], every());
    let rows = Numbers(5).rows(21, 5017);
    let mut centre = CentreSum::new(5017);
    rows.iter().for_each(|row| centre.add_row(row));
    let centre: Arc<[f64]> = centre.finish().into();
    assert!(shape.needs_scales());
    let mut scales = ScaleSum::new(centre.clone());
    rows.iter().for_each(|row| scales.add_row(row));
    let scales: Arc<[f64]> = scales.finish().into();

    let together = summarise(shape.clone(), &rows);
    for threads in [1, 2, 3, 100] {
        let (centre, scales) = (centre.clone(), Some(scales.clone()));
        let mut shared = NoiseAccumulator::new(shape.clone(), centre, scales);
        for batch in rows.chunks(4) {
            std::thread::scope(|scope| {
                for mut share in shared.shares(threads, 0.0) {
                    scope.spawn(move || batch.iter().for_each(|row| share.add_row(row)));
                }
            });
        }
        assert_eq!(
            bytes(&shared.finish()),
            bytes(&together),
            "{threads} threads"
        );
    }
    let mut batches = NoiseAccumulator::new(shape, centre, Some(scales));
    for batch in rows.chunks(4) {
        std::thread::scope(|scope| {
            for part in batches.parts_mut() {
                scope.spawn(move || batch.iter().for_each(|row| part.add_row(row)));
            }
        });
    }
    assert_eq!(bytes(&batches.finish()), bytes(&together));
}

#[test]
fn f64_rows_of_f32_numbers_give_the_same_bytes() {
    let rows = Numbers(9).rows(12, 300);
    let wide: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| row.iter().map(|value| f64::from(*value)).collect())
        .collect();
    let shape = shape(12, &[300], every());
    assert_eq!(
        bytes(&summarise(shape.clone(), &rows)),
        bytes(&summarise(shape, &wide))
    );
}

#[test]
fn overlaps_and_other_shapes_are_refused() {
    let rows = Numbers(1).rows(10, 20);
    let whole = summarise(shape(10, &[20], every()), &rows);
    let mut pieces = whole.clone().split(3);
    let before = pieces[1].clone();
    assert_eq!(pieces[1].merge(&whole), Err(MergeError::OverlappingRows));
    assert_eq!(pieces[1].merge(&before), Err(MergeError::OverlappingRows));
    let other = summarise(shape(10, &[20], Treatments::default()), &rows);
    assert_eq!(pieces[1].merge(&other), Err(MergeError::DifferentShapes));
    let other = summarise(shape(10, &[19, 1], every()), &rows);
    assert_eq!(pieces[1].merge(&other), Err(MergeError::DifferentShapes));
    assert_eq!(pieces[1], before, "nothing has changed");
    assert_eq!(pieces[1].estimates(), Err(Incomplete));
}

#[test]
fn sums_over_all_rows_come_once() {
    let rows = Numbers(1).rows(10, 20);
    let shape = shape(10, &[20], every());
    let mut pieces = summarise(shape.clone(), &rows).split(2);
    // A piece that claims the sums over all rows, but has other rows.
    let mut parts = pieces[1].to_parts();
    parts.surrogate = pieces[0].to_parts().surrogate;
    let claims = NoiseSummary::from_parts(parts).unwrap();
    assert_eq!(pieces[0].merge(&claims), Err(MergeError::WholeTwice));
}

#[test]
fn impossible_parts_are_refused() {
    let rows = Numbers(1).rows(10, 20);
    let whole = summarise(shape(10, &[20], every()), &rows);
    let refused = |change: fn(&mut tailsweep_stats::SummaryParts)| {
        let mut parts = whole.to_parts();
        change(&mut parts);
        NoiseSummary::from_parts(parts).unwrap_err().field
    };
    assert_eq!(refused(|parts| parts.rows[0] = 0..11), "rows");
    assert_eq!(refused(|parts| parts.rows = vec![0..3, 3..10]), "rows");
    assert_eq!(refused(|parts| parts.rows[0] = 0..9), "cells");
    assert_eq!(refused(|parts| parts.cells.truncate(3)), "cells");
    assert_eq!(refused(|parts| parts.cells[1].n_x = u64::MAX), "cells");
    assert_eq!(refused(|parts| parts.cells[1].ln_y.add(1e300)), "cells");
    assert_eq!(
        refused(|parts| parts.moments[0].norm_max = f64::NAN),
        "moments"
    );
    assert_eq!(refused(|parts| parts.moments[0].zeros = 1 << 60), "moments");
    assert_eq!(
        refused(|parts| parts.surrogate.as_mut().unwrap().clear()),
        "surrogate"
    );
    assert_eq!(
        refused(|parts| parts.surrogate.as_mut().unwrap()[0].ln_x = f64::NAN),
        "surrogate"
    );
    assert_eq!(
        refused(|parts| parts.block_sums = Some(parts.layers[0].clone())),
        "block_sums"
    );
}

/// Every block of the flattened noise is counted once, in the bin of its sum.
#[test]
fn block_sums_are_counted_however_blocks_lie() {
    // K1 of 70·45 values is 50: blocks run on across rows; of 96·1024 it is 256.
    for (minibatches, params) in [(70, 45), (96, 1024)] {
        let rows = Numbers(5).rows(minibatches, params);
        let summary = summarise(shape(minibatches, &[params], every()), &rows);
        let k1 = summary.shape().block_length();
        let mut centre = CentreSum::new(params);
        rows.iter().for_each(|row| centre.add_row(row));
        let centre = centre.finish();
        // Partial sums of rows in index order, added in row order.
        let values = minibatches * params;
        let block = |start: usize| {
            let (mut sum, mut partial) = (0.0, 0.0);
            for place in start..start + k1 {
                let (row, column) = (place / params, place % params);
                partial += f64::from(rows[row][column]) - centre[column];
                if column + 1 == params || place + 1 == start + k1 {
                    sum += partial;
                    partial = 0.0;
                }
            }
            sum
        };
        let sums: Vec<f64> = (0..values).step_by(k1).map(block).collect();
        assert_eq!(summary.block_sums(), Some(&LogHistogram::of(&sums)));
        assert_eq!(sums.len(), values / k1);
    }
    let none: Treatments = [Treatment::Paired].into_iter().collect();
    let rows = Numbers(5).rows(6, 40);
    let summary = summarise(shape(6, &[40], none), &rows);
    assert_eq!(summary.block_sums(), None);
}

#[test]
fn one_zero_gradient_does_not_make_the_estimate_infinite() {
    let mut rows = Numbers(2).rows(24, 500);
    rows[7][3] = 0.0;
    rows.iter_mut().for_each(|row| row[100] = 0.25);
    let summary = summarise(shape(24, &[500], every()), &rows);
    assert_eq!(
        summary.zero_fraction(),
        Some(1.0 / 500.0),
        "the constant column"
    );
    for estimate in summary.estimates().unwrap() {
        let numbers = [estimate.alpha, estimate.std_error, estimate.theta];
        assert!(
            numbers.iter().flatten().all(|number| number.is_finite()),
            "{estimate:?}"
        );
    }
}

#[test]
fn equal_rows_leave_nothing_to_estimate() {
    let rows = vec![vec![0.1_f32, -2.0, 3.0, 0.5, 0.7, 11.0]; 20];
    let summary = summarise(shape(20, &[6], every()), &rows);
    assert_eq!(summary.zero_fraction(), Some(1.0));
    assert_eq!(summary.noise_norm_max(), Some(0.0));
    assert_eq!(summary.kurtosis(), None);
    let estimates = summary.estimates().unwrap();
    for estimate in &estimates {
        assert_eq!(estimate.alpha, None, "{estimate:?}");
        let problem = estimate.problem.unwrap();
        assert!(
            [
                Problem::NoValues,
                Problem::NoGrowth,
                Problem::BlockLongerThanRow,
                Problem::TooFewBlocks
            ]
            .contains(&problem),
            "{estimate:?}"
        );
    }
    let published = row(
        &estimates,
        Estimator::Mohammadi,
        Treatment::Published,
        Some(10),
    );
    assert_eq!(published.problem, Some(Problem::NoGrowth));
    let dropped = row(
        &estimates,
        Estimator::Mohammadi,
        Treatment::ZerosDropped,
        Some(10),
    );
    assert_eq!(dropped.problem, Some(Problem::NoValues));
}

#[test]
fn a_matrix_without_layers_reads_like_one_layer() {
    let rows = Numbers(8).rows(20, 90);
    let bare = Arc::new(NoiseShape::without_layers(20, 90, every()).unwrap());
    let bare = summarise(bare, &rows).estimates().unwrap();
    let mut one = summarise(shape(20, &[90], every()), &rows)
        .estimates()
        .unwrap();
    one.retain(|row| row.scope == Scope::All);
    assert_eq!(bare, one);
    let within = row(&bare, Estimator::WithinCoordinate, Treatment::Paired, None);
    assert!(within.alpha.is_some() && within.samples == 5 * 90);
}

#[test]
fn another_block_length_reads_as_the_plain_estimator_does() {
    let rows = Numbers(9).rows(6, 50);
    let flat: Vec<f64> = rows
        .iter()
        .flatten()
        .map(|value| f64::from(*value))
        .collect();
    let shape = NoiseShape::without_layers(6, 50, every()).unwrap();
    // 7 divides neither a row nor all 300 values; 301 is longer than all.
    for k1 in [2, 7, 100, 301] {
        let shape = Arc::new(shape.clone().with_block_length(k1));
        let summary = summarise_about(shape, &rows, vec![0.0; 50].into());
        assert_eq!(
            bytes(&summary),
            bytes(&serde_json::from_str(&bytes(&summary)).unwrap())
        );
        let estimates = summary.estimates().unwrap();
        let k1_of_row = Some(k1 as u64);
        let published = row(
            &estimates,
            Estimator::Mohammadi,
            Treatment::Published,
            k1_of_row,
        );
        match mohammadi(&flat, k1) {
            Err(problem) => assert_eq!(published.problem, Some(problem)),
            Ok(plain) => {
                let alpha = published.alpha.unwrap();
                assert!(
                    (alpha / plain - 1.0).abs() < 1e-9,
                    "{k1}: {alpha} for {plain}"
                );
            }
        }
        let surrogate = Treatment::GaussianSurrogate;
        let surrogate = row(&estimates, Estimator::Mohammadi, surrogate, k1_of_row);
        assert_eq!(surrogate.alpha.is_some(), k1 <= 50);
    }
}

#[test]
fn one_minibatch_has_no_noise_but_may_be_noise() {
    let rows = Numbers(3).rows(1, 400);
    let shape = Arc::new(NoiseShape::without_layers(1, 400, every()).unwrap());
    for estimate in summarise(shape.clone(), &rows).estimates().unwrap() {
        assert_eq!(
            estimate.problem,
            Some(Problem::TooFewBatches),
            "{estimate:?}"
        );
        assert_eq!(estimate.alpha, None);
    }
    let zeros = vec![vec![0.0; 400]];
    let zeros = summarise_about(shape.clone(), &zeros, vec![0.0; 400].into());
    for estimate in zeros.estimates_of_noise().unwrap() {
        let needs_more = estimate.treatment == Treatment::Paired
            || [
                Treatment::GaussianSurrogate,
                Treatment::Standardised,
                Treatment::StandardisedPermuted,
            ]
            .contains(&estimate.treatment);
        let is_too_few = estimate.problem == Some(Problem::TooFewBatches);
        assert_eq!(is_too_few, needs_more, "{estimate:?}");
        assert_eq!(estimate.alpha, None);
    }
    let noise = summarise_about(shape, &rows, vec![0.0; 400].into());
    let estimates = noise.estimates().unwrap();
    let published = row(
        &estimates,
        Estimator::Mohammadi,
        Treatment::Published,
        Some(20),
    );
    assert!(
        (1.5..2.6).contains(&published.alpha.unwrap()),
        "{published:?}"
    );
    assert_eq!(published.interval, None);
    for treatment in [
        Treatment::GaussianSurrogate,
        Treatment::Standardised,
        Treatment::StandardisedPermuted,
    ] {
        let none = row(&estimates, Estimator::Mohammadi, treatment, Some(20));
        assert_eq!(none.problem, Some(Problem::TooFewBatches));
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_a_named_problem() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut rows = Numbers(4).rows(12, 50);
        rows[3][40] = value;
        let summary = summarise(shape(12, &[30, 20], every()), &rows);
        assert!(summary.is_non_finite() && summary.is_complete());
        assert_eq!(summary.zero_fraction(), None);
        assert_eq!(summary.kurtosis(), None);
        assert_eq!(summary.noise_norm_mean(), None);
        let estimates = summary.estimates().unwrap();
        assert!(!estimates.is_empty());
        for estimate in &estimates {
            assert_eq!(estimate.problem, Some(Problem::NonFinite));
            assert_eq!((estimate.alpha, estimate.std_error), (None, None));
        }
        let read: NoiseSummary = serde_json::from_str(&bytes(&summary)).unwrap();
        assert_eq!(read, summary, "it travels all the same");
    }
}

#[test]
fn a_summary_of_fewer_rows_is_not_complete() {
    let shape = shape(12, &[50], Treatments::default());
    let rows = Numbers(4).rows(11, 50);
    let mut accumulator = NoiseAccumulator::new(shape, vec![0.0; 50].into(), None);
    rows.iter().for_each(|row| accumulator.add_row(row));
    let summary = accumulator.finish();
    assert!(!summary.is_complete());
    assert_eq!(summary.rows().len(), 11);
    assert_eq!(summary.estimates(), Err(Incomplete));
}

#[test]
fn nothing_asked_still_tells_zeros_and_norms() {
    let shape = shape(2, &[3], Treatments::NONE);
    let summary = summarise(shape, &[[3.0_f32, 0.0, 1.0], [-3.0, 0.0, 9.0]]);
    assert_eq!(summary.zero_fraction(), Some(1.0 / 3.0));
    assert_eq!(summary.noise_norm_mean(), Some(5.0));
    assert_eq!(summary.noise_norm_max(), Some(5.0));
    let norms: Vec<(f64, u64)> = summary.noise_norms().ln_magnitudes().collect();
    assert_eq!(norms.len(), 1);
    assert!((norms[0].0 - 5_f64.ln()).abs() < 0.005 && norms[0].1 == 2);
    // Values ±3, ±4: m4 = (81 + 256)/3, m2 = 25/3.
    assert!((summary.kurtosis().unwrap() - 337.0 / 3.0 / (25.0_f64 / 3.0).powi(2)).abs() < 1e-12);
    assert_eq!((summary.params(), summary.minibatches()), (3, 2));
    assert_eq!(summary.estimates(), Ok(vec![]));
}

#[test]
fn wide_f64_noise_overflows_into_none() {
    let rows = [vec![1e200_f64, -3.0], vec![-1e200, 5.0]];
    let shape = Arc::new(NoiseShape::without_layers(2, 2, every()).unwrap());
    let summary = summarise(shape, &rows);
    assert_eq!(summary.kurtosis(), None);
    assert_eq!(summary.noise_norm_mean(), None);
    assert!(!bytes(&summary).contains("null,null"));
    summary.estimates().unwrap();
}

/// The closed form against what it is the expectation of: `published_rows` over Gaussian noise
/// with the same second moments.
#[test]
fn the_gaussian_surrogate_is_the_mean_over_gaussian_noise() {
    let (minibatches, params, repeats) = (12, 60, 4000);
    let mut numbers = Numbers(11);
    // Unequal scales, a dead column, and correlation.
    let data: Vec<Vec<f64>> = (0..minibatches)
        .map(|_| {
            let common = numbers.normal();
            (0..params)
                .map(|column| match column % 10 {
                    0 => 0.0,
                    other => (f64::from(other) * 0.4).exp() * (numbers.normal() + common),
                })
                .collect()
        })
        .collect();
    let only = |treatment| [treatment].into_iter().collect();
    let zero: Arc<[f64]> = vec![0.0; params as usize].into();
    let wanted = |treatment| {
        let shape = NoiseShape::without_layers(minibatches, params as usize, only(treatment));
        Arc::new(shape.unwrap())
    };
    let closed = summarise_about(wanted(Treatment::GaussianSurrogate), &data, zero.clone());
    let closed = closed.estimates().unwrap()[0].theta.unwrap();

    // Σ_k w_k·row_k/√P with w Gaussian has exactly the data's second moments.
    let shape = wanted(Treatment::PublishedRows);
    let mean: f64 = (0..repeats)
        .map(|_| {
            let rows: Vec<Vec<f64>> = (0..minibatches)
                .map(|_| {
                    let mut row = vec![0.0; params as usize];
                    for from in &data {
                        let weight = numbers.normal() / (minibatches as f64).sqrt();
                        row.iter_mut()
                            .zip(from)
                            .for_each(|(to, from)| *to += weight * from);
                    }
                    row
                })
                .collect();
            let summary = summarise_about(shape.clone(), &rows, zero.clone());
            summary.estimates().unwrap()[0].theta.unwrap()
        })
        .sum::<f64>()
        / f64::from(repeats);
    // The standard error of this mean is about 0.0007.
    assert!((mean - closed).abs() < 0.003, "{mean} instead of {closed}");
}
