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
//! places, each written from its start; then within a bin, which fits into the cache, to the places.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::stable::SplitMix64;

/// State of the generator at the start.
const SEED: u64 = 0x7461_696c_7377_6565;

/// Places of a bin.
pub(crate) const BIN: usize = 1 << 15;

/// Bit of a place in a bin that means "negated".
const NEGATED: u16 = 1 << 15;

/// Which place each coordinate goes to, and with which sign.
#[derive(Debug)]
pub struct Permutation {
    /// The bin of each coordinate.
    bins: Vec<u16>,
    /// Of each bin, its coordinates' places in it, in the order of coordinates; in the highest bit
    /// whether the value is negated.
    places: Vec<u16>,
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
        let mut cursors = cursors(len);
        let mut places = vec![0; len];
        let bins = signed.into_iter().map(|signed| {
            let (place, sign) = ((signed & !(1 << 31)) as usize, (signed >> 31) as u16);
            let cursor = &mut cursors[place / BIN];
            places[*cursor] = (place % BIN) as u16 | sign << 15;
            *cursor += 1;
            (place / BIN) as u16
        });
        Self {
            bins: bins.collect(),
            places,
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
        self.bins.len()
    }

    /// Whether there is no coordinate.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// By place: the coordinate that goes there, and whether it is negated.
    pub fn sources(&self) -> Vec<(usize, bool)> {
        let mut sources = vec![(0, false); self.len()];
        let mut cursors = cursors(self.len());
        for (source, bin) in self.bins.iter().enumerate() {
            let bin = usize::from(*bin);
            let place = self.places[cursors[bin]];
            cursors[bin] += 1;
            sources[bin * BIN + usize::from(place & !NEGATED)] = (source, place & NEGATED != 0);
        }
        sources
    }
}

/// Where each bin begins.
fn cursors(len: usize) -> Vec<usize> {
    (0..len).step_by(BIN).collect()
}

/// A row on its way through a permutation.
#[derive(Debug)]
pub(crate) struct Dealer {
    permutation: Arc<Permutation>,
    /// The next coordinate.
    next: usize,
    /// Where the next value of each bin goes.
    cursors: Vec<usize>,
    /// The row by bins.
    dealt: Vec<f64>,
}

impl Dealer {
    pub(crate) fn new(permutation: Arc<Permutation>) -> Self {
        Self {
            next: 0,
            cursors: cursors(permutation.len()),
            dealt: vec![0.0; permutation.len()],
            permutation,
        }
    }

    /// Takes the next values of the row.
    pub(crate) fn deal(&mut self, values: &[f64]) {
        let end = self.next + values.len();
        if self.cursors.len() == 1 {
            self.dealt[self.next..end].copy_from_slice(values);
        } else {
            let bins = &self.permutation.bins[self.next..end];
            for (value, bin) in values.iter().zip(bins) {
                let cursor = &mut self.cursors[usize::from(*bin)];
                self.dealt[*cursor] = *value;
                *cursor += 1;
            }
        }
        self.next = end;
    }

    /// The row is complete: calls `take` with the permuted values, by the first place and at most
    /// `len` of them; `len` divides the size of a bin. Then a new row may begin.
    pub(crate) fn collect(&mut self, len: usize, mut take: impl FnMut(usize, &[f64])) {
        assert_eq!(self.next, self.permutation.len(), "a whole row");
        let mut sorted = [0.0; BIN];
        let bins = self
            .dealt
            .chunks(BIN)
            .zip(self.permutation.places.chunks(BIN));
        for (bin, (dealt, places)) in bins.enumerate() {
            for (value, place) in dealt.iter().zip(places) {
                let sign = u64::from(place & NEGATED) << 48;
                sorted[usize::from(place & !NEGATED)] = f64::from_bits(value.to_bits() ^ sign);
            }
            for (index, values) in sorted[..dealt.len()].chunks(len).enumerate() {
                take(bin * BIN + index * len, values);
            }
        }
        self.next = 0;
        for (bin, cursor) in self.cursors.iter_mut().enumerate() {
            *cursor = bin * BIN;
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
