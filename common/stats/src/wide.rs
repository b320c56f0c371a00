//! Eight doubles at a time, with the widest vectors that this machine has.
//!
//! A program for any x86-64 machine may use vectors of two doubles; most machines have vectors of
//! four or eight. A [`Loop`] is compiled for each, and the machine is asked when it runs.
//!
//! The bits don't depend on the choice. A loop works on [`Eight`] doubles, lane by lane, whatever
//! the vectors are; each operation on a lane is that of IEEE 754, rounded once, and no compiler
//! reassociates or fuses them unasked.
//!
//! Left to itself the compiler packs lanes into vectors in some loops and takes them apart in
//! others: hence the intrinsics, in [`x86`], which is all that is `unsafe` in this crate.

mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::{Add, Div, Mul, Sub};

/// Numbers that are worked on alike: one double, or eight.
pub(crate) trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The bits of each.
    type Bits: Copy;
    /// A yes or no for each.
    type Mask: Copy;

    fn splat(value: f64) -> Self;
    /// Where `left < right`.
    fn less(left: Self, right: Self) -> Self::Mask;
    /// Where `left` is neither less, nor equal, nor greater.
    fn differs(left: Self, right: Self) -> Self::Mask;
    fn both(left: Self::Mask, right: Self::Mask) -> Self::Mask;
    /// `yes` where the mask says so, `no` elsewhere.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    fn bits(lanes: Self) -> Self::Bits;
    fn of_bits(bits: Self::Bits) -> Self;
    fn splat_bits(word: u64) -> Self::Bits;
    fn and(left: Self::Bits, right: Self::Bits) -> Self::Bits;
    fn or(left: Self::Bits, right: Self::Bits) -> Self::Bits;
    fn xor(left: Self::Bits, right: Self::Bits) -> Self::Bits;
    /// Sums modulo 2⁶⁴.
    fn plus(left: Self::Bits, right: Self::Bits) -> Self::Bits;
    /// Without the lowest 52 bits.
    fn exponent_field(bits: Self::Bits) -> Self::Bits;
    fn is_zero(bits: Self::Bits) -> Self::Mask;
    /// One more where the mask says so.
    fn count(counts: Self::Bits, mask: Self::Mask) -> Self::Bits;

    /// The magnitudes.
    #[inline(always)]
    fn abs(lanes: Self) -> Self {
        Self::of_bits(Self::and(Self::bits(lanes), Self::splat_bits(!(1 << 63))))
    }
}

/// Eight doubles.
pub(crate) trait Eight: Lanes {
    /// Four doubles.
    type Four: Copy;

    fn load(values: &[f64; 8]) -> Self;
    fn store(lanes: Self) -> [f64; 8];
    fn load_bits(words: &[u64; 8]) -> Self::Bits;
    fn store_bits(bits: Self::Bits) -> [u64; 8];
    fn four_zeros() -> Self::Four;
    /// Four sums, plus the first four of these, plus the last four.
    fn add_halves(sums: Self::Four, lanes: Self) -> Self::Four;
    fn store_four(four: Self::Four) -> [f64; 4];
    /// Lane i of number k becomes lane k of number i.
    fn transpose(rows: [Self; 8]) -> [Self; 8];
}

/// Work on a slice of values. `run` must be `#[inline(always)]`, and so must what it calls with its
/// lanes: only then is it compiled for the vectors at hand.
pub(crate) trait Loop {
    /// What comes out.
    type Output;

    /// Does the work.
    fn run<E: Eight>(self) -> Self::Output;
}

/// Runs the loop with the widest vectors of this machine.
#[inline]
pub(crate) fn run<L: Loop>(work: L) -> L::Output {
    #[cfg(target_arch = "x86_64")]
    let work = match x86::run(work) {
        Ok(output) => return output,
        Err(work) => work,
    };
    work.run::<plain::Plain>()
}

/// Adds numbers to eight sums side by side, each sum in the order of its numbers: eight of a sum lie in
/// one of the rows.
#[inline(always)]
pub(crate) fn add_in_order<E: Eight>(sums: E, rows: [E; 8]) -> E {
    let mut sums = sums;
    for column in E::transpose(rows) {
        sums = sums + column;
    }
    sums
}

/// What the loop gives with each kind of vectors of this machine.
#[cfg(test)]
pub(crate) fn by_each<L: Loop + Clone>(work: L) -> Vec<L::Output> {
    let mut outputs = vec![work.clone().run::<plain::Plain>()];
    #[cfg(target_arch = "x86_64")]
    outputs.extend(x86::by_each(work));
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct SumRows([[f64; 8]; 8]);

    impl Loop for SumRows {
        type Output = [f64; 8];

        #[inline(always)]
        fn run<E: Eight>(self) -> [f64; 8] {
            let mut rows = [E::splat(0.0); 8];
            for (row, values) in rows.iter_mut().zip(&self.0) {
                *row = E::load(values);
            }
            E::store(add_in_order(E::splat(0.5), rows))
        }
    }

    #[test]
    fn sums_side_by_side_are_those_of_each_row_in_order() {
        let row = |row: usize| std::array::from_fn(|lane| 0.1 + (row * 8 + lane) as f64 / 7.0);
        let rows: [[f64; 8]; 8] = std::array::from_fn(row);
        let plain = rows.map(|row| row.iter().fold(0.5, |sum, value| sum + value));
        for found in by_each(SumRows(rows)) {
            assert_eq!(found, plain);
        }
    }
}
