//! Against the formulas, written down straightforwardly.

use std::f64::consts::{LN_2, PI};

use proptest::prelude::*;

use super::*;
use crate::estimate::{Estimate, Estimator, Problem};
use crate::shape::Layer;
use crate::student::student_t_quantile;
use crate::treatment::Treatments;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn uniform(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// SαS(1) by Chambers, Mallows and Stuck; variance 2 at α = 2.
    fn stable(&mut self, alpha: f64) -> f64 {
        let (v, w) = (PI * (self.uniform() - 0.5), -self.uniform().ln());
        (alpha * v).sin() / v.cos().powf(1.0 / alpha)
            * (((1.0 - alpha) * v).cos() / w).powf((1.0 - alpha) / alpha)
    }
}

fn shape(minibatches: usize, last_is_short: bool, widths: &[usize]) -> NoiseShape {
    let layers = widths.iter().enumerate().map(|(index, len)| Layer {
        name: format!("fc.{index}.weight"),
        len: *len,
        fan_in: 1,
        bias: index % 2 == 1,
    });
    NoiseShape::new(
        minibatches,
        last_is_short,
        layers.collect(),
        Treatments::default(),
    )
    .unwrap()
}

fn sums_of(shape: &NoiseShape, rows: &[Vec<f32>]) -> PairedSums {
    let mut accumulator = PairedAccumulator::new(shape);
    rows.iter().for_each(|row| accumulator.add_row(row));
    accumulator.finish()
}

#[test]
fn rows_that_come_together_are_added_as_if_alone() {
    let (shape, mut random) = (shape(23, true, &[5, 3]), Random(7));
    let rows = matrix(&mut random, 23, 8, 0.1);
    for at_once in 1..6 {
        let mut accumulator = PairedAccumulator::new(&shape);
        rows.chunks(at_once)
            .for_each(|rows| accumulator.add_rows(rows));
        assert_eq!(accumulator.finish(), sums_of(&shape, &rows), "{at_once}");
    }
}

/// Of each group: coordinates, and their mean or sum.
type Groups = Vec<(u64, f64)>;

/// What the module docs say, with nothing clever.
struct Naive {
    differences: Vec<Vec<f64>>,
}

impl Naive {
    fn new(shape: &NoiseShape, rows: &[Vec<f32>]) -> Self {
        let usable = rows.len() - usize::from(shape.last_is_short());
        let differences = rows[..usable]
            .chunks_exact(2)
            .map(|pair| {
                let values = pair[0].iter().zip(&pair[1]);
                values.map(|(a, b)| f64::from(*a) - f64::from(*b)).collect()
            })
            .collect();
        Self { differences }
    }

    /// (samples, h) of each group, and (samples, t).
    fn groups(&self, columns: std::ops::Range<usize>) -> (Groups, Groups) {
        let (mut within, mut across) = (Vec::new(), Vec::new());
        for group in self.differences.chunks_exact(2) {
            let pairs = columns
                .clone()
                .map(|column| (group[0][column], group[1][column]));
            let usable = pairs.filter(|(a, b)| *a != 0.0 && *b != 0.0);
            let h = usable
                .clone()
                .map(|(a, b)| 0.5 * (a.abs().ln() - b.abs().ln()).powi(2));
            let t = usable
                .filter(|(a, b)| a + b != 0.0)
                .map(|(a, b)| (a + b).abs().ln() - 0.5 * (a.abs().ln() + b.abs().ln()));
            within.extend(mean(h));
            across.extend(mean(t));
        }
        (within, across)
    }

    /// For each group of a level: number and sum of logarithms.
    fn level(&self, level: usize) -> Groups {
        let groups = self.differences.chunks_exact(1 << level);
        let logs = groups.map(|group| {
            let columns = 0..group[0].len();
            let sums = columns.map(|column| group.iter().map(|row| row[column]).sum::<f64>());
            let logs: Vec<f64> = sums
                .filter(|sum| *sum != 0.0)
                .map(|sum| sum.abs().ln())
                .collect();
            (logs.len() as u64, logs.iter().sum())
        });
        logs.collect()
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<(u64, f64)> {
    let values: Vec<f64> = values.collect();
    let sum: f64 = values.iter().sum();
    (!values.is_empty()).then(|| (values.len() as u64, sum / values.len() as f64))
}

/// Mean, standard error (0 for one value) and t quantile.
fn summary(values: &[(u64, f64)]) -> (f64, f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|(_, value)| value).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|(_, value)| (value - mean).powi(2)).sum();
    let quantile = student_t_quantile(0.975, n - 1.0);
    (mean, (squares / (n - 1.0) / n).sqrt(), quantile)
}

#[track_caller]
fn assert_near(value: Option<f64>, expected: f64) {
    let value = value.expect("a value");
    let error = (value - expected).abs();
    // Where 1/θ or the spread's bound is near, rounding is all there is.
    let both_huge = value > 1e4 && expected > 1e4;
    assert!(
        value == expected || both_huge || error <= 1e-9 * (1.0 + expected.abs()).powi(3),
        "{value} for {expected}"
    );
}

fn check_within(estimate: &Estimate, groups: &[(u64, f64)]) {
    assert_eq!(estimate.estimator, Estimator::WithinCoordinate);
    assert_eq!(estimate.blocks, groups.len() as u64);
    assert_eq!(estimate.samples, groups.iter().map(|(n, _)| n).sum::<u64>());
    if groups.is_empty() {
        assert_eq!(estimate.problem, Some(Problem::NoValues));
        return;
    }
    let (spread, error, quantile) = summary(groups);
    let alpha = |spread: f64| match spread <= PI * PI / 12.0 {
        true => f64::INFINITY,
        false => (6.0 * spread / PI.powi(2) - 0.5).powf(-0.5),
    };
    if spread <= PI * PI / 12.0 {
        assert_eq!(estimate.problem, Some(Problem::LighterThanStable));
        assert_eq!(estimate.alpha, None);
        return;
    }
    assert_eq!(estimate.problem, None);
    assert_near(estimate.alpha, alpha(spread));
    assert_near(estimate.theta, 1.0 / alpha(spread));
    if groups.len() == 1 {
        assert_eq!((estimate.std_error, estimate.interval), (None, None));
        return;
    }
    assert_near(
        estimate.std_error,
        3.0 / PI.powi(2) * alpha(spread).powi(3) * error,
    );
    assert_near(
        estimate.theta_std_error,
        3.0 / PI.powi(2) * alpha(spread) * error,
    );
    let interval = estimate.interval.unwrap();
    assert_near(Some(interval.low), alpha(spread + quantile * error));
    assert_near(Some(interval.high), alpha(spread - quantile * error));
    assert_eq!(estimate.degrees, Some(groups.len() as u32 - 1));
}

fn check_theta(estimate: &Estimate, theta: f64, error: Option<(f64, f64)>) {
    if theta.abs() < 1e-12 {
        assert_eq!(estimate.problem, Some(Problem::NoGrowth));
        return;
    }
    assert_eq!(estimate.problem, None);
    assert_near(estimate.theta, theta);
    assert_near(estimate.alpha, 1.0 / theta);
    let Some((error, quantile)) = error else {
        assert_eq!((estimate.std_error, estimate.interval), (None, None));
        return;
    };
    assert_near(estimate.theta_std_error, error);
    assert_near(estimate.std_error, error / theta.powi(2));
    let (least, most) = (theta - quantile * error, theta + quantile * error);
    let Some(interval) = estimate.interval else {
        assert!(most <= 1e-12);
        return;
    };
    assert_near(Some(interval.low), 1.0 / most);
    let high = if least <= 0.0 {
        f64::INFINITY
    } else {
        1.0 / least
    };
    assert_near(Some(interval.high), high);
}

fn check_across(estimate: &Estimate, groups: &[(u64, f64)]) {
    assert_eq!(estimate.estimator, Estimator::AcrossMinibatches);
    assert_eq!(estimate.blocks, groups.len() as u64);
    assert_eq!(estimate.samples, groups.iter().map(|(n, _)| n).sum::<u64>());
    if groups.is_empty() {
        assert_eq!(estimate.problem, Some(Problem::NoValues));
        return;
    }
    let (growth, error, quantile) = summary(groups);
    let error = (groups.len() > 1).then_some((error / LN_2, quantile));
    check_theta(estimate, growth / LN_2, error);
}

fn check_slope(estimate: &Estimate, lower: &[(u64, f64)], upper: &[(u64, f64)]) {
    assert_eq!(estimate.estimator, Estimator::LocalSlope);
    assert_eq!(estimate.blocks, upper.len() as u64);
    assert_eq!(estimate.samples, upper.iter().map(|(n, _)| n).sum::<u64>());
    let mean = |groups: &[(u64, f64)], deleted: std::ops::Range<usize>| {
        let kept = groups
            .iter()
            .enumerate()
            .filter(|(index, _)| !deleted.contains(index));
        let (n, sum) = kept.fold((0, 0.0), |(n, sum), (_, group)| {
            (n + group.0, sum + group.1)
        });
        (n > 0).then(|| sum / n as f64)
    };
    let theta = |deleted: std::ops::Range<usize>| {
        let below = 2 * deleted.start..2 * deleted.end;
        Some((mean(upper, deleted)? - mean(lower, below)?) / LN_2)
    };
    let Some(whole) = theta(0..0) else {
        assert_eq!(estimate.problem, Some(Problem::NoValues));
        return;
    };
    let runs = upper.len().min(64);
    let cut = |run: usize| run * upper.len() / runs;
    let deleted: Option<Vec<f64>> = (0..runs).map(|run| theta(cut(run)..cut(run + 1))).collect();
    let error = deleted.filter(|_| runs >= 5).map(|deleted| {
        let count = runs as f64;
        let mean = deleted.iter().sum::<f64>() / count;
        let squares: f64 = deleted.iter().map(|value| (value - mean).powi(2)).sum();
        let error = ((count - 1.0) / count * squares).sqrt();
        (error, student_t_quantile(0.975, count - 1.0))
    });
    check_theta(estimate, whole, error);
}

fn check(shape: &NoiseShape, rows: &[Vec<f32>]) {
    let sums = sums_of(shape, rows);
    assert_eq!(sums.check(shape), Ok(()));
    let naive = Naive::new(shape, rows);
    let all = sums.estimates_of_all();
    if naive.differences.len() < 2 {
        assert_eq!(all.len(), 3);
        for estimate in all.iter().chain(&sums.estimates_of_layer(0, "fc.0.weight")) {
            assert_eq!(estimate.problem, Some(Problem::TooFewBatches));
            assert_eq!((estimate.samples, estimate.blocks), (0, 0));
        }
        return;
    }
    let (within, across) = naive.groups(0..shape.params());
    check_within(&all[0], &within);
    check_across(&all[1], &across);
    for (level, estimate) in all[2..].iter().enumerate() {
        assert_eq!(estimate.k1, Some(2 << level));
        check_slope(estimate, &naive.level(level), &naive.level(level + 1));
    }
    assert_eq!(all.len() - 2, naive.differences.len().ilog2() as usize);
    for (index, columns) in shape.columns().enumerate() {
        let name = &shape.layers()[index].name;
        let layer = sums.estimates_of_layer(index, name);
        let (within, across) = naive.groups(columns);
        assert_eq!(layer.len(), 2);
        assert_eq!(layer[0].scope.to_string(), *name);
        check_within(&layer[0], &within);
        check_across(&layer[1], &across);
    }
}

/// Scales that differ, zeros, columns that are often equal.
fn matrix(random: &mut Random, rows: usize, params: usize, zeros: f64) -> Vec<Vec<f32>> {
    let scales: Vec<f64> = (0..params)
        .map(|_| 10_f64.powf(6.0 * random.uniform() - 5.0))
        .collect();
    let row = |random: &mut Random| {
        let value = |scale: &f64| {
            if random.uniform() < zeros {
                0.0
            } else if random.uniform() < 0.2 {
                // Few different values: sums that cancel.
                ((random.uniform() * 5.0).floor() - 2.0) as f32
            } else {
                (scale * random.stable(1.7)) as f32
            }
        };
        scales.iter().map(value).collect()
    };
    (0..rows).map(|_| row(random)).collect()
}

#[test]
fn sums_and_estimates_are_those_of_the_formulas() {
    let mut random = Random(1);
    for minibatches in [
        1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 19, 20, 21, 31, 32, 33, 64, 100, 255, 256, 257, 262, 300,
        521, 600, 1031,
    ] {
        for last_is_short in [false, true] {
            for widths in [&[1][..], &[3, 0, 2], &[40, 7, 1]] {
                for zeros in [0.0, 0.3, 0.95] {
                    let shape = shape(minibatches, last_is_short, widths);
                    let rows = matrix(&mut random, minibatches, shape.params(), zeros);
                    check(&shape, &rows);
                }
            }
        }
    }
}

#[test]
fn wide_rows_are_walked_in_blocks() {
    let mut random = Random(2);
    for widths in [&[512][..], &[513, 511, 3], &[1500, 1, 700]] {
        let shape = shape(29, false, widths);
        let rows = matrix(&mut random, 29, shape.params(), 0.1);
        check(&shape, &rows);
    }
}

#[test]
fn one_group_has_a_value_and_no_interval() {
    let rows = [[3.0, 1.0], [1.0, 0.5], [17.0, 2.0], [1.0, 1.875]].map(Vec::from);
    let sums = sums_of(&shape(4, false, &[2]), &rows);
    let [within, across, slope] = &sums.estimates_of_all()[..] else {
        panic!("three rows");
    };
    // D_a = (2, ½), D_b = (16, ⅛).
    let spread = 0.5 * 0.5 * (8_f64.ln().powi(2) + 4_f64.ln().powi(2));
    assert_near(within.alpha, (6.0 * spread / PI.powi(2) - 0.5).powf(-0.5));
    let growth = 0.5 * (18.0 / 32_f64.sqrt() * 2.5).ln();
    assert_near(across.theta, growth / LN_2);
    assert_near(slope.theta, growth / LN_2);
    assert_eq!(
        (within.interval, across.interval, slope.interval),
        (None, None, None)
    );
    assert_eq!((within.samples, within.blocks), (2, 1));
    assert_eq!((slope.k1, slope.samples, slope.blocks), (Some(2), 2, 1));
}

#[test]
fn a_group_without_a_usable_coordinate_is_not_counted() {
    let mut rows = vec![vec![0.0_f32; 3]; 12];
    for (index, row) in rows.iter_mut().take(8).enumerate() {
        *row = vec![index as f32, 1.0, (index * index * index) as f32];
    }
    let sums = sums_of(&shape(12, false, &[3]), &rows);
    let estimates = sums.estimates_of_all();
    assert_eq!((estimates[0].blocks, estimates[0].samples), (2, 4));
    assert_eq!((estimates[1].blocks, estimates[1].samples), (2, 4));
}

#[test]
fn sums_that_cancel_have_no_growth_but_a_spread() {
    // D_a = −D_b everywhere in the first group.
    let rows = [1.0, 0.0, 0.0, 1.0, 4.0, 0.0, 1.0, 0.0].map(|value| vec![value]);
    let sums = sums_of(&shape(8, false, &[1]), &rows);
    let estimates = sums.estimates_of_all();
    assert_eq!((estimates[0].blocks, estimates[0].samples), (2, 2));
    assert_eq!((estimates[1].blocks, estimates[1].samples), (1, 1));
    assert_near(estimates[1].theta, 2.5_f64.ln() / LN_2);
}

#[test]
fn equal_gradients_leave_no_values() {
    let sums = sums_of(&shape(40, false, &[2]), &vec![vec![0.25, -1.0]; 40]);
    for estimate in sums.estimates_of_all() {
        assert_eq!(estimate.problem, Some(Problem::NoValues), "{estimate:?}");
    }
}

#[test]
fn differences_of_one_size_are_lighter_than_stable() {
    let rows: Vec<_> = (0..40).map(|row| vec![(row % 2) as f32; 5]).collect();
    let sums = sums_of(&shape(40, false, &[5]), &rows);
    let within = &sums.estimates_of_all()[0];
    assert_eq!(within.problem, Some(Problem::LighterThanStable));
    assert_eq!((within.alpha, within.interval), (None, None));
}

#[test]
fn subnormal_differences_of_f64_gradients_count() {
    let shape = shape(4, false, &[2]);
    let mut accumulator = PairedAccumulator::new(&shape);
    for row in [[3e-310, 1.0], [1e-310, 0.0], [8e-310, 9.0], [0.0, 1.0]] {
        accumulator.add_row(&row);
    }
    let within = &accumulator.finish().estimates_of_all()[0];
    let spread = 0.25 * (4_f64.ln().powi(2) + 8_f64.ln().powi(2));
    assert_near(within.alpha, (6.0 * spread / PI.powi(2) - 0.5).powf(-0.5));
}

#[test]
fn gradients_that_are_not_finite_do_not_panic() {
    let rows: Vec<_> = (0..40)
        .map(|row| match row % 3 {
            0 => vec![f32::NAN, f32::INFINITY],
            1 => vec![-f32::INFINITY, f32::MAX],
            _ => vec![0.0, -f32::MAX],
        })
        .collect();
    let sums = sums_of(&shape(40, false, &[2]), &rows);
    sums.estimates_of_all();
}

fn simulated(alpha: f64, minibatches: usize, params: usize) -> Vec<Estimate> {
    let mut random = Random(7);
    let shape = shape(minibatches, false, &[params]);
    let scales: Vec<f64> = (0..params)
        .map(|_| (2.0 * random.stable(2.0)).exp())
        .collect();
    let rows: Vec<Vec<f32>> = (0..minibatches)
        .map(|_| {
            let value = |(index, scale): (usize, &f64)| match index % 10 {
                // A dead unit.
                3 => 0.0,
                _ => (scale * random.stable(alpha)) as f32,
            };
            scales.iter().enumerate().map(value).collect()
        })
        .collect();
    sums_of(&shape, &rows).estimates_of_all()
}

#[test]
fn stable_noise_of_unequal_scales_reads_its_alpha() {
    for (alpha, allowed) in [(2.0, 0.1), (1.5, 0.1), (1.2, 0.1)] {
        let estimates = simulated(alpha, 100, 2000);
        for estimate in &estimates[..5] {
            let read = estimate.alpha.unwrap();
            assert!((read - alpha).abs() < allowed, "{alpha}: {estimate:?}");
        }
        let interval = estimates[0].interval.unwrap();
        assert!(interval.low <= alpha + 0.02 && alpha - 0.02 <= interval.high);
    }
}

#[test]
fn intervals_cover_the_true_alpha_about_95_times_in_100() {
    let (minibatches, params, repeats) = (24, 100, 300);
    let shape = shape(minibatches, false, &[params]);
    for alpha in [1.2, 1.5, 1.8] {
        let mut random = Random(11);
        let mut covered = [0; 3];
        for _ in 0..repeats {
            let rows: Vec<Vec<f32>> = (0..minibatches)
                .map(|_| (0..params).map(|_| random.stable(alpha) as f32).collect())
                .collect();
            let estimates = sums_of(&shape, &rows).estimates_of_all();
            for (covered, estimate) in covered.iter_mut().zip(&estimates) {
                let interval = estimate.interval.unwrap();
                *covered += i32::from(interval.low <= alpha && alpha <= interval.high);
            }
        }
        // 95 % ± 4 standard errors.
        for covered in covered {
            let share = f64::from(covered) / f64::from(repeats);
            assert!((0.90..=0.99).contains(&share), "{alpha}: {share}");
        }
    }
}

#[test]
fn merging_adds_and_any_order_gives_the_same_bytes() {
    let mut random = Random(3);
    let shape = shape(37, true, &[5, 2]);
    let parts: Vec<_> = (0..3)
        .map(|_| sums_of(&shape, &matrix(&mut random, 37, 7, 0.2)))
        .collect();
    let merged = |order: [usize; 3]| {
        let mut sum = PairedSums::zero(&shape);
        order
            .iter()
            .for_each(|part| sum.merge(&parts[*part]).unwrap());
        sum
    };
    let first = merged([0, 1, 2]);
    let text = serde_json::to_string(&first).unwrap();
    assert_eq!(text, serde_json::to_string(&merged([2, 0, 1])).unwrap());
    assert_eq!(serde_json::from_str::<PairedSums>(&text).unwrap(), first);
}

#[test]
fn sums_of_another_matrix_do_not_merge() {
    let mut sums = PairedSums::zero(&shape(37, true, &[5, 2]));
    let before = sums.clone();
    for (other, misfit) in [
        (shape(41, true, &[5, 2]), PairedMisfit::Pairs),
        (shape(37, true, &[5]), PairedMisfit::Scope(2)),
    ] {
        assert_eq!(sums.merge(&PairedSums::zero(&other)), Err(misfit));
    }
    let mut shorter = before.clone();
    shorter.levels.pop();
    assert_eq!(sums.merge(&shorter), Err(PairedMisfit::Level(3)));
    shorter = before.clone();
    shorter.scopes[1].pop();
    assert_eq!(sums.merge(&shorter), Err(PairedMisfit::Scope(1)));
    assert_eq!(sums, before);
}

#[test]
fn impossible_parts_are_refused() {
    let mut random = Random(4);
    let shape = shape(37, true, &[5, 2]);
    let good = sums_of(&shape, &matrix(&mut random, 37, 7, 0.2));
    let refused = |spoil: &dyn Fn(&mut PairedSums)| {
        let mut parts = good.clone();
        spoil(&mut parts);
        let PairedSums {
            pairs,
            scopes,
            levels,
        } = parts;
        PairedSums::from_parts(&shape, pairs, scopes, levels).unwrap_err()
    };
    let group_row = PairedMisfit::GroupRow { scope: 1, row: 2 };
    assert_eq!(refused(&|parts| parts.scopes[1][2].groups = 2), group_row);
    assert_eq!(refused(&|parts| parts.scopes[1][2].samples = 6), group_row);
    assert_eq!(
        refused(&|parts| parts.scopes[1][2].samples = u64::MAX),
        group_row
    );
    assert_eq!(
        refused(&|parts| parts.scopes[1][2].h.add(f64::MAX)),
        group_row
    );
    assert_eq!(
        refused(&|parts| parts.scopes[1][2].t.add(-f64::MAX)),
        group_row
    );
    assert_eq!(
        refused(&|parts| parts.levels[1].rows[0].lower.samples = u64::MAX),
        PairedMisfit::SlopeRow { level: 1, row: 0 }
    );
    assert_eq!(
        refused(&|parts| parts.levels[0].rest.samples = 1),
        PairedMisfit::SlopeRow { level: 0, row: 9 }
    );
    assert_eq!(refused(&|parts| parts.pairs = 17), PairedMisfit::Pairs);
    assert_eq!(
        refused(&|parts| parts.scopes.clear()),
        PairedMisfit::Scope(0)
    );
}

#[test]
fn runs_of_groups_are_cut_where_the_definition_says() {
    for groups in [1, 5, 63, 64, 65, 127, 128, 1000_u64] {
        let runs = rows_of(groups) as u64;
        for run in 0..runs {
            let cut = |run: u64| run * groups / runs;
            assert_eq!(run_length(run, groups), cut(run + 1) - cut(run));
            for group in cut(run)..cut(run + 1) {
                assert_eq!(run_of(group, groups), run as usize);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_small_matrix(
        seed in any::<u64>(),
        minibatches in 1_usize..45,
        last_is_short in any::<bool>(),
        widths in prop::collection::vec(0_usize..9, 1..4).prop_filter("columns", |widths| {
            widths.iter().sum::<usize>() > 0
        }),
        zeros in 0.0..1.0,
    ) {
        let shape = shape(minibatches, last_is_short, &widths);
        check(&shape, &matrix(&mut Random(seed), minibatches, shape.params(), zeros));
    }
}

/// Prints the speed: `cargo test --release -p tailsweep-stats speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed_of_paired_rows() {
    let mut random = Random(5);
    let (minibatches, params) = (100, 200_000);
    let shape = shape(minibatches, false, &[params / 2, params / 2]);
    let rows: Vec<Vec<f32>> = (0..4)
        .map(|_| (0..params).map(|_| random.uniform() as f32 - 0.5).collect())
        .collect();
    for _ in 0..3 {
        let mut accumulator = PairedAccumulator::new(&shape);
        let start = std::time::Instant::now();
        for row in 0..minibatches {
            accumulator.add_row(&rows[row * 7 % 4]);
        }
        std::hint::black_box(accumulator.finish());
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "paired rows: {:.2} ns a coordinate",
            1e9 * seconds / (minibatches * params) as f64
        );
    }
}
