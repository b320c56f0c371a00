//! Tail-index statistics of gradient noise: pure numbers, no sweep, no IO.
//!
//! The noise of one split is a matrix of P minibatches × M parameters. [`NoiseAccumulator`] takes its
//! rows one by one and keeps exact sums of logarithms; [`NoiseSummary`] is those sums, small and
//! mergeable in any order; [`NoiseSummary::estimates`] makes tail indices with intervals of them.
//! For plain numbers there are [`mohammadi`], for vectors [`mohammadi_vectors`] and, over
//! [`ValueSums`], [`log_moment`], [`flom`], [`ecf`], [`mcculloch`], [`hill`], [`dedh`],
//! [`dehaan_peng`] and [`pickands`]. [`StableFit`] is a whole stable law with its scale, skewness
//! and location.
//!
//! What merges are summaries, of disjoint rows of one matrix: the pieces of [`NoiseSummary::split`].
//! What does not are accumulators: one must see all rows, in order, for the mean row comes first, and
//! blocks that run on, paired minibatches and the surrogate's second moments lie across any cut. Its
//! [`Part`]s may be fed apart, on as many threads.
//!
//! Source: Simsekli, Sagun, Gurbuzbalaban, "A Tail-Index Analysis of Stochastic Gradient Noise in
//! Deep Neural Networks", ICML 2019; the estimator is Corollary 2.4 of Mohammadi, Mohammadpour,
//! Ogata, Metrika 2015.

mod accumulate;
pub mod bias;
mod block_length;
mod estimate;
mod exact_sum;
mod gram;
mod histogram;
mod iterates;
pub mod late;
mod log_sum;
mod metastability;
mod normality;
mod paired;
mod permutation;
mod potential;
mod projections;
mod shape;
pub mod stable;
mod standardised;
mod student;
mod summary;
mod treatment;
mod values;
mod wide;

pub use accumulate::{
    CentreSum, EqualInAllRows, NoiseAccumulator, Part, ScaleSum, Share, summarise, summarise_about,
};
pub use block_length::published_block_length;
pub use estimate::{
    Estimate, Estimator, Interval, MCCULLOCH, Problem, Scope, StableFit, TableReading, dedh,
    dehaan_peng, ecf, flom, hill, hill_plot, log_moment, magnitudes, mcculloch, mohammadi,
    mohammadi_vectors, pickands, tail_length,
};
pub use exact_sum::{ExactSum, NotAnExactSum};
pub use gram::{EIGENVALUES, GramSums, Spectrum};
pub use histogram::{LogHistogram, NotAHistogram};
pub use iterates::{IterateEstimate, IterateMeans, IterateSummary};
pub use log_sum::{sum_ln_abs, sum_ln_abs_plus_epsilon};
pub use metastability::{Metastability, exit_constant};
pub use normality::{NormalityTest, anderson_darling, shapiro_wilk};
pub use paired::{
    GroupRow, LogTotal, PairedAccumulator, PairedMisfit, PairedSums, SlopeLevel, SlopeRow,
};
pub use permutation::Permutation;
pub use potential::{NotAPotential, Potential};
pub use projections::{Gaussianity, PROJECTIONS, ProjectionRow};
pub use shape::{Layer, NoiseShape, ShapeError};
pub use standardised::StandardisedStable;
pub use student::student_t_quantile;
pub use summary::{
    Cell, Incomplete, MergeError, Moments, NoiseSummary, PartsError, RowSet, SummaryParts,
    SurrogateSums,
};
pub use treatment::{NotATreatment, Treatment, Treatments};
pub use values::{FLOM_POWER, Largest, NotLargest, ValueSums};

/// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
