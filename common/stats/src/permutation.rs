//! One fixed permutation, with one fixed random sign for each coordinate.
//!
//! It is a function of the number of coordinates alone, hence the same for all rows, steps, splits
//! and runs: block sums then mix coordinates of all layers, and the signs make the mean pairwise
//! correlation inside a block vanish.
//!
//! The permutation is Fisher and Yates's, from the top down: for i = M−1, …, 1 the places i and
//! ⌊w·(i+1)/2⁶⁴⌋ are exchanged, w being the next word of SplitMix64 (Steele, Lea, Flood 2014) with
//! the seed [`SEED`]. The sign of place i is bit i mod 64 of the word ⌊i/64⌋ that follows.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// State of the generator at the start.
const SEED: u64 = 0x7461_696c_7377_6565;

/// Bit of an entry that means "negated".
const NEGATED: u32 = 1 << 31;

/// Which coordinate goes to each place, and with which sign.
#[derive(Debug)]
pub struct Permutation {
    /// The coordinate, and in the highest bit whether it is negated.
    entries: Vec<u32>,
}

impl Permutation {
    /// More coordinates than this can't be permuted.
    pub const MAX_LEN: usize = 1 << 31;

    /// The permutation of `len` coordinates, made anew. At most [`Self::MAX_LEN`].
    pub fn new(len: usize) -> Self {
        assert!(len <= Self::MAX_LEN, "{len} coordinates are too many");
        let mut words = SplitMix64(SEED);
        let mut entries: Vec<u32> = (0..len as u64).map(|index| index as u32).collect();
        for index in (1..len).rev() {
            let other = (u128::from(words.next()) * (index as u128 + 1)) >> 64;
            entries.swap(index, other as usize);
        }
        for places in entries.chunks_mut(64) {
            let mut signs = words.next();
            for entry in places {
                *entry |= (signs as u32 & 1) * NEGATED;
                signs >>= 1;
            }
        }
        Self { entries }
    }

    /// The permutation of `len` coordinates. Made anew only when nobody holds one of this length.
    pub fn shared(len: usize) -> Arc<Self> {
        static KNOWN: Mutex<Vec<Weak<Permutation>>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|permutation| permutation.strong_count() > 0);
        let found = known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|permutation| permutation.entries.len() == len);
        found.unwrap_or_else(|| {
            let permutation = Arc::new(Self::new(len));
            known.push(Arc::downgrade(&permutation));
            permutation
        })
    }

    /// The number of coordinates.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no coordinate.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the value of each place comes from, and whether it is negated.
    pub fn iter(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        self.entries
            .iter()
            .map(|entry| ((entry & !NEGATED) as usize, entry & NEGATED != 0))
    }

    /// The permuted values of at most `len` places from `start` on.
    pub(crate) fn gather(&self, values: &[f64], start: usize, len: usize, permuted: &mut Vec<f64>) {
        let entries = &self.entries[start..self.entries.len().min(start + len)];
        permuted.clear();
        permuted.extend(entries.iter().map(|entry| {
            let sign = u64::from(entry & NEGATED) << 32;
            f64::from_bits(values[(entry & !NEGATED) as usize].to_bits() ^ sign)
        }));
    }
}

/// A small generator with 64 bits of state.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coordinate_is_used_once() {
        for len in [0, 1, 2, 3, 64, 65, 1000] {
            let permutation = Permutation::new(len);
            let mut sources: Vec<usize> = permutation.iter().map(|(source, _)| source).collect();
            sources.sort_unstable();
            assert_eq!(sources, (0..len).collect::<Vec<_>>());
        }
    }

    #[test]
    fn half_of_the_signs_are_negative() {
        let negated = Permutation::new(10_000)
            .iter()
            .filter(|(_, negated)| *negated)
            .count();
        assert!((4_800..5_200).contains(&negated), "{negated} of 10000");
    }

    #[test]
    fn the_permutation_never_changes() {
        // Raise `numerics` when this must change: results of all runs do.
        let first: Vec<_> = Permutation::new(8).iter().collect();
        assert_eq!(first, Permutation::shared(8).iter().collect::<Vec<_>>());
        let mut words = SplitMix64(0);
        assert_eq!(words.next(), 0xe220_a839_7b1d_cdaf, "as published");
    }

    #[test]
    fn applying_moves_and_negates() {
        let permutation = Permutation::new(5);
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let mut permuted = Vec::new();
        permutation.gather(&values, 0, 8, &mut permuted);
        assert_eq!(permuted.len(), 5);
        for (value, (source, negated)) in permuted.iter().zip(permutation.iter()) {
            let sign = if negated { -1.0 } else { 1.0 };
            assert_eq!(*value, sign * values[source]);
        }
    }

    #[test]
    fn a_held_permutation_is_shared() {
        let held = Permutation::shared(777);
        assert!(Arc::ptr_eq(&held, &Permutation::shared(777)));
    }
}
