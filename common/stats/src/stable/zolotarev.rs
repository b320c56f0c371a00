//! What the integrals for α ≠ 1 and α = 1 have in common.
//!
//! Both are ∫ K(g(s)) w(s) ds over the whole line, where ln g rises with s and the weight w falls as
//! e^−|s| outside some interval. The kernel K is a smoothed step or a peak where g is near 1; it is as
//! narrow as ln g is steep, so the line is cut at the crossings of ln g with a few levels, found by
//! regula falsi, before the adaptive rule begins.

use super::quadrature::integral;

/// Relative tolerance of the quadrature; its estimate is far above its error. With 1e-11, P(X ≤ x) and
/// P(X > x) missed 1 by up to 2e-12 at α = 1; now by 5e-15, at no cost that could be measured.
const TOLERANCE: f64 = 1e-13;

/// How far beyond the last feature a tail of e^−|s| is followed: e^−37 < 10⁻¹⁶.
const REACH: f64 = 37.0;

/// Beyond this |s| nothing is looked at: a weight of e^−700 is still a normal number.
const EDGE: f64 = 690.0;

/// What is integrated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kernel {
    /// g·e^−g.
    Density,
    /// e^−g: the part of the angles where g is small.
    Small,
    /// 1 − e^−g: the part of the angles where g is large.
    Large,
}

impl Kernel {
    fn of(self, log_g: f64) -> f64 {
        let g = log_g.exp();
        match self {
            Self::Density if g > 800.0 => 0.0,
            Self::Density => g * (-g).exp(),
            Self::Small => (-g).exp(),
            Self::Large => -(-g).exp_m1(),
        }
    }
}

/// ∫ K(g(s)) w(s) ds. `point` gives ln g, which rises with s, and w, which falls as e^−|s| outside
/// `flat`, an interval around 0.
pub(crate) fn zolotarev(
    kernel: Kernel,
    flat: (f64, f64),
    point: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let height = |s: f64| point(s).0;
    let lowest = height(-EDGE);
    let light = lowest > 0.0;
    if light && lowest > 800.0_f64.ln() && kernel != Kernel::Large {
        return 0.0;
    }
    // Where g is 1, or its least value and 1 if that is larger.
    let least = if light { lowest.exp() } else { 0.0 };
    let reference = (least + 1.0).ln();
    let centre = crossing(&height, reference, (-EDGE, EDGE));
    let low = flat.0.min(centre) - REACH;
    let high = match kernel {
        Kernel::Large => flat.1.max(centre) + REACH,
        Kernel::Density | Kernel::Small => {
            let top = least + 1.0 + 2.0 * REACH + centre.abs();
            crossing(&height, top.ln(), (centre, EDGE))
        }
    };
    let (low, high) = (low.max(-EDGE), high.min(EDGE));
    let mut breaks = vec![low, high];
    let inside = |s: &f64| *s > low && *s < high;
    let levels = [
        crossing(&height, reference - 33.0, (-EDGE, centre)),
        crossing(&height, reference - 2.5, (-EDGE, centre)),
        centre,
        crossing(&height, reference + 1.3, (centre, EDGE)),
        crossing(&height, reference + 3.6, (centre, EDGE)),
    ];
    breaks.extend(levels.iter().filter(|s| inside(s)));
    let fixed = [
        flat.0 - 12.0,
        flat.0 - 3.0,
        0.0,
        flat.1 + 3.0,
        flat.1 + 12.0,
    ];
    breaks.extend(fixed.iter().filter(|s| inside(s)));
    breaks.sort_by(f64::total_cmp);
    integral(&breaks, TOLERANCE, |s| {
        let (log_g, weight) = point(s);
        let value = kernel.of(log_g) * weight;
        if value.is_finite() { value } else { 0.0 }
    })
}

/// Where the rising `height` is `level`, to about 0.2 in the height; an end of `range` if it isn't.
fn crossing(height: &impl Fn(f64) -> f64, level: f64, range: (f64, f64)) -> f64 {
    let off = |s: f64| (height(s) - level).clamp(-1e300, 1e300);
    let (mut low, mut high) = range;
    let (mut below, mut above) = (off(low), off(high));
    // A plateau approached from above is a level never crossed.
    if below >= -0.2 {
        return low;
    }
    if above <= 0.0 {
        return high;
    }
    // Illinois's regula falsi; a bisection every third time against curved heights.
    for round in 0..200 {
        let next = if round % 3 == 2 {
            0.5 * (low + high)
        } else {
            low + (high - low) * (below / (below - above))
        };
        let value = off(next);
        if value.abs() < 0.2 || high - low < 1e-9 * (1.0 + high.abs()) {
            return next;
        }
        if value < 0.0 {
            (low, below) = (next, value);
            above *= 0.5;
        } else {
            (high, above) = (next, value);
            below *= 0.5;
        }
    }
    0.5 * (low + high)
}
