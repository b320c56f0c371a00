//! What the standardised treatments would read on noise that is truly stable.
//!
//! Dividing a coordinate by its s_j, s_j² = Σ_i U_ij²/P, leaves numbers of variance 1 and at most √P:
//! whatever the noise was, its sums go to the Gaussian, and SαS noise reads more than its α. How
//! much more depends on P and K1 alone. With X = U/s and Y the sum of K1 independent X,
//! θ = (E ln|Y| − E ln|X|)/ln K1. For α = [`ALPHA`] = 1.5:
//!
//! - E ln|X| = E ln|U| − ½ E ln(Σ U²/P). The first is ln σ + γ(1/α − 1), with σ^α = (1 − 1/P)^α +
//!   (P − 1)P^−α for noise about its mean row. For the second, S² of S ~ SαS(1) has the Laplace
//!   transform m(λ) = E exp(−(2λ)^(α/2)|ξ|^α), ξ ~ N(0, 1), so that
//!   E ln Σ S² = ∫ (e^−λ − m(λ)^P) dλ/λ; and Σ U² = Σ S²(1 − T²/P) with T = ΣS/√ΣS², E T² = 1,
//!   E T⁴ = 3 − 2R, R = E ΣS⁴/(ΣS²)² = P ∫ λ m″(λ) m(λ)^(P−1) dλ;
//! - E ln|Y| = ½ ln K1 − (γ + ln 2)/2 − κ/(12 K1), the first term of Edgeworth's expansion, with
//!   the kurtosis excess κ = P·R − 3 of X.
//!
//! **Error.** Below 0.005 against simulation (P from 8 to 600, K1 from P/3 to 1,000): α = 1.5 reads
//! 1.767 at P = 24, K1 = 100. Outside P ≥ 8, K1 ≥ P/3 and K1 ≥ 10 no number is given.

use std::f64::consts::{LN_2, PI};

use crate::bias::EULER;

/// What the standardised treatments read on SαS noise of so many minibatches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StandardisedStable {
    minibatches: usize,
    /// E ln|X|.
    ln_x: f64,
    /// κ of X.
    excess: f64,
}

impl StandardisedStable {
    /// The α of the noise.
    pub const ALPHA: f64 = 1.5;

    /// Fewest minibatches for which the expansions hold.
    const FEWEST: usize = 8;

    /// Of noise about its mean row (`centred`) or about 0; `None` for fewer than 8 minibatches.
    pub fn new(minibatches: usize, centred: bool) -> Option<Self> {
        if minibatches < Self::FEWEST {
            return None;
        }
        const ALPHA: f64 = StandardisedStable::ALPHA;
        let p = minibatches as f64;
        // Over u = ln λ, by the trapezoidal rule: the integrands vanish at both ends, with all
        // derivatives.
        const STEP: f64 = 0.0625;
        let (mut ln_sum, mut ratio) = (0.0, 0.0);
        for index in -960..=640 {
            let u = f64::from(index) * STEP;
            let [m, curvature] = transform(libm::exp(0.5 * ALPHA * (u + LN_2)));
            let power = libm::pow(m, p - 1.0);
            ln_sum += STEP * (libm::exp(-libm::exp(u)) - m * power);
            ratio += STEP * p * curvature * power;
        }
        let mut ln_scale = 0.5 * (ln_sum - p.ln());
        let mut ln_u = EULER * (1.0 / ALPHA - 1.0);
        if centred {
            let own = libm::pow(1.0 - 1.0 / p, ALPHA) + (p - 1.0) * libm::pow(p, -ALPHA);
            ln_u += libm::log(own) / ALPHA;
            ln_scale -= 0.5 * (1.0 / p + 0.5 * (3.0 - 2.0 * ratio) / (p * p));
        }
        Some(Self {
            minibatches,
            ln_x: ln_u - ln_scale,
            excess: p * ratio - 3.0,
        })
    }

    /// The reading at this K1, to 0.005; `None` where it is too short for the expansion.
    pub fn reading(&self, k1: u64) -> Option<f64> {
        if k1 < 10 || k1.saturating_mul(3) < self.minibatches as u64 {
            return None;
        }
        let k1 = k1 as f64;
        let ln_k1 = libm::log(k1);
        let ln_y = 0.5 * ln_k1 - 0.5 * (EULER + LN_2) - self.excess / (12.0 * k1);
        Some(ln_k1 / (ln_y - self.ln_x))
    }
}

/// m(λ) and λ²·m″(λ), c = (2λ)^(α/2): over |ξ| = t², by Simpson's rule.
fn transform(c: f64) -> [f64; 2] {
    const INTERVALS: usize = 256;
    const END: f64 = 3.6;
    const HALF: f64 = 0.5 * StandardisedStable::ALPHA;
    let width = END / INTERVALS as f64;
    let mut sums = [0.0; 2];
    for index in 0..=INTERVALS {
        let t = index as f64 * width;
        let weight = match index {
            0 | INTERVALS => 1.0,
            index if index % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let power = c * t * t * t;
        let density = libm::exp(-0.5 * t * t * t * t - power) * 2.0 * t * weight;
        sums[0] += density;
        sums[1] += density * (HALF * HALF * power * power - HALF * (HALF - 1.0) * power);
    }
    sums.map(|sum| sum * width / 3.0 * 2.0 / (2.0 * PI).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::{SplitMix64, Stable};
    use crate::sum_ln_abs;

    #[test]
    fn readings_are_those_of_drawn_noise() {
        let law = Stable::symmetric(StandardisedStable::ALPHA, 1.0).expect("a law");
        let mut words = SplitMix64::new(1);
        for (p, k1, centred, blocks) in [
            (8, 50_u32, true, 1_500),
            (24, 100, true, 300),
            (24, 100, false, 300),
            (100, 100, true, 80),
            (120, 40, true, 150),
        ] {
            let (mut ln_x, mut n_x, mut ln_y, mut n_y) = (0.0, 0, 0.0, 0);
            for _ in 0..blocks {
                let mut sums = vec![0.0; p];
                for _ in 0..k1 {
                    let mut column: Vec<f64> =
                        (0..p).map(|_| law.sample(|| words.next_word())).collect();
                    if centred {
                        let mean = column.iter().sum::<f64>() / p as f64;
                        column.iter_mut().for_each(|value| *value -= mean);
                    }
                    let square = column.iter().map(|value| value * value).sum::<f64>();
                    let scale = (square / p as f64).sqrt();
                    column.iter_mut().for_each(|value| *value /= scale);
                    let (ln, n, _) = sum_ln_abs(&column);
                    ln_x += ln;
                    n_x += n;
                    sums.iter_mut().zip(column).for_each(|(sum, x)| *sum += x);
                }
                let (ln, n, _) = sum_ln_abs(&sums);
                ln_y += ln;
                n_y += n;
            }
            let growth = ln_y / n_y as f64 - ln_x / n_x as f64;
            let drawn = f64::from(k1).ln() / growth;
            let stable = StandardisedStable::new(p, centred).expect("enough minibatches");
            let reading = stable.reading(k1.into()).expect("long enough blocks");
            assert!(
                (drawn - reading).abs() < 0.02,
                "P = {p}, K1 = {k1}: {drawn} for {reading}"
            );
        }
    }

    #[test]
    fn the_reading_at_24_minibatches_is_the_known_one() {
        let stable = StandardisedStable::new(24, true).expect("enough minibatches");
        let reading = stable.reading(100).expect("long enough blocks");
        assert!((reading - 1.767).abs() < 0.002, "{reading}");
    }

    #[test]
    fn where_the_expansion_fails_there_is_no_number() {
        assert_eq!(StandardisedStable::new(7, true), None);
        let stable = StandardisedStable::new(100, true).expect("enough minibatches");
        assert_eq!(stable.reading(33), None);
        assert!(stable.reading(34).is_some());
    }
}
