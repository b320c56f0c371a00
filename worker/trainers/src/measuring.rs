//! A measurement: loss, accuracy and gradient noise of each split at the present weights.
//!
//! A split of n examples is cut into ⌈n/b⌉ minibatches in file order, whatever the training
//! order; the last may be shorter. The gradient of the mean loss of minibatch i, without weight
//! decay and dropout, is row i of a matrix of P rows and M columns. With `minibatches = N` the
//! rows are those of minibatches ⌊iP/N⌋, and P := N. Loss and accuracy are example-weighted means
//! over the whole split in any case.
//!
//! The noise statistics need each row twice: for the centre, then for the noise around it. If P·M
//! gradients fit the [`MeasureBudget`] they are kept; otherwise each is computed twice, and a few
//! rows are in memory at any time: O(M) numbers, about 20·M floats for the default treatments and
//! 100 rows on two threads. Paired differences need no centre and are taken in the first pass, all
//! else in the second. The bytes are the same, for any number of threads too: a gradient is the
//! work of one thread, centres are summed coordinate by coordinate in row order, and each part of a
//! [`NoiseAccumulator`] takes all rows in order.
//!
//! Source: SCIENCE.md sections 1 and 3.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use tailsweep_common::cost::KEPT_BYTES;
use tailsweep_common::measurement::{Split, SplitMeasurement};
use tailsweep_common::run::{NetworkPoint, Targets};
use tailsweep_stats::{
    CentreSum, GramSums, NoiseAccumulator, NoiseShape, NoiseSummary, PairedAccumulator,
    Permutation, ScaleSum, Spectrum, Treatment,
};

use crate::data::Data;
use crate::minibatch::Minibatch;
use crate::network::Passes;
use crate::tape::Outcome;
use crate::training::TrainError;

/// How much memory a measurement may use for the gradients of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasureBudget {
    /// Bytes of P × M gradients up to which they are kept. Results do not depend on it.
    pub bytes: u64,
}

impl Default for MeasureBudget {
    /// [`KEPT_BYTES`].
    fn default() -> Self {
        Self { bytes: KEPT_BYTES }
    }
}

impl MeasureBudget {
    /// Whether so many gradients are kept.
    fn keeps(self, rows: usize, params: u64) -> bool {
        4 * rows as u64 * params <= self.bytes
    }
}

/// Why there is no measurement.
#[derive(Debug)]
pub(crate) enum NoMeasurement {
    /// A minibatch loss or a gradient was not finite.
    NotFinite,
    /// The caller asked to stop.
    Interrupted,
    /// It was impossible.
    Failed(TrainError),
}

impl From<TrainError> for NoMeasurement {
    fn from(error: TrainError) -> Self {
        Self::Failed(error)
    }
}

/// What is asked of a measurement.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) data: &'a Arc<Data>,
    pub(crate) point: &'a NetworkPoint,
    pub(crate) budget: MeasureBudget,
    pub(crate) interrupted: &'a (dyn Fn() -> bool + Sync),
}

/// The measured splits of a point, at the weights of `network`. Gradients are kept in `buffers`,
/// which hold nothing between measurements but are worth having again: to take hundreds of MiB from
/// the system takes longer than to compute with them.
pub(crate) fn measure(
    network: &dyn Passes,
    request: Request<'_>,
    buffers: &mut Vec<Vec<f32>>,
) -> Result<Vec<SplitMeasurement>, NoMeasurement> {
    let point = request.point;
    let splits = point.measure.splits.iter();
    // Made once for both splits, if it is needed at all and memory is not what counts.
    let asked = point.measure.treatments;
    let permuted = [Treatment::Permuted, Treatment::StandardisedPermuted];
    let params = point.params();
    let fits = |split: &Split| request.budget.keeps(point.minibatches(*split), params);
    let _permutation = (permuted.iter().any(|treatment| asked.contains(*treatment))
        && splits.clone().any(fits))
    .then(|| Permutation::shared(params as usize));
    splits
        .map(|split| Pass::new(network, request, *split)?.measure(request.budget, buffers))
        .collect()
}

/// Hands over the gradients of a split's rows, in order.
pub(crate) fn each_gradient(
    network: &dyn Passes,
    request: Request<'_>,
    split: Split,
    take: &mut dyn FnMut(&[f32]),
) -> Result<(), NoMeasurement> {
    let pass = Pass::new(network, request, split)?;
    pass.each_batch(|rows| {
        rows.iter().for_each(|row| take(row));
        Ok(())
    })?;
    Ok(())
}

/// One split at one step.
struct Pass<'a> {
    network: &'a dyn Passes,
    data: &'a Arc<Data>,
    split: Split,
    /// The examples of each minibatch.
    minibatches: Vec<Range<usize>>,
    /// Which minibatches are rows.
    rows: Vec<usize>,
    shape: Arc<NoiseShape>,
    interrupted: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Pass<'a> {
    fn new(
        network: &'a dyn Passes,
        request: Request<'a>,
        split: Split,
    ) -> Result<Self, NoMeasurement> {
        let Request {
            data,
            point,
            interrupted,
            ..
        } = request;
        let (examples, batch_size) = (data.split(split).len(), point.batch_size as usize);
        let minibatches: Vec<Range<usize>> = (0..examples)
            .step_by(batch_size)
            .map(|start| start..examples.min(start + batch_size))
            .collect();
        let rows = point.minibatches(split);
        let rows: Vec<usize> = (0..rows)
            .map(|row| row * minibatches.len() / rows)
            .collect();
        let last = rows.last().map(|minibatch| minibatches[*minibatch].len());
        let shape = NoiseShape::new(
            rows.len(),
            last.is_some_and(|examples| examples < batch_size),
            point.architecture.layers(&point.dataset),
            point.measure.treatments,
        )
        .map_err(|_| TrainError::Invalid("its noise matrix is empty or too large"))?;
        let shape = Arc::new(shape);
        Ok(Self {
            network,
            data,
            split,
            minibatches,
            rows,
            shape,
            interrupted,
        })
    }

    fn measure(
        &self,
        budget: MeasureBudget,
        buffers: &mut Vec<Vec<f32>>,
    ) -> Result<SplitMeasurement, NoMeasurement> {
        let mut outcomes: Vec<Outcome> = (0..self.minibatches.len())
            .into_par_iter()
            .map(|minibatch| match self.rows.binary_search(&minibatch) {
                // Comes with its gradient.
                Ok(_) => Ok(Outcome::default()),
                Err(_) => self.evaluate(minibatch),
            })
            .collect::<Result<_, _>>()?;
        let keeps = budget.keeps(self.rows.len(), self.shape.params() as u64);
        let (noise, of_rows) = if keeps {
            self.keeping(buffers)?
        } else {
            self.computing_twice()?
        };
        for (minibatch, outcome) in self.rows.iter().zip(of_rows) {
            outcomes[*minibatch] = outcome;
        }

        let examples = self.data.split(self.split).len() as f64;
        let loss: f64 = outcomes.iter().map(|outcome| outcome.loss_sum).sum();
        let has_classes = matches!(self.data.dataset.targets(), Targets::Classes(_));
        let correct: usize = outcomes.iter().map(|outcome| outcome.correct).sum();
        Ok(SplitMeasurement {
            split: self.split,
            loss: Some(loss / examples),
            accuracy: has_classes.then_some(correct as f64 / examples),
            noise: noise.summary,
            spectrum: noise.spectrum,
        })
    }

    /// All gradients in memory.
    fn keeping(&self, buffers: &mut Vec<Vec<f32>>) -> Result<(Noise, Vec<Outcome>), NoMeasurement> {
        let rows = self.rows.len();
        buffers.resize_with(rows.max(buffers.len()), Vec::new);
        let rows = &mut buffers[..rows];
        let outcomes = rows.par_iter_mut().enumerate().map(|(row, gradient)| {
            self.lengthen(gradient)?;
            self.differentiate(row, gradient)
        });
        let outcomes = outcomes.collect::<Result<Vec<_>, NoMeasurement>>()?;

        let noise = summarise_rows(&self.shape, rows, Centre::Mean, self.interrupted)?;
        Ok((noise, outcomes))
    }

    /// As many gradients in memory as there are threads, and each of them computed for each pass.
    fn computing_twice(&self) -> Result<(Noise, Vec<Outcome>), NoMeasurement> {
        // What needs no centre is taken in the first pass, where it finds more room.
        let paired = self.shape.treatments().contains(Treatment::Paired);
        let mut paired = paired.then(|| PairedAccumulator::new(&self.shape));
        let mut sum = CentreSum::new(self.shape.params());
        let outcomes = self.each_batch(|rows| {
            rayon::join(
                || paired.iter_mut().for_each(|sums| sums.add_rows(rows)),
                || rows.iter().for_each(|row| sum.add_row(row)),
            );
            Ok(())
        })?;
        let paired = paired.map(PairedAccumulator::finish);
        let centre = finite(sum.finish())?;
        let scales = if self.shape.needs_scales() {
            let mut sum = ScaleSum::new(Arc::clone(&centre));
            self.each_batch(|rows| {
                rows.iter().for_each(|row| sum.add_row(row));
                Ok(())
            })?;
            Some(sum.finish().into())
        } else {
            None
        };
        let mut noise = Accumulators {
            gram: GramSums::new(self.rows.len(), centre.len()),
            noise: NoiseAccumulator::after(paired, Arc::clone(&self.shape), centre, scales),
        };
        self.each_batch(|rows| noise.feed(rows, self.interrupted))?;
        Ok((noise.finish(), outcomes))
    }

    /// Computes all rows, some at a time, and hands them over in order.
    fn each_batch(
        &self,
        mut take: impl FnMut(&[Vec<f32>]) -> Result<(), NoMeasurement>,
    ) -> Result<Vec<Outcome>, NoMeasurement> {
        // Two or four or …, so that the rows of a pair come together.
        let threads = rayon::current_num_threads().next_multiple_of(2);
        let at_once = threads.min(self.rows.len());
        let mut buffers = (0..at_once)
            .map(|_| {
                let mut row = Vec::new();
                self.lengthen(&mut row).map(|()| row)
            })
            .collect::<Result<Vec<Vec<f32>>, _>>()?;
        let mut outcomes = Vec::with_capacity(self.rows.len());
        while outcomes.len() < self.rows.len() {
            let first = outcomes.len();
            let batch = at_once.min(self.rows.len() - first);
            let computed: Vec<Outcome> = buffers[..batch]
                .par_iter_mut()
                .enumerate()
                .map(|(index, buffer)| self.differentiate(first + index, buffer))
                .collect::<Result<_, _>>()?;
            outcomes.extend(computed);
            take(&buffers[..batch])?;
        }
        Ok(outcomes)
    }

    /// Makes M numbers of a row that has none or as many.
    fn lengthen(&self, row: &mut Vec<f32>) -> Result<(), TrainError> {
        make_room(row, self.shape.params())?;
        row.resize(self.shape.params(), 0.0);
        Ok(())
    }

    fn evaluate(&self, minibatch: usize) -> Result<Outcome, NoMeasurement> {
        self.go_on()?;
        let minibatch = self.minibatch(minibatch);
        finite_loss(self.network.evaluate(minibatch)?)
    }

    /// Puts the gradient of a row into `flat`, in place of the M numbers that are there.
    fn differentiate(&self, row: usize, flat: &mut Vec<f32>) -> Result<Outcome, NoMeasurement> {
        self.go_on()?;
        let minibatch = self.minibatch(self.rows[row]);
        finite_loss(self.network.differentiate(minibatch, flat)?)
    }

    fn minibatch(&self, minibatch: usize) -> Minibatch {
        Minibatch::consecutive(self.data, self.split, self.minibatches[minibatch].clone())
    }

    fn go_on(&self) -> Result<(), NoMeasurement> {
        if (self.interrupted)() {
            Err(NoMeasurement::Interrupted)
        } else {
            Ok(())
        }
    }
}

/// What is subtracted from rows to make them noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Centre {
    /// Their mean.
    Mean,
    /// Nothing: they are noise.
    Zero,
}

/// What is told of the noise of a split.
pub(crate) struct Noise {
    pub(crate) summary: NoiseSummary,
    pub(crate) spectrum: Option<Spectrum>,
}

/// The noise of rows that are all in memory; the work is spread over the threads of the pool.
pub(crate) fn summarise_rows<T: Copy + Into<f64> + Sync>(
    shape: &Arc<NoiseShape>,
    rows: &[Vec<T>],
    centre: Centre,
    interrupted: &(dyn Fn() -> bool + Sync),
) -> Result<Noise, NoMeasurement> {
    let params = shape.params();
    let centre = match centre {
        Centre::Mean => by_columns(params, |columns| {
            let mut sum = CentreSum::new(columns.len());
            rows.iter()
                .for_each(|row| sum.add_row(&row[columns.clone()]));
            sum.finish()
        })?,
        Centre::Zero => vec![0.0; params].into(),
    };
    let scales = if shape.needs_scales() {
        Some(by_columns(params, |columns| {
            let mut sum = ScaleSum::new(centre[columns.clone()].into());
            rows.iter()
                .for_each(|row| sum.add_row(&row[columns.clone()]));
            sum.finish()
        })?)
    } else {
        None
    };
    let mut noise = Accumulators {
        gram: GramSums::new(shape.minibatches(), params),
        noise: NoiseAccumulator::new(Arc::clone(shape), centre, scales),
    };
    noise.feed(rows, interrupted)?;
    Ok(noise.finish())
}

/// What takes the rows of a split.
struct Accumulators {
    noise: NoiseAccumulator,
    gram: GramSums,
}

impl Accumulators {
    /// Gives the next rows to the parts, some at a time for each thread of the pool.
    fn feed<T: Copy + Into<f64> + Sync>(
        &mut self,
        rows: &[Vec<T>],
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), NoMeasurement> {
        // Parts that took different rows must not be finished, even if the caller's wish passes.
        let stopped = AtomicBool::new(false);
        let each_row = |take: &mut dyn FnMut(&[T])| {
            for row in rows {
                if interrupted() {
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
                take(row);
            }
        };
        let Self { noise, gram } = self;
        // One for each thread and no more: each of them reads all rows and their centre, which takes
        // as long as some of the sums.
        let mut shares = noise
            .shares(rayon::current_num_threads(), GramSums::COST)
            .into_iter();
        let mut first = shares.next();
        rayon::scope(|scope| {
            for mut share in shares {
                scope.spawn(move |_| each_row(&mut |row| share.add_row(row)));
            }
            each_row(&mut |row| {
                gram.begin_row();
                first
                    .iter_mut()
                    .for_each(|share| share.add_row_and(row, &mut |noise| gram.add_chunk(noise)));
                gram.end_row();
            });
        });
        if stopped.into_inner() {
            Err(NoMeasurement::Interrupted)
        } else {
            Ok(())
        }
    }

    fn finish(self) -> Noise {
        Noise {
            summary: self.noise.finish(),
            spectrum: self.gram.finish(),
        }
    }
}

/// A vector made of its pieces, each a function of some columns.
fn by_columns(
    params: usize,
    piece: impl Fn(Range<usize>) -> Vec<f64> + Sync,
) -> Result<Arc<[f64]>, NoMeasurement> {
    let starts: Vec<usize> = (0..params).step_by(COLUMNS).collect();
    let pieces: Vec<Vec<f64>> = starts
        .into_par_iter()
        .map(|start| piece(start..params.min(start + COLUMNS)))
        .collect();
    finite(pieces.concat())
}

fn finite_loss(outcome: Outcome) -> Result<Outcome, NoMeasurement> {
    if outcome.loss().is_finite() {
        Ok(outcome)
    } else {
        Err(NoMeasurement::NotFinite)
    }
}

/// Columns that one task sums.
const COLUMNS: usize = 4096;

/// The mean of a column with a number that is not finite is not finite, so this finds them all.
fn finite(means: Vec<f64>) -> Result<Arc<[f64]>, NoMeasurement> {
    if means.iter().all(|mean| mean.is_finite()) {
        Ok(means.into())
    } else {
        Err(NoMeasurement::NotFinite)
    }
}

pub(crate) fn reserve<T>(len: usize) -> Result<Vec<T>, TrainError> {
    let mut numbers = Vec::new();
    make_room(&mut numbers, len)?;
    Ok(numbers)
}

/// Room for `len` numbers.
fn make_room<T>(numbers: &mut Vec<T>, len: usize) -> Result<(), TrainError> {
    numbers
        .try_reserve_exact(len.saturating_sub(numbers.len()))
        .map_err(|_| TrainError::OutOfMemory)
}
