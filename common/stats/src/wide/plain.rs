//! Lanes without vectors: one double, and eight for machines of any kind.

use std::ops::{Add, Div, Mul, Sub};

use super::{Eight, Lanes};

impl Lanes for f64 {
    type Bits = u64;
    type Mask = bool;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn less(left: Self, right: Self) -> bool {
        left < right
    }

    #[inline(always)]
    fn differs(left: Self, right: Self) -> bool {
        left != right
    }

    #[inline(always)]
    fn both(left: bool, right: bool) -> bool {
        left & right
    }

    #[inline(always)]
    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }

    #[inline(always)]
    fn bits(lanes: Self) -> u64 {
        lanes.to_bits()
    }

    #[inline(always)]
    fn of_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }

    #[inline(always)]
    fn splat_bits(word: u64) -> u64 {
        word
    }

    #[inline(always)]
    fn and(left: u64, right: u64) -> u64 {
        left & right
    }

    #[inline(always)]
    fn or(left: u64, right: u64) -> u64 {
        left | right
    }

    #[inline(always)]
    fn xor(left: u64, right: u64) -> u64 {
        left ^ right
    }

    #[inline(always)]
    fn plus(left: u64, right: u64) -> u64 {
        left.wrapping_add(right)
    }

    #[inline(always)]
    fn exponent_field(bits: u64) -> u64 {
        bits >> 52
    }

    #[inline(always)]
    fn is_zero(bits: u64) -> bool {
        bits == 0
    }

    #[inline(always)]
    fn count(counts: u64, mask: bool) -> u64 {
        counts + u64::from(mask)
    }
}

/// Eight doubles, each worked on alone.
#[derive(Clone, Copy)]
pub(super) struct Plain([f64; 8]);

#[inline(always)]
fn zip<A: Copy, B: Copy, C>(left: [A; 8], right: [B; 8], one: impl Fn(A, B) -> C) -> [C; 8] {
    std::array::from_fn(|lane| one(left[lane], right[lane]))
}

impl Add for Plain {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(zip(self.0, other.0, Add::add))
    }
}

impl Sub for Plain {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(zip(self.0, other.0, Sub::sub))
    }
}

impl Mul for Plain {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(zip(self.0, other.0, Mul::mul))
    }
}

impl Div for Plain {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(zip(self.0, other.0, Div::div))
    }
}

impl Lanes for Plain {
    type Bits = [u64; 8];
    type Mask = [bool; 8];

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    fn less(left: Self, right: Self) -> [bool; 8] {
        zip(left.0, right.0, f64::less)
    }

    #[inline(always)]
    fn differs(left: Self, right: Self) -> [bool; 8] {
        zip(left.0, right.0, f64::differs)
    }

    #[inline(always)]
    fn both(left: [bool; 8], right: [bool; 8]) -> [bool; 8] {
        zip(left, right, f64::both)
    }

    #[inline(always)]
    fn select(mask: [bool; 8], yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            f64::select(mask[lane], yes.0[lane], no.0[lane])
        }))
    }

    #[inline(always)]
    fn bits(lanes: Self) -> [u64; 8] {
        lanes.0.map(f64::to_bits)
    }

    #[inline(always)]
    fn of_bits(bits: [u64; 8]) -> Self {
        Self(bits.map(f64::from_bits))
    }

    #[inline(always)]
    fn splat_bits(word: u64) -> [u64; 8] {
        [word; 8]
    }

    #[inline(always)]
    fn and(left: [u64; 8], right: [u64; 8]) -> [u64; 8] {
        zip(left, right, f64::and)
    }

    #[inline(always)]
    fn or(left: [u64; 8], right: [u64; 8]) -> [u64; 8] {
        zip(left, right, f64::or)
    }

    #[inline(always)]
    fn xor(left: [u64; 8], right: [u64; 8]) -> [u64; 8] {
        zip(left, right, f64::xor)
    }

    #[inline(always)]
    fn plus(left: [u64; 8], right: [u64; 8]) -> [u64; 8] {
        zip(left, right, f64::plus)
    }

    #[inline(always)]
    fn exponent_field(bits: [u64; 8]) -> [u64; 8] {
        bits.map(f64::exponent_field)
    }

    #[inline(always)]
    fn is_zero(bits: [u64; 8]) -> [bool; 8] {
        bits.map(f64::is_zero)
    }

    #[inline(always)]
    fn count(counts: [u64; 8], mask: [bool; 8]) -> [u64; 8] {
        zip(counts, mask, f64::count)
    }
}

impl Eight for Plain {
    type Four = [f64; 4];

    #[inline(always)]
    fn load(values: &[f64; 8]) -> Self {
        Self(*values)
    }

    #[inline(always)]
    fn store(lanes: Self) -> [f64; 8] {
        lanes.0
    }

    #[inline(always)]
    fn load_bits(words: &[u64; 8]) -> [u64; 8] {
        *words
    }

    #[inline(always)]
    fn store_bits(bits: [u64; 8]) -> [u64; 8] {
        bits
    }

    #[inline(always)]
    fn four_zeros() -> [f64; 4] {
        [0.0; 4]
    }

    #[inline(always)]
    fn add_halves(sums: [f64; 4], lanes: Self) -> [f64; 4] {
        std::array::from_fn(|lane| sums[lane] + lanes.0[lane] + lanes.0[lane + 4])
    }

    #[inline(always)]
    fn store_four(four: [f64; 4]) -> [f64; 4] {
        four
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        std::array::from_fn(|lane| Self(rows.map(|row| row.0[lane])))
    }
}
