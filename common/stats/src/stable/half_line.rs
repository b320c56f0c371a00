//! The standard law with α ≠ 1 on x > 0, in S1: Zolotarev's integral.
//!
//! With θ₀ = arctan(β tan(πα/2))/α, L = π/2 + θ₀ and angles φ, ψ > 0, φ + ψ = L (Nolan's θ is φ − θ₀),
//!
//! ```text
//! g = (x c^(1/α) sin ψ / sin αφ)^(α/(α−1)) · sin(αφ + ψ) / sin ψ,   c = cos αθ₀
//! f(x) = α/(π |α−1| x) ∫ g e^−g dφ
//! α < 1:  P(0 < X ≤ x) = (1/π) ∫ e^−g dφ,        P(X > x) = (1/π) ∫ (1 − e^−g) dφ
//! α > 1:  P(0 < X ≤ x) = (1/π) ∫ (1 − e^−g) dφ,  P(X > x) = (1/π) ∫ e^−g dφ
//! ```
//!
//! All integrands are positive: no digit is lost in either tail. What decides is that each sine is
//! computed from an angle known to full relative precision: d = π − L and e = π − αL, which vanish for
//! totally skewed laws, come from differences of arc tangents in closed form, and of an angle and its
//! supplement the smaller one is used. The variable of integration is s = ln(φ/ψ): at both ends ln g is
//! linear in it, however small φ or ψ.

use std::f64::consts::{FRAC_PI_2, PI};

use statrs::function::gamma::gamma;

use super::zolotarev::{Kernel, zolotarev};

/// Below its reciprocal the leading term is exact; beyond it, where x^−α is small.
const FAR: f64 = 1e100;

/// The law on x > 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct HalfLine {
    alpha: f64,
    /// L = π P(X > 0).
    length: f64,
    /// π − L.
    d: f64,
    /// π − αL.
    e: f64,
    /// ln cos αθ₀.
    ln_c: f64,
    /// P(X > x) ≈ tail · x^−α.
    tail: f64,
}

/// tan(πα/2), precise near its pole and its zeros; 0 for α = 2.
pub(super) fn tangent(alpha: f64) -> f64 {
    if alpha <= 0.5 {
        (FRAC_PI_2 * alpha).tan()
    } else if alpha < 1.5 {
        1.0 / (FRAC_PI_2 * (1.0 - alpha)).tan()
    } else {
        -(FRAC_PI_2 * (2.0 - alpha)).tan()
    }
}

/// P(X > x) ≈ this · x^−α for large x.
pub(super) fn tail(alpha: f64, beta: f64) -> f64 {
    let sine = if alpha > 1.0 {
        (FRAC_PI_2 * (2.0 - alpha)).sin()
    } else {
        (FRAC_PI_2 * alpha).sin()
    };
    gamma(alpha) * sine * (1.0 + beta) / PI
}

impl HalfLine {
    /// α ≠ 1.
    pub(super) fn new(alpha: f64, beta: f64) -> Self {
        let t = tangent(alpha);
        let (length, d, e);
        if alpha < 1.0 {
            let (sine, cosine) = ((1.0 + beta) * t, 1.0 - beta * t * t);
            length = sine.atan2(cosine) / alpha;
            e = sine.atan2(-cosine);
            d = ((1.0 - beta) * t).atan2(1.0 + beta * t * t) / alpha;
        } else {
            let (sine, cosine) = (-(1.0 + beta) * t, 1.0 - beta * t * t);
            e = sine.atan2(cosine);
            length = sine.atan2(-cosine) / alpha;
            d = (PI * (alpha - 1.0) + e) / alpha;
        }
        Self {
            alpha,
            length,
            d,
            e,
            ln_c: -0.5 * (beta * t * beta * t).ln_1p(),
            tail: tail(alpha, beta),
        }
    }

    /// The index α.
    pub(super) fn alpha(&self) -> f64 {
        self.alpha
    }

    /// About ln|x| of the bulk: for α near 1 it lies where S0 has its 0, at |β tan(πα/2)|.
    pub(super) fn log_bulk(&self) -> f64 {
        -self.ln_c
    }

    /// P(X > 0).
    pub(super) fn mass(&self) -> f64 {
        self.length / PI
    }

    /// P(X < 0).
    pub(super) fn rest(&self) -> f64 {
        self.d / PI
    }

    /// P(X > x) ≈ this · x^−α for large x.
    pub(super) fn tail(&self) -> f64 {
        self.tail
    }

    /// The density at 0.
    pub(super) fn density_at_zero(&self) -> f64 {
        let sine = self.length.min(self.d).sin();
        gamma(1.0 + 1.0 / self.alpha) * sine * (self.ln_c / self.alpha).exp() / PI
    }

    /// The density at x > 0.
    pub(super) fn density(&self, x: f64) -> f64 {
        if x < 1.0 / FAR {
            return self.density_at_zero();
        }
        if self.is_far(x) {
            return self.alpha * self.tail * x.powf(-self.alpha) / x;
        }
        let factor = self.alpha / (PI * (self.alpha - 1.0).abs() * x);
        factor * self.integral(Kernel::Density, x)
    }

    /// P(0 < X ≤ x).
    pub(super) fn below(&self, x: f64) -> f64 {
        if x < 1.0 / FAR {
            return x * self.density_at_zero();
        }
        if self.is_far(x) {
            return self.mass() - self.above(x);
        }
        let small = self.alpha < 1.0;
        self.integral(if small { Kernel::Small } else { Kernel::Large }, x) / PI
    }

    /// P(X > x).
    pub(super) fn above(&self, x: f64) -> f64 {
        if x < 1.0 / FAR {
            return self.mass();
        }
        if self.is_far(x) {
            return self.tail * x.powf(-self.alpha);
        }
        let small = self.alpha > 1.0;
        self.integral(if small { Kernel::Small } else { Kernel::Large }, x) / PI
    }

    fn is_far(&self, x: f64) -> bool {
        x > FAR && self.alpha * x.ln() > 40.0
    }

    fn integral(&self, kernel: Kernel, x: f64) -> f64 {
        if self.length <= 0.0 {
            return 0.0;
        }
        let power = self.alpha / (self.alpha - 1.0);
        let shift = power * x.ln() + self.ln_c / (self.alpha - 1.0);
        // ln g rises with φ for α < 1 and falls for α > 1.
        let rising = self.alpha < 1.0;
        zolotarev(kernel, (0.0, 0.0), |s| {
            let small = (-s.abs()).exp();
            let large = self.length / (1.0 + small);
            let small = large * small;
            let (phi, psi) = if (s < 0.0) == rising {
                (small, large)
            } else {
                (large, small)
            };
            let sine_phi = if self.alpha * phi > FRAC_PI_2 {
                (self.e + self.alpha * psi).sin()
            } else {
                (self.alpha * phi).sin()
            };
            let sine_psi = if psi > FRAC_PI_2 {
                (self.d + phi).sin()
            } else {
                psi.sin()
            };
            let supplement = if rising {
                self.d + (1.0 - self.alpha) * phi
            } else {
                self.e + (self.alpha - 1.0) * psi
            };
            let sine_sum = supplement.min(self.alpha * phi + psi).sin();
            let log_g = shift + power * (sine_psi / sine_phi).ln() + (sine_sum / sine_psi).ln();
            (log_g, phi * psi / self.length)
        })
    }
}
