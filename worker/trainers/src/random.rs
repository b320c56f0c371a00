//! Random streams: each is a function of its purpose, the seed and the sizes named by its user.
//!
//! A stream is ChaCha8 keyed by SHA-256 of (purpose, seed, sizes). It never depends on the
//! learning rate, on what is measured or on the number of threads, so the same seed gives equal
//! initial weights across learning rates, and measuring differently never changes a training.
//! Parts of a stream (an epoch, a step) are ChaCha's own 64-bit stream numbers: any of them is
//! reached at once, so a resumed run needs no random state beside its step.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A deterministic source of random numbers.
#[derive(Debug)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// Part `part` of the stream for `purpose`.
    pub(crate) fn new(purpose: &str, seed: u64, sizes: &[u64], part: u64) -> Self {
        let mut key = Sha256::new();
        key.update((purpose.len() as u64).to_le_bytes());
        key.update(purpose.as_bytes());
        key.update(seed.to_le_bytes());
        for size in sizes {
            key.update(size.to_le_bytes());
        }
        let mut generator = ChaCha8Rng::from_seed(key.finalize().into());
        generator.set_stream(part);
        Self(generator)
    }

    /// The same stream of its own, at word `position` (of 32 bits) of part `part`.
    pub(crate) fn at(&self, part: u64, position: u128) -> Self {
        let mut generator = self.0.clone();
        generator.set_stream(part);
        generator.set_word_pos(position);
        Self(generator)
    }

    /// The next 64 bits.
    pub(crate) fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in the open interval (−1, 1): the 2²⁴ odd multiples of 2⁻²⁴, all exact in f32.
    pub(crate) fn symmetric(&mut self) -> f32 {
        let bits = (self.0.next_u32() >> 8) as i32;
        (2 * bits + 1 - (1 << 24)) as f32 / (1 << 24) as f32
    }

    /// Standard normal (Box and Muller 1958), with the logarithm and the cosine of the libm crate, so
    /// that it is the same on every system.
    pub(crate) fn normal(&mut self) -> f64 {
        // The 2⁵³ odd multiples of 2⁻⁵⁴: never 0 nor 1.
        let mut uniform = || {
            let bits = (u64::from(self.0.next_u32()) << 32 | u64::from(self.0.next_u32())) >> 11;
            (2 * bits + 1) as f64 / (1_u64 << 54) as f64
        };
        let (radius, angle) = (uniform(), std::f64::consts::TAU * uniform());
        libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(angle)
    }

    /// Uniform in [0, 1): a multiple of 2⁻³².
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / (1_u64 << 32) as f64
    }

    /// Uniform in 0 … `bound` − 1, without bias (Lemire 2019, arXiv 1805.10941).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 0, "no number is below 0");
        let rejected = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(bound);
            if product as u32 >= rejected {
                return (product >> 32) as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_known_by_all_of_its_names() {
        let first = |purpose, seed, sizes: &[u64], part| {
            Stream::new(purpose, seed, sizes, part).below(u32::MAX)
        };
        let known = first("order", 1, &[10], 0);
        assert_eq!(first("order", 1, &[10], 0), known);
        for other in [
            first("weights", 1, &[10], 0),
            first("order", 2, &[10], 0),
            first("order", 1, &[11], 0),
            first("order", 1, &[10], 1),
        ] {
            assert_ne!(other, known);
        }
    }

    #[test]
    fn normal_numbers_are_normal() {
        let mut stream = Stream::new("test", 0, &[], 0);
        let draws = 100_000;
        let numbers: Vec<f64> = (0..draws).map(|_| stream.normal()).collect();
        let mean = |power: i32| {
            let sum: f64 = numbers.iter().map(|number| number.powi(power)).sum();
            sum / f64::from(draws)
        };
        for (power, expected) in [(1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)] {
            let found = mean(power);
            assert!((found - expected).abs() < 0.06, "{power}: {found}");
        }
        let beyond = numbers.iter().filter(|number| number.abs() > 1.96).count();
        assert!((beyond as f64 / f64::from(draws) - 0.05).abs() < 0.004);
    }

    #[test]
    fn uniform_numbers_are_uniform() {
        let mut stream = Stream::new("test", 0, &[], 0);
        let draws = 60_000;
        let mut counts = [0_u32; 6];
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..draws {
            counts[stream.below(6) as usize] += 1;
            let number = f64::from(stream.symmetric());
            assert!(number.abs() < 1.0);
            sum += number;
            squares += number * number;
        }
        for count in counts {
            assert!((f64::from(count) - 10_000.0).abs() < 500.0, "{counts:?}");
        }
        assert!((sum / f64::from(draws)).abs() < 0.01);
        assert!((squares / f64::from(draws) - 1.0 / 3.0).abs() < 0.01);
    }
}
