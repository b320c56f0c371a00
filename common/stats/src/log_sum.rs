//! Sums of ln|x|, fast.
//!
//! A sum of logarithms is the logarithm of a product. The mantissas, in [1, 2), are multiplied and
//! the binary exponents added as whole numbers, so that the logarithm itself is taken once for a
//! whole slice:
//!
//! Σ ln|x_i| = ln Π m_i + ln 2 · Σ e_i, where |x_i| = m_i·2^e_i.
//!
//! The order is fixed and is part of the result: value i goes to lane i mod 8; every 4,096 values
//! the lanes are multiplied in order 0 … 7 and renormalised. Equal slices give equal bits on every
//! machine: neither the platform's `ln` nor fused multiplications take part.
//!
//! **Error.** Each multiplication rounds once, so the sum of n values is within
//! n·1.2·10⁻¹⁶ + 4·10⁻¹⁶·|sum| of the exact one; in practice the first term is √n·10⁻¹⁶.
//!
//! Infinities and NaN are the caller's to exclude: they give a meaningless number, never a panic.

use std::f64::consts::{LN_2, SQRT_2};

/// What the published code adds to each |x|: 2⁻⁵².
const EPSILON: f64 = f64::EPSILON;

const LANES: usize = 8;

/// Values between renormalisations: mantissa products stay below 2⁵¹².
const CHUNK: usize = 512 * LANES;

const MANTISSA: u64 = (1 << 52) - 1;
const MAGNITUDE: u64 = !(1 << 63);
/// Makes a subnormal value normal.
const TWO_54: f64 = 18014398509481984.0;
const ONE: u64 = 0x3ff0_0000_0000_0000;

/// Σ ln|x| over the values that are not zero, their number, and the number of zeros.
pub fn sum_ln_abs(values: &[f64]) -> (f64, u64, u64) {
    let mut product = Product::one();
    let mut nonzero = 0;
    for chunk in values.chunks(CHUNK) {
        let mut lanes = Lanes::one();
        let counts = lanes.multiply_nonzero(chunk);
        let chunk_nonzero = match counts {
            Some(nonzero) => nonzero,
            None => {
                lanes = Lanes::one();
                lanes.multiply_subnormal_too(chunk)
            }
        };
        product.multiply(&lanes, chunk_nonzero);
        nonzero += chunk_nonzero;
    }
    (product.ln(), nonzero, values.len() as u64 - nonzero)
}

/// Σ ln(|x| + 2⁻⁵²), as in the published code: a zero counts ln 2⁻⁵².
pub fn sum_ln_abs_plus_epsilon(values: &[f64]) -> f64 {
    let mut product = Product::one();
    for chunk in values.chunks(CHUNK) {
        let mut lanes = Lanes::one();
        let whole = chunk.chunks_exact(LANES);
        let rest = whole.remainder();
        for group in whole {
            for (lane, value) in group.iter().enumerate() {
                lanes.multiply(lane, value.abs() + EPSILON);
            }
        }
        for (lane, value) in rest.iter().enumerate() {
            lanes.multiply(lane, value.abs() + EPSILON);
        }
        product.multiply(&lanes, chunk.len() as u64);
    }
    product.ln()
}

/// ln x of a normal, positive x, within 2 ulp; the same bits on every machine. Branch-free, so that
/// loops over it are vectorised.
///
/// x = m·2^e with m in [√½, √2), s = (m − 1)/(m + 1), ln m = 2s + s³·R(s²). The coefficients of R
/// are those of fdlibm's `e_log.c` (Sun Microsystems, 1993), error below 2⁻⁵⁸.
#[inline(always)]
pub(crate) fn ln_normal(x: f64) -> f64 {
    // Subtracting the bits of √½ first makes the exponent field that of the wanted range.
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    // Bits of 2⁵²: or-ing a small whole number into them is its conversion.
    const TWO_52: u64 = 0x4330_0000_0000_0000;
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
    // The bias keeps the exponent field positive: 2⁵² + 1024 + e.
    let biased = (shifted.wrapping_add(1024 << 52)) >> 52;
    let exponent = f64::from_bits(TWO_52 | biased) - (4503599627370496.0 + 1024.0);
    let mantissa = f64::from_bits((shifted & MANTISSA).wrapping_add(SQRT_HALF));
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
    let odd = z
        * (0.6666666666666735
            + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
    let half_square = 0.5 * f * f;
    // ln 2 in two parts: the first has 32 trailing zero bits, so that its product is exact.
    let high = exponent * 0.6931471803691238;
    let low = exponent * 1.9082149292705877e-10;
    high - ((half_square - (s * (half_square + (even + odd)) + low)) - f)
}

/// ln x of any positive, finite x, as [`ln_normal`].
pub(crate) fn ln_positive(x: f64) -> f64 {
    if x < f64::MIN_POSITIVE {
        ln_normal(x * TWO_54) - 54.0 * LN_2
    } else {
        ln_normal(x)
    }
}

/// A product kept as mantissa·2^exponent.
struct Product {
    /// In [1, 2).
    mantissa: f64,
    exponent: i64,
}

impl Product {
    fn one() -> Self {
        Self {
            mantissa: 1.0,
            exponent: 0,
        }
    }

    fn multiply(&mut self, lanes: &Lanes, factors: u64) {
        for product in lanes.mantissas {
            // Both below 2⁵¹², and at least 1.
            let bits = (self.mantissa * product).to_bits();
            self.mantissa = f64::from_bits(bits & MANTISSA | ONE);
            self.exponent += (bits >> 52) as i64 - 1023;
        }
        let exponents: i64 = lanes.exponents.iter().map(|sum| *sum as i64).sum();
        self.exponent += exponents - lanes.scaled - 1023 * factors as i64;
    }

    fn ln(&self) -> f64 {
        if self.mantissa > SQRT_2 {
            ln_normal(0.5 * self.mantissa) + (self.exponent + 1) as f64 * LN_2
        } else {
            ln_normal(self.mantissa) + self.exponent as f64 * LN_2
        }
    }
}

/// Independent products: a lane never waits for another.
struct Lanes {
    mantissas: [f64; LANES],
    /// Sums of exponent fields, each 1023 too large.
    exponents: [u64; LANES],
    /// Powers of two by which subnormal values were made normal.
    scaled: i64,
}

impl Lanes {
    fn one() -> Self {
        Self {
            mantissas: [1.0; LANES],
            exponents: [0; LANES],
            scaled: 0,
        }
    }

    /// A zero multiplies by 1 and adds no exponent.
    #[inline(always)]
    fn multiply(&mut self, lane: usize, value: f64) {
        let bits = value.to_bits() & MAGNITUDE;
        self.mantissas[lane] *= f64::from_bits(bits & MANTISSA | ONE);
        self.exponents[lane] += bits >> 52;
    }

    /// The number of values that are not zero, or `None` if one of them was subnormal.
    fn multiply_nonzero(&mut self, values: &[f64]) -> Option<u64> {
        // Zeros and subnormal values are below the smallest normal one; only the latter leave bits.
        let mut below = [0_u64; LANES];
        let mut dust = [0_u64; LANES];
        let mut one = |lanes: &mut Self, lane: usize, value: f64| {
            lanes.multiply(lane, value);
            let is_below = value.abs() < f64::MIN_POSITIVE;
            below[lane] += u64::from(is_below);
            dust[lane] |= if is_below { value.abs().to_bits() } else { 0 };
        };
        let whole = values.chunks_exact(LANES);
        let rest = whole.remainder();
        for group in whole {
            for (lane, value) in group.iter().enumerate() {
                one(self, lane, *value);
            }
        }
        for (lane, value) in rest.iter().enumerate() {
            one(self, lane, *value);
        }
        let zeros: u64 = below.iter().sum();
        let none_subnormal = dust.iter().all(|bits| *bits == 0);
        none_subnormal.then_some(values.len() as u64 - zeros)
    }

    /// The same, for values that may be subnormal.
    fn multiply_subnormal_too(&mut self, values: &[f64]) -> u64 {
        let mut nonzero = 0;
        for (index, value) in values.iter().enumerate() {
            if *value == 0.0 {
                continue;
            }
            nonzero += 1;
            let mut value = *value;
            if value.abs() < f64::MIN_POSITIVE {
                value *= TWO_54;
                self.scaled += 54;
            }
            self.multiply(index % LANES, value);
        }
        nonzero
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Distance to the plain sum, in units of the error bound with the plain sum's own error.
    fn assert_close(sum: f64, logs: impl Iterator<Item = f64> + Clone) {
        let plain: crate::ExactSum = logs.clone().collect();
        let scale: f64 = logs.clone().map(f64::abs).sum::<f64>() + logs.count() as f64;
        let error = (sum - plain.value()).abs();
        assert!(error <= 4e-16 * scale, "{sum} for {}", plain.value());
    }

    #[test]
    fn sums_are_those_of_the_plain_logarithm() {
        let mut state = 1_u64;
        for len in [0, 1, 7, 8, 9, 100, 4095, 4096, 4097, 20_000] {
            let values: Vec<f64> = (0..len)
                .map(|index| {
                    state = state
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
                    if index % 5 == 3 {
                        0.0
                    } else {
                        uniform * 10_f64.powi(-(index as i32 % 30))
                    }
                })
                .collect();
            let (sum, nonzero, zeros) = sum_ln_abs(&values);
            let kept = values.iter().filter(|value| **value != 0.0);
            assert_eq!(nonzero, kept.clone().count() as u64);
            assert_eq!(nonzero + zeros, len);
            assert_close(sum, kept.map(|value| value.abs().ln()));
            let shifted = values
                .iter()
                .map(|value| (value.abs() + 2_f64.powi(-52)).ln());
            assert_close(sum_ln_abs_plus_epsilon(&values), shifted);
        }
    }

    #[test]
    fn subnormal_values_are_counted_with_their_logarithm() {
        let values = [5e-324, 0.0, -1e-310, 2.0, f64::MIN_POSITIVE, -0.0];
        let (sum, nonzero, zeros) = sum_ln_abs(&values);
        assert_eq!((nonzero, zeros), (4, 2));
        let kept = values.iter().filter(|value| **value != 0.0);
        assert_close(sum, kept.map(|value| value.abs().ln()));
    }

    #[test]
    fn a_zero_counts_ln_of_epsilon_in_the_published_form() {
        assert_eq!(sum_ln_abs_plus_epsilon(&[0.0]), -52.0 * LN_2);
        assert_eq!(sum_ln_abs(&[0.0, -0.0]), (0.0, 0, 2));
    }

    #[test]
    fn what_is_not_finite_does_not_panic() {
        let values = [f64::NAN, f64::INFINITY, -f64::INFINITY, f64::MAX];
        sum_ln_abs(&values);
        sum_ln_abs_plus_epsilon(&values);
    }

    #[test]
    fn the_error_does_not_grow_faster_than_the_bound() {
        let values = vec![1.9999999; 1_000_000];
        let (sum, _, _) = sum_ln_abs(&values);
        let exact = 1e6 * 1.9999999_f64.ln();
        assert!((sum / exact - 1.0).abs() < 1e-12, "{sum} for {exact}");
    }

    proptest! {
        #[test]
        fn ln_is_ln(x in prop::num::f64::POSITIVE | prop::num::f64::NORMAL, near in 0.5..2.0) {
            for x in [x, near] {
                let error = (ln_normal(x) - x.ln()).abs();
                prop_assert!(error <= 4.5e-16 * x.ln().abs(), "ln {x:e} is off by {error:e}");
            }
        }

        #[test]
        fn any_values(values in prop::collection::vec(-1e3_f64..1e3, 0..200)) {
            let logs = values.iter().filter(|value| **value != 0.0).map(|value| value.abs().ln());
            assert_close(sum_ln_abs(&values).0, logs);
        }
    }

    #[test]
    fn ln_of_powers_of_two_and_of_one() {
        assert_eq!(ln_normal(1.0), 0.0);
        for exponent in -1022..=1023 {
            let error = ln_normal(2_f64.powi(exponent)) - f64::from(exponent) * LN_2;
            assert!(error.abs() <= 2.3e-16 * f64::from(exponent).abs());
        }
    }

    /// Prints the speed: `cargo test --release -p tailsweep-stats speed -- --ignored --nocapture`.
    #[test]
    #[ignore = "a measurement"]
    fn speed_of_log_sums() {
        let values: Vec<f64> = (0..100_000).map(|index| f64::from(index) - 3e4).collect();
        let rounds = 2000;
        let per_second = |start: std::time::Instant| {
            (rounds * values.len()) as f64 / start.elapsed().as_secs_f64() / 1e6
        };
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(sum_ln_abs(std::hint::black_box(&values)));
        }
        eprintln!("sum_ln_abs: {:.0} M/s", per_second(start));
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(sum_ln_abs_plus_epsilon(std::hint::black_box(&values)));
        }
        eprintln!("sum_ln_abs_plus_epsilon: {:.0} M/s", per_second(start));
        let values: Vec<f64> = values.iter().map(|value| value.abs() + 1.0).collect();
        let mut logs = vec![0.0; values.len()];
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            for (log, value) in logs.iter_mut().zip(&values) {
                *log = ln_normal(*value);
            }
            std::hint::black_box(&mut logs);
        }
        eprintln!("ln_normal: {:.0} M/s", per_second(start));
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            for (log, value) in logs.iter_mut().zip(&values) {
                *log = value.ln();
            }
            std::hint::black_box(&mut logs);
        }
        eprintln!("std ln: {:.0} M/s", per_second(start));
    }
}
