//! Blocks that run on across rows: `published` and `zeros_dropped`.

use std::ops::Range;

use super::Columns;
use super::blocks::{BlockSums, LaneSums, Logarithm, OrderedSums, Pieces};
use crate::shape::NoiseShape;

/// Blocks that run on, and the cluster of the row in which the open one began.
#[derive(Debug)]
struct RunningBlocks<S> {
    blocks: S,
    cluster: usize,
    sums: Vec<f64>,
}

impl<S: BlockSums> RunningBlocks<S> {
    fn new(blocks: S) -> Self {
        Self {
            blocks,
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

/// The published form: the flattened noise, with 2⁻⁵².
#[derive(Debug)]
pub(super) struct Published {
    blocks: RunningBlocks<OrderedSums>,
    columns: Columns,
    /// Values that are still to come into whole blocks.
    left: u64,
    /// n and Σ ln|X| of this row.
    x: (u64, f64),
}

impl Published {
    const LOGARITHM: Logarithm = Logarithm::PlusEpsilon;

    pub(super) fn new(shape: &NoiseShape, columns: Columns) -> Self {
        let k1 = shape.block_length();
        Self {
            blocks: RunningBlocks::new(OrderedSums::new(k1)),
            columns,
            left: shape.values() / k1 as u64 * k1 as u64,
            x: (0, 0.0),
        }
    }

    pub(super) fn add_chunk(&mut self, cluster: usize, values: &[f64]) {
        // K1 = 1 has no series.
        if self.columns.is_empty() {
            return;
        }
        // The published K1 leaves nothing over.
        let whole = usize::try_from(self.left).map_or(values.len(), |left| left.min(values.len()));
        let values = &values[..whole];
        self.left -= whole as u64;
        let (n, ln) = Self::LOGARITHM.sum(values);
        self.x.0 += n;
        self.x.1 += ln;
        self.blocks
            .push(Self::LOGARITHM, cluster, values, |cluster, (n, ln)| {
                self.columns.cell(0, cluster).add_y(n, ln);
            });
    }

    pub(super) fn end_row(&mut self, cluster: usize) {
        if self.columns.is_empty() {
            return;
        }
        self.blocks.blocks.end_row();
        self.columns.cell(0, cluster).add_x(self.x.0, self.x.1);
        self.x = (0, 0.0);
    }

    pub(super) fn finish(self) -> Columns {
        self.columns
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
    blocks: RunningBlocks<LaneSums>,
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
                blocks: RunningBlocks::new(LaneSums::new(series.k1)),
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

    pub(super) fn add_chunk(&mut self, cluster: usize, start: usize, values: &[f64]) {
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
        let zeros = values.iter().filter(|value| **value == 0.0).count();
        let nonzero = if zeros == 0 {
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
                &nonzero[entry.here.clone()],
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
