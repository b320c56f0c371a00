//! Random numbers of known laws, from streams known by name.
//!
//! Stable ones are those of [`Stable`]. The others are made of V ~ U(−π/2, π/2) and W ~ Exp(1), as
//! 52 bits in the middle of their cells: no number is infinite or NaN.

use std::f64::consts::PI;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tailsweep_stats::stable::Stable;

/// A law that is symmetric about zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Law {
    /// An α-stable law.
    Stable(Stable),
    /// Variance 1.
    Gaussian,
    /// Student's t of 3 degrees of freedom: variance 3, no fourth moment.
    StudentT3,
    /// Density e^(−|x|)/2.
    Laplace,
}

impl Law {
    /// SαS of scale 1: characteristic function exp(−|t|^α).
    pub(crate) fn stable(alpha: f64) -> Self {
        Self::Stable(Stable::symmetric(alpha, 1.0).expect("the cases are in (0, 2]"))
    }

    /// The index of the law that sums converge to.
    pub(crate) fn alpha(self) -> f64 {
        match self {
            Self::Stable(law) => law.alpha(),
            Self::Gaussian | Self::StudentT3 | Self::Laplace => 2.0,
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Stable(law) => format!("SαS({})", law.alpha()),
            Self::Gaussian => "Gaussian".to_owned(),
            Self::StudentT3 => "Student t₃".to_owned(),
            Self::Laplace => "Laplace".to_owned(),
        }
    }
}

/// A stream of random numbers.
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of a repeat of a case; `purpose` has at most 16 bytes.
    pub(crate) fn new(purpose: &str, case: u64, repeat: u64) -> Self {
        let mut key = [0; 32];
        key[..purpose.len()].copy_from_slice(purpose.as_bytes());
        key[16..24].copy_from_slice(&case.to_le_bytes());
        key[24..].copy_from_slice(&repeat.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in (0, 1): never an end.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Standard Gaussian.
    pub(crate) fn gaussian(&mut self) -> f64 {
        let (angle, time) = (self.angle(), self.time());
        (2.0 * time).sqrt() * angle.sin()
    }

    /// A number of the law.
    pub(crate) fn of(&mut self, law: Law) -> f64 {
        match law {
            Law::Stable(law) => law.sample(|| self.0.next_u64()),
            Law::Gaussian => self.gaussian(),
            Law::StudentT3 => {
                // χ² of 3 degrees of freedom: 2 Exp(1) and the square of a Gaussian.
                let square = 2.0 * self.time() + self.gaussian().powi(2);
                self.gaussian() / (square / 3.0).sqrt()
            }
            Law::Laplace => {
                let time = self.time();
                if self.0.next_u32() & 1 == 0 {
                    time
                } else {
                    -time
                }
            }
        }
    }

    /// Uniform in (−π/2, π/2).
    fn angle(&mut self) -> f64 {
        PI * (self.uniform() - 0.5)
    }

    /// Exp(1).
    fn time(&mut self) -> f64 {
        -self.uniform().ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_known_by_all_of_their_names() {
        let first = |purpose, case, repeat| Draws::new(purpose, case, repeat).uniform();
        let known = first("fig4", 1, 2);
        assert_eq!(first("fig4", 1, 2), known);
        for other in [
            first("atlas", 1, 2),
            first("fig4", 2, 2),
            first("fig4", 1, 3),
        ] {
            assert_ne!(other, known);
        }
    }

    /// P(|X| ≤ 1) within 4.5 standard errors.
    #[test]
    fn laws_have_their_probabilities() {
        let at_most_one = [
            (Law::Gaussian, 0.682_689_5),
            (Law::Laplace, 0.632_120_6),
            // (2/π)(arctan(1/√3) + (1/√3)/(1 + 1/3)).
            (Law::StudentT3, 0.608_997_8),
            (Law::stable(1.0), 0.5),
            (Law::stable(2.0), 0.520_499_9),
        ];
        for (case, (law, expected)) in at_most_one.into_iter().enumerate() {
            let mut draws = Draws::new("test", case as u64, 0);
            let n = 200_000;
            let inside = (0..n).filter(|_| draws.of(law).abs() <= 1.0).count();
            let share = inside as f64 / f64::from(n);
            assert!(
                (share - expected).abs() < 4.5 * 0.5 / f64::from(n).sqrt(),
                "{law:?}: {share}"
            );
        }
    }
}
