//! From sums to the rows of estimates.csv.
//!
//! **Formulas.** θ = (mean ln|Y| − mean ln|X|)/ln K1 of `mohammadi`, θ_j = (m_{j+1} − m_j)/ln 2 of
//! `local_slope`; α = 1/θ.
//!
//! **Intervals.** Delete one cluster of rows from the four sums (the centre stays as it is):
//! s.e.² = (G−1)/G Σ(θ_(−r) − mean)², t with G−1; the interval of α is 1/(θ ± t·s.e.), open above
//! where θ − t·s.e. ≤ 0. A negative θ + t·s.e. has a negative lower end: no positive α fits the sums.
//! With θ < 0 < θ + t·s.e. the interval holds the positive α that the data allow, and the negative
//! α lies outside. Fewer than 5 clusters give no error and no interval. They are honest for
//! near-Gaussian noise and too short when it is truly heavy (SCIENCE.md section 3).
//!
//! **When it fails.** See [`Problem`]; the word stands in place of the number.

use super::theta::jackknife;
use super::{
    Estimate, Estimator, Problem, Scope, dedh, dehaan_peng, ecf, flom, hill, log_moment, mcculloch,
    pickands,
};
use crate::exact_sum::ExactSum;
use crate::summary::{
    AT_LAYER_K1, AT_PUBLISHED_K1, Cell, Incomplete, NoiseSummary, SurrogateSums, ladder, problem,
};
use crate::treatment::Treatment;
use crate::values::ValueSums;

/// Blocks that a level of the ladder needs.
const FEWEST_BLOCKS: u64 = 30;

/// Clusters that an interval needs.
const FEWEST_CLUSTERS: usize = 5;

/// Minibatches that a centred treatment needs: the noise of one is zero.
const FEWEST_BATCHES: usize = 2;

impl NoiseSummary {
    /// All estimates that the shape asks for, in the order of estimates.csv: all columns first,
    /// then the layers.
    pub fn estimates(&self) -> Result<Vec<Estimate>, Incomplete> {
        self.estimates_of(true)
    }

    /// The same of numbers that were noise already, about no mean of theirs: a single row may be zero.
    pub fn estimates_of_noise(&self) -> Result<Vec<Estimate>, Incomplete> {
        self.estimates_of(false)
    }

    fn estimates_of(&self, is_centred: bool) -> Result<Vec<Estimate>, Incomplete> {
        if !self.is_complete() {
            return Err(Incomplete);
        }
        let shape = self.shape();
        let asked = shape.treatments();
        let mut estimates = Vec::new();
        for treatment in AT_PUBLISHED_K1 {
            if asked.contains(treatment) {
                estimates.push(self.mohammadi(None, treatment, shape.block_length()));
            }
        }
        for treatment in [Treatment::PublishedRows, Treatment::Permuted] {
            if asked.contains(treatment) {
                estimates.extend(self.ladder(treatment));
            }
        }
        if asked.contains(Treatment::Permuted) {
            estimates.extend(self.slopes());
        }
        if let Some(paired) = self.paired() {
            estimates.extend(paired.estimates_of_all());
        }
        if let Some(values) = self.value_sums() {
            estimates.extend(of_values(values));
        }
        for (index, layer) in shape.layers().iter().enumerate() {
            for treatment in AT_LAYER_K1 {
                if asked.contains(treatment) && !layer.bias {
                    let k1 = shape.layer_block_length(layer);
                    estimates.push(self.mohammadi(Some(index), treatment, k1));
                }
            }
            if let Some(paired) = self.paired() {
                estimates.extend(paired.estimates_of_layer(index, &layer.name));
            }
        }
        if let Some(problem) = self.problem_of_all(is_centred) {
            estimates = estimates
                .into_iter()
                .map(|estimate| Estimate {
                    samples: 0,
                    blocks: 0,
                    ..estimate.spoilt_by(problem)
                })
                .collect();
        } else if self.is_constant() {
            estimates = estimates
                .into_iter()
                .map(|estimate| match (estimate.alpha, estimate.problem) {
                    (None, Some(_)) => estimate,
                    _ => estimate.spoilt_by(Problem::Degenerate),
                })
                .collect();
        }
        Ok(estimates)
    }

    /// What spoils every estimate: one row about its mean is zero, whatever it was.
    fn problem_of_all(&self, is_centred: bool) -> Option<Problem> {
        let all_zero = self.zero_fraction() == Some(1.0);
        if self.is_non_finite() {
            Some(Problem::NonFinite)
        } else if is_centred && self.minibatches() < FEWEST_BATCHES && all_zero {
            Some(Problem::TooFewBatches)
        } else {
            None
        }
    }

    fn mohammadi(&self, layer: Option<usize>, treatment: Treatment, k1: usize) -> Estimate {
        let columns = self.shape().columns_of(layer).len();
        let estimate = Estimate {
            k1: Some(k1 as u64),
            ..Estimate::without_value(self.shape().scope(layer), Estimator::Mohammadi, treatment)
        };
        if let Some(problem) = problem(treatment, k1, columns) {
            return estimate.with_problem(problem);
        }
        // Second moments of one minibatch are its own squares.
        let needs_moments = matches!(
            treatment,
            Treatment::GaussianSurrogate
                | Treatment::Standardised
                | Treatment::StandardisedPermuted
        );
        if needs_moments && self.minibatches() < FEWEST_BATCHES {
            return estimate.with_problem(Problem::TooFewBatches);
        }
        if treatment == Treatment::GaussianSurrogate {
            let scopes = self.shape().surrogate_series();
            let index = scopes.iter().position(|series| series.layer == layer);
            let sums = index.and_then(|index| self.surrogate()?.get(index));
            return surrogate(estimate, sums, k1);
        }
        let cells = self.cells(layer, treatment, k1);
        estimate.of_sums(&FourSums::of_cells(cells), k1 as f64)
    }

    fn ladder(&self, treatment: Treatment) -> impl Iterator<Item = Estimate> + '_ {
        let published = self.shape().block_length();
        // The level of the published K1 has its row already.
        ladder(self.params())
            .filter(move |k1| {
                *k1 > 1 && !(treatment == Treatment::PublishedRows && *k1 == published)
            })
            .map(move |k1| {
                let estimate = self.mohammadi(None, treatment, k1);
                match estimate.blocks < FEWEST_BLOCKS && estimate.samples > 0 {
                    true => estimate.spoilt_by(Problem::TooFewBlocks),
                    false => estimate,
                }
            })
    }

    fn slopes(&self) -> impl Iterator<Item = Estimate> + '_ {
        let levels: Vec<usize> = ladder(self.params()).collect();
        (0..levels.len().saturating_sub(1)).map(move |level| {
            let of_level = |level: usize| self.cells(None, Treatment::Permuted, levels[level]);
            let (lower, upper) = (of_level(level), of_level(level + 1));
            let sums = FourSums::of_levels(lower, upper);
            let scope = Scope::All;
            let estimate = Estimate {
                k1: Some(levels[level] as u64),
                ..Estimate::without_value(scope, Estimator::LocalSlope, Treatment::Permuted)
            };
            let estimate = estimate.of_sums(&sums, 2.0);
            match estimate.blocks < FEWEST_BLOCKS && estimate.samples > 0 {
                true => estimate.spoilt_by(Problem::TooFewBlocks),
                false => estimate,
            }
        })
    }

    fn cells(&self, layer: Option<usize>, treatment: Treatment, k1: usize) -> &[Cell] {
        let series = self.series().iter().position(|series| {
            series.layer == layer && series.treatment == treatment && series.k1 == k1
        });
        series.map_or(&[], |series| self.cells_of(series))
    }
}

/// The estimators that need no blocks, over all nonzero values.
fn of_values(sums: &ValueSums) -> [Estimate; 8] {
    let table = mcculloch(sums);
    [
        (Estimator::LogMoment, log_moment(sums)),
        (Estimator::Flom, flom(sums)),
        (Estimator::Ecf, ecf(sums)),
        (Estimator::Mcculloch, table.map(|reading| reading.alpha)),
        (Estimator::Hill, hill(sums)),
        (Estimator::Dedh, dedh(sums)),
        (Estimator::DehaanPeng, dehaan_peng(sums)),
        (Estimator::Pickands, pickands(sums)),
    ]
    .map(|(estimator, alpha)| {
        let estimate = Estimate {
            samples: sums.count(),
            ..Estimate::without_value(Scope::All, estimator, Treatment::PublishedRows)
        }
        .with_alpha(alpha);
        match table {
            Ok(reading) if estimator == Estimator::Mcculloch && reading.at_bound => {
                estimate.with_problem(Problem::AtBound)
            }
            _ => estimate,
        }
    })
}

fn surrogate(estimate: Estimate, sums: Option<&SurrogateSums>, k1: usize) -> Estimate {
    let Some(sums) = sums.filter(|sums| sums.n_x > 0 && sums.n_y > 0) else {
        return estimate.with_problem(Problem::NoValues);
    };
    let theta = (sums.ln_y / sums.n_y as f64 - sums.ln_x / sums.n_x as f64) / (k1 as f64).ln();
    Estimate {
        samples: sums.n_x,
        blocks: sums.n_y,
        ..estimate
    }
    .with_theta(theta, None)
}

/// n and Σ ln of lower and upper values by cluster, rounded.
struct FourSums {
    total: Four,
    clusters: Vec<Four>,
}

/// n and Σ ln of the lower values, then of the upper ones.
#[derive(Clone, Copy)]
struct Four {
    lower: (u64, f64),
    upper: (u64, f64),
}

impl FourSums {
    fn of_cells(cells: &[Cell]) -> Self {
        let x = cells.iter().map(|cell| (cell.n_x, &cell.ln_x));
        let y = cells.iter().map(|cell| (cell.n_y, &cell.ln_y));
        Self::new(x, y)
    }

    fn of_levels<'a>(lower: &'a [Cell], upper: &'a [Cell]) -> Self {
        let y = |cell: &'a Cell| (cell.n_y, &cell.ln_y);
        Self::new(lower.iter().map(y), upper.iter().map(y))
    }

    fn new<'a>(
        lower: impl Iterator<Item = (u64, &'a ExactSum)> + Clone,
        upper: impl Iterator<Item = (u64, &'a ExactSum)> + Clone,
    ) -> Self {
        let clusters = lower.clone().zip(upper.clone()).map(|(lower, upper)| Four {
            lower: (lower.0, lower.1.value()),
            upper: (upper.0, upper.1.value()),
        });
        Self {
            clusters: clusters.collect(),
            total: Four {
                lower: total(lower),
                upper: total(upper),
            },
        }
    }

    /// θ with each cluster left out, if all of them are defined and there are enough.
    fn std_error(&self, ln_ratio: f64) -> Option<f64> {
        let clusters = self.clusters.len();
        if clusters < FEWEST_CLUSTERS {
            return None;
        }
        let deleted = self.clusters.iter().map(|cluster| {
            let without = |total: (u64, f64), own: (u64, f64)| (total.0 - own.0, total.1 - own.1);
            Four {
                lower: without(self.total.lower, cluster.lower),
                upper: without(self.total.upper, cluster.upper),
            }
            .theta(ln_ratio)
        });
        let deleted: Vec<f64> = deleted.collect::<Option<_>>()?;
        Some(jackknife(&deleted))
    }
}

impl Four {
    fn theta(self, ln_ratio: f64) -> Option<f64> {
        let mean = |(n, sum): (u64, f64)| (n > 0).then(|| sum / n as f64);
        Some((mean(self.upper)? - mean(self.lower)?) / ln_ratio)
    }
}

fn total<'a>(sums: impl Iterator<Item = (u64, &'a ExactSum)>) -> (u64, f64) {
    let mut exact = ExactSum::new();
    let mut n = 0;
    for (count, sum) in sums {
        n += count;
        exact.merge(sum);
    }
    (n, exact.value())
}

impl Estimate {
    /// α of lower and upper sums whose block lengths have this ratio.
    fn of_sums(self, sums: &FourSums, ratio: f64) -> Self {
        let estimate = Self {
            samples: sums.total.lower.0,
            blocks: sums.total.upper.0,
            ..self
        };
        match sums.total.theta(ratio.ln()) {
            None => estimate.with_problem(Problem::NoValues),
            Some(theta) => {
                let degrees = sums.clusters.len() as u32 - 1;
                let error = sums.std_error(ratio.ln()).map(|error| (error, degrees));
                estimate.with_theta(theta, error)
            }
        }
    }
}
