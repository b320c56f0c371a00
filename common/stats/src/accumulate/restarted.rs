//! Blocks that restart in each row: at single block lengths, and on the ladder of doubling ones.

use std::ops::Range;

use super::blocks::{Chunk, LaneSums, Logarithm, Pieces, SumLn};
use super::surrogate::Surrogate;
use super::{CHUNK, Columns};
use crate::shape::NoiseShape;
use crate::summary::{Series, SurrogateSums};
use crate::wide::{self, Eight, Loop};

/// Sums of block sums that are taken to logarithms together.
const BATCH: usize = 1024;

/// The pairs of means of one treatment whose blocks restart in each row; the tail of a row that is
/// shorter than a block is left out of both means.
#[derive(Debug)]
pub(super) struct Restarted {
    logarithm: Logarithm,
    columns: Columns,
    entries: Vec<Entry>,
    ladder: Ladder,
    pieces: Pieces,
    /// It has the same blocks.
    surrogate: Option<Surrogate>,
}

/// One pair of means in the row at hand.
#[derive(Debug)]
struct Entry {
    /// The columns that go into blocks.
    used: Range<usize>,
    kind: Kind,
    x: (u64, f64),
    y: (u64, f64),
}

#[derive(Debug)]
enum Kind {
    /// The values themselves are the Y, and there is no X.
    Values,
    /// Level j of the ladder.
    Level(usize),
    /// Blocks of its own.
    Blocks(Blocks),
}

#[derive(Debug)]
struct Blocks {
    open: LaneSums,
    /// Sums that are not yet taken to logarithms.
    sums: Vec<f64>,
    /// Their place in the surrogate.
    surrogate: Option<usize>,
}

impl Restarted {
    /// `columns`: of this treatment alone. On the ladder are the series of all columns whose K1 is
    /// a power of two.
    pub(super) fn new(shape: &NoiseShape, logarithm: Logarithm, columns: Columns) -> Self {
        let entries: Vec<Entry> = columns
            .series()
            .map(|series: Series| {
                let all = shape.columns_of(series.layer);
                let k1 = series.k1;
                Entry {
                    used: all.start..all.start + all.len() / k1 * k1,
                    kind: match series.layer {
                        None if k1 == 1 => Kind::Values,
                        None if k1.is_power_of_two() => Kind::Level(k1.ilog2() as usize),
                        _ => Kind::Blocks(Blocks {
                            open: LaneSums::new(k1),
                            sums: Vec::new(),
                            surrogate: None,
                        }),
                    },
                    x: (0, 0.0),
                    y: (0, 0.0),
                }
            })
            .collect();
        let levels = entries.iter().filter_map(|entry| match entry.kind {
            Kind::Level(level) => Some(level),
            _ => None,
        });
        Self {
            logarithm,
            ladder: Ladder::new(logarithm, levels.max().unwrap_or(0)),
            columns,
            entries,
            pieces: Pieces::default(),
            surrogate: None,
        }
    }

    /// The same with the Gaussian surrogate, whose blocks are summed once for both.
    pub(super) fn with_surrogate(mut self, mut surrogate: Surrogate) -> Self {
        for (entry, series) in self.entries.iter_mut().zip(self.columns.series()) {
            if let Kind::Blocks(blocks) = &mut entry.kind {
                blocks.surrogate = surrogate.take_blocks(series.layer, series.k1);
            }
        }
        self.surrogate = Some(surrogate);
        self
    }

    pub(super) fn has_surrogate(&self) -> bool {
        self.surrogate.is_some()
    }

    /// The next values of a row. Chunks come in order; all but a row's last are full.
    pub(super) fn add_chunk(&mut self, chunk: &Chunk<'_>) {
        let (start, values) = (chunk.start, chunk.values);
        let here = start..start + values.len();
        let inside = |used: &Range<usize>| {
            let (from, to) = (used.start.max(here.start), used.end.min(here.end));
            from.saturating_sub(start)..to.max(from).saturating_sub(start)
        };
        let cuts = self.entries.iter().flat_map(|entry| {
            let inside = inside(&entry.used);
            [inside.start, inside.end]
        });
        let cuts = cuts.filter(|cut| *cut > 0 && *cut < values.len());
        self.pieces.cut(self.logarithm, chunk, cuts);
        for entry in &mut self.entries {
            let inside = inside(&entry.used);
            if inside.is_empty() || inside.start >= values.len() {
                continue;
            }
            let (n, ln) = self.pieces.sum(inside.clone());
            if let Kind::Values = entry.kind {
                entry.y.0 += n;
                entry.y.1 += ln;
                continue;
            }
            entry.x.0 += n;
            entry.x.1 += ln;
            if let Kind::Blocks(blocks) = &mut entry.kind {
                let before = blocks.sums.len();
                blocks.open.push(&values[inside], &mut blocks.sums);
                if let (Some(surrogate), Some(place)) = (&mut self.surrogate, blocks.surrogate) {
                    surrogate.add_blocks(place, &blocks.sums[before..]);
                }
                if blocks.sums.len() >= BATCH {
                    take(self.logarithm, &mut blocks.sums, &mut entry.y);
                }
            }
        }
        self.ladder.add_chunk(values);
        if let Some(surrogate) = &mut self.surrogate {
            surrogate.add_chunk(chunk);
        }
    }

    /// The row is over; it was of this cluster.
    pub(super) fn end_row(&mut self, cluster: usize) {
        self.ladder.end_row();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            match &mut entry.kind {
                Kind::Values => {}
                Kind::Level(level) => entry.y = self.ladder.sums[*level],
                Kind::Blocks(blocks) => {
                    take(self.logarithm, &mut blocks.sums, &mut entry.y);
                    blocks.open.restart();
                }
            }
            let cell = self.columns.cell(index, cluster);
            cell.add_x(entry.x.0, entry.x.1);
            cell.add_y(entry.y.0, entry.y.1);
            entry.x = (0, 0.0);
            entry.y = (0, 0.0);
        }
        self.ladder.clear();
        if let Some(surrogate) = &mut self.surrogate {
            surrogate.end_row();
        }
    }

    pub(super) fn finish(self) -> (Columns, Option<Vec<SurrogateSums>>) {
        (self.columns, self.surrogate.map(Surrogate::finish))
    }
}

/// Takes block sums to logarithms.
fn take(logarithm: Logarithm, sums: &mut Vec<f64>, total: &mut (u64, f64)) {
    let (n, ln) = logarithm.sum(sums);
    total.0 += n;
    total.1 += ln;
    sums.clear();
}

/// Sums of 2^j neighbouring values of a row for each j, by pairwise halving: a block sum of level
/// j + 1 is the sum of two of level j.
#[derive(Debug)]
struct Ladder {
    logarithm: Logarithm,
    levels: usize,
    /// The level whose block is a chunk.
    chunk_level: usize,
    /// Sums of whole chunks of this row.
    chunks: Vec<f64>,
    /// A level of the chunk at hand, and the next one.
    level: Vec<f64>,
    next: Vec<f64>,
    /// n and Σ ln|Y| by level, of this row. The first is not used.
    sums: Vec<(u64, f64)>,
}

impl Ladder {
    fn new(logarithm: Logarithm, levels: usize) -> Self {
        Self {
            logarithm,
            levels,
            chunk_level: CHUNK.ilog2() as usize,
            chunks: Vec::new(),
            level: Vec::new(),
            next: Vec::new(),
            sums: vec![(0, 0.0); levels + 1],
        }
    }

    fn add_chunk(&mut self, values: &[f64]) {
        if self.levels > 0 {
            wide::run(Climb {
                ladder: self,
                values,
            });
        }
    }

    fn end_row(&mut self) {
        for level in self.chunk_level + 1..=self.levels {
            halve(&self.chunks, &mut self.next);
            std::mem::swap(&mut self.chunks, &mut self.next);
            let (n, ln) = self.logarithm.sum(&self.chunks);
            self.sums[level].0 += n;
            self.sums[level].1 += ln;
        }
    }

    fn clear(&mut self) {
        self.chunks.clear();
        self.sums.fill((0, 0.0));
    }
}

/// Takes a chunk up the ladder, as far as it reaches.
struct Climb<'a> {
    ladder: &'a mut Ladder,
    values: &'a [f64],
}

impl Loop for Climb<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self { ladder, values } = self;
        let (level, next) = (&mut ladder.level, &mut ladder.next);
        halve(values, level);
        let reached = ladder.levels.min(ladder.chunk_level);
        for (index, sum) in ladder.sums[1..=reached].iter_mut().enumerate() {
            if index > 0 {
                halve(level, next);
                std::mem::swap(level, next);
            }
            if level.is_empty() {
                break;
            }
            let (n, ln) = SumLn(ladder.logarithm, level).run::<E>();
            sum.0 += n;
            sum.1 += ln;
        }
        if ladder.levels > ladder.chunk_level {
            ladder.chunks.extend_from_slice(level);
        }
    }
}

/// Sums of neighbours; an odd last value is dropped.
#[inline(always)]
fn halve(values: &[f64], halves: &mut Vec<f64>) {
    let (pairs, _) = values.as_chunks::<2>();
    halves.clear();
    halves.extend(pairs.iter().map(|[left, right]| left + right));
}
