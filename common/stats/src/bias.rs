//! Closed forms: what the published estimator reads of Gaussian noise whose coordinates differ,
//! hang together, or vanish; and how far it scatters on independent stable numbers.
//!
//! θ = 1/α̂ of independent Gaussian values is ½. Every cause is told apart; none of the forms holds
//! for several causes at once.

use std::f64::consts::{LN_2, PI};

/// Euler's γ.
pub(crate) const EULER: f64 = 0.577_215_664_901_532_9;

/// E ln|X| of a Gaussian of variance 1: −(γ + ln 2)/2.
pub const GAUSSIAN_MEAN_LN: f64 = -0.5 * (EULER + LN_2);

/// θ for scales that differ from coordinate to coordinate, ln σ ~ N(0, s²), mixed inside blocks of
/// K1 ≫ e^(4s²): ½ + s²/ln K1.
pub fn scales(s: f64, k1: f64) -> f64 {
    0.5 + s * s / k1.ln()
}

/// θ for a mean pairwise correlation ρ̄ inside a block: ½ + ln(1 + (K1 − 1)ρ̄)/(2 ln K1).
pub fn correlation(rho: f64, k1: f64) -> f64 {
    0.5 + (1.0 + (k1 - 1.0) * rho).ln() / (2.0 * k1.ln())
}

/// θ for a share z of scattered exact zeros, to which the estimator adds 2⁻⁵², where the mean of
/// ln|X| over the other values is `mean_ln` ([`GAUSSIAN_MEAN_LN`] for variance 1):
/// ½ + (z(52 ln 2 + μ) + ½ ln(1 − z))/ln K1.
pub fn zeros(z: f64, mean_ln: f64, k1: f64) -> f64 {
    let of_a_zero = 52.0 * LN_2 + mean_ln;
    0.5 + (z * of_a_zero + 0.5 * (1.0 - z).ln()) / k1.ln()
}

/// θ for a share z of wholly dead blocks: (1 − z)/2.
pub fn dead_blocks(z: f64) -> f64 {
    (1.0 - z) / 2.0
}

/// θ for K1 of P minibatches whose noise sums to zero: ½ + ln(1 − (K1 − 1)/(P − 1))/(2 ln K1).
pub fn partition(p: f64, k1: f64) -> f64 {
    0.5 + (1.0 - (k1 - 1.0) / (p - 1.0)).ln() / (2.0 * k1.ln())
}

/// The standard deviation of α̂ over `blocks` blocks of K1 independent SαS numbers,
/// α²√(V/K2)/ln K1 with V = (π²/6)(1/α² + ½); at most 3.5 % too large at K1 = 100.
pub fn standard_deviation(alpha: f64, k1: f64, blocks: f64) -> f64 {
    let spread = PI * PI / 6.0 * (1.0 / (alpha * alpha) + 0.5);
    alpha * alpha * (spread / blocks).sqrt() / k1.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_give_the_examples() {
        let near = |theta: f64, alpha: f64, within: f64| {
            assert!((1.0 / theta - alpha).abs() < within, "{}", 1.0 / theta);
        };
        near(scales(0.5, 1e3), 1.865, 5e-4);
        near(scales(1.0, 1e3), 1.555, 5e-3);
        for (rho, alpha) in [(0.01, 1.485), (0.05, 1.275), (0.2, 1.131), (1.0, 1.0)] {
            near(correlation(rho, 1e3), alpha, 5e-4);
        }
        for (z, alpha) in [(0.01, 1.816), (0.05, 1.327), (0.1, 0.994)] {
            near(zeros(z, GAUSSIAN_MEAN_LN, 980.0), alpha, 1e-3);
        }
        near(partition(120.0, 10.0), 2.07, 5e-3);
    }
}
