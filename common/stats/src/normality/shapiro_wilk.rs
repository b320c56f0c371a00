//! Shapiro and Wilk's W, in Royston's approximation.
//!
//! W = (Σ a_i x_(i))²/Σ(x_i − x̄)². The weights a are nearly the expected order statistics of a
//! standard Gaussian, m_i = Φ⁻¹((i − 3/8)/(n + 1/4)), scaled to length 1; the outermost two at each
//! end are corrected by polynomials in 1/√n. A monotone function of 1 − W is nearly Gaussian; its
//! mean and the logarithm of its standard deviation are polynomials in n (n ≤ 11) or ln n.
//!
//! Source: P. Royston, "Remark AS R94: A remark on Algorithm AS 181: the W-test for normality",
//! Applied Statistics 44 (1995), 547–551: algorithm and constants, for 3 ≤ n ≤ 5000.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::ops::RangeInclusive;

use super::{NormalityTest, standardised};
use crate::estimate::Problem;
use crate::stable::{normal_above, normal_quantile};

/// The numbers of values that the algorithm is for.
const NUMBERS: RangeInclusive<usize> = 3..=5000;

/// Corrections of the outermost weights, in 1/√n.
const OUTERMOST: [f64; 6] = [0.0, 0.221157, -0.147981, -2.071190, 4.434685, -2.706056];
const SECOND: [f64; 6] = [0.0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633];

/// Mean and logarithm of the standard deviation of −ln(γ − ln(1 − W)), in n, for n ≤ 11.
const FEW_MEAN: [f64; 4] = [0.5440, -0.39978, 0.025054, -0.0006714];
const FEW_LN_SD: [f64; 4] = [1.3822, -0.77857, 0.062767, -0.0020322];
/// Their γ, in n.
const FEW_BOUND: [f64; 2] = [-2.273, 0.459];

/// Mean and logarithm of the standard deviation of ln(1 − W), in ln n, for n ≥ 12.
const MANY_MEAN: [f64; 4] = [-1.5861, -0.31082, -0.083751, 0.0038915];
const MANY_LN_SD: [f64; 3] = [-0.4803, -0.082676, 0.0030302];

/// Shapiro and Wilk's test of 3 to 5000 values: W near 1 is Gaussian.
///
/// [`Problem::TooFewValues`] and [`Problem::TooManyValues`] outside, [`Problem::Degenerate`] if all
/// values are equal, [`Problem::NonFinite`] if one is not finite.
pub fn shapiro_wilk(values: &[f64]) -> Result<NormalityTest, Problem> {
    if values.len() < *NUMBERS.start() {
        return Err(Problem::TooFewValues);
    }
    if values.len() > *NUMBERS.end() {
        return Err(Problem::TooManyValues);
    }
    let values = standardised(values)?;
    let weights = weights(values.len());
    // 1 − W, without the difference of two numbers near 1: with a and x of length 1 it is
    // (1 − a·x)(1 + a·x), and 1 − a·x = ½|a − x|².
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let pairs = || values.iter().map(|value| value / length).zip(&weights);
    let apart: f64 = pairs().map(|(x, a)| (x - a) * (x - a)).sum();
    let product: f64 = pairs().map(|(x, a)| x * a).sum();
    let rest = (0.5 * apart * (1.0 + product)).clamp(0.0, 1.0);
    Ok(NormalityTest {
        statistic: 1.0 - rest,
        p_value: p_value(values.len(), rest),
    })
}

/// The a_i, of length 1 and antisymmetric.
fn weights(n: usize) -> Vec<f64> {
    let mut upper: Vec<f64> = match n {
        3 => vec![FRAC_1_SQRT_2],
        _ => (1..=n / 2)
            .map(|i| -normal_quantile((i as f64 - 0.375) / (n as f64 + 0.25)))
            .collect(),
    };
    let squares = |values: &[f64]| 2.0 * values.iter().map(|value| value * value).sum::<f64>();
    let corrections: &[[f64; 6]] = match n {
        3 => &[],
        4 | 5 => &[OUTERMOST],
        _ => &[OUTERMOST, SECOND],
    };
    let (length, small) = (squares(&upper).sqrt(), 1.0 / (n as f64).sqrt());
    let (outer, inner) = upper.split_at_mut(corrections.len());
    for (value, correction) in outer.iter_mut().zip(corrections) {
        *value = *value / length + polynomial(correction, small);
    }
    let scale = ((1.0 - squares(outer)) / squares(inner)).sqrt();
    inner.iter_mut().for_each(|value| *value *= scale);

    let middle = (n % 2 == 1).then_some(0.0);
    let lower = upper.iter().map(|value| -value);
    let above = upper.iter().rev().copied();
    lower.chain(middle).chain(above).collect()
}

/// The probability of a W this small; `rest` is 1 − W.
fn p_value(n: usize, rest: f64) -> f64 {
    if n == 3 {
        // Exact.
        let angle = (1.0 - rest).sqrt().asin() - 0.75_f64.sqrt().asin();
        return (6.0 / PI * angle).clamp(0.0, 1.0);
    }
    let n = n as f64;
    let ln_rest = rest.ln();
    let (y, mean, ln_sd) = if n <= 11.0 {
        let bound = polynomial(&FEW_BOUND, n);
        if ln_rest >= bound {
            return 0.0;
        }
        let y = -(bound - ln_rest).ln();
        (y, polynomial(&FEW_MEAN, n), polynomial(&FEW_LN_SD, n))
    } else {
        let ln_n = n.ln();
        (
            ln_rest,
            polynomial(&MANY_MEAN, ln_n),
            polynomial(&MANY_LN_SD, ln_n),
        )
    };
    normal_above((y - mean) / ln_sd.exp())
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum * x + coefficient)
}
