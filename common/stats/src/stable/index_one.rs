//! The standard law with α = 1 and β ≠ 0, where S0 and S1 agree.
//!
//! Zolotarev's integral (Nolan 1997, theorem 1) has 1/β in an exponent and becomes a step of width β in
//! its angle θ. With y = tan θ = x + βv that goes away:
//!
//! ```text
//! ln g = πv/2 + y arctan y + ½ ln(1 + y²) + ln(1 + 2β arctan(y)/π)
//! f(x) = ½ ∫ g e^−g /(1 + y²) dv
//! β > 0:  P(X ≤ x) = (β/π) ∫ e^−g /(1 + y²) dv,     P(X > x) the same with 1 − e^−g
//! β < 0:  P(X > x) = (|β|/π) ∫ e^−g /(1 + y²) dv,   P(X ≤ x) the same with 1 − e^−g
//! ```
//!
//! which is well conditioned down to β = 0 (there it is Cauchy's density) but loses digits as x grows. For
//! x > 30 the contour of the inversion integral is turned onto the imaginary axis instead:
//!
//! ```text
//! f(x) = (1/π) ∫₀^∞ e^(−ux − (2β/π) u ln u) sin((1 + β)u) du,   P(X > x) the same with du/u
//! ```
//!
//! cut off at ux = 45, where for β < 0 the exponent has not yet turned back.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

use super::quadrature::integral;
use super::zolotarev::{Kernel, zolotarev};

/// Where the second integral takes over.
const FAR: f64 = 30.0;

/// The law with α = 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct IndexOne {
    beta: f64,
}

impl IndexOne {
    /// 0 < |β| ≤ 1.
    pub(super) fn new(beta: f64) -> Self {
        Self { beta }
    }

    /// The law of −X.
    pub(super) fn reflected(self) -> Self {
        Self { beta: -self.beta }
    }

    pub(super) fn density(self, x: f64) -> f64 {
        if x < 0.0 {
            return self.reflected().density(-x);
        }
        if x > FAR {
            return self.turned(x, |r| r) / x;
        }
        self.integral(Kernel::Density, x) / (2.0 * self.beta.abs())
    }

    /// P(X > x).
    pub(super) fn above(self, x: f64) -> f64 {
        if x < 0.0 {
            return self.reflected().below(-x);
        }
        if x > FAR {
            return self.turned(x, |_| 1.0);
        }
        let small = self.beta < 0.0;
        self.integral(if small { Kernel::Small } else { Kernel::Large }, x) / PI
    }

    /// P(X ≤ x).
    pub(super) fn below(self, x: f64) -> f64 {
        if x < 0.0 {
            return self.reflected().above(-x);
        }
        if x > FAR {
            return 1.0 - self.turned(x, |_| 1.0);
        }
        let small = self.beta > 0.0;
        self.integral(if small { Kernel::Small } else { Kernel::Large }, x) / PI
    }

    /// The integral of K(g) over θ, for x ≥ 0.
    fn integral(self, kernel: Kernel, x: f64) -> f64 {
        let beta = self.beta;
        let size = beta.abs();
        let wide = 1.0 - size.ln();
        zolotarev(kernel, (-wide, wide), |s| {
            let v = s.clamp(-650.0, 650.0).sinh();
            let y = x + beta * v;
            let far = y.abs();
            // arctan of 1/|y|: from it what is near ±π/2 is precise.
            let rest = 1.0_f64.atan2(far);
            let sum = if y < 0.0 {
                (1.0 - beta) * v - x
            } else {
                (1.0 + beta) * v + x
            };
            let share = if y * beta < 0.0 {
                (1.0 - size) + size * FRAC_2_PI * rest
            } else {
                1.0 + size * FRAC_2_PI * far.atan()
            };
            let root = 1.0_f64.hypot(y);
            let log_g = FRAC_PI_2 * sum - far * rest + (root * share).ln();
            (log_g, size * (s.cosh() / root) / root)
        })
    }

    /// (1/π) ∫ weight(r) e^(−r − (2β/π)(r/x) ln(r/x)) sin((1 + β) r/x) dr/r for r from 0 to 45.
    fn turned(self, x: f64, weight: impl Fn(f64) -> f64) -> f64 {
        let breaks = [-40.0, -12.0, -4.0, -1.0, 1.0, 2.5, 45.0_f64.ln()];
        let value = integral(&breaks, 1e-12, |z| {
            let r = z.exp();
            let u = r / x;
            let bend = FRAC_2_PI * self.beta * u * (z - x.ln());
            weight(r) * (-r - bend).exp() * ((1.0 + self.beta) * u).sin()
        });
        value / PI
    }
}
