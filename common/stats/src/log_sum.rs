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

use crate::wide::{self, Eight, Lanes, Loop};

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
    wide::run(LnAbs(values))
}

/// Σ ln(|x| + 2⁻⁵²), as in the published code: a zero counts ln 2⁻⁵².
pub fn sum_ln_abs_plus_epsilon(values: &[f64]) -> f64 {
    wide::run(LnAbsPlusEpsilon(values))
}

/// [`sum_ln_abs`], inside other loops too.
#[derive(Clone)]
pub(crate) struct LnAbs<'a>(pub(crate) &'a [f64]);

impl Loop for LnAbs<'_> {
    type Output = (f64, u64, u64);

    #[inline(always)]
    fn run<E: Eight>(self) -> (f64, u64, u64) {
        let Self(values) = self;
        let mut product = Product::one();
        let mut nonzero = 0;
        for chunk in values.chunks(CHUNK) {
            let mut lanes = Factors::<E>::one();
            let (mut zeros, mut small) = (E::splat_bits(0), E::splat_bits(0));
            let (groups, rest) = chunk.as_chunks::<LANES>();
            for group in groups {
                let bits = lanes.multiply(E::load(group));
                zeros = E::count(zeros, E::is_zero(bits));
                small = E::count(small, E::is_zero(E::exponent_field(bits)));
            }
            // Zeros and subnormal values have an exponent field of zero.
            let mut zeros: u64 = E::store_bits(zeros).iter().sum();
            let mut small: u64 = E::store_bits(small).iter().sum();
            let mut lanes = lanes.stored();
            for (lane, value) in rest.iter().enumerate() {
                let bits = lanes.multiply(lane, *value);
                zeros += u64::from(bits == 0);
                small += u64::from(bits >> 52 == 0);
            }
            let mut chunk_nonzero = chunk.len() as u64 - zeros;
            if small > zeros {
                (lanes, chunk_nonzero) = multiply_subnormal_too(chunk);
            }
            product.multiply(&lanes, chunk_nonzero);
            nonzero += chunk_nonzero;
        }
        (product.ln(), nonzero, values.len() as u64 - nonzero)
    }
}

/// [`sum_ln_abs_plus_epsilon`], inside other loops too.
#[derive(Clone)]
pub(crate) struct LnAbsPlusEpsilon<'a>(pub(crate) &'a [f64]);

impl Loop for LnAbsPlusEpsilon<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<E: Eight>(self) -> f64 {
        let Self(values) = self;
        let mut product = Product::one();
        for chunk in values.chunks(CHUNK) {
            let mut lanes = Factors::<E>::one();
            let (groups, rest) = chunk.as_chunks::<LANES>();
            for group in groups {
                lanes.multiply(E::abs(E::load(group)) + E::splat(EPSILON));
            }
            let mut lanes = lanes.stored();
            for (lane, value) in rest.iter().enumerate() {
                lanes.multiply(lane, value.abs() + EPSILON);
            }
            product.multiply(&lanes, chunk.len() as u64);
        }
        product.ln()
    }
}

/// ln x of a normal, positive x, within 2 ulp; the same bits on every machine.
///
/// x = m·2^e with m in [√½, √2), s = (m − 1)/(m + 1), ln m = 2s + s³·R(s²). The coefficients of R
/// are those of fdlibm's `e_log.c` (Sun Microsystems, 1993), error below 2⁻⁵⁸.
#[inline(always)]
pub(crate) fn ln_normal<L: Lanes>(x: L) -> L {
    // Bits of 2⁵²: or-ing a small whole number into them is its conversion.
    const TWO_52: u64 = 0x4330_0000_0000_0000;
    // Subtracting the bits of √½ first makes the exponent field that of the wanted range.
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    let number = L::splat;
    let shifted = L::plus(L::bits(x), L::splat_bits(SQRT_HALF.wrapping_neg()));
    // The bias keeps the exponent field positive: 2⁵² + 1024 + e.
    let biased = L::exponent_field(L::plus(shifted, L::splat_bits(1024 << 52)));
    let biased = L::of_bits(L::or(biased, L::splat_bits(TWO_52)));
    let exponent = biased - number(4503599627370496.0 + 1024.0);
    let mantissa = L::and(shifted, L::splat_bits(MANTISSA));
    let mantissa = L::of_bits(L::plus(mantissa, L::splat_bits(SQRT_HALF)));
    let f = mantissa - number(1.0);
    let s = f / (number(2.0) + f);
    let z = s * s;
    let w = z * z;
    let even = w
        * (number(0.3999999999940942)
            + w * (number(0.22222198432149784) + w * number(0.15313837699209373)));
    let odd = z
        * (number(0.6666666666666735)
            + w * (number(0.2857142874366239)
                + w * (number(0.1818357216161805) + w * number(0.14798198605116586))));
    let half_square = number(0.5) * f * f;
    // ln 2 in two parts: the first has 32 trailing zero bits, so that its product is exact.
    let high = exponent * number(0.6931471803691238);
    let low = exponent * number(1.9082149292705877e-10);
    high - ((half_square - (s * (half_square + (even + odd)) + low)) - f)
}

/// ln x of any positive, finite x, as [`ln_normal`].
#[inline(always)]
pub(crate) fn ln_positive<L: Lanes>(x: L) -> L {
    let small = L::less(x, L::splat(f64::MIN_POSITIVE));
    let normal = ln_normal(L::select(small, x * L::splat(TWO_54), x));
    normal - L::select(small, L::splat(54.0 * LN_2), L::splat(0.0))
}

/// A product kept as mantissa·2^exponent.
struct Product {
    /// In [1, 2).
    mantissa: f64,
    exponent: i64,
}

impl Product {
    #[inline(always)]
    fn one() -> Self {
        Self {
            mantissa: 1.0,
            exponent: 0,
        }
    }

    fn multiply(&mut self, lanes: &Stored, factors: u64) {
        for product in lanes.mantissas {
            // Both below 2⁵¹², and at least 1.
            let bits = (self.mantissa * product).to_bits();
            self.mantissa = f64::from_bits(bits & MANTISSA | ONE);
            self.exponent += (bits >> 52) as i64 - 1023;
        }
        let exponents: i64 = lanes.exponents.iter().map(|sum| *sum as i64).sum();
        self.exponent += exponents - lanes.scaled - 1023 * factors as i64;
    }

    #[inline(always)]
    fn ln(&self) -> f64 {
        if self.mantissa > SQRT_2 {
            ln_normal(0.5 * self.mantissa) + (self.exponent + 1) as f64 * LN_2
        } else {
            ln_normal(self.mantissa) + self.exponent as f64 * LN_2
        }
    }
}

/// Independent products in vectors: a lane never waits for another.
struct Factors<E: Eight> {
    mantissas: E,
    /// Sums of exponent fields, each 1023 too large.
    exponents: E::Bits,
}

impl<E: Eight> Factors<E> {
    #[inline(always)]
    fn one() -> Self {
        Self {
            mantissas: E::splat(1.0),
            exponents: E::splat_bits(0),
        }
    }

    /// A factor for each lane; the bits of their magnitudes. A zero multiplies by 1 and adds no
    /// exponent.
    #[inline(always)]
    fn multiply(&mut self, values: E) -> E::Bits {
        let bits = E::and(E::bits(values), E::splat_bits(MAGNITUDE));
        let mantissas = E::and(bits, E::splat_bits(MANTISSA));
        let mantissas = E::or(mantissas, E::splat_bits(ONE));
        self.mantissas = self.mantissas * E::of_bits(mantissas);
        self.exponents = E::plus(self.exponents, E::exponent_field(bits));
        bits
    }

    #[inline(always)]
    fn stored(self) -> Stored {
        Stored {
            mantissas: E::store(self.mantissas),
            exponents: E::store_bits(self.exponents),
            scaled: 0,
        }
    }
}

/// The same in memory.
struct Stored {
    mantissas: [f64; LANES],
    exponents: [u64; LANES],
    /// Powers of two by which subnormal values were made normal.
    scaled: i64,
}

impl Stored {
    #[inline(always)]
    fn multiply(&mut self, lane: usize, value: f64) -> u64 {
        let bits = value.to_bits() & MAGNITUDE;
        self.mantissas[lane] *= f64::from_bits(bits & MANTISSA | ONE);
        self.exponents[lane] += bits >> 52;
        bits
    }
}

/// The products of values that may be subnormal, and how many are not zero.
#[cold]
#[inline(never)]
fn multiply_subnormal_too(values: &[f64]) -> (Stored, u64) {
    let mut lanes = Stored {
        mantissas: [1.0; LANES],
        exponents: [0; LANES],
        scaled: 0,
    };
    let mut nonzero = 0;
    for (index, value) in values.iter().enumerate() {
        if *value == 0.0 {
            continue;
        }
        nonzero += 1;
        let mut value = *value;
        if value.abs() < f64::MIN_POSITIVE {
            value *= TWO_54;
            lanes.scaled += 54;
        }
        lanes.multiply(index % LANES, value);
    }
    (lanes, nonzero)
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
    fn all_kinds_of_vectors_give_the_same_bits() {
        let mut words = crate::stable::SplitMix64::new(3);
        for len in [1, 8, 31, 4096, 10_001] {
            // Any bits, but infinities and NaN: subnormal values and zeros among them.
            let mut values: Vec<f64> = (0..len)
                .map(|_| f64::from_bits(words.next_word() & !(1 << 62)))
                .collect();
            values[len / 2] = 0.0;
            values[len / 3] = 5e-324;
            let sums = wide::by_each(LnAbs(&values));
            assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
            let sums = wide::by_each(LnAbsPlusEpsilon(&values));
            assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
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
