//! A13: the five numbers beside the published one, for three laws under the same scales, zeros and
//! correlation.
//!
//! The published number does not tell the laws apart; its controls do:
//!
//! - Gaussian: the surrogate reads what `published_rows` reads; within a coordinate 2, paired
//!   slopes flat at 2;
//! - SαS(1.5): within a coordinate 1.5, paired slopes flat at 1.5;
//! - Student t₃, heavy but of finite variance: within a coordinate below 2, paired slopes that
//!   climb towards 2.
//!
//! One matrix for each law, as in one measurement, so intervals are the estimates' own.

use tailsweep_stats::{Estimate, Estimator, Treatment};

use crate::Effort;
use crate::draws::{Draws, Law};
use crate::line::{Expected, Line};
use crate::matrix::{Noise, all, first};
use crate::sample::repeat;

const TREATMENTS: [Treatment; 5] = [
    Treatment::Published,
    Treatment::PublishedRows,
    Treatment::GaussianSurrogate,
    Treatment::Permuted,
    Treatment::Paired,
];

pub(crate) fn lines(effort: Effort) -> Vec<Line> {
    let (minibatches, params) = effort.pick((512, 2_048), (1_024, 8_192));
    let laws = [Law::Gaussian, Law::stable(1.5), Law::StudentT3];
    let estimates = repeat(laws.len() as u64, |case| {
        let noise = like_a_network(laws[case as usize], minibatches, params);
        noise.estimates(&mut Draws::new("controls", case, 0), &TREATMENTS)
    });
    laws.iter()
        .zip(&estimates)
        .flat_map(|(law, estimates)| of_law(*law, estimates))
        .collect()
}

/// ln σ ~ N(0, 1); units of 64 coordinates of correlation 0.05; 2 % of the coordinates dead.
fn like_a_network(law: Law, minibatches: usize, params: usize) -> Noise {
    Noise {
        scales: 1.0,
        unit: 64,
        correlation: 0.05,
        dead: 0.02,
        ..Noise::iid(law, minibatches, params)
    }
}

fn of_law(law: Law, estimates: &[Estimate]) -> Vec<Line> {
    let name = law.name();
    let shown = Expected::Shown(None);
    let mohammadi = |treatment| first(estimates, Estimator::Mohammadi, treatment);
    let line = |what: &str, expected, estimate| {
        Line::of_estimate(format!("{name}: {what}"), expected, estimate)
    };
    let rows = mohammadi(Treatment::PublishedRows);
    let surrogate = mohammadi(Treatment::GaussianSurrogate);
    let mut lines = vec![
        line("published", shown, mohammadi(Treatment::Published)),
        line("published_rows", shown, rows),
        line("gaussian_surrogate", shown, surrogate),
        surrogate_distance(law, rows, surrogate),
    ];
    lines.extend(permuted_slopes(law, estimates));
    let within = first(estimates, Estimator::WithinCoordinate, Treatment::Paired);
    let about = |alpha| Expected::Near {
        value: alpha,
        within: 0.1,
    };
    let expected = match law {
        Law::StudentT3 => Expected::AtMost(1.9),
        stable => about(stable.alpha()),
    };
    lines.push(line("within_coordinate, paired", expected, within));
    // The levels of 16 groups and more.
    let slopes: Vec<&Estimate> = all(estimates, Estimator::LocalSlope, Treatment::Paired)
        .filter(|slope| slope.blocks >= 16)
        .collect();
    for slope in &slopes {
        let k1 = slope.k1.unwrap_or(0);
        let expected = match law {
            Law::StudentT3 => shown,
            stable => about(stable.alpha()),
        };
        lines.push(line(
            &format!("local_slope, paired, K1 = {k1}"),
            expected,
            slope,
        ));
    }
    lines.push(climb(law, &slopes));
    lines
}

/// θ of `published_rows` less that of the surrogate, in standard errors of the former: the
/// surrogate is its expectation over Gaussian noise.
fn surrogate_distance(law: Law, rows: &Estimate, surrogate: &Estimate) -> Line {
    let distance = || {
        let difference = (rows.theta? - surrogate.theta?).abs();
        Some(difference / rows.theta_std_error?)
    };
    let expected = match law {
        Law::Gaussian => Expected::AtMost(4.5),
        _ => Expected::Shown(None),
    };
    let what = format!("{}: |published_rows − surrogate|, θ, in s.e.", law.name());
    Line::new(what, expected, distance().unwrap_or(f64::NAN))
}

/// The lowest level, and the highest that has 1000 blocks.
fn permuted_slopes(law: Law, estimates: &[Estimate]) -> Vec<Line> {
    let slopes: Vec<&Estimate> = all(estimates, Estimator::LocalSlope, Treatment::Permuted)
        .filter(|slope| slope.blocks >= 1_000)
        .collect();
    let ends = [slopes.first(), slopes.last()];
    let line = |slope: &&Estimate| {
        let k1 = slope.k1.unwrap_or(0);
        let what = format!("{}: local_slope, permuted, K1 = {k1}", law.name());
        Line::of_estimate(what, Expected::Shown(None), slope)
    };
    ends.into_iter().flatten().map(line).collect()
}

/// How far the slopes rise from the first to the last level, in standard errors.
fn climb(law: Law, slopes: &[&Estimate]) -> Line {
    let rise = || {
        let (first, last) = (slopes.first()?, slopes.last()?);
        let error = first.std_error?.hypot(last.std_error?);
        Some((last.alpha? - first.alpha?) / error)
    };
    let expected = match law {
        Law::StudentT3 => Expected::AtLeast(4.5),
        _ => Expected::Between {
            low: -4.5,
            high: 4.5,
        },
    };
    let what = format!("{}: climb of the paired slopes, in s.e.", law.name());
    Line::new(what, expected, rise().unwrap_or(f64::NAN)).decimals(1)
}
