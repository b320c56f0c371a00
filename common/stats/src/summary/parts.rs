//! A summary taken apart into plain columns, and put together again.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Cell, Moments, NoiseSummary, RowSet, SurrogateSums};
use crate::histogram::LogHistogram;
use crate::paired::PairedSums;
use crate::projections::ProjectionRow;
use crate::shape::NoiseShape;
use crate::treatment::Treatment;
use crate::values::{Largest, ValueSums};

/// |ln|x|| of f64 numbers is smaller, ln 2⁻¹⁰⁷⁴ being −744.4.
const LARGEST_LOGARITHM: f64 = 1000.0;

/// What a [`NoiseSummary`] consists of.
///
/// Cells and moments are those of the clusters of which a row is here, in their order; the others
/// are zero. Cells are by series first, then by cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryParts {
    /// What the noise matrix looks like, and what was asked of it.
    pub shape: Arc<NoiseShape>,
    /// The rows that are here.
    pub rows: Vec<Range<u64>>,
    /// The sums of logarithms.
    pub cells: Vec<Cell>,
    /// Zeros, norms and power sums.
    pub moments: Vec<Moments>,
    /// The norms of the rows that are here, or of other pieces too; those of 0 left out.
    pub norms: LogHistogram,
    /// Random projections of those rows that are here and kept.
    pub projections: Vec<ProjectionRow>,
    /// Of all rows at once, if here: for all columns, then for each layer that has blocks.
    pub surrogate: Option<Vec<SurrogateSums>>,
    /// Of all rows at once, if here.
    pub paired: Option<PairedSums>,
    /// Of all columns of the rows that are here, or of other pieces too.
    pub values: Option<ValueSums>,
    /// Of the same values, by layer; none without `values`.
    pub layers: Vec<LogHistogram>,
    /// Of the rows that are here, or of other pieces too: the sums of the published blocks, if they
    /// were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_sums: Option<LogHistogram>,
}

/// The parts are not those of a summary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct PartsError {
    /// The field of [`SummaryParts`].
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl PartsError {
    fn new(field: &'static str, problem: impl ToString) -> Self {
        let problem = problem.to_string();
        Self { field, problem }
    }
}

impl NoiseSummary {
    /// The parts, of which [`from_parts`](Self::from_parts) makes the same summary.
    pub fn to_parts(&self) -> SummaryParts {
        let present = self.shape.clusters_of(&self.rows);
        let clusters = self.shape.clusters();
        let cells = (0..self.series.len())
            .flat_map(|series| {
                present
                    .iter()
                    .map(move |cluster| series * clusters + cluster)
            })
            .map(|index| self.cells[index].clone());
        SummaryParts {
            shape: self.shape.clone(),
            rows: self.rows.ranges().to_vec(),
            cells: cells.collect(),
            moments: present
                .iter()
                .map(|cluster| self.moments[*cluster].clone())
                .collect(),
            norms: self.norms.clone(),
            projections: self.present_projections(),
            surrogate: self.surrogate.clone(),
            paired: self.paired.clone(),
            values: self.values.clone(),
            layers: match self.values {
                Some(_) => self.layers.clone(),
                None => Vec::new(),
            },
            block_sums: self.block_sums.clone(),
        }
    }

    /// A summary of these parts. Never panics, whatever they are.
    pub fn from_parts(parts: SummaryParts) -> Result<Self, PartsError> {
        let SummaryParts {
            shape,
            rows,
            cells,
            moments,
            norms,
            projections,
            surrogate,
            paired,
            values: value_sums,
            layers,
            block_sums,
        } = parts;
        let minibatches = shape.minibatches() as u64;
        let rows = RowSet::from_ranges(rows)
            .filter(|rows| rows.end() <= minibatches)
            .ok_or_else(|| PartsError::new("rows", "are not ranges of rows in order"))?;
        let present = shape.clusters_of(&rows);
        let clusters = shape.clusters();
        let asked = shape.treatments();
        let values = shape.values();

        let series = shape.series_len();
        if cells.len() != series * present.len() {
            let wanted = series * present.len();
            let problem = format!("are {} and should be {wanted}", cells.len());
            return Err(PartsError::new("cells", problem));
        }
        if let Some(index) = cells.iter().position(|cell| !cell.is_possible(values)) {
            let problem = format!("number {index} are not sums of logarithms");
            return Err(PartsError::new("cells", problem));
        }
        if moments.len() != present.len() {
            let problem = format!("are {} and should be {}", moments.len(), present.len());
            return Err(PartsError::new("moments", problem));
        }
        if let Some(index) = moments.iter().position(|sums| !sums.is_possible(values)) {
            let problem = format!("number {index} are not possible");
            return Err(PartsError::new("moments", problem));
        }
        let places: Vec<usize> = shape.places_of(&rows).collect();
        if projections.len() != places.len() {
            let problem = format!("are {} and should be {}", projections.len(), places.len());
            return Err(PartsError::new("projections", problem));
        }
        if !projections.iter().all(ProjectionRow::is_possible) {
            return Err(PartsError::new("projections", "are not finite"));
        }
        if let Some(sums) = &surrogate {
            if !asked.contains(Treatment::GaussianSurrogate) {
                return Err(PartsError::new("surrogate", "was not asked for"));
            }
            let wanted = shape.surrogate_series().len();
            if sums.len() != wanted {
                let problem = format!("has {} scopes and should have {wanted}", sums.len());
                return Err(PartsError::new("surrogate", problem));
            }
            if !sums.iter().all(|sums| sums.is_possible(values)) {
                return Err(PartsError::new(
                    "surrogate",
                    "has sums that are not possible",
                ));
            }
        }
        if let Some(sums) = &paired {
            if !asked.contains(Treatment::Paired) {
                return Err(PartsError::new("paired", "was not asked for"));
            }
            sums.check(&shape)
                .map_err(|misfit| PartsError::new("paired", misfit))?;
        }

        if let Some(sums) = &value_sums {
            if !asked.contains(Treatment::PublishedRows) {
                return Err(PartsError::new("values", "were not asked for"));
            }
            let without = moments.iter().map(|sums| sums.zeros + sums.non_finite);
            let most = values.saturating_sub(without.sum());
            if !sums.is_possible(most) {
                return Err(PartsError::new("values", "have sums that are not possible"));
            }
        }
        check_layers(&shape, value_sums.as_ref(), &layers)?;
        if norms.count() > minibatches || norms.bins().any(|(bin, _)| bin < 0) {
            return Err(PartsError::new("norms", "are not those of the rows"));
        }

        if let Some(sums) = &block_sums {
            let blocks = values / shape.block_length() as u64;
            if !asked.contains(Treatment::Published) || sums.count() > blocks {
                return Err(PartsError::new("block_sums", "are not those of the blocks"));
            }
        }

        let mut summary = Self::empty(shape);
        let mut cells = cells.into_iter();
        for series in 0..series {
            let places = present.iter().map(|cluster| series * clusters + cluster);
            places
                .zip(&mut cells)
                .for_each(|(place, cell)| summary.cells[place] = cell);
        }
        for (cluster, sums) in present.iter().zip(moments) {
            summary.moments[*cluster] = sums;
        }
        for (place, row) in places.into_iter().zip(projections) {
            summary.projections[place] = row;
        }
        summary.rows = rows;
        summary.norms = norms;
        summary.block_sums = block_sums;
        summary.surrogate = surrogate;
        summary.paired = paired;
        if value_sums.is_some() {
            summary.layers = layers;
        }
        summary.values = value_sums;
        Ok(summary)
    }
}

/// Layers have the values of all columns, and no more than there are columns for.
fn check_layers(
    shape: &NoiseShape,
    values: Option<&ValueSums>,
    layers: &[LogHistogram],
) -> Result<(), PartsError> {
    let error = |problem| Err(PartsError::new("layers", problem));
    let wanted = values.map_or(0, |_| shape.layers().len());
    if layers.len() != wanted {
        return error(format!("are {} and should be {wanted}", layers.len()));
    }
    let Some(values) = values.filter(|_| wanted > 0) else {
        return Ok(());
    };
    let rows = shape.minibatches() as u64;
    let of_shape = layers.iter().zip(shape.layers());
    if of_shape
        .clone()
        .any(|(own, layer)| own.count() > rows * layer.len as u64)
    {
        return error("have more values than there are".to_owned());
    }
    let mut sum = LogHistogram::default();
    layers.iter().for_each(|layer| sum.merge(layer));
    match sum == values.histogram {
        true => Ok(()),
        false => error("don't add up to the histogram of all columns".to_owned()),
    }
}

impl From<NoiseSummary> for SummaryParts {
    fn from(summary: NoiseSummary) -> Self {
        summary.to_parts()
    }
}

impl TryFrom<SummaryParts> for NoiseSummary {
    type Error = PartsError;

    fn try_from(parts: SummaryParts) -> Result<Self, PartsError> {
        Self::from_parts(parts)
    }
}

impl Cell {
    fn is_possible(&self, values: u64) -> bool {
        let possible = |n: u64, ln: f64| n <= values && ln.abs() <= n as f64 * LARGEST_LOGARITHM;
        possible(self.n_x, self.ln_x.value()) && possible(self.n_y, self.ln_y.value())
    }
}

impl Moments {
    fn is_possible(&self, values: u64) -> bool {
        let counts = [self.zeros, self.below_epsilon, self.non_finite];
        counts.iter().all(|count| *count <= values)
            && counts.iter().sum::<u64>() <= values
            && [self.norm_max, self.max]
                .iter()
                .all(|max| max.is_finite() && *max >= 0.0)
            && [&self.norm, &self.square, &self.fourth]
                .iter()
                .all(|sum| sum.value() >= 0.0)
    }
}

impl ValueSums {
    fn is_possible(&self, values: u64) -> bool {
        let count = self.count();
        let n = count as f64;
        // A power's sum is below n·2²⁰⁵ and above n·2⁻²⁰⁵.
        let power = |sum: &crate::ExactSum| sum.value() <= n * 1e62 && sum.value() >= n * 1e-62;
        count <= values
            && self.largest.bits().len() as u64 == Largest::number(count)
            && self.ln.value().abs() <= n * LARGEST_LOGARITHM
            && (0.0..=n * LARGEST_LOGARITHM * LARGEST_LOGARITHM).contains(&self.ln_squared.value())
            && power(&self.power)
            && power(&self.inverse_power)
    }
}

impl SurrogateSums {
    fn is_possible(&self, values: u64) -> bool {
        // A logarithm of a variance is that of a square.
        let possible = |n: u64, ln: f64| {
            n <= values && ln.is_finite() && ln.abs() <= n as f64 * 2.0 * LARGEST_LOGARITHM
        };
        possible(self.n_x, self.ln_x) && possible(self.n_y, self.ln_y)
    }
}
