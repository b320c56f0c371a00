//! Rows of gradients in, sums out: one pass, O(log P) vectors of length M.
//!
//! The paired differences fill a dyadic stack, like the digits of a binary counter: a complete
//! group waits at its level for its neighbour, and the two are added. Pair p completes one group at
//! each level up to the number of trailing ones of p. The columns are walked in blocks that stay in
//! the cache, through all levels at once.
//!
//! The order of all sums is fixed: values in a block by lanes, blocks in column order, Z_{j+1} = the
//! earlier Z_j + the later one.

use std::ops::Range;

use super::{LogTotal, PairedSums, pairs_of, run_of};
use crate::log_sum::{LnAbs, ln_positive, sum_ln_abs};
use crate::shape::NoiseShape;
use crate::wide::{self, Eight, Loop};

/// Columns that are walked through all levels at once.
const BLOCK: usize = 512;

const LANES: usize = 8;

type Block = [f64; BLOCK];

/// Takes the rows of a gradient matrix in order and keeps [`PairedSums`] of it.
///
/// Memory: at most 1 + ⌊log₂ N⌋ vectors of M doubles, N the number of pairs. After the first rows
/// nothing is allocated.
#[derive(Debug)]
pub struct PairedAccumulator {
    columns: Vec<Range<usize>>,
    params: usize,
    rows: u64,
    /// The first row of the pair.
    even: Vec<f64>,
    /// The complete group that waits at each level; empty where none does.
    waiting: Vec<Vec<f64>>,
    /// Vectors free for use.
    spare: Vec<Vec<f64>>,
    /// Of the group at hand: all columns, then each layer.
    groups: Vec<GroupTotal>,
    /// Of the groups that the pair at hand completes: nonzero values and sum of logarithms.
    logs: Vec<(u64, f64)>,
    sums: PairedSums,
}

/// Sums over the coordinates of one group where D_a and D_b are both nonzero.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GroupTotal {
    pub(super) samples: u64,
    /// Σ(ln|D_a| − ln|D_b|)².
    pub(super) squares: f64,
    /// Those with D_a + D_b = 0.
    pub(super) cancelled: u64,
    /// Σ ln|D_a + D_b| − ½(ln|D_a| + ln|D_b|) over the others.
    pub(super) growth: f64,
}

impl GroupTotal {
    fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.squares += other.squares;
        self.cancelled += other.cancelled;
        self.growth += other.growth;
    }
}

impl PairedAccumulator {
    /// For the rows of a matrix of this shape.
    pub fn new(shape: &NoiseShape) -> Self {
        let sums = PairedSums::zero(shape);
        let levels = sums.levels.len() + 1;
        let pairs = pairs_of(shape);
        let mut columns: Vec<Range<usize>> = shape.columns().collect();
        if columns.is_empty() {
            // A matrix without layers: all columns are walked as if they were one.
            columns.push(0..shape.params());
        }
        Self {
            groups: vec![GroupTotal::default(); columns.len() + 1],
            columns,
            params: shape.params(),
            rows: 0,
            even: vec![0.0; if pairs > 0 { shape.params() } else { 0 }],
            waiting: vec![Vec::new(); levels],
            spare: Vec::with_capacity(levels),
            logs: vec![(0, 0.0); levels],
            sums,
        }
    }

    /// Adds the next row: the gradient of the next minibatch, finite, in module order.
    ///
    /// # Panics
    ///
    /// When the row has not M values.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        assert_eq!(gradient.len(), self.params, "values of a row");
        let (pair, second) = (self.rows / 2, self.rows % 2 == 1);
        self.rows += 1;
        if pair >= self.sums.pairs {
            return;
        }
        if second {
            self.add_pair(pair, gradient);
        } else {
            for (even, value) in self.even.iter_mut().zip(gradient) {
                *even = (*value).into();
            }
        }
    }

    /// The sums over all rows so far.
    pub fn finish(self) -> PairedSums {
        self.sums
    }

    fn add_pair<T: Copy + Into<f64>>(&mut self, pair: u64, odd: &[T]) {
        let top = pair.trailing_ones() as usize;
        // Whether the group that is complete now will get a neighbour to wait for.
        let waits = ((pair >> top) | 1) < self.sums.pairs >> top;
        if top == 0 && waits {
            let params = self.params;
            self.waiting[0] = self.spare.pop().unwrap_or_else(|| vec![0.0; params]);
        }
        self.groups.fill(GroupTotal::default());
        self.logs.fill((0, 0.0));

        let mut values: Block = [0.0; BLOCK];
        let mut earlier: Block = [0.0; BLOCK];
        for (layer, columns) in self.columns.iter().enumerate() {
            for start in columns.clone().step_by(BLOCK) {
                let block = start..columns.end.min(start + BLOCK);
                let len = block.len();
                let rows = self.even[block.clone()].iter().zip(&odd[block.clone()]);
                for (value, (even, odd)) in values.iter_mut().zip(rows) {
                    *value = *even - (*odd).into();
                }
                add_logs(&mut self.logs[0], &values[..len]);
                if top > 0 {
                    earlier[..len].copy_from_slice(&self.waiting[0][block.clone()]);
                    // Zeros up to the next whole group of lanes: they are left out.
                    let padded = len.next_multiple_of(LANES);
                    earlier[len..padded].fill(0.0);
                    values[len..padded].fill(0.0);
                    let group = wide::run(Compare {
                        first: &earlier[..padded],
                        second: &values[..padded],
                    });
                    self.groups[layer + 1].add(&group);
                }
                for level in 0..top {
                    let waiting = &self.waiting[level][block.clone()];
                    for (value, earlier) in values.iter_mut().zip(waiting) {
                        *value += earlier;
                    }
                    add_logs(&mut self.logs[level + 1], &values[..len]);
                }
                if waits {
                    self.waiting[0][block].copy_from_slice(&values[..len]);
                }
            }
        }
        // What waited has been added; the first vector now holds the sum, if that waits in turn.
        for level in (1..top).chain((!waits).then_some(0)) {
            let free = std::mem::take(&mut self.waiting[level]);
            if !free.is_empty() {
                self.spare.push(free);
            }
        }
        if waits {
            self.waiting.swap(0, top);
        }
        self.record(pair, top);
    }

    fn record(&mut self, pair: u64, top: usize) {
        let pairs = self.sums.pairs;
        if top > 0 {
            let (all, layers) = self.groups.split_at_mut(1);
            layers.iter().for_each(|layer| all[0].add(layer));
            let row = run_of(pair / 2, pairs / 2);
            for (rows, group) in self.sums.scopes.iter_mut().zip(&self.groups) {
                rows[row].add(group);
            }
        }
        for (level, (samples, sum)) in self.logs[..=top].iter().enumerate() {
            let group = pair >> level;
            if level > 0 {
                let row = run_of(group, pairs >> level);
                let upper: &mut LogTotal = &mut self.sums.levels[level - 1].rows[row].upper;
                upper.add(*samples, *sum);
            }
            if let Some(above) = self.sums.levels.get_mut(level) {
                let (group, groups) = (group / 2, pairs >> (level + 1));
                let lower = if group < groups {
                    &mut above.rows[run_of(group, groups)].lower
                } else {
                    &mut above.rest
                };
                lower.add(*samples, *sum);
            }
        }
    }
}

fn add_logs(total: &mut (u64, f64), values: &[f64]) {
    let (sum, nonzero, _) = sum_ln_abs(values);
    total.0 += nonzero;
    total.1 += sum;
}

/// The two differences of a group, in as many whole groups of eight.
struct Compare<'a> {
    first: &'a [f64],
    second: &'a [f64],
}

impl Loop for Compare<'_> {
    type Output = GroupTotal;

    #[inline(always)]
    fn run<E: Eight>(self) -> GroupTotal {
        let Self { first, second } = self;
        let (mut squares, mut logs) = (E::four_zeros(), E::four_zeros());
        let (mut samples, mut kept_samples) = (E::splat_bits(0), E::splat_bits(0));
        let zero = E::splat(0.0);
        let mut sums: Block = [0.0; BLOCK];
        let (firsts, _) = first.as_chunks::<LANES>();
        let (seconds, _) = second.as_chunks::<LANES>();
        let (sum_lanes, _) = sums.as_chunks_mut::<LANES>();
        for ((first, second), sums) in firsts.iter().zip(seconds).zip(sum_lanes) {
            let (a, b) = (E::load(first), E::load(second));
            let sum = a + b;
            let usable = E::both(E::differs(a, zero), E::differs(b, zero));
            let kept = E::both(usable, E::differs(sum, zero));
            // Of a zero this is some finite number, which is not used.
            let (ln_a, ln_b) = (ln_positive(E::abs(a)), ln_positive(E::abs(b)));
            let difference = E::select(usable, ln_a - ln_b, zero);
            squares = E::add_halves(squares, difference * difference);
            logs = E::add_halves(logs, E::select(kept, ln_a + ln_b, zero));
            samples = E::count(samples, usable);
            kept_samples = E::count(kept_samples, kept);
            *sums = E::store(E::select(kept, sum, E::splat(1.0)));
        }
        let (ln_sums, ..) = LnAbs(&sums[..first.len()]).run::<E>();
        let total = |counts: E::Bits| E::store_bits(counts).iter().sum::<u64>();
        let samples = total(samples);
        GroupTotal {
            samples,
            squares: E::store_four(squares).iter().sum(),
            cancelled: samples - total(kept_samples),
            growth: ln_sums - 0.5 * E::store_four(logs).iter().sum::<f64>(),
        }
    }
}
