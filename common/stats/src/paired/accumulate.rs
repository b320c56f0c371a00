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
use crate::log_sum::{ln_normal, ln_positive, sum_ln_abs};
use crate::shape::NoiseShape;

/// Columns that are walked through all levels at once.
const BLOCK: usize = 512;

const LANES: usize = 4;

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
                    let group = compare(&earlier[..padded], &values[..padded]);
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

/// The two differences of a group, in as many whole lanes.
fn compare(first: &[f64], second: &[f64]) -> GroupTotal {
    // Differences of float32 values are multiples of 2⁻¹⁴⁹: only float64 ones can be subnormal.
    let any_subnormal = |values: &[f64]| {
        values
            .iter()
            .fold(false, |any, value| any | value.is_subnormal())
    };
    if any_subnormal(first) | any_subnormal(second) {
        compare_with(first, second, ln_positive)
    } else {
        compare_with(first, second, ln_normal)
    }
}

#[inline(always)]
fn compare_with(first: &[f64], second: &[f64], ln: impl Fn(f64) -> f64) -> GroupTotal {
    let mut squares = [0.0; LANES];
    let mut logs = [0.0; LANES];
    let mut samples = [0_u64; LANES];
    let mut kept_samples = [0_u64; LANES];
    let mut sums: Block = [0.0; BLOCK];
    let pairs = first.chunks_exact(LANES).zip(second.chunks_exact(LANES));
    for ((first, second), sums) in pairs.zip(sums.chunks_exact_mut(LANES)) {
        for lane in 0..LANES {
            let (a, b) = (first[lane], second[lane]);
            let sum = a + b;
            let usable = (a != 0.0) & (b != 0.0);
            let kept = usable & (sum != 0.0);
            // Of a zero this is some finite number, which is not used.
            let (ln_a, ln_b) = (ln(a.abs()), ln(b.abs()));
            let difference = if usable { ln_a - ln_b } else { 0.0 };
            squares[lane] += difference * difference;
            logs[lane] += if kept { ln_a + ln_b } else { 0.0 };
            samples[lane] += u64::from(usable);
            kept_samples[lane] += u64::from(kept);
            sums[lane] = if kept { sum } else { 1.0 };
        }
    }
    let (ln_sums, ..) = sum_ln_abs(&sums[..first.len()]);
    let samples = samples.iter().sum();
    GroupTotal {
        samples,
        squares: squares.iter().sum(),
        cancelled: samples - kept_samples.iter().sum::<u64>(),
        growth: ln_sums - 0.5 * logs.iter().sum::<f64>(),
    }
}
