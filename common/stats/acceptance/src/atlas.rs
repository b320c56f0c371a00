//! A2: the bias atlas. What the estimators read of noise whose law is known, when scales, zeros,
//! correlation or the partition come in between.
//!
//! **Published.** θ = 1/α̂ of the published number on Gaussian noise against the closed forms of
//! [`bias`], each at a block length where it holds: 1000 (980 for zeros, as in the table it is
//! from), which is the published K1 of 100 × 10,000 (9,800) values; for log-normal scales of
//! s = 1.5, where it needs K1 ≫ e^(4s²) = 8,103, also 2¹⁷. Within 5 %. Where the closed form is
//! exact (no scales, no laws but the Gaussian), within 1 % (3 % in the quick way), since 5 % would
//! not tell the partition's 2.07 from 2.
//!
//! **Controls.** `local_slope` of permuted coordinates, at levels where its bias from scales has
//! gone (like e^(4s²)/K1) and no block is wholly dead: 2.0 ± 0.1 on Gaussian noise with all causes at
//! once. The paired estimators: 2.0 ± 0.1 on the same, α ± 0.1 on stable noise with unequal scales and
//! zeros. Their levels end where a level would have fewer than 6 groups of minibatches. The lines
//! say so.
//!
//! θ is pooled over the repeats, which are fewer in the quick way; the tolerances are the same, and
//! standard errors are printed beside.

use tailsweep_stats::bias::{self, GAUSSIAN_MEAN_LN};
use tailsweep_stats::{Estimator, Treatment, mohammadi, summarise_about};

use crate::Effort;
use crate::draws::{Draws, Law};
use crate::line::{Expected, Line};
use crate::matrix::{Noise, all, first, theta};
use crate::sample::{Sample, repeat};

const MINIBATCHES: usize = 100;
/// 100 × 10,000 values have the published K1 1000.
const PARAMS: usize = 10_000;
const K1: f64 = 1000.0;
/// 100 × 9,800 values have the published K1 980.
const PARAMS_OF_ZEROS: usize = 9_800;
const K1_OF_ZEROS: f64 = 980.0;

/// Of a closed form that neglects something.
const APPROXIMATE: f64 = 0.05;

/// Of a closed form that neglects nothing: 4 standard errors of iid values.
fn exact(effort: Effort) -> f64 {
    effort.pick(0.03, 0.01)
}

pub(crate) fn lines(effort: Effort) -> Vec<Line> {
    let mut lines = published(effort);
    lines.push(partition(effort));
    lines.push(wide_scales(effort));
    lines.push(uncentred(effort));
    lines.extend(light_laws(effort));
    lines.extend(slopes(effort));
    lines.extend(paired(effort));
    lines
}

/// θ of values of variance 1 with a mean m ≫ 1: E ln|X| ≈ ln m − 1/(2m²), ln|Y| ≈ ln K1·m.
fn of_a_mean(m: f64, k1: f64) -> f64 {
    1.0 + 1.0 / (2.0 * m * m) / k1.ln()
}

fn near_closed(theta: f64, tolerance: f64) -> Expected {
    Expected::Near {
        value: 1.0 / theta,
        within: tolerance / theta,
    }
}

/// θ of the published number, by repeat.
fn published_thetas(noise: &Noise, case: u64, repeats: u64) -> Sample {
    let thetas = repeat(repeats, |repeat| {
        let mut draws = Draws::new("atlas", case, repeat);
        let estimates = noise.estimates(&mut draws, &[Treatment::Published]);
        theta(first(
            &estimates,
            Estimator::Mohammadi,
            Treatment::Published,
        ))
    });
    thetas.into_iter().collect()
}

fn published(effort: Effort) -> Vec<Line> {
    let iid = Noise::iid(Law::Gaussian, MINIBATCHES, PARAMS);
    let with_zeros = Noise {
        params: PARAMS_OF_ZEROS,
        ..Noise::iid(Law::Gaussian, MINIBATCHES, PARAMS_OF_ZEROS)
    };
    let mut cases = vec![("iid".to_owned(), iid, 0.5, exact(effort))];
    for s in [0.5, 1.0, 1.5] {
        let noise = Noise { scales: s, ..iid };
        let name = format!("scales s = {s}");
        cases.push((name, noise, bias::scales(s, K1), APPROXIMATE));
    }
    for rho in [0.01, 0.05, 0.2, 1.0] {
        // A factor for each block.
        let noise = Noise {
            correlation: rho,
            unit: K1 as usize,
            ..iid
        };
        let name = format!("correlation ρ = {rho}");
        cases.push((name, noise, bias::correlation(rho, K1), exact(effort)));
    }
    for z in [0.01, 0.05, 0.1] {
        let noise = Noise {
            dead: z,
            ..with_zeros
        };
        let name = format!("scattered zeros {} %", 100.0 * z);
        cases.push((
            name,
            noise,
            bias::zeros(z, GAUSSIAN_MEAN_LN, K1_OF_ZEROS),
            APPROXIMATE,
        ));
    }
    for z in [0.1, 0.3] {
        let noise = Noise {
            dead_units: z,
            unit: K1 as usize,
            ..iid
        };
        let name = format!("dead blocks {} %", 100.0 * z);
        cases.push((name, noise, bias::dead_blocks(z), exact(effort)));
    }
    let repeats = effort.pick(4, 20);
    let line = |(case, (name, noise, closed, tolerance)): (usize, (String, Noise, f64, f64))| {
        let k1 = noise.shape(&[]).block_length();
        let thetas = published_thetas(&noise, case as u64, repeats);
        let what = format!("Gaussian, {name}: published, K1 = {k1}");
        Line::of_thetas(what, near_closed(closed, tolerance), &thetas)
    };
    cases.into_iter().enumerate().map(line).collect()
}

/// Coordinates across the minibatches of a partition, whose noise sums to zero.
fn partition(effort: Effort) -> Line {
    const P: usize = 120;
    const PARTITION_K1: usize = 10;
    const EXACT_PARTITION: f64 = 0.01;
    let thetas = repeat(effort.pick(8, 40), |repeat| {
        let mut draws = Draws::new("partition", 0, repeat);
        let mut noise = Vec::new();
        for _ in 0..5_000 {
            let coordinate: Vec<f64> = (0..P).map(|_| draws.gaussian()).collect();
            let mean = coordinate.iter().sum::<f64>() / P as f64;
            noise.extend(coordinate.iter().map(|value| value - mean));
        }
        1.0 / mohammadi(&noise, PARTITION_K1).unwrap_or(f64::NAN)
    });
    let closed = bias::partition(P as f64, PARTITION_K1 as f64);
    let what = format!("Gaussian, partition of P = {P}: across rows, K1 = {PARTITION_K1}");
    Line::of_thetas(
        what,
        near_closed(closed, EXACT_PARTITION),
        &thetas.into_iter().collect(),
    )
}

/// s = 1.5 at a K1 where the closed form holds.
fn wide_scales(effort: Effort) -> Line {
    const WIDE: f64 = 1.5;
    const LONG: usize = 1 << 17;
    let thetas = repeat(effort.pick(4, 20), |repeat| {
        let mut draws = Draws::new("wide scales", 0, repeat);
        let values: Vec<f64> = (0..20 * LONG)
            .map(|_| (WIDE * draws.gaussian()).exp() * draws.gaussian())
            .collect();
        1.0 / mohammadi(&values, LONG).unwrap_or(f64::NAN)
    });
    let expected = near_closed(bias::scales(WIDE, LONG as f64), APPROXIMATE);
    let what = format!("Gaussian, scales s = {WIDE}: mohammadi, K1 = {LONG}");
    Line::of_thetas(what, expected, &thetas.into_iter().collect())
}

/// Values with a mean of three standard deviations, taken as they are.
fn uncentred(effort: Effort) -> Line {
    let noise = Noise {
        mean: 3.0,
        ..Noise::iid(Law::Gaussian, MINIBATCHES, PARAMS)
    };
    let thetas = repeat(effort.pick(2, 10), |repeat| {
        let rows = noise.draw(&mut Draws::new("uncentred", 0, repeat));
        let shape = noise.shape(&[Treatment::Published]);
        let estimates = summarise_about(shape, &rows, vec![0.0; PARAMS].into())
            .estimates()
            .expect("all rows were fed");
        theta(first(
            &estimates,
            Estimator::Mohammadi,
            Treatment::Published,
        ))
    });
    let expected = near_closed(of_a_mean(noise.mean, K1), APPROXIMATE);
    let what = "Gaussian of mean 3σ, not centred: published, K1 = 1000";
    Line::of_thetas(what, expected, &thetas.into_iter().collect())
}

/// Laws that are no stable ones climb to 2.
fn light_laws(effort: Effort) -> Vec<Line> {
    const LENGTHS: [usize; 4] = [2, 10, 100, 1000];
    let laws = [
        (Law::StudentT3, [1.565, 1.657, 1.754, 1.812]),
        (Law::Laplace, [1.387, 1.629, 1.780, 1.846]),
    ];
    let mut lines = Vec::new();
    for (case, (law, expected)) in laws.into_iter().enumerate() {
        let readings = repeat(effort.pick(4, 20), |repeat| {
            let mut draws = Draws::new("light laws", case as u64, repeat);
            let values: Vec<f64> = (0..1_000_000).map(|_| draws.of(law)).collect();
            LENGTHS.map(|k1| 1.0 / mohammadi(&values, k1).unwrap_or(f64::NAN))
        });
        for (index, (k1, alpha)) in LENGTHS.into_iter().zip(expected).enumerate() {
            let thetas: Sample = readings.iter().map(|thetas| thetas[index]).collect();
            let what = format!("{}: mohammadi, K1 = {k1}", law.name());
            let expected = near_closed(1.0 / alpha, APPROXIMATE);
            lines.push(Line::of_thetas(what, expected, &thetas));
        }
    }
    lines
}

/// Gaussian noise with all causes at once.
fn gaussian_like_a_network(scales: f64, params: usize) -> Noise {
    Noise {
        scales,
        unit: 64,
        correlation: 0.2,
        dead: 0.05,
        dead_units: 0.1,
        ..Noise::iid(Law::Gaussian, MINIBATCHES, params)
    }
}

/// `local_slope` / `permuted` on Gaussian noise, pooled over three levels.
fn slopes(effort: Effort) -> Vec<Line> {
    const LEVELS: usize = 3;
    // s, M, the first level that is judged.
    let cases = [(0.0, 8_192, 16), (0.5, 8_192, 64), (1.0, 65_536, 2_048)];
    // The last one takes as long as the rest of the atlas.
    let cases = &cases[..effort.pick(2, 3)];
    let mut lines = Vec::new();
    for (case, (scales, params, lowest)) in cases.iter().copied().enumerate() {
        let noise = gaussian_like_a_network(scales, params);
        let thetas = repeat(effort.pick(8, 24), |repeat| {
            let mut draws = Draws::new("slopes", case as u64, repeat);
            let estimates = noise.estimates(&mut draws, &[Treatment::Permuted]);
            let slopes: Vec<f64> = all(&estimates, Estimator::LocalSlope, Treatment::Permuted)
                .map(theta)
                .collect();
            let from = (lowest as u32).ilog2() as usize;
            let judged: Sample = slopes[from..from + LEVELS].iter().copied().collect();
            (slopes[0], judged.mean())
        });
        let name = format!("Gaussian, scales s = {scales}, correlation, zeros: permuted slope");
        let at_one: Sample = thetas.iter().map(|(first, _)| *first).collect();
        let judged: Sample = thetas.iter().map(|(_, judged)| *judged).collect();
        let what = format!("{name}, K1 = 1 (scales and zeros still there)");
        lines.push(Line::of_thetas(what, Expected::Shown(Some(2.0)), &at_one));
        let top = lowest << LEVELS;
        let why = match scales > 0.0 {
            true => format!("K1 ≫ e^(4s²) = {:.1}", (4.0 * scales * scales).exp()),
            false => "no block is all zeros".to_owned(),
        };
        let what = format!("{name}, K1 = {lowest} … {top} ({why})");
        lines.push(Line::of_thetas(what, two(), &judged));
    }
    lines
}

fn two() -> Expected {
    Expected::Near {
        value: 2.0,
        within: 0.1,
    }
}

/// The paired estimators, whatever the scales, zeros and correlation are.
fn paired(effort: Effort) -> Vec<Line> {
    /// Levels that are judged: 25, 12 and 6 groups of P = 100.
    const SLOPES: usize = 3;
    let gaussian = gaussian_like_a_network(1.0, 4_000);
    let stable = |alpha| Noise {
        law: Law::stable(alpha),
        correlation: 0.0,
        ..gaussian
    };
    let cases = [
        ("Gaussian, s = 1, correlation, zeros", gaussian),
        ("SαS(1.2), s = 1, zeros", stable(1.2)),
        ("SαS(1.5), s = 1, zeros", stable(1.5)),
    ];
    let mut lines = Vec::new();
    for (case, (name, noise)) in cases.into_iter().enumerate() {
        let readings = repeat(effort.pick(4, 20), |repeat| {
            let mut draws = Draws::new("paired", case as u64, repeat);
            let estimates = noise.estimates(&mut draws, &[Treatment::Paired]);
            let kinds = [Estimator::WithinCoordinate, Estimator::AcrossMinibatches];
            let mut thetas: Vec<f64> = kinds
                .map(|estimator| theta(first(&estimates, estimator, Treatment::Paired)))
                .into();
            let slopes = all(&estimates, Estimator::LocalSlope, Treatment::Paired);
            thetas.extend(slopes.take(SLOPES).map(theta));
            thetas
        });
        let names = ["within_coordinate", "across_minibatches"]
            .map(str::to_owned)
            .into_iter()
            .chain((1..=SLOPES).map(|level| {
                let groups = (MINIBATCHES / 2) >> level;
                let last = if level == SLOPES {
                    ", beyond it too few"
                } else {
                    ""
                };
                format!("local_slope, K1 = {} ({groups} groups{last})", 1 << level)
            }));
        for (index, estimator) in names.enumerate() {
            let thetas: Sample = readings.iter().map(|thetas| thetas[index]).collect();
            let expected = Expected::Near {
                value: noise.law.alpha(),
                within: 0.1,
            };
            let what = format!("{name}: paired {estimator}");
            lines.push(Line::of_thetas(what, expected, &thetas));
        }
    }
    lines
}
