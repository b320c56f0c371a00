//! A signed log-histogram with whole counts.
//!
//! **Bins.** A cell is what f64 numbers have in common in their sign, exponent and first 9 bits of
//! mantissa: 512 cells to an octave. A value's cell is a shift of its bits; no logarithm is taken.
//! A bin is two to five neighbouring cells, as many as are no wider than 1/200 of its lower edge
//! (0.5 %): 166 bins to an octave, none narrower than 0.3 % (but the last one of each octave, 0.29 %).
//! Bins are numbered in the order of the numbers: bin i ≥ 0 holds positive ones, bin −1−i the same
//! ones negated.
//!
//! **Why it merges.** Counts are whole: any order and grouping gives the same histogram.
//!
//! **Order statistics** come back from the counts: the c values of a bin are taken to lie evenly
//! in ln|x|, the i-th (from 0) at the share (i + ½)/c of the bin. So an order statistic is off by
//! half a bin (0.25 %) at most, whatever the values are, and by far less where a bin holds many
//! values of a smooth law.
//!
//! Absent: zeros, and all below 2⁻¹⁰²², which no difference of f32 numbers reaches; infinities and
//! NaN. The caller counts them apart.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Bits of an f64 that a cell does not tell.
pub(crate) const CELL_SHIFT: u32 = 43;

/// Cells of an octave.
const CELLS: u32 = 1 << (52 - CELL_SHIFT);

/// Bins of so many cells each, from a bin and a cell of the octave on.
struct Width {
    first_bin: u32,
    first_cell: u32,
    cells: u32,
}

/// g cells are at most 1/200 of 512 + m, where m is the first of them, from m = 200·g − 512 on.
const WIDTHS: [Width; 4] = [
    Width {
        first_bin: 0,
        first_cell: 0,
        cells: 2,
    },
    Width {
        first_bin: 44,
        first_cell: 88,
        cells: 3,
    },
    Width {
        first_bin: 111,
        first_cell: 289,
        cells: 4,
    },
    Width {
        first_bin: 161,
        first_cell: 489,
        cells: 5,
    },
];

/// Bins of an octave.
const BINS: i32 = 166;

/// The first bin of positive numbers: that of the smallest normal one.
const LOWEST: i32 = BINS;

/// One more than the last bin: that of infinity.
const HIGHEST: i32 = 0x7ff * BINS;

/// A signed log-histogram with whole counts, sparse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct LogHistogram {
    /// The bins that are not empty, in order.
    bins: Vec<i32>,
    /// Of each of them; not 0.
    counts: Vec<u64>,
}

/// A histogram as it is written: bins and counts.
type Written = (Vec<i32>, Vec<u64>);

/// The bins and counts are not those of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the bins and counts of a log-histogram")]
pub struct NotAHistogram;

impl LogHistogram {
    /// The histogram of these numbers. Zeros, numbers below 2⁻¹⁰²² and such that are not finite
    /// are left out.
    pub fn of(values: &[f64]) -> Self {
        crate::values::ValueSums::of(values).histogram
    }

    /// The same, without a table of all cells: for few numbers.
    pub(crate) fn of_few(values: &[f64]) -> Self {
        let cell = |value: &f64| (value.to_bits() >> CELL_SHIFT) as usize;
        let mut bins: Vec<i32> = values
            .iter()
            .filter(|value| value.is_finite())
            .filter_map(|value| bin_of_cell(cell(value)))
            .collect();
        bins.sort_unstable();
        let mut histogram = Self::default();
        for bin in bins {
            match histogram.bins.last() {
                Some(last) if *last == bin => {
                    if let Some(count) = histogram.counts.last_mut() {
                        *count += 1;
                    }
                }
                _ => {
                    histogram.bins.push(bin);
                    histogram.counts.push(1);
                }
            }
        }
        histogram
    }

    /// The magnitudes of the values in ascending order, each in the middle of its share of its bin,
    /// as ln|x|, with the number of values in the bin.
    pub fn ln_magnitudes(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.bins().map(|(bin, count)| {
            let edges = edges(bin);
            (0.5 * (edges.start.ln() + edges.end.ln()), count)
        })
    }

    /// Non-empty bins, in the order of the numbers, and their counts.
    pub fn bins(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + ExactSizeIterator + Clone {
        self.bins.iter().copied().zip(self.counts.iter().copied())
    }

    /// The histogram with these bins and counts, if the bins are of finite normal numbers and
    /// in order, no count is 0, and the counts add up to less than 2⁵³.
    pub fn from_parts(bins: Vec<i32>, counts: Vec<u64>) -> Option<Self> {
        let total = counts
            .iter()
            .try_fold(0_u64, |sum, count| sum.checked_add(*count))?;
        let possible = bins.len() == counts.len()
            && bins.is_sorted_by(|left, right| left < right)
            && bins
                .iter()
                .all(|bin| (LOWEST..HIGHEST).contains(&magnitude_of(*bin)))
            && counts.iter().all(|count| *count > 0)
            && total < 1 << 53;
        possible.then_some(Self { bins, counts })
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// Adds the values of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        let both = [self.bins.as_slice(), &other.bins].concat();
        let counts = [self.counts.as_slice(), &other.counts].concat();
        let mut pairs: Vec<(i32, u64)> = both.into_iter().zip(counts).collect();
        // Two sorted runs: a merge.
        pairs.sort_by_key(|(bin, _)| *bin);
        pairs.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        (self.bins, self.counts) = pairs.into_iter().unzip();
    }

    /// The order statistics.
    pub(crate) fn in_order(&self) -> InOrder {
        InOrder::new(self.bins())
    }

    /// Those of |x|, the largest first.
    pub(crate) fn in_descending_magnitude(&self) -> InOrder {
        let split = self.bins.partition_point(|bin| *bin < 0);
        let (negative, positive) = self.bins.split_at(split);
        let (of_negative, of_positive) = self.counts.split_at(split);
        let mut negative = negative.iter().zip(of_negative).peekable();
        let mut positive = positive.iter().zip(of_positive).rev().peekable();
        InOrder::new(std::iter::from_fn(move || {
            let of = |pair: Option<&(&i32, &u64)>| pair.map(|pair| magnitude_of(*pair.0));
            let bin = of(negative.peek()).max(of(positive.peek()))?;
            let mut count = 0;
            while let Some(pair) = negative.next_if(|pair| magnitude_of(*pair.0) == bin) {
                count += pair.1;
            }
            while let Some(pair) = positive.next_if(|pair| *pair.0 == bin) {
                count += pair.1;
            }
            // Numbered as negative ones, so that they stand in order: the largest comes first.
            Some((-1 - bin, count))
        }))
    }
}

impl From<LogHistogram> for Written {
    fn from(histogram: LogHistogram) -> Self {
        (histogram.bins, histogram.counts)
    }
}

impl TryFrom<Written> for LogHistogram {
    type Error = NotAHistogram;

    fn try_from((bins, counts): Written) -> Result<Self, NotAHistogram> {
        Self::from_parts(bins, counts).ok_or(NotAHistogram)
    }
}

/// The bin of the magnitudes.
fn magnitude_of(bin: i32) -> i32 {
    if bin < 0 { -1 - bin } else { bin }
}

/// The least magnitude of a bin, and that of the next one; its numbers lie between. All finite.
pub(crate) fn edges(bin: i32) -> Range<f64> {
    let of = |bin: i32| {
        let (octave, bin) = (bin / BINS, (bin % BINS) as u32);
        let width = WIDTHS.iter().rfind(|width| width.first_bin <= bin);
        let cell = width.map_or(0, |width| {
            width.first_cell + (bin - width.first_bin) * width.cells
        });
        f64::from_bits((u64::from(octave as u32 * CELLS + cell)) << CELL_SHIFT)
    };
    let bin = magnitude_of(bin);
    of(bin)..of(bin + 1).min(f64::MAX)
}

/// The least magnitude of a cell, and that of the next one.
pub(crate) fn edges_of_cell(cell: usize) -> Range<f64> {
    let of = |cell: usize| f64::from_bits((cell as u64) << CELL_SHIFT);
    let magnitude = cell & !NEGATIVE;
    of(magnitude)..of(magnitude + 1).min(f64::MAX)
}

/// The cell of −0.
const NEGATIVE: usize = 1 << (63 - CELL_SHIFT);

/// The bin of a cell, if a histogram holds its numbers.
pub(crate) fn bin_of_cell(cell: usize) -> Option<i32> {
    let magnitude = (cell & !NEGATIVE) as u32;
    let (octave, cell_of_octave) = (magnitude / CELLS, magnitude % CELLS);
    let width = WIDTHS
        .iter()
        .rfind(|width| width.first_cell <= cell_of_octave)?;
    let bin = width.first_bin + (cell_of_octave - width.first_cell) / width.cells;
    let bin = octave as i32 * BINS + bin as i32;
    let signed = if cell & NEGATIVE == 0 { bin } else { -1 - bin };
    (LOWEST..HIGHEST).contains(&bin).then_some(signed)
}

/// Values in order, read off the counts of their bins.
#[derive(Debug)]
pub(crate) struct InOrder {
    bins: Vec<i32>,
    /// Values in the bins before, and in all of them at the end.
    before: Vec<u64>,
}

/// The values of one bin among those in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    /// ln|x| where the bin begins, in this order.
    pub(crate) from: f64,
    /// From there to where it ends; negative when |x| falls.
    pub(crate) width: f64,
    /// Values before this bin.
    pub(crate) before: u64,
    pub(crate) count: u64,
}

impl InOrder {
    fn new(bins: impl Iterator<Item = (i32, u64)>) -> Self {
        let mut total = 0;
        let (mut numbers, mut before) = (Vec::new(), vec![0]);
        for (bin, count) in bins {
            total += count;
            numbers.push(bin);
            before.push(total);
        }
        Self {
            bins: numbers,
            before,
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.before.last().copied().unwrap_or_default()
    }

    /// Where in the list of bins the value of this rank lies.
    pub(crate) fn place(&self, rank: u64) -> usize {
        self.before.partition_point(|before| *before <= rank) - 1
    }

    /// The bin at this place.
    pub(crate) fn spread(&self, place: usize) -> Spread {
        let edges = edges(self.bins[place]);
        let (low, high) = (edges.start.ln(), edges.end.ln());
        let falls = self.bins[place] < 0;
        Spread {
            from: if falls { high } else { low },
            width: if falls { low - high } else { high - low },
            before: self.before[place],
            count: self.before[place + 1] - self.before[place],
        }
    }

    /// ln|x| of the value of this rank, from 0.
    pub(crate) fn ln_magnitude(&self, rank: u64) -> f64 {
        let Spread {
            from,
            width,
            before,
            count,
        } = self.spread(self.place(rank));
        let share = ((rank - before) as f64 + 0.5) / count as f64;
        from + width * share
    }

    /// The value of this rank, from 0.
    fn value(&self, rank: u64) -> f64 {
        let magnitude = self.ln_magnitude(rank).exp();
        if self.bins[self.place(rank)] < 0 {
            -magnitude
        } else {
            magnitude
        }
    }

    /// The quantile of a probability: linear between the neighbouring order statistics, at rank
    /// (n − 1)·`probability`. `None` when there is no value.
    pub(crate) fn quantile(&self, probability: f64) -> Option<f64> {
        let last = self.count().checked_sub(1)?;
        let rank = last as f64 * probability;
        let lower = (rank.floor() as u64).min(last);
        let (left, right) = (self.value(lower), self.value((lower + 1).min(last)));
        Some(left + (right - left) * (rank - lower as f64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_are_narrow_and_hold_their_numbers() {
        for value in [1.0, 1.999, -3.7e-12, 2_f64.powi(-1000), -1e308, f64::MAX] {
            let histogram = LogHistogram::of(&[value]);
            let (bin, count) = histogram.bins().next().unwrap();
            assert_eq!((count, bin < 0), (1, value < 0.0));
            let Range { start, end } = edges(bin);
            assert!(start <= value.abs() && value.abs() <= end);
        }
        for bin in LOWEST..HIGHEST {
            let Range { start, end } = edges(bin);
            assert!((end - start) / start <= 0.005, "bin {bin}");
            assert!(
                edges(bin + 1).start == end || bin + 1 == HIGHEST,
                "bin {bin}"
            );
        }
        // From the smallest normal number to infinity, and the same negated.
        for cell in (CELLS as usize..NEGATIVE).step_by(777) {
            let own = edges_of_cell(cell);
            match bin_of_cell(cell) {
                Some(bin) => {
                    let Range { start, end } = edges(bin);
                    assert!(start <= own.start && own.end <= end, "cell {cell}");
                    assert_eq!(bin_of_cell(cell | NEGATIVE), Some(-1 - bin));
                }
                None => assert!(cell >> 9 == 0x7ff),
            }
        }
        assert_eq!(bin_of_cell(CELLS as usize - 1), None);
    }

    #[test]
    fn what_has_no_bin_is_left_out() {
        let values = [0.0, -0.0, 5e-324, f64::NAN, f64::INFINITY, -f64::INFINITY];
        assert!(LogHistogram::of(&values).is_empty());
        assert_eq!(LogHistogram::default().in_order().quantile(0.5), None);
    }

    #[test]
    fn parts_that_are_no_histogram_are_refused() {
        for (bins, counts) in [
            (vec![200], vec![]),
            (vec![200], vec![0]),
            (vec![LOWEST - 1], vec![1]),
            (vec![-LOWEST], vec![1]),
            (vec![202, 202], vec![1, 1]),
            (vec![203, 202], vec![1, 1]),
            (vec![HIGHEST], vec![1]),
            (vec![-1 - HIGHEST], vec![1]),
            (vec![i32::MIN], vec![1]),
            (vec![i32::MAX], vec![1]),
            (vec![202, 203], vec![u64::MAX, 1]),
            (vec![202, 203], vec![1 << 52, 1 << 52]),
        ] {
            assert_eq!(LogHistogram::from_parts(bins, counts), None);
        }
        assert!(serde_json::from_str::<LogHistogram>("[[0],[1]]").is_err());
    }

    proptest! {
        #[test]
        fn any_order_and_grouping_gives_the_same_histogram(
            (values, shuffled) in prop::collection::vec(-1e3..1e3, 1..200)
                .prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle())),
            cut in any::<prop::sample::Index>(),
        ) {
            let (left, right) = shuffled.split_at(cut.index(shuffled.len()));
            let mut merged = LogHistogram::of(left);
            merged.merge(&LogHistogram::of(right));
            let whole = LogHistogram::of(&values);
            prop_assert_eq!(&merged, &whole);
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<LogHistogram>(&text).unwrap(), whole);
        }

        #[test]
        fn order_statistics_are_within_half_a_bin(
            mut values in prop::collection::vec(prop_oneof![-1.0..1.0, 3.0..3.02, -1e6..1e6], 1..300),
        ) {
            values.retain(|value| *value != 0.0);
            let histogram = LogHistogram::of(&values);
            let read = histogram.in_order();
            values.sort_unstable_by(f64::total_cmp);
            for (rank, value) in values.iter().enumerate() {
                let close = (read.value(rank as u64) / value - 1.0).abs() <= 1.0 / 256.0;
                prop_assert!(close, "{rank}: {} for {value}", read.value(rank as u64));
            }
            let read = histogram.in_descending_magnitude();
            values.sort_unstable_by(|a, b| b.abs().total_cmp(&a.abs()));
            for (rank, value) in values.iter().enumerate() {
                let error = (read.ln_magnitude(rank as u64) - value.abs().ln()).abs();
                prop_assert!(error <= 1.0 / 256.0, "{rank}: {error}");
            }
        }
    }
}
