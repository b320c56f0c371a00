//! Sums of blocks and of logarithms, fed piece by piece.

use std::ops::Range;

use crate::log_sum::{sum_ln_abs, sum_ln_abs_plus_epsilon};

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
        match self {
            Self::PlusEpsilon => (values.len() as u64, sum_ln_abs_plus_epsilon(values)),
            Self::OfNonzero => {
                let (sum, nonzero, _) = sum_ln_abs(values);
                (nonzero, sum)
            }
        }
    }
}

/// Sums of blocks of consecutive values, fed piece by piece.
pub(super) trait BlockSums {
    /// Values in the open block.
    fn filled(&self) -> usize;

    /// Appends the sums of the blocks that these values complete.
    fn push(&mut self, values: &[f64], sums: &mut Vec<f64>);
}

/// Sums of blocks of K1 consecutive values: within a row in index order, then row by row.
#[derive(Clone, Debug)]
pub(super) struct OrderedSums {
    k1: usize,
    /// Values of the open block so far.
    filled: usize,
    /// Its sum over earlier rows.
    before: f64,
    /// Its sum over this row.
    partial: f64,
}

impl OrderedSums {
    pub(super) fn new(k1: usize) -> Self {
        Self {
            k1,
            filled: 0,
            before: 0.0,
            partial: 0.0,
        }
    }

    fn extend(&mut self, values: &[f64]) {
        self.partial = in_order(self.partial, values);
        self.filled += values.len();
    }

    /// The open block runs on in the next row.
    pub(super) fn end_row(&mut self) {
        self.before += self.partial;
        self.partial = 0.0;
    }
}

impl BlockSums for OrderedSums {
    fn filled(&self) -> usize {
        self.filled
    }

    fn push(&mut self, mut values: &[f64], sums: &mut Vec<f64>) {
        if self.filled > 0 {
            let (head, rest) = values.split_at(values.len().min(self.k1 - self.filled));
            self.extend(head);
            values = rest;
            if self.filled < self.k1 {
                return;
            }
            sums.push(self.before + self.partial);
            *self = Self::new(self.k1);
        }
        let rest = whole_blocks(values, self.k1, sums);
        self.extend(rest);
    }
}

fn in_order(start: f64, values: &[f64]) -> f64 {
    values.iter().fold(start, |sum, value| sum + value)
}

/// Appends the sums of the whole blocks and gives the rest back. Eight blocks are summed side by
/// side, for one sum after the other waits for each addition.
fn whole_blocks<'a>(values: &'a [f64], k1: usize, sums: &mut Vec<f64>) -> &'a [f64] {
    const SIDE: usize = 8;
    let groups = values.chunks_exact(k1 * SIDE);
    let rest = groups.remainder();
    for group in groups {
        let mut side = [0.0; SIDE];
        let mut blocks: [&[f64]; SIDE] = [&[]; SIDE];
        for (block, values) in blocks.iter_mut().zip(group.chunks_exact(k1)) {
            *block = values;
        }
        for index in 0..k1 {
            for (sum, block) in side.iter_mut().zip(&blocks) {
                *sum += block[index];
            }
        }
        sums.extend_from_slice(&side);
    }
    let blocks = rest.chunks_exact(k1);
    let rest = blocks.remainder();
    sums.extend(blocks.map(|block| in_order(0.0, block)));
    rest
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

    fn extend(&mut self, values: &[f64]) {
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
        let groups = values.chunks_exact(LANES);
        let rest = groups.remainder();
        let mut lanes = self.lanes;
        for group in groups {
            for (sum, value) in lanes.iter_mut().zip(group) {
                *sum += value;
            }
        }
        for (sum, value) in lanes.iter_mut().zip(rest) {
            *sum += value;
        }
        self.lanes = lanes;
    }

    /// The open block is given up.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.k1);
    }
}

impl BlockSums for LaneSums {
    fn filled(&self) -> usize {
        self.filled
    }

    fn push(&mut self, mut values: &[f64], sums: &mut Vec<f64>) {
        while !values.is_empty() {
            let (own, rest) = values.split_at(values.len().min(self.k1 - self.filled));
            self.extend(own);
            values = rest;
            if self.filled == self.k1 {
                sums.push(in_order(0.0, &self.lanes));
                self.restart();
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
    /// Cuts `values` at these places.
    pub(super) fn cut(
        &mut self,
        logarithm: Logarithm,
        values: &[f64],
        cuts: impl Iterator<Item = usize>,
    ) {
        self.cuts.clear();
        self.cuts.extend([0, values.len()]);
        self.cuts.extend(cuts);
        self.cuts.sort_unstable();
        self.cuts.dedup();
        self.sums.clear();
        self.sums.extend(
            self.cuts
                .windows(2)
                .map(|ends| logarithm.sum(&values[ends[0]..ends[1]])),
        );
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
            let plain: Vec<f64> = values
                .chunks_exact(k1)
                .map(|block| in_order(0.0, block))
                .collect();
            let mut row_sums = None;
            for piece in [1, 5, 64, 333, 1000] {
                let (mut running, mut row) = (OrderedSums::new(k1), LaneSums::new(k1));
                let (mut in_order, mut by_lanes) = (Vec::new(), Vec::new());
                for piece in values.chunks(piece) {
                    running.push(piece, &mut in_order);
                    row.push(piece, &mut by_lanes);
                }
                assert_eq!(in_order, plain, "K1 = {k1}, pieces of {piece}");
                assert_eq!(running.filled(), 1000 % k1);
                assert_eq!(by_lanes.len(), plain.len());
                let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
                assert!(by_lanes.iter().zip(&plain).all(close));
                assert_eq!(*row_sums.get_or_insert(by_lanes.clone()), by_lanes);
            }
        }
    }

    #[test]
    fn a_block_over_rows_adds_the_partial_sums_of_rows() {
        let mut blocks = OrderedSums::new(4);
        let mut sums = Vec::new();
        for row in [[1e16, 1.0], [1.0, 1.0]] {
            blocks.push(&row, &mut sums);
            blocks.end_row();
        }
        assert_eq!(sums, [(1e16 + 1.0) + (1.0 + 1.0)]);
    }

    #[test]
    fn pieces_add_up() {
        let values = [1.0, 2.0, 0.0, 4.0];
        let mut pieces = Pieces::default();
        pieces.cut(Logarithm::OfNonzero, &values, [1, 3, 1].into_iter());
        assert_eq!(pieces.sum(1..3), (1, 2_f64.ln()));
        assert_eq!(pieces.sum(3..4), (1, 4_f64.ln()));
        assert_eq!(pieces.sum(3..3), (0, 0.0));
        let (n, sum) = pieces.sum(0..4);
        assert_eq!(n, 3);
        assert!((sum - 8_f64.ln()).abs() < 1e-14);
    }
}
