//! Tail-index statistics of gradient noise: pure numbers, no sweep, no IO.
//!
//! The noise of one split is a matrix of P minibatches × M parameters. [`NoiseAccumulator`] takes its
//! rows one by one and keeps exact sums of logarithms; [`NoiseSummary`] is those sums, small and
//! mergeable in any order; [`NoiseSummary::estimates`] makes tail indices with intervals of them.
//!
//! Source: Simsekli, Sagun, Gurbuzbalaban, "A Tail-Index Analysis of Stochastic Gradient Noise in
//! Deep Neural Networks", ICML 2019; the estimator is Corollary 2.4 of Mohammadi, Mohammadpour,
//! Ogata, Metrika 2015.

mod accumulate;
mod block_length;
mod estimate;
mod exact_sum;
mod log_sum;
mod paired;
mod permutation;
mod shape;
mod student;
mod summary;
mod treatment;

pub use accumulate::{CentreSum, NoiseAccumulator, Part, ScaleSum, summarise, summarise_about};
pub use block_length::published_block_length;
pub use estimate::{Estimate, Estimator, Interval, Problem, Scope, mohammadi};
pub use exact_sum::{ExactSum, NotAnExactSum};
pub use log_sum::{sum_ln_abs, sum_ln_abs_plus_epsilon};
pub use paired::{
    GroupRow, LogTotal, PairedAccumulator, PairedMisfit, PairedSums, SlopeLevel, SlopeRow,
};
pub use permutation::Permutation;
pub use shape::{Layer, NoiseShape, ShapeError};
pub use student::student_t_quantile;
pub use summary::{
    Cell, Incomplete, MergeError, Moments, NoiseSummary, PartsError, RowSet, SummaryParts,
    SurrogateSums,
};
pub use treatment::{NotATreatment, Treatment, Treatments};
