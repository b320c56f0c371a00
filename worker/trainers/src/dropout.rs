//! Which units are dropped in an update, as a function of the seed, the step and the place alone.
//!
//! With the share p, each unit of each example is multiplied by 0 with probability p (to 2⁻³²) and
//! by 1/(1 − p) else, as in PyTorch.

use std::sync::Arc;

use crate::random::Stream;

/// The dropout of one update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout {
    share: f64,
    seed: u64,
    step: u64,
}

impl Dropout {
    /// That of update `step`, counted from 0; `None` if nothing is dropped.
    pub(crate) fn of(share: f64, seed: u64, step: u64) -> Option<Self> {
        (share > 0.0).then_some(Self { share, seed, step })
    }

    /// Factors for `len` numbers at one place of the network.
    pub(crate) fn factors(self, place: usize, len: usize) -> Arc<[f32]> {
        let sizes = [place as u64, len as u64];
        let mut stream = Stream::new("dropout", self.seed, &sizes, self.step);
        let kept = (1.0 / (1.0 - self.share)) as f32;
        (0..len)
            .map(|_| {
                if stream.unit() < self.share {
                    0.0
                } else {
                    kept
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_the_factors_is_one() {
        for share in [0.1, 0.5, 0.9] {
            let dropout = Dropout::of(share, 3, 7).unwrap();
            let factors = dropout.factors(0, 100_000);
            let zeros = factors.iter().filter(|factor| **factor == 0.0).count();
            assert!((zeros as f64 / 1e5 - share).abs() < 0.01);
            let mean = factors.iter().map(|factor| f64::from(*factor)).sum::<f64>() / 1e5;
            assert!((mean - 1.0).abs() < 0.03, "{mean}");
        }
        assert!(Dropout::of(0.0, 3, 7).is_none());
    }

    #[test]
    fn each_update_and_each_place_has_its_own() {
        let of = |seed, step, place| {
            Dropout::of(0.5, seed, step)
                .unwrap()
                .factors(place, 64)
                .to_vec()
        };
        let known = of(1, 2, 3);
        assert_eq!(of(1, 2, 3), known);
        for other in [of(0, 2, 3), of(1, 0, 3), of(1, 2, 0)] {
            assert_ne!(other, known);
        }
    }
}
