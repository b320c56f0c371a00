//! The sampler of Chambers, Mallows and Stuck (1976), in Weron's (1996) form for β ≠ 0.
//!
//! With V uniform on (−π/2, π/2) and W exponential, one standard value in S1 is
//!
//! ```text
//! α = 2:         2√W sin V
//! α = 1, β = 0:  tan V
//! β = 0:         sin(αV)/cos(V)^(1/α) · (cos((1−α)V)/W)^((1−α)/α)
//! α = 1:         (2/π) [(π/2 + βV) tan V − β ln((π/2) W cos V/(π/2 + βV))]
//! otherwise:     c^(−1/α) sin(α(V + θ₀))/cos(V)^(1/α) · (cos(V − α(V + θ₀))/W)^((1−α)/α)
//! ```
//!
//! with θ₀ = arctan(β tan(πα/2))/α and c = cos αθ₀. V = π(u − ½) and W = −ln u′ with u = (k + ½)/2⁵² from
//! the upper 52 bits of a word: u is never 0 or 1, so that W is never 0 and V never ±π/2.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

use super::half_line::tangent;

/// What of α and β the sampler needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sampler {
    alpha: f64,
    beta: f64,
    theta0: f64,
    factor: f64,
}

/// (k + ½)/2⁵² from the upper 52 bits.
fn uniform(word: u64) -> f64 {
    ((word >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

impl Sampler {
    pub(super) fn new(alpha: f64, beta: f64) -> Self {
        let (mut theta0, mut factor) = (0.0, 1.0);
        if beta != 0.0 && alpha != 1.0 && alpha != 2.0 {
            let skew = beta * tangent(alpha);
            theta0 = skew.atan() / alpha;
            factor = (skew * skew).ln_1p() / (2.0 * alpha);
            factor = factor.exp();
        }
        Self {
            alpha,
            beta,
            theta0,
            factor,
        }
    }

    /// One standard value from two words.
    pub(super) fn value(&self, angle: u64, time: u64) -> f64 {
        let alpha = self.alpha;
        let v = PI * (uniform(angle) - 0.5);
        let w = -uniform(time).ln();
        if alpha == 2.0 {
            return 2.0 * w.sqrt() * v.sin();
        }
        if alpha == 1.0 {
            if self.beta == 0.0 {
                return v.tan();
            }
            let turned = FRAC_PI_2 + self.beta * v;
            let ln = (FRAC_PI_2 * w * v.cos() / turned).ln();
            return FRAC_2_PI * (turned * v.tan() - self.beta * ln);
        }
        let power = (1.0 - alpha) / alpha;
        if self.beta == 0.0 {
            let first = (alpha * v).sin() / v.cos().powf(1.0 / alpha);
            return first * (((1.0 - alpha) * v).cos() / w).powf(power);
        }
        let turned = alpha * (v + self.theta0);
        let first = self.factor * turned.sin() / v.cos().powf(1.0 / alpha);
        // Where the cosine vanishes, at an end of V for a totally skewed law, rounding may make it 0.
        first * ((v - turned).cos().max(1e-18) / w).powf(power)
    }
}
