//! The whole stable law, from the estimators that give more of it than α.
//!
//! | from | scale σ | skewness β | location δ |
//! |---|---|---|---|
//! | `ecf` | intercept of the line whose slope is α | phase | phase |
//! | `mcculloch` | (q75 − q25)/ν_c(α) | | median |
//! | `log_moment` | exp(mean ln\|x\| − γ(1/α − 1)) | | |
//!
//! **The phase.** With δ of Nolan's S0 (see [`stable`](crate::stable)), which is continuous in α,
//! arg φ(t) = δt + β·ω(t) for t > 0,
//!
//! ```text
//! α ≠ 1:  ω(t) = tan(πα/2)·((σt)^α − σt)
//! α = 1:  ω(t) = −(2/π)·σt·ln(σt)
//! ```
//!
//! Least squares over the ten t of [`ecf`] give δ and β; β is held to [−1, 1]. Near α = 2, where ω goes
//! to 0, every β gives nearly the same law: there is none where its standard error, on as many independent
//! values, is above ¼. At t and u the imaginary parts of φ̂ of n symmetric values have the covariance
//! (φ(t − u) − φ(t + u))/(2n), and an angle is about Im φ̂/φ.
//!
//! All are of the nonzero values, as one heap. The table of [`mcculloch`] is that for β = 0; skewness by
//! quantiles would need the tables for all β.
//!
//! Source: Kogon and Williams as for [`ecf`]; McCulloch 1986; Ma and Nikias 1995.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use super::Problem;
use super::ecf::Characteristic;
use super::log_moment::log_moment_and_scale;
use super::quantiles::Quartiles;
use crate::stable::{NotStable, Stable};
use crate::values::ValueSums;

/// α of a stable law and what else was read of it: `None` where the estimator does not give it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StableFit {
    /// The index; it may be above 2.
    pub alpha: f64,
    /// σ of the characteristic function exp(−|σt|^α).
    pub scale: Option<f64>,
    /// β, in [−1, 1].
    pub skewness: Option<f64>,
    /// δ of S0; of a symmetric law its centre.
    pub location: Option<f64>,
}

impl StableFit {
    /// Of the characteristic function, by the α of [`ecf`](super::ecf()).
    pub fn of_ecf(values: &ValueSums) -> Result<Self, Problem> {
        let phi = Characteristic::of(&values.histogram)?;
        let line = phi.line()?;
        let unit = phi.unit();
        let sigma = ((line.intercept - 2.0_f64.ln()) / line.slope).exp();
        let (location, skewness) = phase(&phi, line.slope, sigma);
        let scale = sigma * unit.scale;
        let location = unit.median + location * unit.scale;
        match scale.is_finite() && scale > 0.0 && location.is_finite() {
            true => Ok(Self {
                alpha: line.slope,
                scale: Some(scale),
                skewness,
                location: Some(location),
            }),
            false => Err(Problem::Degenerate),
        }
    }

    /// Of quantiles, by the α of [`mcculloch`](super::mcculloch).
    pub fn of_mcculloch(values: &ValueSums) -> Result<Self, Problem> {
        let quartiles = Quartiles::of(&values.histogram)?;
        Ok(Self {
            alpha: quartiles.table()?.alpha,
            scale: Some(quartiles.scale()),
            skewness: None,
            location: Some(quartiles.median),
        })
    }

    /// Of mean and variance of ln|x|, by the α of [`log_moment`](super::log_moment()).
    pub fn of_log_moment(values: &ValueSums) -> Result<Self, Problem> {
        let (alpha, scale) = log_moment_and_scale(values)?;
        Ok(Self {
            alpha,
            scale: Some(scale),
            skewness: None,
            location: None,
        })
    }

    /// The law: symmetric, of scale 1 and about 0 in what is not known. There is none for α > 2.
    pub fn law(&self) -> Result<Stable, NotStable> {
        let skewness = self.skewness.unwrap_or(0.0);
        let (scale, location) = (self.scale.unwrap_or(1.0), self.location.unwrap_or(0.0));
        Stable::from_s0(self.alpha, skewness, scale, location)
    }
}

/// A skewness whose standard error is larger says nothing: it lies between −1 and 1.
const LARGEST_ERROR: f64 = 0.25;

/// δ and β of the law of scale `sigma`.
fn phase(phi: &Characteristic, alpha: f64, sigma: f64) -> (f64, Option<f64>) {
    let omega = |t: f64| {
        let t = sigma * t;
        match alpha == 1.0 {
            true => -FRAC_2_PI * t * t.ln(),
            false => (FRAC_PI_2 * alpha).tan() * (t.powf(alpha) - t),
        }
    };
    let (mut tt, mut tw, mut ww, mut ty, mut wy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (t, angle) in phi.angles() {
        let w = omega(t);
        tt += t * t;
        tw += t * w;
        ww += w * w;
        ty += t * angle;
        wy += w * angle;
    }
    let determinant = tt * ww - tw * tw;
    let skewness = (wy * tt - ty * tw) / determinant;
    // How much an angle moves β; φ is that of the symmetric law.
    let modulus = |t: f64| (-(sigma * t.abs()).powf(alpha)).exp();
    let pulls = || {
        phi.angles()
            .map(|(t, _)| (t, (omega(t) * tt - t * tw) / determinant / modulus(t)))
    };
    let variance: f64 = pulls()
        .flat_map(|(t, pull)| {
            pulls().map(move |(u, other)| pull * other * (modulus(t - u) - modulus(t + u)))
        })
        .sum::<f64>()
        / (2.0 * phi.count());
    match alpha < 2.0 && skewness.is_finite() && variance.sqrt() <= LARGEST_ERROR {
        false => (ty / tt, None),
        true => {
            let skewness = skewness.clamp(-1.0, 1.0);
            ((ty - skewness * tw) / tt, Some(skewness))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::SplitMix64;

    fn drawn(law: Stable) -> ValueSums {
        some_drawn(law, 200_000)
    }

    fn some_drawn(law: Stable, count: usize) -> ValueSums {
        let mut words = SplitMix64::new(0x6669_7473);
        let values: Vec<f64> = (0..count)
            .map(|_| law.sample(|| words.next_word()))
            .collect();
        ValueSums::of(&values)
    }

    fn near(read: Option<f64>, truth: f64, within: f64) {
        let read = read.unwrap();
        assert!((read - truth).abs() <= within, "{read} for {truth}");
    }

    #[test]
    fn drawn_laws_are_read_with_all_their_parameters() {
        for (alpha, beta) in [
            (0.8, 0.0),
            (0.8, 0.5),
            (1.0, 0.0),
            (1.0, -0.6),
            (1.2, 0.9),
            (1.5, -0.5),
            (1.8, 0.0),
            (2.0, 0.0),
        ] {
            let law = Stable::from_s0(alpha, beta, 2e-3, 5e-3).unwrap();
            let fit = StableFit::of_ecf(&drawn(law)).unwrap();
            near(Some(fit.alpha), alpha, 0.015);
            near(fit.scale, 2e-3, 4e-5);
            near(fit.location, 5e-3, 4e-5);
            if alpha < 2.0 {
                near(fit.skewness, beta, if alpha > 1.7 { 0.1 } else { 0.03 });
            }
        }
    }

    #[test]
    fn a_skewness_that_nobody_could_see_is_left_out() {
        let skewness = |alpha, count| {
            let law = Stable::symmetric(alpha, 1.0).unwrap();
            StableFit::of_ecf(&some_drawn(law, count)).unwrap().skewness
        };
        assert!(skewness(1.9, 10_000).is_some());
        assert_eq!(skewness(1.98, 10_000), None);
        assert!(skewness(1.98, 1_000_000).is_some());
    }

    #[test]
    fn quantiles_and_logarithms_give_what_they_can() {
        let law = Stable::new(1.5, 0.0, 3.0, 1.0).unwrap();
        let fit = StableFit::of_mcculloch(&drawn(law)).unwrap();
        near(Some(fit.alpha), 1.5, 0.02);
        near(fit.scale, 3.0, 0.05);
        near(fit.location, 1.0, 0.05);
        assert_eq!(fit.skewness, None);
        let law = Stable::symmetric(1.5, 3.0).unwrap();
        let fit = StableFit::of_log_moment(&drawn(law)).unwrap();
        near(Some(fit.alpha), 1.5, 0.03);
        near(fit.scale, 3.0, 0.05);
        assert_eq!((fit.skewness, fit.location), (None, None));
        assert_eq!(fit.law().map(|law| law.alpha()), Ok(fit.alpha));
    }

    #[test]
    fn what_has_no_alpha_has_no_law() {
        for values in [&[][..], &[2.0; 30]] {
            let sums = ValueSums::of(values);
            assert_eq!(
                StableFit::of_ecf(&sums).map(|fit| fit.alpha),
                super::super::ecf(&sums)
            );
            assert!(StableFit::of_mcculloch(&sums).is_err());
            assert!(StableFit::of_log_moment(&sums).is_err());
        }
    }
}
