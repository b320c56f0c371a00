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

use super::{LogTotal, PairedSums, run_of};
use crate::log_sum::{LnAbs, ln_positive, sum_ln_abs};
use crate::shape::NoiseShape;
use crate::wide::{self, Eight, Loop};

/// Columns that are walked through all levels at once.
const BLOCK: usize = 512;

const LANES: usize = 8;

type Block = [f64; BLOCK];

/// Takes the rows of a gradient matrix in order and keeps [`PairedSums`] of it.
///
/// Memory: at most 1 + ⌊log₂ N⌋ vectors of M doubles, N the number of pairs, one less when pairs come
/// together ([`Self::add_rows`]). After the first rows nothing is allocated.
#[derive(Debug)]
pub struct PairedAccumulator {
    columns: Vec<Range<usize>>,
    params: usize,
    rows: u64,
    /// The first row of the pair, if it came alone.
    even: Vec<f64>,
    /// The complete group that waits at each level; empty where none does.
    waiting: Vec<Vec<f64>>,
    /// Vectors free for use.
    spare: Vec<Vec<f64>>,
    /// Of the group at hand: all columns, then each layer.
    groups: Vec<GroupTotal>,
    /// Of the groups that the pair at hand completes: nonzero values and sum of logarithms.
    logs: Vec<(u64, f64)>,
    /// The block at hand, at the level that is reached.
    values: Box<Block>,
    /// Its D_a + D_b.
    grown: Box<Block>,
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
            even: Vec::new(),
            waiting: vec![Vec::new(); levels],
            spare: Vec::with_capacity(levels),
            logs: vec![(0, 0.0); levels],
            values: Box::new([0.0; BLOCK]),
            grown: Box::new([0.0; BLOCK]),
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
        let mut even = std::mem::take(&mut self.even);
        if second {
            self.add_pair(pair, &even, gradient);
        } else {
            even.resize(self.params, 0.0);
            wide::run(Widen {
                row: gradient,
                copy: &mut even,
            });
        }
        self.even = even;
    }

    /// Adds rows as [`Self::add_row`] does; pairs that are complete here are not copied.
    ///
    /// # Panics
    ///
    /// When a row has not M values.
    pub fn add_rows<T: Copy + Into<f64>, R: AsRef<[T]>>(&mut self, rows: &[R]) {
        let mut rows = rows.iter().map(AsRef::as_ref);
        if self.rows % 2 == 1
            && let Some(row) = rows.next()
        {
            self.add_row(row);
        }
        while let Some(even) = rows.next() {
            let Some(odd) = rows.next() else {
                return self.add_row(even);
            };
            assert_eq!(even.len(), self.params, "values of a row");
            assert_eq!(odd.len(), self.params, "values of a row");
            let pair = self.rows / 2;
            self.rows += 2;
            if pair < self.sums.pairs {
                self.add_pair(pair, even, odd);
            }
        }
    }

    /// The sums over all rows so far.
    pub fn finish(self) -> PairedSums {
        self.sums
    }

    fn add_pair<A: Copy + Into<f64>, B: Copy + Into<f64>>(
        &mut self,
        pair: u64,
        even: &[A],
        odd: &[B],
    ) {
        let top = pair.trailing_ones() as usize;
        // Whether the group that is complete now will get a neighbour to wait for.
        let waits = ((pair >> top) | 1) < self.sums.pairs >> top;
        if top == 0 && waits {
            let params = self.params;
            self.waiting[0] = self.spare.pop().unwrap_or_else(|| vec![0.0; params]);
        }
        self.groups.fill(GroupTotal::default());
        self.logs.fill((0, 0.0));

        for (layer, columns) in self.columns.iter().enumerate() {
            for start in columns.clone().step_by(BLOCK) {
                let block = start..columns.end.min(start + BLOCK);
                let values = if top == 0 && waits {
                    &mut self.waiting[0][block.clone()]
                } else {
                    &mut self.values[..block.len()]
                };
                wide::run(Difference {
                    even: &even[block.clone()],
                    odd: &odd[block.clone()],
                    values,
                });
                add_logs(&mut self.logs[0], values);
                if top == 0 {
                    continue;
                }
                let values = &mut self.values[..block.len()];
                let group = wide::run(Compare {
                    first: &self.waiting[0][block.clone()],
                    second: values,
                    grown: &mut self.grown[..block.len()],
                });
                self.groups[layer + 1].add(&group);
                for level in 0..top {
                    wide::run(AddTo {
                        values,
                        earlier: &self.waiting[level][block.clone()],
                    });
                    add_logs(&mut self.logs[level + 1], values);
                }
                if waits {
                    self.waiting[0][block].copy_from_slice(values);
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

/// Copies a row.
struct Widen<'a, T> {
    row: &'a [T],
    copy: &'a mut [f64],
}

impl<T: Copy + Into<f64>> Loop for Widen<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        for (copy, value) in self.copy.iter_mut().zip(self.row) {
            *copy = (*value).into();
        }
    }
}

/// D of two rows.
struct Difference<'a, A, B> {
    even: &'a [A],
    odd: &'a [B],
    values: &'a mut [f64],
}

impl<A: Copy + Into<f64>, B: Copy + Into<f64>> Loop for Difference<'_, A, B> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let rows = self.even.iter().zip(self.odd);
        for (value, (even, odd)) in self.values.iter_mut().zip(rows) {
            *value = (*even).into() - (*odd).into();
        }
    }
}

/// Z of an upper level: the later one and the earlier one.
struct AddTo<'a> {
    values: &'a mut [f64],
    earlier: &'a [f64],
}

impl Loop for AddTo<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        for (value, earlier) in self.values.iter_mut().zip(self.earlier) {
            *value += earlier;
        }
    }
}

/// The two differences of a group.
struct Compare<'a> {
    first: &'a [f64],
    second: &'a [f64],
    /// Of the same length, for D_a + D_b.
    grown: &'a mut [f64],
}

/// The sums over eight coordinates and eight more.
struct Compared<E: Eight> {
    squares: E::Four,
    logs: E::Four,
    samples: E::Bits,
    kept_samples: E::Bits,
}

impl<E: Eight> Compared<E> {
    #[inline(always)]
    fn add(&mut self, first: &[f64; LANES], second: &[f64; LANES]) -> [f64; LANES] {
        let zero = E::splat(0.0);
        let (a, b) = (E::load(first), E::load(second));
        let sum = a + b;
        let usable = E::both(E::differs(a, zero), E::differs(b, zero));
        let kept = E::both(usable, E::differs(sum, zero));
        // Of a zero this is some finite number, which is not used.
        let (ln_a, ln_b) = (ln_positive(E::abs(a)), ln_positive(E::abs(b)));
        let difference = E::select(usable, ln_a - ln_b, zero);
        self.squares = E::add_halves(self.squares, difference * difference);
        self.logs = E::add_halves(self.logs, E::select(kept, ln_a + ln_b, zero));
        self.samples = E::count(self.samples, usable);
        self.kept_samples = E::count(self.kept_samples, kept);
        E::store(E::select(kept, sum, E::splat(1.0)))
    }
}

impl Loop for Compare<'_> {
    type Output = GroupTotal;

    #[inline(always)]
    fn run<E: Eight>(self) -> GroupTotal {
        let Self {
            first,
            second,
            grown,
        } = self;
        let mut sums = Compared::<E> {
            squares: E::four_zeros(),
            logs: E::four_zeros(),
            samples: E::splat_bits(0),
            kept_samples: E::splat_bits(0),
        };
        let (firsts, first_rest) = first.as_chunks();
        let (seconds, second_rest) = second.as_chunks();
        let (growns, grown_rest) = grown.as_chunks_mut();
        for ((first, second), grown) in firsts.iter().zip(seconds).zip(growns) {
            *grown = sums.add(first, second);
        }
        // Zeros up to a whole group of lanes: they are left out.
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        let rest = first_rest.len();
        first[..rest].copy_from_slice(first_rest);
        second[..rest].copy_from_slice(second_rest);
        grown_rest.copy_from_slice(&sums.add(&first, &second)[..rest]);

        let (ln_grown, ..) = LnAbs(grown).run::<E>();
        let total = |counts: E::Bits| E::store_bits(counts).iter().sum::<u64>();
        let samples = total(sums.samples);
        GroupTotal {
            samples,
            squares: E::store_four(sums.squares).iter().sum(),
            cancelled: samples - total(sums.kept_samples),
            growth: ln_grown - 0.5 * E::store_four(sums.logs).iter().sum::<f64>(),
        }
    }
}
