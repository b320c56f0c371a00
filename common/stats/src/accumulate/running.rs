//! Blocks that run on across rows: `published` and `zeros_dropped`.

use std::ops::Range;

use super::blocks::{BlockHistogram, Chunk, LaneSums, Logarithm, OrderedSums, Pieces};
use super::{CHUNK, Columns};
use crate::histogram::LogHistogram;
use crate::shape::NoiseShape;
use crate::wide::{self, Eight, Loop};

/// The published form: the flattened noise, with 2⁻⁵².
#[derive(Debug)]
pub(super) struct Published {
    blocks: OrderedSums,
    /// The cluster of the row in which the open block began.
    cluster: usize,
    columns: Columns,
    /// Values that are still to come into whole blocks.
    left: u64,
    /// n and Σ ln|X| of this row.
    x: (u64, f64),
    /// Values in the open block when this row began.
    open: usize,
    /// Sums of the blocks that this row completes.
    sums: Vec<f64>,
    histogram: BlockHistogram,
}

impl Published {
    const LOGARITHM: Logarithm = Logarithm::PlusEpsilon;

    pub(super) fn new(shape: &NoiseShape, columns: Columns) -> Self {
        let k1 = shape.block_length();
        Self {
            blocks: OrderedSums::new(k1),
            cluster: 0,
            columns,
            left: shape.values() / k1 as u64 * k1 as u64,
            x: (0, 0.0),
            open: 0,
            sums: Vec::new(),
            histogram: BlockHistogram::default(),
        }
    }

    /// How many of these values go into whole blocks: the published K1 leaves nothing over.
    fn whole(&self, values: usize) -> usize {
        usize::try_from(self.left).map_or(values, |left| left.min(values))
    }

    pub(super) fn add_chunk(&mut self, chunk: &Chunk<'_>) {
        // K1 = 1 has no series.
        if self.columns.is_empty() {
            return;
        }
        let whole = self.whole(chunk.start + chunk.values.len());
        let (n, ln) = if whole == chunk.start + chunk.values.len() {
            chunk.sum(Self::LOGARITHM)
        } else {
            Self::LOGARITHM.sum(&chunk.values[..whole.saturating_sub(chunk.start)])
        };
        self.x.0 += n;
        self.x.1 += ln;
    }

    /// What came of the row so far, after each chunk: blocks that lie far apart are summed side by
    /// side.
    pub(super) fn add_to_row<T: Copy + Into<f64>>(&mut self, gradient: &[T], centre: &[f64]) {
        if !self.columns.is_empty() {
            let whole = self.whole(gradient.len());
            self.blocks
                .add_to_row(&gradient[..whole], &centre[..whole], &mut self.sums);
        }
    }

    /// The whole row.
    pub(super) fn end_row<T: Copy + Into<f64>>(
        &mut self,
        cluster: usize,
        gradient: &[T],
        centre: &[f64],
    ) {
        if self.columns.is_empty() {
            return;
        }
        let whole = self.whole(gradient.len());
        self.left -= whole as u64;
        self.blocks
            .end_row(&gradient[..whole], &centre[..whole], &mut self.sums);
        // The first block may have begun in an earlier row. Places of ends count from there.
        let open = std::mem::replace(&mut self.open, self.blocks.filled());
        self.histogram.add(&self.sums);
        let k1 = self.blocks.k1();
        let chunk_of_end = |block: usize| ((block + 1) * k1 - open - 1) / CHUNK;
        let mut block = 0;
        while block < self.sums.len() {
            // The logarithms of one chunk's blocks are summed together, but for one that had begun
            // before.
            let chunk = chunk_of_end(block);
            let begun = block * k1 < open + chunk * CHUNK;
            let end = if begun {
                block + 1
            } else {
                let blocks = block + 1..self.sums.len();
                blocks
                    .take_while(|block| chunk_of_end(*block) == chunk)
                    .last()
                    .unwrap_or(block)
                    + 1
            };
            let (n, ln) = Self::LOGARITHM.sum(&self.sums[block..end]);
            let own = if block * k1 < open {
                self.cluster
            } else {
                cluster
            };
            self.columns.cell(0, own).add_y(n, ln);
            block = end;
        }
        if !self.sums.is_empty() || open == 0 {
            self.cluster = cluster;
        }
        self.sums.clear();
        self.columns.cell(0, cluster).add_x(self.x.0, self.x.1);
        self.x = (0, 0.0);
    }

    /// The sums, and the histogram of block sums if there are blocks.
    pub(super) fn finish(self) -> (Columns, Option<LogHistogram>) {
        let has_blocks = !self.columns.is_empty();
        (self.columns, has_blocks.then(|| self.histogram.finish()))
    }
}

/// Blocks that run on, and the cluster of the row in which the open one began.
#[derive(Debug)]
struct RunningBlocks {
    blocks: LaneSums,
    cluster: usize,
    sums: Vec<f64>,
}

impl RunningBlocks {
    fn new(k1: usize) -> Self {
        Self {
            blocks: LaneSums::new(k1),
            cluster: 0,
            sums: Vec::new(),
        }
    }

    /// Calls `done` with the cluster, the number and Σ ln|Y| of the blocks that became complete.
    fn push(
        &mut self,
        logarithm: Logarithm,
        cluster: usize,
        values: &[f64],
        mut done: impl FnMut(usize, (u64, f64)),
    ) {
        let begun = self.blocks.filled() > 0;
        self.sums.clear();
        self.blocks.push(values, &mut self.sums);
        if self.sums.is_empty() {
            if !begun {
                self.cluster = cluster;
            }
            return;
        }
        let (first, rest) = self.sums.split_at(usize::from(begun));
        if begun {
            done(self.cluster, logarithm.sum(first));
        }
        if !rest.is_empty() {
            done(cluster, logarithm.sum(rest));
        }
        self.cluster = cluster;
    }
}

/// The noise without its exact zeros, over all columns and within layers. The last block of the
/// whole matrix is left out when it is not complete, its X too.
#[derive(Debug)]
pub(super) struct ZerosDropped {
    columns: Columns,
    entries: Vec<Compacted>,
    /// The nonzero values of the chunk at hand, when it has zeros.
    nonzero: Vec<f64>,
    pieces: Pieces,
}

#[derive(Debug)]
struct Compacted {
    columns: Range<usize>,
    k1: usize,
    blocks: RunningBlocks,
    /// Cluster, n and Σ ln|X| of the open block.
    open: Vec<(usize, u64, f64)>,
    /// Where its values lie in the compacted chunk, and where the last complete block ends.
    here: Range<usize>,
    complete: usize,
}

impl ZerosDropped {
    const LOGARITHM: Logarithm = Logarithm::OfNonzero;

    pub(super) fn new(shape: &NoiseShape, columns: Columns) -> Self {
        let entries = columns
            .series()
            .map(|series| Compacted {
                columns: shape.columns_of(series.layer),
                k1: series.k1,
                blocks: RunningBlocks::new(series.k1),
                open: Vec::new(),
                here: 0..0,
                complete: 0,
            })
            .collect();
        Self {
            columns,
            entries,
            nonzero: Vec::new(),
            pieces: Pieces::default(),
        }
    }

    pub(super) fn add_chunk(&mut self, cluster: usize, chunk: &Chunk<'_>) {
        let (start, values) = (chunk.start, chunk.values);
        let end = start + values.len();
        // Where each entry's columns begin and end in this chunk, in order of columns.
        let mut bounds: Vec<usize> = self
            .entries
            .iter()
            .flat_map(|entry| [entry.columns.start, entry.columns.end])
            .map(|bound| bound.clamp(start, end) - start)
            .collect();
        bounds.sort_unstable();
        bounds.dedup();
        let mut compacted = bounds.clone();
        let nonzero = if wide::run(CountZeros(values)) == 0 {
            values
        } else {
            self.nonzero.resize(values.len(), 0.0);
            let mut filled = 0;
            let mut from = 0;
            for (bound, place) in bounds.iter().zip(&mut compacted) {
                filled = compact(&values[from..*bound], &mut self.nonzero, filled);
                from = *bound;
                *place = filled;
            }
            let filled = compact(&values[from..], &mut self.nonzero, filled);
            &self.nonzero[..filled]
        };

        for entry in &mut self.entries {
            let place = |bound: usize| {
                let bound = bound.clamp(start, end) - start;
                let index = bounds
                    .binary_search(&bound)
                    .expect("it is among the bounds");
                compacted[index]
            };
            entry.here = place(entry.columns.start)..place(entry.columns.end);
            let open = entry.blocks.blocks.filled();
            let complete = (open + entry.here.len()) / entry.k1 * entry.k1;
            entry.complete = entry.here.start + complete.saturating_sub(open);
        }
        let cuts = self
            .entries
            .iter()
            .flat_map(|entry| [entry.here.start, entry.complete, entry.here.end]);
        let nonzero = &Chunk::new(start, nonzero);
        self.pieces.cut(Self::LOGARITHM, nonzero, cuts);

        for (index, entry) in self.entries.iter_mut().enumerate() {
            if entry.here.is_empty() {
                continue;
            }
            if entry.complete > entry.here.start {
                for (cluster, n, ln) in entry.open.drain(..) {
                    self.columns.cell(index, cluster).add_x(n, ln);
                }
                let (n, ln) = self.pieces.sum(entry.here.start..entry.complete);
                self.columns.cell(index, cluster).add_x(n, ln);
            }
            if entry.here.end > entry.complete {
                let (n, ln) = self.pieces.sum(entry.complete..entry.here.end);
                entry.open.push((cluster, n, ln));
            }
            entry.blocks.push(
                Self::LOGARITHM,
                cluster,
                &nonzero.values[entry.here.clone()],
                |cluster, (n, ln)| self.columns.cell(index, cluster).add_y(n, ln),
            );
        }
    }

    pub(super) fn finish(self) -> Columns {
        self.columns
    }
}

/// Writes the values that are not zero from place `filled` on; the new number of filled places.
fn compact(values: &[f64], nonzero: &mut [f64], mut filled: usize) -> usize {
    for value in values {
        nonzero[filled] = *value;
        filled += usize::from(*value != 0.0);
    }
    filled
}

/// How many values are zero.
struct CountZeros<'a>(&'a [f64]);

impl Loop for CountZeros<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<E: Eight>(self) -> u64 {
        let mut counts = E::splat_bits(0);
        let (groups, rest) = self.0.as_chunks::<8>();
        for group in groups {
            counts = E::count(counts, E::is_zero(E::bits(E::abs(E::load(group)))));
        }
        let rest = rest.iter().filter(|value| **value == 0.0).count() as u64;
        E::store_bits(counts).iter().sum::<u64>() + rest
    }
}
