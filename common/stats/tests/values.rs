//! The estimators over single values against straightforward ones over the sorted numbers, written
//! from the definitions alone, and on laws whose α is known.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::f64::consts::PI;
use std::sync::Arc;

use proptest::prelude::*;
use tailsweep_stats::stable::Stable;
use tailsweep_stats::{
    Estimate, Estimator, MCCULLOCH, NoiseShape, NoiseSummary, Problem, StableFit, Treatment,
    ValueSums, dedh, dehaan_peng, ecf, flom, hill, hill_plot, log_moment, mcculloch, pickands,
    summarise, summarise_about,
};

const EULER: f64 = 0.577_215_664_901_532_9;

struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) >> 12) as f64 / (1_u64 << 52) as f64 + 0.5 / (1_u64 << 52) as f64
    }

    /// Chambers, Mallows, Stuck; σ = 1.
    fn stable(&mut self, alpha: f64) -> f64 {
        let v = PI * (self.uniform() - 0.5);
        let w = -self.uniform().ln();
        (alpha * v).sin() / v.cos().powf(1.0 / alpha)
            * (((1.0 - alpha) * v).cos() / w).powf((1.0 - alpha) / alpha)
    }

    fn stables(&mut self, alpha: f64, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.stable(alpha)).collect()
    }

    fn student(&mut self, degrees: usize) -> f64 {
        let normal = |numbers: &mut Self| {
            (-2.0 * numbers.uniform().ln()).sqrt() * (2.0 * PI * numbers.uniform()).cos()
        };
        let squares: f64 = (0..degrees).map(|_| normal(self).powi(2)).sum();
        normal(self) / (squares / degrees as f64).sqrt()
    }
}

/// The definitions over the numbers themselves.
struct Naive {
    values: Vec<f64>,
    /// |x|, the largest first.
    magnitudes: Vec<f64>,
}

impl Naive {
    fn of(values: &[f64]) -> Self {
        let mut values: Vec<f64> = values.iter().copied().filter(|x| *x != 0.0).collect();
        values.sort_unstable_by(f64::total_cmp);
        let mut magnitudes: Vec<f64> = values.iter().map(|x| x.abs()).collect();
        magnitudes.sort_unstable_by(|a, b| b.total_cmp(a));
        Self { values, magnitudes }
    }

    fn mean(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.magnitudes.iter().map(|x| of(*x)).sum::<f64>() / self.magnitudes.len() as f64
    }

    fn log_moment(&self) -> (f64, f64) {
        let mean = self.mean(f64::ln);
        let variance = self.mean(|x| (x.ln() - mean).powi(2));
        let theta = (6.0 * variance / (PI * PI) - 0.5).sqrt();
        (1.0 / theta, (mean - EULER * (theta - 1.0)).exp())
    }

    fn flom(&self) -> f64 {
        const P: f64 = 0.2;
        let r = self.mean(|x| x.powf(P)) * self.mean(|x| x.powf(-P));
        let wanted = 2.0 * (P * PI / 2.0).tan() / (P * PI * r);
        let (mut low, mut high) = (1e-9, PI);
        for _ in 0..200 {
            let u = (low + high) / 2.0;
            if u.sin() / u > wanted {
                low = u;
            } else {
                high = u;
            }
        }
        P * PI / low
    }

    fn quantile(&self, p: f64) -> f64 {
        let rank = (self.values.len() - 1) as f64 * p;
        let (left, right) = (rank.floor() as usize, rank.ceil() as usize);
        self.values[left] + (self.values[right] - self.values[left]) * rank.fract()
    }

    fn ratio(&self) -> f64 {
        (self.quantile(0.95) - self.quantile(0.05)) / (self.quantile(0.75) - self.quantile(0.25))
    }

    fn ecf(&self, nu: f64) -> f64 {
        let scale = (self.quantile(0.75) - self.quantile(0.25)) / nu;
        let median = self.quantile(0.5);
        let points: Vec<(f64, f64)> = (1..=10)
            .map(|index| {
                let t = f64::from(index) * 0.1;
                let (mut re, mut im) = (0.0, 0.0);
                for x in &self.values {
                    let (sin, cos) = (t * (x - median) / scale).sin_cos();
                    re += cos;
                    im += sin;
                }
                let n = self.values.len() as f64;
                let square = (re / n).powi(2) + (im / n).powi(2);
                (t.ln(), (-square.ln()).ln())
            })
            .collect();
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / 10.0;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let above: f64 = points
            .iter()
            .map(|point| (point.0 - x) * (point.1 - y))
            .sum();
        above
            / points
                .iter()
                .map(|point| (point.0 - x).powi(2))
                .sum::<f64>()
    }

    /// ξ of `hill`, `dedh`, `dehaan_peng`, `pickands`.
    fn tails(&self) -> [f64; 4] {
        let k = (self.magnitudes.len() / 100).max(10);
        let x = |i: usize| self.magnitudes[i - 1];
        let moment =
            |r: i32| (1..=k).map(|i| (x(i) / x(k + 1)).ln().powi(r)).sum::<f64>() / k as f64;
        let (m1, m2) = (moment(1), moment(2));
        [
            m1,
            m1 + 1.0 - 0.5 / (1.0 - m1 * m1 / m2),
            m2 / (2.0 * m1),
            ((x(k) - x(2 * k)) / (x(2 * k) - x(4 * k))).ln() / 2_f64.ln(),
        ]
    }
}

type Tail = fn(&ValueSums) -> Result<f64, Problem>;

const TAILS: [Tail; 4] = [hill, dedh, dehaan_peng, pickands];

fn near(read: f64, wanted: f64, within: f64) {
    assert!(
        (read - wanted).abs() <= within,
        "{read} instead of {wanted}"
    );
}

fn of_values(summary: &NoiseSummary) -> Vec<Estimate> {
    let mut estimates = summary.estimates().unwrap();
    estimates.retain(|row| row.k1.is_none() && row.treatment == Treatment::PublishedRows);
    assert_eq!(estimates.len(), 8);
    estimates
}

#[test]
fn stable_laws_read_their_alpha() {
    for (seed, alpha) in [0.8, 1.2, 1.5, 1.8].into_iter().enumerate() {
        let scale = 3e-4;
        let mut values = Numbers(seed as u64 + 1).stables(alpha, 200_000);
        values.iter_mut().for_each(|value| *value *= scale);
        let sums = ValueSums::of(&values);
        let fit = StableFit::of_log_moment(&sums).unwrap();
        let ratio = fit.scale.unwrap() / scale;
        let table = mcculloch(&sums).unwrap();
        let slope = ecf(&sums).unwrap();
        println!(
            "{alpha}: {:.4} (σ {:.4}) {:.4} {slope:.4} {:.4}",
            fit.alpha,
            ratio,
            flom(&sums).unwrap(),
            table.alpha
        );
        near(fit.alpha, alpha, 0.05);
        near(ratio, 1.0, 0.03);
        near(flom(&sums).unwrap(), alpha, 0.05);
        near(slope, alpha, 0.05);
        near(table.alpha, alpha, 0.05);
        assert!(!table.at_bound);
    }
}

#[test]
fn gaussian_values_read_two() {
    let sums = ValueSums::of(&Numbers(5).stables(2.0, 200_000));
    near(log_moment(&sums).unwrap(), 2.0, 0.05);
    near(flom(&sums).unwrap(), 2.0, 0.05);
    near(ecf(&sums).unwrap(), 2.0, 0.02);
    // ν = 2.4388 is just below the table's 2.439: with noise it reads at the bound or beside it.
    near(mcculloch(&sums).unwrap().alpha, 2.0, 0.05);
    let uniform: Vec<f64> = {
        let mut numbers = Numbers(6);
        (0..50_000).map(|_| numbers.uniform() - 0.5).collect()
    };
    let sums = ValueSums::of(&uniform);
    let table = mcculloch(&sums).unwrap();
    assert_eq!((table.alpha, table.at_bound), (2.0, true));
    assert_eq!(dedh(&sums), Err(Problem::LightTail));
    assert_eq!(pickands(&sums), Err(Problem::LightTail));
}

#[test]
fn very_heavy_values_are_out_of_the_table() {
    let sums = ValueSums::of(&Numbers(7).stables(0.4, 50_000));
    assert_eq!(mcculloch(&sums), Err(Problem::OutOfTable));
    near(log_moment(&sums).unwrap(), 0.4, 0.01);
    near(flom(&sums).unwrap(), 0.4, 0.05);
    assert!(ecf(&sums).is_ok());
}

/// What the numbers themselves give, and what the histogram gives.
#[test]
fn the_histogram_reads_as_the_numbers_themselves() {
    let mut numbers = Numbers(8);
    let student: Vec<f64> = (0..100_000).map(|_| 1e-5 * numbers.student(3)).collect();
    let mut samples = vec![(student, 1.92)];
    for (alpha, nu) in [
        (0.8, 2.0),
        (1.2, 1.965),
        (1.5, 1.939),
        (1.8, 1.92),
        (2.0, 1.908),
    ] {
        samples.push((numbers.stables(alpha, 100_000), nu));
    }
    let mut worst = [0.0_f64; 9];
    for (values, nu) in samples {
        let naive = Naive::of(&values);
        let sums = ValueSums::of(&values);
        let mut differences = Vec::new();
        let fit = StableFit::of_log_moment(&sums).unwrap();
        let (alpha, scale) = naive.log_moment();
        differences.push(fit.alpha - alpha);
        differences.push(fit.scale.unwrap() / scale - 1.0);
        differences.push(flom(&sums).unwrap() - naive.flom());
        // Where the table's α decides on ν_c the slope depends on it weakly.
        differences.push(ecf(&sums).unwrap() - naive.ecf(nu));
        let ratio = naive.ratio();
        let table = mcculloch(&sums).unwrap();
        differences.push(match table.at_bound {
            true => (ratio - 2.439).max(0.0),
            false => table.alpha - interpolated(ratio),
        });
        for (estimate, xi) in TAILS.iter().zip(naive.tails()) {
            match estimate(&sums) {
                Ok(alpha) if xi > 0.1 => differences.push(alpha - 1.0 / xi),
                Ok(alpha) => differences.push(1.0 / alpha - xi),
                Err(problem) => {
                    assert_eq!(problem, Problem::LightTail);
                    assert!(xi < 0.002, "{xi}");
                    differences.push(0.0);
                }
            }
        }
        let shown: Vec<String> = differences.iter().map(|x| format!("{x:+.0e}")).collect();
        println!("{}", shown.join(" "));
        for (worst, difference) in worst.iter_mut().zip(differences) {
            *worst = worst.max(difference.abs());
        }
    }
    let bounds = [1e-6, 1e-6, 1e-6, 0.005, 0.002, 1e-4, 1e-4, 1e-4, 1e-4];
    for (worst, bound) in worst.into_iter().zip(bounds) {
        assert!(worst <= bound, "{worst} > {bound}");
    }
}

/// Few values, whose tails are known exactly, and many, whose tails lie in the histogram.
#[test]
fn tails_read_as_the_numbers_themselves() {
    for (count, bounds) in [
        (400, [1e-4; 4]),
        (20_000, [1e-4; 4]),
        (300_000, [1e-4, 1e-4, 1e-4, 0.01]),
        (2_000_000, [0.001, 0.005, 0.001, 0.005]),
    ] {
        for alpha in [0.8, 1.2, 1.5, 1.8] {
            let values = Numbers(11).stables(alpha, count);
            let sums = ValueSums::of(&values);
            let naive = Naive::of(&values).tails();
            let mut shown = String::new();
            for ((estimate, xi), bound) in TAILS.iter().zip(naive).zip(bounds) {
                let difference = estimate(&sums).unwrap_or(f64::NAN) - 1.0 / xi;
                shown += &format!(" {difference:+.0e} ({:.2})", 1.0 / xi);
                assert!(xi < 0.0 || difference.abs() <= bound, "{difference}");
            }
            println!("{count} {alpha}:{shown}");
        }
    }
}

/// The table of 1986 is good to 2 % of ν, the law itself is known better.
#[test]
fn the_table_of_mcculloch_is_that_of_the_stable_law() {
    for (nu, alpha) in MCCULLOCH {
        let law = Stable::symmetric(alpha, 1.0).unwrap();
        let own = law.upper_quantile(0.05) / law.upper_quantile(0.25);
        assert!((own / nu - 1.0).abs() < 0.02, "α = {alpha}: {own} for {nu}");
    }
}

fn interpolated(nu: f64) -> f64 {
    let table = MCCULLOCH;
    let right = table.iter().position(|entry| nu < entry.0).unwrap();
    let ((x0, y0), (x1, y1)) = (table[right - 1], table[right]);
    y0 + (y1 - y0) * (nu - x0) / (x1 - x0)
}

/// Hill reads more than α on SαS(1.8), the more the longer the tail.
#[test]
fn the_hill_plot_rises_on_nearly_gaussian_laws() {
    let sums = ValueSums::of(&Numbers(9).stables(1.8, 1_000_000));
    let plot = hill_plot(&sums, &[1_000, 10_000, 50_000, 100_000]);
    let wanted = [1.8, 2.0, 2.7, 2.8];
    println!("{plot:?}");
    for ((_, alpha), wanted) in plot.iter().zip(wanted) {
        near(*alpha, wanted, 0.15);
    }
    assert_eq!(plot[1].1, hill(&sums).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the values are: exact zeros, few places, both signs.
    #[test]
    fn sums_hold_their_bounds_on_any_values(
        values in prop::collection::vec(
            prop_oneof![Just(0.0), Just(1.0), Just(-0.75), -1.0..1.0, -1e-9..1e-9, -1e6..1e6],
            1..600,
        ),
    ) {
        let sums = ValueSums::of(&values);
        let naive = Naive::of(&values);
        prop_assert_eq!(sums.count(), naive.values.len() as u64);
        prop_assume!(!naive.values.is_empty());
        let n = naive.values.len() as f64;
        let off = |sum: f64, exact: f64| (sum / n - exact).abs();
        prop_assert!(off(sums.ln.value(), naive.mean(f64::ln)) < 1.8e-6);
        let ln = naive.mean(|x| x.ln().abs()).max(1.0);
        prop_assert!(off(sums.ln_squared.value(), naive.mean(|x| x.ln().powi(2))) < 3.6e-6 * ln);
        let power = naive.mean(|x| x.powf(0.2));
        prop_assert!(off(sums.power.value(), power) < 5e-7 * power);
        let inverse = naive.mean(|x| x.powf(-0.2));
        prop_assert!(off(sums.inverse_power.value(), inverse) < 5e-7 * inverse);
    }

    #[test]
    fn nothing_is_ever_nan(
        values in prop::collection::vec(
            prop_oneof![
                Just(0.0), Just(1.0), Just(-1.0), Just(1e308), Just(-1e308), Just(1e-300),
                prop::num::f64::ANY, -1.0..1.0,
            ],
            0..80,
        ),
    ) {
        let sums = ValueSums::of(&values);
        let mut read = vec![
            log_moment(&sums),
            flom(&sums),
            ecf(&sums),
            mcculloch(&sums).map(|reading| reading.alpha),
        ];
        read.extend(TAILS.map(|estimate| estimate(&sums)));
        for read in read.into_iter().flatten() {
            prop_assert!(read.is_finite() && read > 0.0, "{read}");
        }
        let plot = hill_plot(&sums, &[1, 2, 5, 10, 100]);
        prop_assert!(plot.iter().all(|(_, alpha)| alpha.is_finite()));
    }

    #[test]
    fn parts_of_values_add_up(seed in any::<u64>(), cut in 1_usize..500) {
        let values = Numbers(seed).stables(1.3, 500);
        let (left, right) = values.split_at(cut);
        let mut merged = ValueSums::of(left);
        merged.merge(&ValueSums::of(right));
        let whole = ValueSums::of(&values);
        prop_assert_eq!(&merged.histogram, &whole.histogram);
        prop_assert!((merged.ln.value() - whole.ln.value()).abs() < 1e-3);
        let (merged, whole) = (log_moment(&merged).unwrap(), log_moment(&whole).unwrap());
        prop_assert!((merged - whole).abs() < 1e-4);
    }
}

#[test]
fn a_summary_reads_like_its_nonzero_values() {
    let (minibatches, params) = (40, 5000);
    let mut numbers = Numbers(10);
    let rows: Vec<Vec<f32>> = (0..minibatches)
        .map(|_| {
            (0..params)
                .map(|column| match column % 7 {
                    0 => 0.0,
                    _ => numbers.stable(1.5) as f32,
                })
                .collect()
        })
        .collect();
    let only = [Treatment::PublishedRows].into_iter().collect();
    let shape = Arc::new(NoiseShape::without_layers(minibatches, params, only).unwrap());
    let summary = summarise_about(shape.clone(), &rows, vec![0.0; params].into());
    let nonzero: Vec<f64> = rows
        .iter()
        .flatten()
        .filter(|value| **value != 0.0)
        .map(|value| f64::from(*value))
        .collect();
    let sums = ValueSums::of(&nonzero);
    assert_eq!(summary.value_sums(), Some(&sums));
    let estimates = of_values(&summary);
    for estimate in &estimates {
        assert_eq!(
            (estimate.samples, estimate.blocks),
            (nonzero.len() as u64, 0)
        );
        assert_eq!((estimate.std_error, estimate.interval), (None, None));
        assert_eq!(estimate.theta, estimate.alpha.map(|alpha| 1.0 / alpha));
    }
    assert_eq!(estimates[0].alpha, Some(log_moment(&sums).unwrap()));
    assert_eq!(estimates[1].alpha, Some(flom(&sums).unwrap()));
    assert_eq!(estimates[2].alpha, Some(ecf(&sums).unwrap()));
    let max = nonzero.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
    let share = |p| max.powi(p) / nonzero.iter().map(|x| x.powi(p)).sum::<f64>();
    near(summary.max_to_sum_2().unwrap(), share(2), 1e-12);
    near(summary.max_to_sum_4().unwrap(), share(4), 1e-12);

    // The same through pieces.
    let mut pieces = summary.clone().split(5);
    assert!(pieces[1].value_sums().is_none());
    let mut merged = pieces.pop().unwrap();
    for piece in pieces {
        merged.merge(&piece).unwrap();
    }
    assert!(merged == summary);
}

#[test]
fn words_stand_where_there_is_nothing_to_read() {
    let shape = || {
        let only = [Treatment::PublishedRows].into_iter().collect();
        Arc::new(NoiseShape::without_layers(6, 2, only).unwrap())
    };
    let problems = |summary: &NoiseSummary| -> Vec<Option<Problem>> {
        of_values(summary).iter().map(|row| row.problem).collect()
    };
    let dead = summarise(shape(), &[[1.0_f32, 2.0]; 6]);
    assert_eq!(problems(&dead), [Some(Problem::NoValues); 8]);
    let broken = summarise(shape(), &[[1.0_f32, f32::NAN]; 6]);
    assert_eq!(problems(&broken), [Some(Problem::NonFinite); 8]);
    assert!(broken.value_sums().unwrap().histogram.is_empty());
    assert_eq!(broken.max_to_sum_2(), None);
    let few = summarise(
        shape(),
        &[
            [1.0_f32, 2.0],
            [0.5, 0.2],
            [3.0, 1.0],
            [4.0, 1.0],
            [2.5, 6.0],
            [1.0, 2.0],
        ],
    );
    let pickands = of_values(&few).pop().unwrap();
    assert_eq!(pickands.estimator, Estimator::Pickands);
    assert_eq!(pickands.problem, Some(Problem::TooFewValues));
}
