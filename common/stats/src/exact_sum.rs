//! A sum of f64 without rounding.
//!
//! A finite f64 is a whole number times 2⁻¹⁰⁷⁴, and so is every sum of such. The sum is kept as
//! that whole number, written in digits ("limbs") of radix 2³², each in [−2³¹, 2³¹): in such a
//! balanced system every whole number has exactly one finite row of digits. Hence the
//! representation, not only the value, is a function of the multiset of summands: any order and any
//! grouping of [`ExactSum::add`] and [`ExactSum::merge`] gives equal bytes.
//!
//! Only the limbs between the lowest and the highest nonzero one are kept: 3 to 5 for sums of
//! logarithms. Nothing rounds before [`ExactSum::value`], which rounds once.
//!
//! Absent: speed. An `add` costs some tens of nanoseconds; it is for sums of rows, not of values.
//! Absent too: infinities and NaN. They have no exact sum, so the caller counts them apart.

use serde::{Deserialize, Serialize};

/// Bits of a limb.
const LIMB_BITS: i32 = 32;

/// The limb that holds 2⁻¹⁰⁷⁴, the smallest f64: limb k weighs 2^(32·k).
const LOWEST: i32 = -34;

/// One more than the highest limb of 2⁶⁴ times the largest f64.
const HIGHEST: i32 = 36;

/// Bits of the lowest limb that are below 2⁻¹⁰⁷⁴.
const DUST_BITS: u32 = 14;

/// A sum of f64 without rounding: the same whatever the order and grouping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "(i32, Vec<i64>)", try_from = "(i32, Vec<i64>)")]
pub struct ExactSum {
    /// Index of `limbs[0]`; 0 when the sum is zero.
    lowest: i32,
    /// Each in [−2³¹, 2³¹); the first and the last are not zero.
    limbs: Vec<i64>,
}

/// The parts are not those of an exact sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the canonical limbs of an exact sum")]
pub struct NotAnExactSum;

impl ExactSum {
    /// Zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finite value. A value that is not finite has no exact sum: it is left out.
    pub fn add(&mut self, value: f64) {
        if value == 0.0 || !value.is_finite() {
            return;
        }
        let bits = value.to_bits();
        let field = (bits >> 52 & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) = match field {
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, field - 1075),
        };
        let limb = exponent.div_euclid(LIMB_BITS);
        let wide = u128::from(mantissa) << exponent.rem_euclid(LIMB_BITS);
        let digits = [wide, wide >> 32, wide >> 64].map(|digit| i64::from(digit as u32));
        if value > 0.0 {
            self.add_limbs(limb, &digits);
        } else {
            self.add_limbs(limb, &digits.map(|digit| -digit));
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.add_limbs(other.lowest, &other.limbs);
    }

    /// Whether the sum is zero.
    pub fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// The f64 nearest to the sum, ties to even; infinite when it is beyond the largest f64.
    pub fn value(&self) -> f64 {
        let Some(last) = self.limbs.last() else {
            return 0.0;
        };
        // The sign of a balanced number is that of its highest digit.
        let sign = last.signum();
        let mut magnitude = [0_u32; (HIGHEST - LOWEST) as usize + 2];
        let mut borrow = 0;
        let mut top = 0;
        for (index, limb) in self.limbs.iter().enumerate() {
            let digit = sign * limb + borrow;
            let Some(place) = magnitude.get_mut(index) else {
                return sign as f64 * f64::INFINITY;
            };
            *place = digit as u32;
            borrow = digit >> LIMB_BITS;
            if *place != 0 {
                top = index;
            }
        }
        let digit = |back: usize| match top.checked_sub(back) {
            Some(index) => u128::from(magnitude[index]),
            None => 0,
        };
        // The 64 bits from the highest one down, and whether anything lies below them.
        let head = digit(0) << 64 | digit(1) << 32 | digit(2);
        let shift = 64 - head.leading_zeros() as i32;
        let below = head & ((1_u128 << shift) - 1) != 0
            || magnitude[..top.saturating_sub(2)]
                .iter()
                .any(|digit| *digit != 0);
        let leading = (head >> shift) as u64 | u64::from(below);
        let exponent = LIMB_BITS * (self.lowest + top as i32 - 2) + shift;
        if exponent > 960 {
            return sign as f64 * f64::INFINITY;
        }
        // Below 2⁻¹⁰²² nothing is rounded, for the sum is a multiple of 2⁻¹⁰⁷⁴. Two factors,
        // for 2^exponent alone may be too small.
        let half = exponent / 2;
        sign as f64 * (leading as f64 * power_of_two(half) * power_of_two(exponent - half))
    }

    /// The lowest limb's index k and the limbs from there on; limb k weighs 2^(32·k).
    /// Zero is `(0, [])`.
    pub fn parts(&self) -> (i32, &[i64]) {
        (self.lowest, &self.limbs)
    }

    /// The sum with these [`parts`](Self::parts), if they are canonical: limbs in [−2³¹, 2³¹), the
    /// first and the last not zero, a multiple of 2⁻¹⁰⁷⁴ and below 2¹¹⁵².
    pub fn from_parts(lowest: i32, limbs: Vec<i64>) -> Option<Self> {
        let (Some(first), Some(last)) = (limbs.first(), limbs.last()) else {
            return (lowest == 0).then(Self::default);
        };
        let in_window = (LOWEST..=HIGHEST).contains(&lowest)
            && limbs.len() <= (HIGHEST - lowest) as usize
            && (lowest > LOWEST || first.trailing_zeros() >= DUST_BITS);
        let canonical = *first != 0
            && *last != 0
            && limbs.iter().all(|limb| i32::try_from(*limb).is_ok())
            && in_window;
        canonical.then_some(Self { lowest, limbs })
    }

    /// Adds digits in (−2³³, 2³³), the first of which is limb `lowest`.
    fn add_limbs(&mut self, lowest: i32, digits: &[i64]) {
        if digits.is_empty() {
            return;
        }
        if self.limbs.is_empty() {
            self.lowest = lowest;
        }
        if lowest < self.lowest {
            let missing = (self.lowest - lowest) as usize;
            self.limbs.splice(..0, std::iter::repeat_n(0, missing));
            self.lowest = lowest;
        }
        let offset = (lowest - self.lowest) as usize;
        if self.limbs.len() < offset + digits.len() {
            self.limbs.resize(offset + digits.len(), 0);
        }
        let mut carry = 0;
        for (index, limb) in self.limbs[offset..].iter_mut().enumerate() {
            let digit = match digits.get(index) {
                Some(digit) => *digit,
                None if carry == 0 => break,
                None => 0,
            };
            (*limb, carry) = balanced(*limb + digit + carry);
        }
        while carry != 0 {
            let (limb, next) = balanced(carry);
            self.limbs.push(limb);
            carry = next;
        }
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
        let zeros = self.limbs.iter().take_while(|limb| **limb == 0).count();
        self.limbs.drain(..zeros);
        self.lowest = match self.limbs.is_empty() {
            true => 0,
            false => self.lowest + zeros as i32,
        };
    }
}

/// A digit in [−2³¹, 2³¹) and what goes into the next one.
fn balanced(digit: i64) -> (i64, i64) {
    let low = i64::from(digit as i32);
    (low, (digit - low) >> LIMB_BITS)
}

/// 2^`exponent` for −1022 ≤ `exponent` ≤ 1023.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

impl Extend<f64> for ExactSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::new();
        sum.extend(values);
        sum
    }
}

impl From<ExactSum> for (i32, Vec<i64>) {
    fn from(sum: ExactSum) -> Self {
        (sum.lowest, sum.limbs)
    }
}

impl TryFrom<(i32, Vec<i64>)> for ExactSum {
    type Error = NotAnExactSum;

    fn try_from((lowest, limbs): (i32, Vec<i64>)) -> Result<Self, NotAnExactSum> {
        Self::from_parts(lowest, limbs).ok_or(NotAnExactSum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> ExactSum {
        values.iter().copied().collect()
    }

    #[test]
    fn one_value_is_itself() {
        for value in [
            0.0,
            1.0,
            -1.0,
            0.1,
            -36.04365338911715,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            -5e-324,
            f64::EPSILON,
            4294967295.0,
            -2147483648.0,
            2147483648.0,
        ] {
            assert_eq!(sum(&[value]).value(), value);
        }
    }

    #[test]
    fn what_cancels_leaves_the_rest() {
        assert_eq!(sum(&[1e300, 5e-324, -1e300]).value(), 5e-324);
        assert_eq!(sum(&[1e16, 1.0, -1e16, 1.0]).value(), 2.0);
        assert_eq!(sum(&[0.1, -0.1]), ExactSum::new());
    }

    #[test]
    fn rounding_is_to_nearest_even() {
        let ulp = f64::EPSILON;
        assert_eq!(sum(&[1.0, ulp / 2.0]).value(), 1.0);
        assert_eq!(sum(&[1.0, ulp / 2.0, 5e-324]).value(), 1.0 + ulp);
        assert_eq!(sum(&[1.0 + ulp, ulp / 2.0]).value(), 1.0 + 2.0 * ulp);
        assert_eq!(sum(&[1.0, ulp / 2.0, -5e-324]).value(), 1.0);
    }

    #[test]
    fn a_sum_beyond_the_largest_is_infinite_and_comes_back() {
        let mut twice = sum(&[f64::MAX, f64::MAX]);
        assert_eq!(twice.value(), f64::INFINITY);
        twice.add(-f64::MAX);
        assert_eq!(twice.value(), f64::MAX);
        assert_eq!(sum(&[-f64::MAX, -f64::MAX]).value(), -f64::INFINITY);
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        assert_eq!(sum(&[f64::NAN, 1.0, f64::INFINITY]), sum(&[1.0]));
    }

    #[test]
    fn parts_that_are_not_canonical_are_refused() {
        for (lowest, limbs) in [
            (1, vec![]),
            (0, vec![0]),
            (0, vec![0, 1]),
            (0, vec![1, 0]),
            (0, vec![1 << 31]),
            (0, vec![i64::MIN]),
            (-34, vec![1]),
            (-35, vec![1 << 14]),
            (36, vec![1]),
            (i32::MAX, vec![1]),
            (i32::MIN, vec![1]),
            (-34, vec![1 << 14; 71]),
        ] {
            assert_eq!(ExactSum::from_parts(lowest, limbs), None);
        }
        assert!(ExactSum::from_parts(-34, vec![1 << 14; 70]).is_some());
        assert!(serde_json::from_str::<ExactSum>("[0,[0]]").is_err());
    }

    proptest! {
        #[test]
        fn any_order_and_grouping_gives_the_same_bytes(
            (values, shuffled) in any_values().prop_flat_map(|values| {
                (Just(values.clone()), Just(values).prop_shuffle())
            }),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = sum(&values);
            let (left, right) = shuffled.split_at(cut.index(shuffled.len() + 1));
            let mut parts = sum(left);
            parts.merge(&sum(right));
            prop_assert_eq!(&parts, &whole);
            prop_assert_eq!(
                serde_json::to_string(&parts).unwrap(),
                serde_json::to_string(&whole).unwrap()
            );
        }

        #[test]
        fn parts_and_json_round_trip(values in any_values()) {
            let whole = sum(&values);
            let (lowest, limbs) = whole.parts();
            prop_assert_eq!(ExactSum::from_parts(lowest, limbs.to_vec()), Some(whole.clone()));
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<ExactSum>(&text).unwrap(), whole);
        }

        #[test]
        fn negated_values_cancel(values in any_values()) {
            let mut both = sum(&values);
            both.extend(values.iter().map(|value| -value));
            prop_assert_eq!(both, ExactSum::new());
        }

        #[test]
        fn whole_numbers_add_like_whole_numbers(values in prop::collection::vec(any::<i64>(), 0..50)) {
            // Each i64 as two f64 without loss; i128 rounds to nearest even as well.
            let exact: i128 = values.iter().map(|value| i128::from(*value)).sum();
            let mut whole = ExactSum::new();
            for value in values {
                let low = value & 0xffff_ffff;
                whole.add(low as f64);
                whole.add((value - low) as f64);
            }
            prop_assert_eq!(whole.value(), exact as f64);
        }

        #[test]
        fn two_values_round_like_the_processor(a in finite(), b in finite()) {
            prop_assert_eq!(sum(&[a, b]).value(), a + b);
        }

        #[test]
        fn any_parts_that_are_accepted_have_a_value(
            lowest in -34_i32..36,
            limbs in prop::collection::vec(-(1_i64 << 31)..1 << 31, 0..70),
        ) {
            if let Some(mut sum) = ExactSum::from_parts(lowest, limbs) {
                let twice = sum.clone();
                sum.merge(&twice);
                prop_assert!(!sum.value().is_nan());
            }
        }
    }

    fn finite() -> impl Strategy<Value = f64> {
        use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
        prop_oneof![NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE, -1e3..1e3,]
    }

    fn any_values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(finite(), 0..60)
    }
}
