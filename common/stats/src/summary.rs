//! The sums of one split's noise: small, and mergeable in any order.

mod merge;
mod parts;
mod rows;
mod series;
mod sums;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::merge::MergeError;
pub use self::parts::{PartsError, SummaryParts};
pub use self::rows::RowSet;
pub(crate) use self::series::{AT_LAYER_K1, AT_PUBLISHED_K1, Series, ladder, problem};
pub use self::sums::{Cell, Moments, SurrogateSums};
use crate::estimate::Problem;
use crate::histogram::LogHistogram;
use crate::paired::PairedSums;
use crate::projections::{Gaussianity, ProjectionRow, gaussianity};
use crate::shape::NoiseShape;
use crate::treatment::Treatment;
use crate::values::ValueSums;

/// Rows are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rows of the noise matrix are missing from the summary")]
pub struct Incomplete;

/// The sums that tail indices are made of, by treatment, scope, block length and cluster of rows.
///
/// **What is kept.** For each pair of means (see [`Cell`]) and each of the G ≤ 64 clusters of
/// consecutive rows: n and Σ ln|x|, n and Σ ln|y|, the sums exact. For each cluster [`Moments`].
/// Of all rows the [`LogHistogram`] of their norms.
/// For all rows at once the finished sums of the Gaussian surrogate, which is not additive over
/// rows, the [`PairedSums`], and the [`ValueSums`], which would be large by cluster. For each of
/// at most 256 rows a [`ProjectionRow`]. For each layer the [`LogHistogram`] of its values. Of the
/// sums of the published blocks, of all columns, another; a summary of before it was kept is whole
/// without it.
///
/// **Why it merges.** A cell is made of rows, and exact sums don't depend on order or grouping:
/// the pieces of [`split`](Self::split), merged in any order, are the same summary to the byte.
/// The sets of rows of two summaries that are merged must be disjoint.
///
/// Absent: the place of any value of the noise, and any text but layer names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "SummaryParts", try_from = "SummaryParts")]
pub struct NoiseSummary {
    shape: Arc<NoiseShape>,
    /// What the cells are of; a function of the shape.
    series: Arc<[Series]>,
    pub(crate) rows: RowSet,
    /// By series, then cluster.
    pub(crate) cells: Vec<Cell>,
    /// By cluster.
    pub(crate) moments: Vec<Moments>,
    /// The Euclidean norms of the rows that are here, but for those that are 0.
    pub(crate) norms: LogHistogram,
    /// By place ([`NoiseShape::place_of_projection`]); zeros of rows that are not here.
    pub(crate) projections: Vec<ProjectionRow>,
    /// By scope; a function of the shape says which.
    pub(crate) surrogate: Option<Vec<SurrogateSums>>,
    pub(crate) paired: Option<PairedSums>,
    /// With `published_rows`: of the nonzero values of all columns.
    pub(crate) values: Option<ValueSums>,
    /// By layer, of the values in `values`.
    pub(crate) layers: Vec<LogHistogram>,
    /// With `published`, but for summaries of before it was kept: of the sums of its blocks.
    pub(crate) block_sums: Option<LogHistogram>,
}

impl NoiseSummary {
    /// The summary of no row.
    pub(crate) fn empty(shape: Arc<NoiseShape>) -> Self {
        let series: Arc<[Series]> = shape.series().into();
        let clusters = shape.clusters();
        Self {
            rows: RowSet::default(),
            cells: vec![Cell::default(); series.len() * clusters],
            moments: vec![Moments::default(); clusters],
            norms: LogHistogram::default(),
            projections: vec![ProjectionRow::default(); shape.kept_projections()],
            surrogate: None,
            paired: None,
            values: None,
            layers: vec![LogHistogram::default(); shape.layers().len()],
            block_sums: None,
            series,
            shape,
        }
    }

    /// What the noise matrix looks like, and what was asked of it.
    pub fn shape(&self) -> &Arc<NoiseShape> {
        &self.shape
    }

    /// The rows that are in the sums.
    pub fn rows(&self) -> &RowSet {
        &self.rows
    }

    /// M.
    pub fn params(&self) -> usize {
        self.shape.params()
    }

    /// P.
    pub fn minibatches(&self) -> usize {
        self.shape.minibatches()
    }

    /// Whether all that the shape asks for is here.
    pub fn is_complete(&self) -> bool {
        let asked = self.shape.treatments();
        self.rows == RowSet::first(self.shape.minibatches() as u64)
            && self.surrogate.is_some() == asked.contains(Treatment::GaussianSurrogate)
            && self.paired.is_some() == asked.contains(Treatment::Paired)
            && self.values.is_some() == asked.contains(Treatment::PublishedRows)
            && self.norms.count() >= self.clusters_with_noise()
    }

    /// Each has at least one row with a norm above 0.
    fn clusters_with_noise(&self) -> u64 {
        let norms = self.moments.iter().map(|moments| moments.norm.value());
        norms.filter(|norm| *norm > 0.0).count() as u64
    }

    /// Whether a gradient was not finite. Then there is no estimate at all.
    pub fn is_non_finite(&self) -> bool {
        self.moments.iter().any(|moments| moments.non_finite > 0)
    }

    /// Whether there is one number alone, again and again, and it is not 0: its sums grow as those
    /// of α = 1 whatever it is. Without `published_rows`, which knows signs, one magnitude is enough.
    pub(crate) fn is_constant(&self) -> bool {
        let Some(values) = self.values() else {
            return false;
        };
        let max = self.moments.iter().map(|moments| moments.max);
        let most = values as f64 * max.fold(0.0, f64::max).powi(2);
        let one_magnitude = most > 0.0
            && self.total(|moments| &moments.square) >= most * (1.0 - 1e-12)
            && self.moments.iter().all(|moments| moments.zeros == 0);
        let mut signs = self
            .values
            .iter()
            .map(|values| values.histogram.bins().len());
        one_magnitude && signs.all(|bins| bins == 1)
    }

    /// The share of noise values that are exactly 0, of the rows that are here.
    pub fn zero_fraction(&self) -> Option<f64> {
        let values = self.values()?;
        let zeros: u64 = self.moments.iter().map(|moments| moments.zeros).sum();
        Some(zeros as f64 / values as f64)
    }

    /// The share of noise values that are not 0 but smaller than the 2⁻⁵² of the published
    /// estimator.
    pub fn below_epsilon_fraction(&self) -> Option<f64> {
        let values = self.values()?;
        let small: u64 = self
            .moments
            .iter()
            .map(|moments| moments.below_epsilon)
            .sum();
        Some(small as f64 / values as f64)
    }

    /// The mean Euclidean norm of a row of the noise.
    pub fn noise_norm_mean(&self) -> Option<f64> {
        self.values()?;
        finite(self.total(|moments| &moments.norm) / self.rows.len() as f64)
    }

    /// The largest Euclidean norm of a row of the noise.
    pub fn noise_norm_max(&self) -> Option<f64> {
        self.values()?;
        let norms = self.moments.iter().map(|moments| moments.norm_max);
        finite(norms.fold(0.0, f64::max))
    }

    /// The Euclidean norms of the rows of the noise that are here, those of 0 left out.
    pub fn noise_norms(&self) -> &LogHistogram {
        &self.norms
    }

    /// m4/m2² over all values, about zero, which is their mean. A Gaussian has 3.
    pub fn kurtosis(&self) -> Option<f64> {
        let values = self.values()? as f64;
        let square = self.total(|moments| &moments.square) / values;
        let fourth = self.total(|moments| &moments.fourth) / values;
        finite(fourth / square / square)
    }

    /// max x²/Σ x² over all values. It goes to 0 as values are added if the variance is finite.
    pub fn max_to_sum_2(&self) -> Option<f64> {
        self.max_to_sum(2, |moments| &moments.square)
    }

    /// max x⁴/Σ x⁴ over all values. It goes to 0 as values are added if the fourth moment is finite.
    pub fn max_to_sum_4(&self) -> Option<f64> {
        self.max_to_sum(4, |moments| &moments.fourth)
    }

    fn max_to_sum(&self, power: i32, of: impl Fn(&Moments) -> &crate::ExactSum) -> Option<f64> {
        self.values()?;
        let max = self.moments.iter().map(|moments| moments.max);
        let max = max.fold(0.0, f64::max);
        finite(max.powi(power) / self.total(of)).map(|share| share.min(1.0))
    }

    /// The histogram and the sums of the nonzero values of all columns, if `published_rows` was
    /// asked.
    pub fn value_sums(&self) -> Option<&ValueSums> {
        self.values.as_ref()
    }

    /// The histogram of the sums of the published blocks, those of 0 left out: with `published`, if
    /// there is a block length, and it was kept when the summary was made.
    pub fn block_sums(&self) -> Option<&LogHistogram> {
        self.block_sums.as_ref()
    }

    /// How many random projections of the rows that are here look Gaussian.
    pub fn gaussianity(&self) -> Result<Gaussianity, Problem> {
        if self.is_non_finite() {
            return Err(Problem::NonFinite);
        }
        gaussianity(&self.present_projections())
    }

    /// The projections of the rows that are here, in their order.
    fn present_projections(&self) -> Vec<ProjectionRow> {
        let places = self.shape.places_of(&self.rows);
        places.map(|place| self.projections[place]).collect()
    }

    /// The histogram of the nonzero values of each layer, if `published_rows` was asked.
    pub fn layer_histograms(&self) -> Option<&[LogHistogram]> {
        self.values.as_ref().map(|_| self.layers.as_slice())
    }

    /// The number of values in the sums, if there are any and all are finite.
    fn values(&self) -> Option<u64> {
        let values = self.rows.len() * self.shape.params() as u64;
        (values > 0 && !self.is_non_finite()).then_some(values)
    }

    fn total(&self, of: impl Fn(&Moments) -> &crate::ExactSum) -> f64 {
        let mut total = crate::ExactSum::new();
        self.moments
            .iter()
            .for_each(|moments| total.merge(of(moments)));
        total.value()
    }

    pub(crate) fn series(&self) -> &[Series] {
        &self.series
    }

    /// The cells of a series, by cluster.
    pub(crate) fn cells_of(&self, series: usize) -> &[Cell] {
        let clusters = self.shape.clusters();
        &self.cells[series * clusters..(series + 1) * clusters]
    }

    pub(crate) fn surrogate(&self) -> Option<&[SurrogateSums]> {
        self.surrogate.as_deref()
    }

    pub(crate) fn paired(&self) -> Option<&PairedSums> {
        self.paired.as_ref()
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
