//! One fixed permutation, with one fixed random sign for each coordinate.
//!
//! It is a function of the number of coordinates alone, hence the same for all rows, steps, splits
//! and runs: block sums then mix coordinates of all layers, and the signs make the mean pairwise
//! correlation inside a block vanish.
//!
//! The permutation is Fisher and Yates's, from the top down: for i = M−1, …, 1 the places i and
//! ⌊w·(i+1)/2⁶⁴⌋ are exchanged, w being the next word of SplitMix64 (Steele, Lea, Flood 2014) with
//! the seed [`SEED`]. The sign of place i is bit i mod 64 of the word ⌊i/64⌋ that follows.
//!
//! Applying it as it stands would miss the cache at nearly every value. So a row is dealt like
//! letters in a post office: first, in the order of coordinates, into bins of 2¹⁵ neighbouring
//! places, each written from its start; then, within a bin, which fits into the cache, each place
//! fetches its value.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::stable::SplitMix64;

/// State of the generator at the start.
const SEED: u64 = 0x7461_696c_7377_6565;

/// Places of a bin.
pub(crate) const BIN: usize = 1 << 15;

/// Bit of a source in a bin that means "negated".
const NEGATED: u16 = 1 << 15;

/// Which place each coordinate goes to, and with which sign.
#[derive(Debug)]
pub struct Permutation {
    /// Where each coordinate is dealt to: its bin, and how many of the bin's came before.
    dealt: Vec<u32>,
    /// By place, where in its bin its coordinate was dealt to; in the highest bit whether the value
    /// is negated.
    sources: Vec<u16>,
}

impl Permutation {
    /// More coordinates than this can't be permuted.
    pub const MAX_LEN: usize = 1 << 31;

    /// The permutation of `len` coordinates, made anew.
    ///
    /// # Panics
    ///
    /// If there are more than [`Self::MAX_LEN`].
    pub fn new(len: usize) -> Self {
        assert!(len <= Self::MAX_LEN, "{len} coordinates are too many");
        let mut words = SplitMix64::new(SEED);
        let mut sources: Vec<u32> = (0..len as u64).map(|index| index as u32).collect();
        for index in (1..len).rev() {
            let other = (u128::from(words.next_word()) * (index as u128 + 1)) >> 64;
            sources.swap(index, other as usize);
        }
        // The place of each coordinate, and its sign in the highest bit.
        let mut signed = vec![0_u32; len];
        let mut signs = 0;
        for (place, source) in sources.iter().enumerate() {
            if place.is_multiple_of(64) {
                signs = words.next_word();
            }
            signed[*source as usize] = place as u32 | ((signs & 1) as u32) << 31;
            signs >>= 1;
        }
        let mut cursors: Vec<u32> = (0..len).step_by(BIN).map(|first| first as u32).collect();
        let mut sources = vec![0; len];
        let dealt = signed.into_iter().map(|signed| {
            let (place, sign) = ((signed & !(1 << 31)) as usize, (signed >> 31) as u16);
            let cursor = &mut cursors[place / BIN];
            let own = *cursor;
            sources[place] = (own as usize % BIN) as u16 | sign << 15;
            *cursor += 1;
            own
        });
        Self {
            dealt: dealt.collect(),
            sources,
        }
    }

    /// The permutation of `len` coordinates. Made anew only when nobody holds one of this length.
    pub fn shared(len: usize) -> Arc<Self> {
        static KNOWN: Mutex<Vec<Weak<Permutation>>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|permutation| permutation.strong_count() > 0);
        let found = known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|permutation| permutation.len() == len);
        found.unwrap_or_else(|| {
            let permutation = Arc::new(Self::new(len));
            known.push(Arc::downgrade(&permutation));
            permutation
        })
    }

    /// The number of coordinates.
    pub fn len(&self) -> usize {
        self.dealt.len()
    }

    /// Whether there is no coordinate.
    pub fn is_empty(&self) -> bool {
        self.dealt.is_empty()
    }

    /// By place: the coordinate that goes there, and whether it is negated.
    pub fn sources(&self) -> Vec<(usize, bool)> {
        let mut coordinates = vec![0; self.len()];
        for (coordinate, dealt) in self.dealt.iter().enumerate() {
            coordinates[*dealt as usize] = coordinate;
        }
        let sources = self.sources.iter().enumerate().map(|(place, source)| {
            let dealt = place / BIN * BIN + usize::from(source & !NEGATED);
            (coordinates[dealt], source & NEGATED != 0)
        });
        sources.collect()
    }
}

/// A row on its way through a permutation.
#[derive(Debug)]
pub(crate) struct Dealer {
    permutation: Arc<Permutation>,
    /// The next coordinate.
    next: usize,
    /// The row by bins.
    dealt: Vec<[f64; BIN]>,
    /// Permuted values.
    permuted: Vec<f64>,
}

impl Dealer {
    pub(crate) fn new(permutation: Arc<Permutation>) -> Self {
        Self {
            next: 0,
            dealt: vec![[0.0; BIN]; permutation.len().div_ceil(BIN)],
            permuted: Vec::new(),
            permutation,
        }
    }

    /// Takes the next values of the row.
    pub(crate) fn deal(&mut self, values: &[f64]) {
        let end = self.next + values.len();
        let dealt = self.dealt.as_flattened_mut();
        if self.permutation.len() <= BIN {
            dealt[self.next..end].copy_from_slice(values);
        } else {
            for (value, place) in values.iter().zip(&self.permutation.dealt[self.next..end]) {
                dealt[*place as usize] = *value;
            }
        }
        self.next = end;
    }

    /// The row is complete: calls `take` with the permuted values, by the first place and at most
    /// `len` of them; `len` divides the size of a bin. Then a new row may begin.
    pub(crate) fn collect(&mut self, len: usize, mut take: impl FnMut(usize, &[f64])) {
        assert_eq!(self.next, self.permutation.len(), "a whole row");
        self.next = 0;
        for (index, sources) in self.permutation.sources.chunks(len).enumerate() {
            let bin = &self.dealt[index * len / BIN];
            let values = sources.iter().map(|source| {
                let sign = u64::from(source & NEGATED) << 48;
                f64::from_bits(bin[usize::from(source & !NEGATED)].to_bits() ^ sign)
            });
            self.permuted.clear();
            self.permuted.extend(values);
            take(index * len, &self.permuted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coordinate_is_used_once() {
        for len in [0, 1, 2, 3, 64, 65, 1000, BIN, BIN + 1, 3 * BIN - 1] {
            let sources = Permutation::new(len).sources();
            let mut sources: Vec<usize> = sources.iter().map(|(source, _)| *source).collect();
            sources.sort_unstable();
            assert_eq!(sources, (0..len).collect::<Vec<_>>());
        }
    }

    #[test]
    fn half_of_the_signs_are_negative() {
        let sources = Permutation::new(10_000).sources();
        let negated = sources.iter().filter(|(_, negated)| *negated).count();
        assert!((4_800..5_200).contains(&negated), "{negated} of 10000");
    }

    #[test]
    fn the_permutation_never_changes() {
        // Raise `numerics` when this must change: the results of all runs do.
        let mut words = SplitMix64::new(0);
        assert_eq!(words.next_word(), 0xe220_a839_7b1d_cdaf, "as published");
        let signed = |(source, negated): (usize, bool)| match negated {
            true => -(source as i64),
            false => source as i64,
        };
        let sources = Permutation::new(8).sources().into_iter().map(signed);
        assert_eq!(sources.collect::<Vec<_>>(), [3, -7, -2, 6, 1, 0, 5, 4]);
    }

    #[test]
    fn a_dealt_row_is_permuted_and_negated() {
        for len in [1, 5, 4096, BIN, 2 * BIN + 77] {
            let permutation = Permutation::shared(len);
            let mut dealer = Dealer::new(permutation.clone());
            for round in 0..2 {
                let values: Vec<f64> = (0..len).map(|index| (index + round) as f64).collect();
                values.chunks(1000).for_each(|values| dealer.deal(values));
                let mut permuted = Vec::new();
                dealer.collect(4096, |start, values| {
                    assert_eq!(start, permuted.len());
                    permuted.extend_from_slice(values);
                });
                let sources = permutation.sources();
                assert_eq!(permuted.len(), len);
                for (value, (source, negated)) in permuted.iter().zip(sources) {
                    let sign = if negated { -1.0 } else { 1.0 };
                    assert_eq!(*value, sign * values[source]);
                }
            }
        }
    }

    #[test]
    fn a_held_permutation_is_shared() {
        let held = Permutation::shared(777);
        assert!(Arc::ptr_eq(&held, &Permutation::shared(777)));
    }
}
