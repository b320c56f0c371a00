//! Statistics of single values, in whatever order: a histogram, four sums, and the largest ones.
//!
//! **What is kept.** The [`LogHistogram`] of the nonzero values, and their Σ ln|x|, Σ ln²|x|,
//! Σ|x|^p and Σ|x|^−p, p = [`FLOM_POWER`]. Of the 4,097 largest |x| the first 24 bits of mantissa,
//! of 409,700 values at most: among few values, bins are too wide for the spacings in a tail.
//!
//! **How.** A pass over the values shifts and adds whole numbers, nothing else: a cell holds
//! its count and the sum of the next 12 bits of the mantissas, which is the mean of the cell's values
//! to 2⁻²². The four sums are made of counts and means at the end.
//!
//! **Error.** The spread inside a cell is taken to be that of evenly spread values. At worst (all at
//! one place, or half of them at each edge) that puts the mean ln|x| off by 4.3·10⁻⁷, and the mean
//! ln² by twice that times max(1, |ln|x||); the means of |x|^±p by 1.3·10⁻⁷ of themselves. For smooth
//! laws the errors are some 10⁻⁹.
//!
//! **Why it merges.** Counts are whole and sums exact ([`ExactSum`]); the largest of two sets are
//! among the largest of each, and a set of too many is part of one of too many.
//!
//! Absent: the order of the values, and rows: there is no error of an estimate to be had from them.

use serde::{Deserialize, Serialize};

use crate::exact_sum::ExactSum;
use crate::histogram::{CELL_SHIFT, LogHistogram, bin_of_cell, edges_of_cell};
use crate::log_sum::ln_positive;
use crate::wide::{self, Eight, Loop};

/// The p of the fractional moments of `flom`.
pub const FLOM_POWER: f64 = 0.2;

/// Histogram and sums of values that are not zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueSums {
    /// The values themselves, and their number.
    pub histogram: LogHistogram,
    /// Σ ln|x|.
    pub ln: ExactSum,
    /// Σ ln²|x|.
    pub ln_squared: ExactSum,
    /// Σ|x|^p.
    pub power: ExactSum,
    /// Σ|x|^−p.
    pub inverse_power: ExactSum,
    /// The largest |x|, or all when there are no more; none of more than [`Largest::OF_MOST`].
    pub largest: Largest,
}

/// The magnitudes of the largest values, to 2⁻²⁵.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u64>", try_from = "Vec<u64>")]
pub struct Largest(
    /// The first 36 bits of |x| as an f64, from the largest down.
    Vec<u64>,
);

/// The numbers are not those of largest values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the first bits of numbers from the largest down")]
pub struct NotLargest;

impl Largest {
    /// How many are kept: enough for `pickands` of 100,000 values and for `hill` of 400,000.
    pub const MOST: usize = 4097;

    /// Of more values than this none is kept: there the histogram tells the tail as well.
    pub const OF_MOST: u64 = 409_700;

    /// Bits that are not kept.
    const SHIFT: u32 = 28;

    /// The first 36 bits of each |x| as an IEEE double, from the largest down.
    pub fn bits(&self) -> &[u64] {
        &self.0
    }

    /// Values of these bits, if they are finite, not zero, from the largest down, and not too many.
    pub fn from_bits(bits: Vec<u64>) -> Option<Self> {
        let finite = 1..0x7ff << (52 - Self::SHIFT);
        let possible = bits.len() <= Self::MOST
            && bits.is_sorted_by(|left, right| left >= right)
            && bits.iter().all(|bits| finite.contains(bits));
        possible.then_some(Self(bits))
    }

    /// How many are kept of so many values.
    pub(crate) fn number(values: u64) -> u64 {
        match values > Self::OF_MOST {
            true => 0,
            false => values.min(Self::MOST as u64),
        }
    }

    fn of(mut magnitudes: Vec<f64>) -> Self {
        magnitudes.sort_unstable_by(|left, right| right.total_cmp(left));
        magnitudes.truncate(Self::MOST);
        let first = |magnitude: f64| magnitude.to_bits() >> Self::SHIFT;
        Self(magnitudes.into_iter().map(first).collect())
    }

    fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_by(|left, right| right.cmp(left));
        self.0.truncate(Self::MOST);
    }

    /// ln|x| of the value of this rank, from 0, if it is kept.
    pub(crate) fn ln(&self, rank: u64) -> Option<f64> {
        let bits = self.0.get(usize::try_from(rank).ok()?)?;
        // In the middle of the numbers that begin so.
        let middle = bits << Self::SHIFT | 1 << (Self::SHIFT - 1);
        Some(f64::from_bits(middle).ln())
    }
}

impl From<Largest> for Vec<u64> {
    fn from(largest: Largest) -> Self {
        largest.0
    }
}

impl TryFrom<Vec<u64>> for Largest {
    type Error = NotLargest;

    fn try_from(bits: Vec<u64>) -> Result<Self, NotLargest> {
        Self::from_bits(bits).ok_or(NotLargest)
    }
}

impl ValueSums {
    /// Of these numbers. Zeros, numbers below 2⁻¹⁰²² and such that are not finite are left out.
    pub fn of<T: Copy + Into<f64>>(values: &[T]) -> Self {
        let (mut counter, mut top) = (ValueCounter::new([usize::MAX]), Top::new());
        let mut chunk = Vec::new();
        for values in values.chunks(4096) {
            chunk.clear();
            chunk.extend(values.iter().map(|value| (*value).into()));
            let extremes = Extremes::of(&chunk);
            counter.add_chunk(0, &chunk, extremes);
            top.add(&chunk, extremes);
        }
        counter.finish().0.with_largest(top)
    }

    /// The same with the largest of its values.
    pub(crate) fn with_largest(self, top: Top) -> Self {
        let mut largest = Largest::of(top.magnitudes);
        largest.0.truncate(Largest::number(self.count()) as usize);
        Self { largest, ..self }
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.histogram.count()
    }

    /// Adds other values.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        self.ln.merge(&other.ln);
        self.ln_squared.merge(&other.ln_squared);
        self.power.merge(&other.power);
        self.inverse_power.merge(&other.inverse_power);
        self.largest.merge(&other.largest);
        self.largest
            .0
            .truncate(Largest::number(self.count()) as usize);
    }
}

/// Cells by the first 21 bits of a number: sign, exponent, 9 bits of mantissa.
const CELLS: usize = 1 << (64 - CELL_SHIFT);

/// Bits of a value's place in its cell.
const PLACE_BITS: u32 = 12;

/// Bits of a cell for the sum of places; the count has the others.
const SUM_BITS: u32 = 38;

/// Values that a cell can hold.
const FULL: usize = (1 << (64 - SUM_BITS)) - 1;

/// Cells to a page: an octave, of which most see no value.
const PAGE: usize = 512;

/// Values being counted, each range of columns apart.
#[derive(Debug)]
pub(crate) struct ValueCounter {
    /// One more than its last column, and its counts.
    layers: Vec<(usize, BinCounter)>,
}

/// The counts of one range of columns.
///
/// The table has 16 MiB, of which the operating system gives the pages that are written: some
/// hundred KiB.
#[derive(Debug)]
struct BinCounter {
    /// The number of values and, below, the sum of their places.
    cells: Box<[u64; CELLS]>,
    /// Of the values in the cells: all are on pages between theirs.
    extremes: Extremes,
    /// Values in the cells.
    pending: usize,
    done: Counts,
}

/// By cell, in order: number of values, sum of places.
#[derive(Debug, Default)]
struct Counts(Vec<(usize, u64, u64)>);

/// The largest magnitudes so far.
#[derive(Debug)]
pub(crate) struct Top {
    /// Among others, all that may be among the largest.
    magnitudes: Vec<f64>,
    /// What lies below is not among them.
    threshold: f64,
}

impl Top {
    pub(crate) fn new() -> Self {
        Self {
            magnitudes: Vec::new(),
            threshold: LEAST,
        }
    }

    /// Adds values with these extremes.
    pub(crate) fn add(&mut self, values: &[f64], extremes: Extremes) {
        // Once there have been many values, hardly one is large.
        if extremes.largest < self.threshold {
            return;
        }
        wide::run(CollectLarge {
            values,
            threshold: self.threshold,
            large: &mut self.magnitudes,
        });
        if self.magnitudes.len() >= 2 * Largest::MOST {
            let descending = |left: &f64, right: &f64| right.total_cmp(left);
            let (_, least, _) = self
                .magnitudes
                .select_nth_unstable_by(Largest::MOST - 1, descending);
            self.threshold = *least;
            self.magnitudes.truncate(Largest::MOST);
        }
    }
}

/// Appends the finite magnitudes that reach a threshold.
struct CollectLarge<'a> {
    values: &'a [f64],
    threshold: f64,
    large: &'a mut Vec<f64>,
}

impl Loop for CollectLarge<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self {
            values,
            threshold,
            large,
        } = self;
        // Few groups have one.
        const GROUP: usize = 64;
        for group in values.chunks(GROUP) {
            let mut lanes = E::splat(0.0);
            let (eights, rest) = group.as_chunks::<8>();
            for eight in eights {
                let magnitudes = E::abs(E::load(eight));
                lanes = E::select(E::less(lanes, magnitudes), magnitudes, lanes);
            }
            let reaches = |magnitude: f64| magnitude >= threshold;
            if E::store(lanes).into_iter().any(reaches)
                || rest.iter().any(|value| reaches(value.abs()))
            {
                let magnitudes = group.iter().map(|value| value.abs());
                large.extend(magnitudes.filter(|it| reaches(*it) && it.is_finite()));
            }
        }
    }
}

/// The least and the largest magnitude of at least 2⁻¹⁰²². NaN is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extremes {
    least: f64,
    largest: f64,
}

impl Extremes {
    const NONE: Self = Self {
        least: f64::INFINITY,
        largest: 0.0,
    };

    pub(crate) fn of(values: &[f64]) -> Self {
        wide::run(FindExtremes(values))
    }

    fn join(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            largest: self.largest.max(other.largest),
        }
    }
}

/// Finds the extremes.
struct FindExtremes<'a>(&'a [f64]);

impl Loop for FindExtremes<'_> {
    type Output = Extremes;

    #[inline(always)]
    fn run<E: Eight>(self) -> Extremes {
        let below = E::splat(LEAST);
        let (mut least, mut largest) = (E::splat(f64::INFINITY), E::splat(0.0));
        let (groups, rest) = self.0.as_chunks::<8>();
        for group in groups {
            let magnitudes = E::abs(E::load(group));
            largest = E::select(E::less(largest, magnitudes), magnitudes, largest);
            let known = E::select(E::less(magnitudes, below), least, magnitudes);
            least = E::select(E::less(known, least), known, least);
        }
        let mut extremes = Extremes::NONE;
        for (least, largest) in E::store(least).into_iter().zip(E::store(largest)) {
            extremes = extremes.join(Extremes { least, largest });
        }
        for value in rest {
            let largest = value.abs();
            let least = if largest < LEAST {
                f64::INFINITY
            } else {
                largest
            };
            extremes = extremes.join(Extremes { least, largest });
        }
        extremes
    }
}

/// The lower edge of the first bin.
const LEAST: f64 = f64::MIN_POSITIVE;

impl ValueCounter {
    /// Of rows whose layers end at these columns: at least one.
    pub(crate) fn new(ends: impl IntoIterator<Item = usize>) -> Self {
        Self {
            layers: ends
                .into_iter()
                .map(|end| (end, BinCounter::new()))
                .collect(),
        }
    }

    /// Adds values of a row from column `start` on, with these extremes; no more than [`FULL`] of
    /// them.
    pub(crate) fn add_chunk(&mut self, mut start: usize, values: &[f64], extremes: Extremes) {
        let mut rest = values;
        let first = self.layers.partition_point(|(end, _)| *end <= start);
        for (end, counter) in &mut self.layers[first..] {
            let own;
            (own, rest) = rest.split_at(rest.len().min(*end - start));
            counter.add(own, extremes);
            start += own.len();
            if rest.is_empty() {
                break;
            }
        }
    }

    /// The sums over all columns, without the largest values, and the histogram of each layer.
    pub(crate) fn finish(self) -> (ValueSums, Vec<LogHistogram>) {
        let layers: Vec<Counts> = self
            .layers
            .into_iter()
            .map(|(_, counter)| counter.finish())
            .collect();
        let histograms = layers.iter().map(Counts::histogram).collect();
        let mut all = Counts::default();
        layers.into_iter().for_each(|own| all.append(own));
        let mut sums = [0.0; 4];
        for (cell, count, places) in &all.0 {
            let means = means(*cell, *count, *places);
            for (sum, mean) in sums.iter_mut().zip(means) {
                *sum += *count as f64 * mean;
            }
        }
        let sum = |value: f64| ExactSum::from_iter([value]);
        let histogram = all.histogram();
        let sums = ValueSums {
            histogram,
            ln: sum(sums[0]),
            ln_squared: sum(sums[1]),
            power: sum(sums[2]),
            inverse_power: sum(sums[3]),
            largest: Largest::default(),
        };
        (sums, histograms)
    }
}

impl BinCounter {
    fn new() -> Self {
        let zeros = vec![0; CELLS].into_boxed_slice();
        Self {
            cells: zeros.try_into().expect("it has this length"),
            extremes: Extremes::NONE,
            pending: 0,
            done: Counts::default(),
        }
    }

    /// Adds values, no more than [`FULL`] of them, between these extremes.
    fn add(&mut self, values: &[f64], extremes: Extremes) {
        self.pending += values.len();
        if self.pending > FULL {
            self.flush();
            self.pending = values.len();
        }
        self.extremes = self.extremes.join(extremes);
        let cells = &mut *self.cells;
        for value in values {
            let bits = value.to_bits();
            let place = bits >> (CELL_SHIFT - PLACE_BITS) & ((1 << PLACE_BITS) - 1);
            let cell = &mut cells[(bits >> CELL_SHIFT) as usize];
            // What is no number in a bin may overflow: it is never read.
            *cell = cell.wrapping_add(1 << SUM_BITS | place);
        }
    }

    /// Moves the cells to `done`.
    fn flush(&mut self) {
        let Extremes { least, largest } = std::mem::replace(&mut self.extremes, Extremes::NONE);
        let page = |magnitude: f64| (magnitude.to_bits() >> CELL_SHIFT) as usize / PAGE;
        let magnitudes = page(least) * PAGE..(page(largest) + 1) * PAGE;
        let negative = CELLS / 2 + magnitudes.start..CELLS / 2 + magnitudes.end;
        let mut own = Vec::new();
        for cell in magnitudes.chain(negative) {
            let sums = std::mem::take(&mut self.cells[cell]);
            if sums > 0 && bin_of_cell(cell).is_some() {
                own.push((cell, sums >> SUM_BITS, sums & ((1 << SUM_BITS) - 1)));
            }
        }
        self.done.append(Counts(own));
        self.pending = 0;
    }

    fn finish(mut self) -> Counts {
        self.flush();
        self.done
    }
}

impl Counts {
    fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
        // Sorted runs: a merge.
        self.0.sort();
        self.0.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
                kept.2 += next.2;
            }
            same
        });
    }

    fn histogram(&self) -> LogHistogram {
        let mut bins: Vec<(i32, u64)> = self
            .0
            .iter()
            .filter_map(|(cell, count, _)| Some((bin_of_cell(*cell)?, *count)))
            .collect();
        bins.sort_unstable();
        bins.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        let (bins, counts) = bins.into_iter().unzip();
        LogHistogram::from_parts(bins, counts).expect("each bin once, in order")
    }
}

/// The means of ln|x|, ln²|x|, |x|^p, |x|^−p over the values of a cell, to the second order about
/// their mean.
fn means(cell: usize, count: u64, places: u64) -> [f64; 4] {
    const P: f64 = FLOM_POWER;
    let edges = edges_of_cell(cell);
    let (low, width) = (edges.start, edges.end - edges.start);
    let count = count as f64;
    let share = (places as f64 / count + 0.5) / f64::from(1 << PLACE_BITS);
    let mean = low + width * share;
    // What is left of the variance of evenly spread values about the mean of as many.
    let relative = width / mean;
    let variance = relative * relative / 12.0 * (count - 1.0) / count;
    let ln = ln_positive(mean);
    let power = libm::exp(P * ln);
    [
        ln - 0.5 * variance,
        ln * ln + variance * (1.0 - ln),
        power * (1.0 + 0.5 * P * (P - 1.0) * variance),
        (1.0 + 0.5 * P * (P + 1.0) * variance) / power,
    ]
}
