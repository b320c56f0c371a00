//! From rows of gradients to sums.
//!
//! There are two passes over the P gradients. The first gives the mean gradient ([`CentreSum`]),
//! and the scales when a standardised treatment is asked ([`ScaleSum`], a pass of its own between
//! the two). The second ([`NoiseAccumulator`]) takes the noise U_ij = f64(g_ij) − c_j to sums.
//!
//! The second pass has independent [`Part`]s, each of which is fed all rows in order. Whoever has
//! threads and keeps the gradients gives each part to a thread; whoever streams feeds batches of
//! rows to all parts. The bytes are the same, for no part knows of another.
//!
//! A row is worked on in chunks of 4,096 values that stay in the cache: no part but the
//! permuted ones holds a row of noise.
//!
//! Absent: threads, and any choice of what to measure. The shape says that.

mod blocks;
mod centre;
mod moments;
mod projections;
mod restarted;
mod running;
mod surrogate;

use std::sync::Arc;

use self::blocks::Logarithm;
pub use self::centre::{CentreSum, ScaleSum};
use self::moments::MomentSums;
use self::projections::ProjectionSums;
use self::restarted::Restarted;
use self::running::{Published, ZerosDropped};
use self::surrogate::Surrogate;
use crate::paired::PairedAccumulator;
use crate::permutation::{Dealer, Permutation};
use crate::shape::NoiseShape;
use crate::summary::{Cell, NoiseSummary, RowSet, Series};
use crate::treatment::Treatment;
use crate::values::ValueCounter;

/// Values that are worked on together: a power of two.
const CHUNK: usize = 4096;

/// Cells of the series of one treatment, by series and cluster.
#[derive(Debug)]
struct Columns {
    clusters: usize,
    /// The series, each with its index among all series of the shape.
    series: Vec<(usize, Series)>,
    cells: Vec<Cell>,
}

impl Columns {
    fn of(shape: &NoiseShape, treatment: Treatment) -> Self {
        let series: Vec<(usize, Series)> = shape
            .series()
            .into_iter()
            .enumerate()
            .filter(|(_, series)| series.treatment == treatment)
            .collect();
        let clusters = shape.clusters();
        Self {
            clusters,
            cells: vec![Cell::default(); clusters * series.len()],
            series,
        }
    }

    fn series(&self) -> impl Iterator<Item = Series> {
        self.series.iter().map(|(_, series)| *series)
    }

    fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    fn cell(&mut self, series: usize, cluster: usize) -> &mut Cell {
        &mut self.cells[series * self.clusters + cluster]
    }
}

/// The second pass: all that the shape asks for, in parts that don't know of one another.
#[derive(Debug)]
pub struct NoiseAccumulator {
    shape: Arc<NoiseShape>,
    parts: Vec<Part>,
}

/// A part of the second pass. It must be fed all rows, in order.
#[derive(Debug)]
pub struct Part {
    shape: Arc<NoiseShape>,
    centre: Arc<[f64]>,
    /// The next row.
    row: usize,
    /// The noise of the chunk at hand.
    chunk: Vec<f64>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Moments(MomentSums),
    Projections(ProjectionSums),
    Values(ValueCounter),
    Published(Published),
    Restarted(Restarted),
    ZerosDropped(ZerosDropped),
    Permuted(Permuted),
    Standardised(Restarted, Arc<[f64]>),
    Surrogate(Surrogate),
    Paired(PairedAccumulator),
}

/// Rows that are permuted before they are cut into blocks.
#[derive(Debug)]
struct Permuted {
    dealer: Dealer,
    scales: Option<Arc<[f64]>>,
    sums: Restarted,
}

impl NoiseAccumulator {
    /// No row yet, of the matrix that `shape` describes.
    ///
    /// `centre` is the mean row; all zeros for numbers that are noise already. `scales` are needed
    /// when a standardised treatment is asked ([`NoiseShape::needs_scales`]).
    ///
    /// The permutation of `permuted` is shared with others of this size that are alive
    /// ([`Permutation::shared`]); to keep it between measurements, hold one.
    ///
    /// # Panics
    ///
    /// If the centre or the scales have another length than a row, or needed scales are missing.
    pub fn new(shape: Arc<NoiseShape>, centre: Arc<[f64]>, scales: Option<Arc<[f64]>>) -> Self {
        assert_eq!(centre.len(), shape.params(), "the length of the centre");
        let asked = shape.treatments();
        let scales = scales.map(divisors);
        let scales = || {
            let scales = scales.clone().expect("standardised treatments need scales");
            assert_eq!(scales.len(), shape.params(), "the number of scales");
            scales
        };
        let columns = |treatment| Columns::of(&shape, treatment);
        let restarted =
            |treatment, logarithm| Restarted::new(&shape, logarithm, columns(treatment));
        let permuted = |treatment, scales| Permuted {
            dealer: Dealer::new(Permutation::shared(shape.params())),
            scales,
            sums: restarted(treatment, Logarithm::OfNonzero),
        };
        // Those that take longest come first.
        let order = [
            Treatment::Permuted,
            Treatment::StandardisedPermuted,
            Treatment::PublishedRows,
            Treatment::Paired,
            Treatment::ZerosDropped,
            Treatment::Standardised,
            Treatment::Published,
            Treatment::GaussianSurrogate,
        ];
        let mut kinds: Vec<Kind> = order
            .into_iter()
            .filter(|treatment| asked.contains(*treatment))
            .map(|treatment| match treatment {
                Treatment::Published => Kind::Published(Published::new(&shape, columns(treatment))),
                Treatment::PublishedRows => {
                    Kind::Restarted(restarted(treatment, Logarithm::PlusEpsilon))
                }
                Treatment::ZerosDropped => {
                    Kind::ZerosDropped(ZerosDropped::new(&shape, columns(treatment)))
                }
                Treatment::Permuted => Kind::Permuted(permuted(treatment, None)),
                Treatment::Standardised => {
                    Kind::Standardised(restarted(treatment, Logarithm::OfNonzero), scales())
                }
                Treatment::StandardisedPermuted => {
                    Kind::Permuted(permuted(treatment, Some(scales())))
                }
                Treatment::GaussianSurrogate => Kind::Surrogate(Surrogate::new(&shape)),
                Treatment::Paired => Kind::Paired(PairedAccumulator::new(&shape)),
            })
            .collect();
        if asked.contains(Treatment::PublishedRows) {
            let ends = shape.columns().map(|columns| columns.end);
            let all = shape.layers().is_empty().then_some(shape.params());
            kinds.push(Kind::Values(ValueCounter::new(ends.chain(all))));
        }
        kinds.push(Kind::Moments(MomentSums::new(shape.clusters())));
        kinds.push(Kind::Projections(ProjectionSums::new(&shape)));
        let parts = kinds.into_iter().map(|kind| Part {
            shape: shape.clone(),
            centre: centre.clone(),
            row: 0,
            chunk: Vec::with_capacity(CHUNK),
            kind,
        });
        Self {
            parts: parts.collect(),
            shape: shape.clone(),
        }
    }

    /// The parts, to be fed on their own; those that take longest come first.
    pub fn parts_mut(&mut self) -> Vec<&mut Part> {
        self.parts.iter_mut().collect()
    }

    /// Feeds the next row to all parts.
    ///
    /// # Panics
    ///
    /// If the row has another length, or there are more rows than minibatches.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        for part in &mut self.parts {
            part.add_row(gradient);
        }
    }

    /// The sums. With fewer rows than minibatches the summary is not complete.
    ///
    /// # Panics
    ///
    /// If the parts were not fed the same number of rows.
    pub fn finish(self) -> NoiseSummary {
        let rows = self.parts[0].row;
        let clusters = self.shape.clusters();
        let mut summary = NoiseSummary::empty(self.shape);
        summary.rows = RowSet::first(rows as u64);
        let mut columns = Vec::new();
        for part in self.parts {
            assert_eq!(part.row, rows, "all parts are fed the same rows");
            match part.kind {
                Kind::Moments(sums) => summary.moments = sums.finish(),
                Kind::Projections(sums) => summary.projections = sums.finish(),
                Kind::Values(counter) => {
                    let (values, layers) = counter.finish();
                    summary.values = Some(values);
                    summary
                        .layers
                        .iter_mut()
                        .zip(layers)
                        .for_each(|(own, layer)| *own = layer);
                }
                Kind::Published(sums) => columns.push(sums.finish()),
                Kind::Restarted(sums) | Kind::Standardised(sums, _) => columns.push(sums.finish()),
                Kind::ZerosDropped(sums) => columns.push(sums.finish()),
                Kind::Permuted(permuted) => columns.push(permuted.sums.finish()),
                Kind::Surrogate(sums) => summary.surrogate = Some(sums.finish()),
                Kind::Paired(sums) => summary.paired = Some(sums.finish()),
            }
        }
        // Sums of logarithms of numbers that are not finite mean nothing.
        if !summary.is_non_finite() {
            for column in columns {
                let own = column.cells.chunks_exact(clusters);
                for ((series, _), own) in column.series.iter().zip(own) {
                    summary.cells[series * clusters..(series + 1) * clusters].clone_from_slice(own);
                }
            }
        } else {
            if let Some(sums) = &mut summary.surrogate {
                sums.fill(Default::default());
            }
            summary.values = summary.values.map(|_| Default::default());
            summary.layers.fill(Default::default());
            summary.projections.fill(Default::default());
        }
        summary
    }
}

impl Part {
    /// A treatment, or what else it keeps: `moments`, `values`, `projections`.
    pub fn name(&self) -> &'static str {
        let treatment = match &self.kind {
            Kind::Moments(_) => return "moments",
            Kind::Projections(_) => return "projections",
            Kind::Values(_) => return "values",
            Kind::Published(_) => Treatment::Published,
            Kind::Restarted(_) => Treatment::PublishedRows,
            Kind::ZerosDropped(_) => Treatment::ZerosDropped,
            Kind::Permuted(permuted) => match permuted.scales {
                None => Treatment::Permuted,
                Some(_) => Treatment::StandardisedPermuted,
            },
            Kind::Standardised(..) => Treatment::Standardised,
            Kind::Surrogate(_) => Treatment::GaussianSurrogate,
            Kind::Paired(_) => Treatment::Paired,
        };
        treatment.as_str()
    }

    /// Takes the next row.
    ///
    /// # Panics
    ///
    /// If the row has another length, or there are more rows than minibatches.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        assert_eq!(gradient.len(), self.centre.len(), "the length of a row");
        assert!(
            self.row < self.shape.minibatches(),
            "more rows than minibatches"
        );
        let cluster = self.shape.cluster_of(self.row);
        self.row += 1;
        if let Kind::Paired(sums) = &mut self.kind {
            sums.add_row(gradient);
            return;
        }
        let mut start = 0;
        let chunks = gradient.chunks(CHUNK).zip(self.centre.chunks(CHUNK));
        for (gradient, centre) in chunks {
            self.chunk.clear();
            let noise = gradient.iter().zip(centre);
            self.chunk
                .extend(noise.map(|(value, centre)| (*value).into() - centre));
            self.kind.add_chunk(cluster, start, &mut self.chunk);
            start += gradient.len();
        }
        self.kind.end_row(cluster);
    }
}

impl Kind {
    fn add_chunk(&mut self, cluster: usize, start: usize, noise: &mut [f64]) {
        match self {
            Self::Moments(sums) => sums.add_chunk(noise),
            Self::Projections(sums) => sums.add_chunk(start, noise),
            Self::Values(counter) => counter.add_chunk(start, noise),
            Self::Published(sums) => sums.add_chunk(cluster, noise),
            Self::Restarted(sums) => sums.add_chunk(start, noise),
            Self::ZerosDropped(sums) => sums.add_chunk(cluster, start, noise),
            Self::Permuted(permuted) => {
                if let Some(scales) = &permuted.scales {
                    divide(noise, &scales[start..]);
                }
                permuted.dealer.deal(noise);
            }
            Self::Standardised(sums, scales) => {
                divide(noise, &scales[start..]);
                sums.add_chunk(start, noise);
            }
            Self::Surrogate(sums) => sums.add_chunk(start, noise),
            Self::Paired(_) => {}
        }
    }

    fn end_row(&mut self, cluster: usize) {
        match self {
            Self::Moments(sums) => sums.end_row(cluster),
            Self::Projections(sums) => sums.end_row(),
            Self::Published(sums) => sums.end_row(cluster),
            Self::Restarted(sums) | Self::Standardised(sums, _) => sums.end_row(cluster),
            Self::Permuted(permuted) => {
                let Permuted { dealer, sums, .. } = permuted;
                dealer.collect(CHUNK, |start, values| sums.add_chunk(start, values));
                sums.end_row(cluster);
            }
            Self::Surrogate(sums) => sums.end_row(),
            Self::Values(_) | Self::ZerosDropped(_) | Self::Paired(_) => {}
        }
    }
}

/// What standardised values are divided by: a coordinate that never varies becomes zero, which is
/// left out.
fn divisors(scales: Arc<[f64]>) -> Arc<[f64]> {
    let divisor = |scale: &f64| if *scale > 0.0 { *scale } else { f64::INFINITY };
    scales.iter().map(divisor).collect()
}

fn divide(values: &mut [f64], divisors: &[f64]) {
    for (value, divisor) in values.iter_mut().zip(divisors) {
        *value /= divisor;
    }
}

/// All passes over rows that are kept, on one thread.
///
/// # Panics
///
/// If there are not as many rows as the shape has minibatches, or a row has another length.
pub fn summarise<T: Copy + Into<f64>, R: AsRef<[T]>>(
    shape: Arc<NoiseShape>,
    rows: &[R],
) -> NoiseSummary {
    assert_eq!(rows.len(), shape.minibatches(), "the number of rows");
    let mut centre = CentreSum::new(shape.params());
    rows.iter().for_each(|row| centre.add_row(row.as_ref()));
    summarise_about(shape, rows, centre.finish().into())
}

/// The same about a given centre; zeros for numbers that are noise already.
///
/// # Panics
///
/// As [`summarise`].
pub fn summarise_about<T: Copy + Into<f64>, R: AsRef<[T]>>(
    shape: Arc<NoiseShape>,
    rows: &[R],
    centre: Arc<[f64]>,
) -> NoiseSummary {
    assert_eq!(rows.len(), shape.minibatches(), "the number of rows");
    let scales = shape.needs_scales().then(|| {
        let mut scales = ScaleSum::new(centre.clone());
        rows.iter().for_each(|row| scales.add_row(row.as_ref()));
        scales.finish().into()
    });
    let mut accumulator = NoiseAccumulator::new(shape, centre, scales);
    for part in accumulator.parts_mut() {
        rows.iter().for_each(|row| part.add_row(row.as_ref()));
    }
    accumulator.finish()
}
