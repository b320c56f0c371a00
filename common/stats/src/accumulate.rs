//! From rows of gradients to sums.
//!
//! There are two passes over the P gradients. The first gives the mean gradient ([`CentreSum`]),
//! and the scales when a standardised treatment is asked ([`ScaleSum`], a pass of its own between
//! the two). The second ([`NoiseAccumulator`]) takes the noise U_ij = f64(g_ij) − c_j to sums.
//!
//! The second pass has independent [`Part`]s, each of which is fed all rows in order. Whoever has
//! threads gives each a [`Share`] of the parts; whoever streams feeds batches of rows to all shares.
//! The bytes are the same, for no part knows of another.
//!
//! A row is worked on in chunks of 4,096 values that stay in the cache while every part of a share
//! reads them: no part but the permuted ones holds a row of noise.
//!
//! Absent: threads, and any choice of what to measure. The shape says that.

mod blocks;
mod centre;
mod moments;
mod projections;
mod restarted;
mod running;
mod surrogate;

use std::borrow::BorrowMut;
use std::sync::Arc;

use self::blocks::{Chunk, Logarithm};
pub use self::centre::{CentreSum, EqualInAllRows, ScaleSum};
use self::moments::MomentSums;
use self::projections::ProjectionSums;
use self::restarted::Restarted;
use self::running::{Published, ZerosDropped};
use self::surrogate::Surrogate;
use crate::paired::{PairedAccumulator, PairedSums};
use crate::permutation::{Dealer, Permutation};
use crate::shape::NoiseShape;
use crate::summary::{Cell, NoiseSummary, RowSet, Series};
use crate::treatment::{Treatment, Treatments};
use crate::values::{Top, ValueCounter};
use crate::wide::{self, Eight, Loop};

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
    /// Of an earlier pass.
    paired: Option<PairedSums>,
    /// The noise of the chunk at hand.
    noise: Vec<f64>,
}

/// A part of the second pass. It must be fed all rows, in order.
#[derive(Debug)]
pub struct Part {
    shape: Arc<NoiseShape>,
    centre: Arc<[f64]>,
    /// The next row.
    row: usize,
    kind: Kind,
}

/// Some parts of the second pass, fed together. They must be fed all rows, in order.
#[derive(Debug)]
pub struct Share<'a> {
    parts: Vec<&'a mut Part>,
    /// The noise of the chunk at hand.
    noise: Vec<f64>,
}

#[derive(Debug)]
enum Kind {
    Moments(MomentSums),
    Projections(ProjectionSums),
    Histogram(ValueCounter),
    Largest(Top),
    Published(Published),
    Restarted(Restarted),
    ZerosDropped(ZerosDropped),
    Permuted(Permuted),
    Standardised(Standardised),
    Surrogate(Surrogate),
    Paired(PairedAccumulator),
}

/// Rows that are permuted before they are cut into blocks.
#[derive(Debug)]
struct Permuted {
    dealer: Dealer,
    scales: Option<Arc<[f64]>>,
    /// A chunk divided by the scales.
    quotients: Vec<f64>,
    sums: Restarted,
}

/// Values divided by their column's scale.
#[derive(Debug)]
struct Standardised {
    scales: Arc<[f64]>,
    /// A chunk divided by them.
    quotients: Vec<f64>,
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
        let asked = shape.treatments();
        Self::of(shape, asked, centre, scales)
    }

    /// The same without `paired`, which needs no centre: `paired` are its sums over all rows, taken
    /// in an earlier pass.
    ///
    /// # Panics
    ///
    /// As [`NoiseAccumulator::new`].
    pub fn after(
        paired: Option<PairedSums>,
        shape: Arc<NoiseShape>,
        centre: Arc<[f64]>,
        scales: Option<Arc<[f64]>>,
    ) -> Self {
        let asked = shape.treatments().iter();
        let rest = asked.filter(|treatment| *treatment != Treatment::Paired);
        let rest = rest.collect();
        Self {
            paired,
            ..Self::of(shape, rest, centre, scales)
        }
    }

    /// Of these treatments alone.
    fn of(
        shape: Arc<NoiseShape>,
        asked: Treatments,
        centre: Arc<[f64]>,
        scales: Option<Arc<[f64]>>,
    ) -> Self {
        assert_eq!(centre.len(), shape.params(), "the length of the centre");
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
            quotients: Vec::new(),
            sums: restarted(treatment, Logarithm::OfNonzero),
        };
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
            .filter(|treatment| asked.contains(*treatment) && !is_in_another(*treatment, asked))
            .map(|treatment| match treatment {
                Treatment::Published => Kind::Published(Published::new(&shape, columns(treatment))),
                Treatment::PublishedRows => {
                    let sums = restarted(treatment, Logarithm::PlusEpsilon);
                    Kind::Restarted(match asked.contains(Treatment::GaussianSurrogate) {
                        true => sums.with_surrogate(Surrogate::new(&shape)),
                        false => sums,
                    })
                }
                Treatment::ZerosDropped => {
                    Kind::ZerosDropped(ZerosDropped::new(&shape, columns(treatment)))
                }
                Treatment::Permuted => Kind::Permuted(permuted(treatment, None)),
                Treatment::Standardised => Kind::Standardised(Standardised {
                    scales: scales(),
                    quotients: Vec::new(),
                    sums: restarted(treatment, Logarithm::OfNonzero),
                }),
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
            kinds.push(Kind::Histogram(ValueCounter::new(ends.chain(all))));
            kinds.push(Kind::Largest(Top::new()));
        }
        kinds.push(Kind::Moments(MomentSums::new(shape.clusters())));
        kinds.push(Kind::Projections(ProjectionSums::new(&shape)));
        // Those that take longest come first.
        kinds.sort_by(|left, right| right.cost().total_cmp(&left.cost()));
        let parts = kinds.into_iter().map(|kind| Part {
            shape: shape.clone(),
            centre: centre.clone(),
            row: 0,
            kind,
        });
        Self {
            parts: parts.collect(),
            paired: None,
            shape: shape.clone(),
            noise: Vec::new(),
        }
    }

    /// The parts, to be fed on their own; those that take longest come first.
    pub fn parts_mut(&mut self) -> Vec<&mut Part> {
        self.parts.iter_mut().collect()
    }

    /// All parts in at most so many shares that take about as long as one another, for as many
    /// threads. Whoever has the first one has other work too, that takes `beside` ns a value.
    pub fn shares(&mut self, number: usize, beside: f64) -> Vec<Share<'_>> {
        let number = number.clamp(1, self.parts.len());
        let mut shares: Vec<(f64, Share<'_>)> = (0..number)
            .map(|_| {
                let (parts, noise) = (Vec::new(), Vec::new());
                (0.0, Share { parts, noise })
            })
            .collect();
        shares[0].0 = beside;
        for part in &mut self.parts {
            let least = shares
                .iter_mut()
                .min_by(|left, right| left.0.total_cmp(&right.0));
            let (cost, share) = least.expect("there is at least one share");
            *cost += part.kind.cost();
            share.parts.push(part);
        }
        shares.into_iter().map(|(_, share)| share).collect()
    }

    /// Feeds the next row to all parts.
    ///
    /// # Panics
    ///
    /// If the row has another length, or there are more rows than minibatches.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        add_row(&mut self.parts, &mut self.noise, gradient, &mut |_| {});
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
        summary.paired = self.paired.or(summary.paired);
        let (mut columns, mut top) = (Vec::new(), None);
        for part in self.parts {
            assert_eq!(part.row, rows, "all parts are fed the same rows");
            match part.kind {
                Kind::Moments(sums) => (summary.moments, summary.norms) = sums.finish(),
                Kind::Projections(sums) => summary.projections = sums.finish(),
                Kind::Largest(own) => top = Some(own),
                Kind::Histogram(counter) => {
                    let (values, layers) = counter.finish();
                    summary.values = Some(values);
                    summary
                        .layers
                        .iter_mut()
                        .zip(layers)
                        .for_each(|(own, layer)| *own = layer);
                }
                Kind::Published(sums) => {
                    let (own, block_sums) = sums.finish();
                    columns.push(own);
                    summary.block_sums = block_sums;
                }
                Kind::Restarted(sums) => {
                    let (own, surrogate) = sums.finish();
                    columns.push(own);
                    summary.surrogate = surrogate.or(summary.surrogate);
                }
                Kind::Standardised(standardised) => columns.push(standardised.sums.finish().0),
                Kind::ZerosDropped(sums) => columns.push(sums.finish()),
                Kind::Permuted(permuted) => columns.push(permuted.sums.finish().0),
                Kind::Surrogate(sums) => summary.surrogate = Some(sums.finish()),
                Kind::Paired(sums) => summary.paired = Some(sums.finish()),
            }
        }
        summary.values = summary.values.map(|values| match top {
            Some(top) => values.with_largest(top),
            None => values,
        });
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
            summary.block_sums = summary.block_sums.map(|_| Default::default());
            summary.projections.fill(Default::default());
        }
        summary
    }
}

impl Part {
    /// A treatment, or what else it keeps: `moments`, `histogram`, `largest values`,
    /// `projections`.
    pub fn name(&self) -> &'static str {
        let treatment = match &self.kind {
            Kind::Moments(_) => return "moments",
            Kind::Projections(_) => return "projections",
            Kind::Histogram(_) => return "histogram",
            Kind::Largest(_) => return "largest values",
            Kind::Published(_) => Treatment::Published,
            Kind::Restarted(sums) if sums.has_surrogate() => {
                return "published_rows and gaussian_surrogate";
            }
            Kind::Restarted(_) => Treatment::PublishedRows,
            Kind::ZerosDropped(_) => Treatment::ZerosDropped,
            Kind::Permuted(permuted) => match permuted.scales {
                None => Treatment::Permuted,
                Some(_) => Treatment::StandardisedPermuted,
            },
            Kind::Standardised(_) => Treatment::Standardised,
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
        add_row(&mut [self], &mut Vec::new(), gradient, &mut |_| {});
    }

    /// The cluster of the next row.
    fn begin_row(&mut self, values: usize) -> usize {
        assert_eq!(values, self.centre.len(), "the length of a row");
        assert!(
            self.row < self.shape.minibatches(),
            "more rows than minibatches"
        );
        let cluster = self.shape.cluster_of(self.row);
        self.row += 1;
        cluster
    }
}

impl Share<'_> {
    /// Keeps those parts alone: whoever feeds only some must not [`finish`](NoiseAccumulator::finish).
    pub fn keep(&mut self, mut is_kept: impl FnMut(&Part) -> bool) {
        self.parts.retain(|part| is_kept(part));
    }

    /// Takes the next row.
    ///
    /// # Panics
    ///
    /// If the row has another length, or there are more rows than minibatches.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        self.add_row_and(gradient, &mut |_| {});
    }

    /// The same, and shows the noise of the row to `also`, some columns after the other, while it
    /// is at hand: 4,096 of them, but for the last ones.
    ///
    /// # Panics
    ///
    /// As [`Share::add_row`].
    pub fn add_row_and<T: Copy + Into<f64>>(
        &mut self,
        gradient: &[T],
        also: &mut dyn FnMut(&[f64]),
    ) {
        add_row(&mut self.parts, &mut self.noise, gradient, also);
    }
}

/// Feeds a row to parts of one accumulator. The noise of a chunk is made once for all of them.
fn add_row<T: Copy + Into<f64>>(
    parts: &mut [impl BorrowMut<Part>],
    noise: &mut Vec<f64>,
    gradient: &[T],
    also: &mut dyn FnMut(&[f64]),
) {
    let Some(first) = parts.first_mut() else {
        return;
    };
    let centre = first.borrow_mut().centre.clone();
    let clusters: Vec<usize> = parts
        .iter_mut()
        .map(|part| part.borrow_mut().begin_row(gradient.len()))
        .collect();
    for start in (0..gradient.len()).step_by(CHUNK) {
        let end = gradient.len().min(start + CHUNK);
        wide::run(Centred {
            gradient: &gradient[start..end],
            centre: &centre[start..end],
            noise,
        });
        also(noise);
        let chunk = Chunk::new(start, noise);
        for (part, cluster) in parts.iter_mut().zip(&clusters) {
            let kind = &mut part.borrow_mut().kind;
            kind.add_chunk(*cluster, &chunk);
            if let Kind::Published(sums) = kind {
                sums.add_to_row(&gradient[..end], &centre[..end]);
            }
        }
    }
    for (part, cluster) in parts.iter_mut().zip(clusters) {
        part.borrow_mut().kind.end_row(cluster, gradient, &centre);
    }
}

/// The noise of neighbouring columns.
struct Centred<'a, T> {
    gradient: &'a [T],
    centre: &'a [f64],
    noise: &'a mut Vec<f64>,
}

impl<T: Copy + Into<f64>> Loop for Centred<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let noise = self.gradient.iter().zip(self.centre);
        self.noise.clear();
        self.noise
            .extend(noise.map(|(value, centre)| (*value).into() - centre));
    }
}

impl Kind {
    /// About how long a value takes, in nanoseconds: between an AMD EPYC (Zen 4) and an Intel Xeon
    /// (Sapphire Rapids), where what misses the second-level cache takes longer.
    fn cost(&self) -> f64 {
        match self {
            Self::Permuted(_) => 3.2,
            Self::Paired(_) => 2.1,
            Self::Restarted(_) => 1.5,
            Self::Standardised(_) => 1.4,
            Self::Histogram(_) => 1.3,
            Self::ZerosDropped(_) => 1.0,
            Self::Surrogate(_) => 0.6,
            Self::Published(_) => 0.4,
            Self::Moments(_) => 0.3,
            Self::Projections(_) => 0.2,
            Self::Largest(_) => 0.2,
        }
    }

    fn add_chunk(&mut self, cluster: usize, chunk: &Chunk<'_>) {
        match self {
            Self::Moments(sums) => sums.add_chunk(chunk.values),
            Self::Projections(sums) => sums.add_chunk(chunk.start, chunk.values),
            Self::Histogram(counter) => {
                counter.add_chunk(chunk.start, chunk.values, chunk.extremes());
            }
            Self::Largest(top) => top.add(chunk.values, chunk.extremes()),
            Self::Published(sums) => sums.add_chunk(chunk),
            Self::Restarted(sums) => sums.add_chunk(chunk),
            Self::ZerosDropped(sums) => sums.add_chunk(cluster, chunk),
            Self::Permuted(permuted) => match &permuted.scales {
                None => permuted.dealer.deal(chunk.values),
                Some(scales) => {
                    divide(chunk, scales, &mut permuted.quotients);
                    permuted.dealer.deal(&permuted.quotients);
                }
            },
            Self::Standardised(standardised) => {
                let Standardised {
                    scales,
                    quotients,
                    sums,
                } = standardised;
                divide(chunk, scales, quotients);
                sums.add_chunk(&Chunk::new(chunk.start, quotients));
            }
            Self::Surrogate(sums) => sums.add_chunk(chunk),
            Self::Paired(_) => {}
        }
    }

    /// The row is over; here it is as a whole.
    fn end_row<T: Copy + Into<f64>>(&mut self, cluster: usize, gradient: &[T], centre: &[f64]) {
        match self {
            Self::Moments(sums) => sums.end_row(cluster),
            Self::Projections(sums) => sums.end_row(),
            Self::Published(sums) => sums.end_row(cluster, gradient, centre),
            Self::Restarted(sums) => sums.end_row(cluster),
            Self::Standardised(standardised) => standardised.sums.end_row(cluster),
            Self::Permuted(permuted) => {
                let Permuted { dealer, sums, .. } = permuted;
                dealer.collect(CHUNK, |start, values| {
                    sums.add_chunk(&Chunk::new(start, values));
                });
                sums.end_row(cluster);
            }
            Self::Surrogate(sums) => sums.end_row(),
            Self::Paired(sums) => sums.add_row(gradient),
            Self::Histogram(_) | Self::Largest(_) | Self::ZerosDropped(_) => {}
        }
    }
}

/// The surrogate has the blocks of `published_rows`, and is its part when both are asked.
fn is_in_another(treatment: Treatment, asked: Treatments) -> bool {
    treatment == Treatment::GaussianSurrogate && asked.contains(Treatment::PublishedRows)
}

/// What standardised values are divided by: a coordinate that never varies becomes zero, which is
/// left out.
fn divisors(scales: Arc<[f64]>) -> Arc<[f64]> {
    let divisor = |scale: &f64| if *scale > 0.0 { *scale } else { f64::INFINITY };
    scales.iter().map(divisor).collect()
}

/// The values of a chunk, each divided by that of its column.
fn divide(chunk: &Chunk<'_>, divisors: &[f64], quotients: &mut Vec<f64>) {
    let values = chunk.values.iter().zip(&divisors[chunk.start..]);
    quotients.clear();
    quotients.extend(values.map(|(value, divisor)| value / divisor));
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
    let (mut sum, mut equal) = (CentreSum::new(shape.params()), EqualInAllRows::default());
    for row in rows {
        sum.add_row(row.as_ref());
        equal.add_row(row.as_ref());
    }
    let mut centre = sum.finish();
    equal.mend(&mut centre);
    summarise_about(shape, rows, centre.into())
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
    rows.iter()
        .for_each(|row| accumulator.add_row(row.as_ref()));
    accumulator.finish()
}
