//! Sums of blocks and of logarithms, fed piece by piece.

use std::cell::OnceCell;
use std::ops::Range;

use crate::histogram::LogHistogram;
use crate::log_sum::{LnAbs, LnAbsPlusEpsilon};
use crate::values::Extremes;
use crate::wide::{self, Eight, Loop};

/// Whether 2⁻⁵² is added to |x| before the logarithm, or zeros are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logarithm {
    /// ln(|x| + 2⁻⁵²).
    PlusEpsilon,
    /// ln|x|, without x = 0.
    OfNonzero,
}

impl Logarithm {
    /// The number of values in the sum, and the sum.
    pub(super) fn sum(self, values: &[f64]) -> (u64, f64) {
        wide::run(SumLn(self, values))
    }
}

/// [`Logarithm::sum`] inside another loop.
pub(super) struct SumLn<'a>(pub(super) Logarithm, pub(super) &'a [f64]);

impl Loop for SumLn<'_> {
    type Output = (u64, f64);

    #[inline(always)]
    fn run<E: Eight>(self) -> (u64, f64) {
        let Self(logarithm, values) = self;
        match logarithm {
            Logarithm::PlusEpsilon => (values.len() as u64, LnAbsPlusEpsilon(values).run::<E>()),
            Logarithm::OfNonzero => {
                let (sum, nonzero, _) = LnAbs(values).run::<E>();
                (nonzero, sum)
            }
        }
    }
}

/// Values of a row that lie together, and what several parts ask of them.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    /// The first column.
    pub(super) start: usize,
    /// The noise.
    pub(super) values: &'a [f64],
    ln_plus_epsilon: OnceCell<f64>,
    extremes: OnceCell<Extremes>,
}

impl<'a> Chunk<'a> {
    pub(super) fn new(start: usize, values: &'a [f64]) -> Self {
        Self {
            start,
            values,
            ln_plus_epsilon: OnceCell::new(),
            extremes: OnceCell::new(),
        }
    }

    /// The least and the largest magnitude.
    pub(super) fn extremes(&self) -> Extremes {
        *self.extremes.get_or_init(|| Extremes::of(self.values))
    }

    /// [`Logarithm::sum`] of all values.
    pub(super) fn sum(&self, logarithm: Logarithm) -> (u64, f64) {
        match logarithm {
            Logarithm::OfNonzero => logarithm.sum(self.values),
            Logarithm::PlusEpsilon => {
                let sum = || logarithm.sum(self.values).1;
                (
                    self.values.len() as u64,
                    *self.ln_plus_epsilon.get_or_init(sum),
                )
            }
        }
    }
}

/// Blocks that are summed side by side, for one sum after the other waits for each addition.
const SIDE: usize = 8;

/// Sums of blocks of K1 consecutive values: within a row in index order, then row by row.
#[derive(Clone, Debug)]
pub(super) struct OrderedSums {
    k1: usize,
    /// Values of the open block so far.
    filled: usize,
    /// Its sum over earlier rows.
    before: f64,
    /// Values of the row at hand that are in blocks.
    taken: usize,
}

impl OrderedSums {
    pub(super) fn new(k1: usize) -> Self {
        Self {
            k1,
            filled: 0,
            before: 0.0,
            taken: 0,
        }
    }

    pub(super) fn k1(&self) -> usize {
        self.k1
    }

    /// Values in the open block, between rows.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// Appends the sums of blocks that the row completes, in order, `gradient` and `centre` being
    /// what came of it so far. Blocks wait until there are eight: sooner than the row's end, while
    /// they are in the cache.
    pub(super) fn add_to_row<T: Copy + Into<f64>>(
        &mut self,
        gradient: &[T],
        centre: &[f64],
        sums: &mut Vec<f64>,
    ) {
        if self.begun_before() {
            let head = self.k1 - self.filled;
            if gradient.len() < head {
                return;
            }
            sums.push(self.before + in_order(&gradient[..head], &centre[..head]));
            (self.filled, self.taken) = (0, head);
        }
        let group = SIDE * self.k1;
        let end = self.taken + (gradient.len() - self.taken) / group * group;
        let columns = self.taken..end;
        whole_blocks(&gradient[columns.clone()], &centre[columns], self.k1, sums);
        self.taken = end;
    }

    /// Appends the sums of all other blocks that the row completes; here it is as a whole. The rest
    /// opens a block that runs on in the next row.
    pub(super) fn end_row<T: Copy + Into<f64>>(
        &mut self,
        gradient: &[T],
        centre: &[f64],
        sums: &mut Vec<f64>,
    ) {
        self.add_to_row(gradient, centre, sums);
        if self.begun_before() {
            self.before += in_order(gradient, centre);
            self.filled += gradient.len();
            return;
        }
        let (gradient, centre) = (&gradient[self.taken..], &centre[self.taken..]);
        let whole = gradient.len() / self.k1 * self.k1;
        whole_blocks(&gradient[..whole], &centre[..whole], self.k1, sums);
        self.filled = gradient.len() - whole;
        self.before = in_order(&gradient[whole..], &centre[whole..]);
        self.taken = 0;
    }

    /// Whether the open block began in an earlier row.
    fn begun_before(&self) -> bool {
        self.filled > 0 && self.taken == 0
    }
}

/// The sum of a row's noise in index order.
fn in_order<T: Copy + Into<f64>>(gradient: &[T], centre: &[f64]) -> f64 {
    let noise = gradient.iter().zip(centre);
    noise.fold(0.0, |sum, (value, centre)| sum + ((*value).into() - centre))
}

/// Appends the sums of whole blocks.
fn whole_blocks<T: Copy + Into<f64>>(
    gradient: &[T],
    centre: &[f64],
    k1: usize,
    sums: &mut Vec<f64>,
) {
    let mut left = gradient.len() / k1;
    for (gradient, centre) in gradient.chunks(SIDE * k1).zip(centre.chunks(SIDE * k1)) {
        // Fewer than eight: the last one again and again.
        let blocks = left.min(SIDE);
        let start = |index: usize| index.min(blocks - 1) * k1;
        let side = wide::run(SumSide {
            gradients: std::array::from_fn(|index| &gradient[start(index)..][..k1]),
            centres: std::array::from_fn(|index| &centre[start(index)..][..k1]),
        });
        sums.extend_from_slice(&side[..blocks]);
        left -= blocks;
    }
}

/// The sums of the noise of eight blocks, each in index order.
struct SumSide<'a, T> {
    gradients: [&'a [T]; SIDE],
    centres: [&'a [f64]; SIDE],
}

impl<T: Copy + Into<f64>> Loop for SumSide<'_, T> {
    type Output = [f64; SIDE];

    #[inline(always)]
    fn run<E: Eight>(self) -> [f64; SIDE] {
        let Self { gradients, centres } = self;
        let gradient_groups = gradients.map(|gradient| gradient.as_chunks::<LANES>().0);
        let centre_groups = centres.map(|centre| centre.as_chunks::<LANES>().0);
        let k1 = gradients[0].len();
        let mut sums = E::splat(0.0);
        for group in 0..k1 / LANES {
            let mut rows = [E::splat(0.0); SIDE];
            for (block, row) in rows.iter_mut().enumerate() {
                let (gradient, centre) =
                    (&gradient_groups[block][group], &centre_groups[block][group]);
                let mut noise = [0.0; LANES];
                for ((noise, value), centre) in noise.iter_mut().zip(gradient).zip(centre) {
                    *noise = (*value).into() - centre;
                }
                *row = E::load(&noise);
            }
            sums = wide::add_in_order(sums, rows);
        }
        let mut side = E::store(sums);
        for index in k1 / LANES * LANES..k1 {
            for (sum, (gradient, centre)) in side.iter_mut().zip(gradients.iter().zip(&centres)) {
                *sum += gradient[index].into() - centre[index];
            }
        }
        side
    }
}

/// The log-histogram of block sums. Sums wait until there are so many that it pays to sort them.
#[derive(Debug, Default)]
pub(super) struct BlockHistogram {
    waiting: Vec<f64>,
    histogram: LogHistogram,
}

impl BlockHistogram {
    const MOST: usize = 1 << 14;

    pub(super) fn add(&mut self, sums: &[f64]) {
        for sums in sums.chunks(Self::MOST) {
            self.waiting.extend_from_slice(sums);
            if self.waiting.len() >= Self::MOST {
                self.count();
            }
        }
    }

    fn count(&mut self) {
        self.histogram.merge(&LogHistogram::of_few(&self.waiting));
        self.waiting.clear();
    }

    pub(super) fn finish(mut self) -> LogHistogram {
        self.count();
        self.histogram
    }
}

const LANES: usize = 8;

/// Sums of blocks of K1 consecutive values, of one row or of many: value i of a block goes to lane i mod 8, then
/// the lanes are added in order. No addition waits for the one before.
#[derive(Clone, Debug)]
pub(super) struct LaneSums {
    k1: usize,
    /// Values of the open block so far.
    filled: usize,
    lanes: [f64; LANES],
}

impl LaneSums {
    pub(super) fn new(k1: usize) -> Self {
        Self {
            k1,
            filled: 0,
            lanes: [0.0; LANES],
        }
    }

    #[inline(always)]
    fn extend<E: Eight>(&mut self, values: &[f64]) {
        let lane = self.filled % LANES;
        self.filled += values.len();
        // Up to the next group of lanes, whole groups, and the rest.
        let (head, values) = match lane {
            0 => values.split_at(0),
            _ => values.split_at(values.len().min(LANES - lane)),
        };
        for (sum, value) in self.lanes[lane..].iter_mut().zip(head) {
            *sum += value;
        }
        let (groups, rest) = values.as_chunks::<LANES>();
        let mut lanes = E::load(&self.lanes);
        for group in groups {
            lanes = lanes + E::load(group);
        }
        self.lanes = E::store(lanes);
        for (sum, value) in self.lanes.iter_mut().zip(rest) {
            *sum += value;
        }
    }

    /// Values in the open block.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// Appends the sums of the blocks that these values complete.
    pub(super) fn push(&mut self, values: &[f64], sums: &mut Vec<f64>) {
        let blocks = self;
        wide::run(PushLanes {
            blocks,
            values,
            sums,
        });
    }

    /// The open block is given up.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.k1);
    }
}

/// Appends the sums of the blocks that these values complete.
struct PushLanes<'a> {
    blocks: &'a mut LaneSums,
    values: &'a [f64],
    sums: &'a mut Vec<f64>,
}

impl Loop for PushLanes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self {
            blocks,
            mut values,
            sums,
        } = self;
        while !values.is_empty() {
            let (own, rest) = values.split_at(values.len().min(blocks.k1 - blocks.filled));
            blocks.extend::<E>(own);
            values = rest;
            if blocks.filled == blocks.k1 {
                sums.push(blocks.lanes.iter().fold(0.0, |sum, lane| sum + lane));
                blocks.restart();
            }
        }
    }
}

/// Sums of logarithms over the pieces between cuts, each value's logarithm taken once.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Sorted, from 0 to the number of values.
    cuts: Vec<usize>,
    /// Number and sum of logarithms of the piece from each cut to the next.
    sums: Vec<(u64, f64)>,
}

impl Pieces {
    /// Cuts the chunk at these places, which lie inside.
    pub(super) fn cut(
        &mut self,
        logarithm: Logarithm,
        chunk: &Chunk<'_>,
        cuts: impl Iterator<Item = usize>,
    ) {
        let values = chunk.values;
        self.cuts.clear();
        self.cuts.extend([0, values.len()]);
        self.cuts.extend(cuts);
        self.cuts.sort_unstable();
        self.cuts.dedup();
        self.sums.clear();
        if self.cuts.len() == 2 {
            self.sums.push(chunk.sum(logarithm));
            return;
        }
        let pieces = self.cuts.windows(2);
        let sums = pieces.map(|ends| logarithm.sum(&values[ends[0]..ends[1]]));
        self.sums.extend(sums);
    }

    /// The sum over a range between two cuts.
    pub(super) fn sum(&self, range: Range<usize>) -> (u64, f64) {
        let first = self.cuts.partition_point(|cut| *cut < range.start);
        let end = self.cuts.partition_point(|cut| *cut < range.end);
        self.sums[first..end.max(first)]
            .iter()
            .fold((0, 0.0), |total, piece| {
                (total.0 + piece.0, total.1 + piece.1)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_don_t_depend_on_how_they_are_fed() {
        let values: Vec<f64> = (0..1000).map(|index| (index as f64 * 0.7).sin()).collect();
        for k1 in [1, 2, 3, 7, 64, 999, 1000, 1001] {
            let blocks = values.chunks_exact(k1);
            let plain: Vec<f64> = blocks
                .map(|block| block.iter().fold(0.0, |sum, value| sum + value))
                .collect();
            let mut row_sums = None;
            for piece in [1, 5, 64, 333, 1000] {
                let mut row = LaneSums::new(k1);
                let mut by_lanes = Vec::new();
                for piece in values.chunks(piece) {
                    row.push(piece, &mut by_lanes);
                }
                assert_eq!(by_lanes.len(), plain.len());
                let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
                assert!(by_lanes.iter().zip(&plain).all(close));
                assert_eq!(*row_sums.get_or_insert(by_lanes.clone()), by_lanes);
            }
            for piece in [1, 64, 333, 1000] {
                let mut running = OrderedSums::new(k1);
                let mut in_order = Vec::new();
                for end in (piece..1000).step_by(piece) {
                    running.add_to_row(&values[..end], &[0.0; 1000][..end], &mut in_order);
                }
                running.end_row(&values, &[0.0; 1000], &mut in_order);
                assert_eq!(in_order, plain, "K1 = {k1}, {piece} at a time");
                assert_eq!(running.filled(), 1000 % k1);
            }
        }
    }

    #[test]
    fn a_block_over_rows_adds_the_partial_sums_of_rows() {
        let mut blocks = OrderedSums::new(4);
        let mut sums = Vec::new();
        for row in [[1e16, 1.0], [1.0, 1.0], [3.0, 1.0]] {
            blocks.add_to_row(&row[..1], &[0.0], &mut sums);
            blocks.end_row(&row, &[0.0, -1.0], &mut sums);
        }
        assert_eq!(sums, [(1e16 + 2.0) + (1.0 + 2.0)]);
        assert_eq!(blocks.filled(), 2);
    }

    #[test]
    fn pieces_add_up() {
        let values = [1.0, 2.0, 0.0, 4.0];
        let mut pieces = Pieces::default();
        let chunk = Chunk::new(0, &values);
        pieces.cut(Logarithm::OfNonzero, &chunk, [1, 3, 1].into_iter());
        assert_eq!(pieces.sum(1..3), (1, 2_f64.ln()));
        assert_eq!(pieces.sum(3..4), (1, 4_f64.ln()));
        assert_eq!(pieces.sum(3..3), (0, 0.0));
        let (n, sum) = pieces.sum(0..4);
        assert_eq!(n, 3);
        assert!((sum - 8_f64.ln()).abs() < 1e-14);
    }
}
