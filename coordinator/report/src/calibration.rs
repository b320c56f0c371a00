//! What the estimators read of synthetic noise, beside what they should.
//!
//! Every measured step of a synthetic run is a draw of its own, and all draws of a point are equals:
//! here, unlike in a late α, all of them count.

mod expected;
pub(crate) mod html;
pub(crate) mod table;

use std::collections::BTreeMap;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::SyntheticPoint;
use tailsweep_common::state::RunState;
use tailsweep_stats::{Estimator, Treatment};

use crate::facts::{ALL, EstimateRow, Facts};

/// One estimator over all draws of a point.
#[derive(Clone, Debug)]
pub(crate) struct Calibrated<'a> {
    /// In [`Facts::points`].
    pub(crate) index: usize,
    pub(crate) point: &'a SyntheticPoint,
    pub(crate) split: Split,
    pub(crate) estimator: Estimator,
    pub(crate) treatment: Treatment,
    pub(crate) k1: Option<u64>,
    /// Whether `k1` is the published block length, or the estimator has none.
    pub(crate) is_published_length: bool,
    /// Draws, with a value or without.
    pub(crate) draws: u64,
    /// Of 1/α̂ over the draws that have a value.
    pub(crate) theta: Sample,
    /// Of α̂ over the same.
    pub(crate) alpha: Sample,
    /// What 1/α̂ should be on the mean; `None` where no closed form is known.
    pub(crate) expected: Option<f64>,
    /// What the standard deviation of α̂ should be; likewise.
    pub(crate) expected_sd: Option<f64>,
    /// The draws whose interval holds the law's own index; `None` where there are no intervals, or
    /// the law has no index.
    pub(crate) covered: Option<u64>,
}

/// Number, mean and spread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Sample {
    fn push(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// Standard deviation; `None` for fewer than two values.
    pub(crate) fn sd(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }

    /// Of the mean.
    pub(crate) fn std_error(&self) -> Option<f64> {
        Some(self.sd()? / (self.count as f64).sqrt())
    }
}

impl Calibrated<'_> {
    /// 1 over the mean of 1/α̂, and its standard error.
    pub(crate) fn pooled(&self) -> Option<(f64, Option<f64>)> {
        let theta = self.theta.mean;
        (self.theta.count > 0 && theta != 0.0).then(|| {
            let error = self.theta.std_error();
            (1.0 / theta, error.map(|error| error / (theta * theta)))
        })
    }

    /// What the pooled α̂ should be.
    pub(crate) fn expected_alpha(&self) -> Option<f64> {
        self.expected.map(f64::recip)
    }

    /// The share of draws whose interval holds the truth, with the ends of its 95 % interval.
    pub(crate) fn coverage(&self) -> Option<(f64, [f64; 2])> {
        let covered = self.covered?;
        Some((
            covered as f64 / self.draws as f64,
            binomial(covered, self.draws),
        ))
    }
}

/// The 95 % interval of a share by Wilson (1927): k of n.
fn binomial(k: u64, n: u64) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, share) = (n as f64, k as f64 / n as f64);
    let centre = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let end = |end: f64| (end / (1.0 + Z * Z / n)).clamp(0.0, 1.0);
    // Exactly 0 and 1 at the ends, which rounding misses.
    [
        if k == 0 { 0.0 } else { end(centre - reach) },
        if share == 1.0 {
            1.0
        } else {
            end(centre + reach)
        },
    ]
}

/// Whether the sweep draws noise.
pub(crate) fn is_there(facts: &Facts) -> bool {
    facts.all_points().any(|point| point.synthetic().is_some())
}

type Key = (Split, Estimator, Treatment, Option<u64>);

/// Every estimator over all parameters at every synthetic point, in the order of the sweep and of
/// the rows of a measurement.
pub(crate) fn calibrated(facts: &Facts) -> Vec<Calibrated<'_>> {
    let points = facts.points.iter().enumerate();
    let synthetic = points.filter_map(|(index, kept)| Some((index, kept.point.synthetic()?)));
    synthetic
        .flat_map(|(index, point)| of_point(facts, index, point))
        .collect()
}

fn of_point<'a>(facts: &'a Facts, index: usize, point: &'a SyntheticPoint) -> Vec<Calibrated<'a>> {
    let runs = facts.runs[facts.points[index].runs.clone()]
        .iter()
        .filter(|run| run.state == RunState::Done);
    let rows: Vec<&EstimateRow> = runs
        .flat_map(|run| facts.estimates_of(run))
        .filter(|row| *row.told.scope == *ALL)
        .collect();
    let published = rows
        .iter()
        .find(|row| row.told.treatment == Some(Treatment::Published))
        .or_else(|| rows.iter().find(|row| is_at_published_length(row)))
        .and_then(|row| row.told.k1);
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    let mut all: Vec<Calibrated<'a>> = Vec::new();
    for row in rows {
        let (Some(split), Some(treatment)) = (row.split, row.told.treatment) else {
            continue;
        };
        let (told, estimator) = (&row.told, row.told.estimator);
        let key = (split, estimator, treatment, told.k1);
        let place = *places.entry(key).or_insert_with(|| {
            all.push(Calibrated {
                index,
                point,
                split,
                estimator,
                treatment,
                k1: told.k1,
                is_published_length: told.k1.is_none() || told.k1 == published,
                draws: 0,
                theta: Sample::default(),
                alpha: Sample::default(),
                expected: expected::theta(point, estimator, treatment, told.k1),
                expected_sd: expected::sd(point, treatment, told),
                covered: None,
            });
            all.len() - 1
        });
        let one = &mut all[place];
        one.draws += 1;
        if let Some(alpha) = told.alpha {
            one.alpha.push(alpha);
            one.theta.push(1.0 / alpha);
        }
        if point.law.is_stable()
            && let Some([low, high]) = told.interval
        {
            let index = point.law.index();
            *one.covered.get_or_insert(0) += u64::from((low..=high).contains(&index));
        }
    }
    all
}

/// Whether an estimate is made at the published block length alone.
fn is_at_published_length(row: &EstimateRow) -> bool {
    matches!(
        row.told.treatment,
        Some(Treatment::GaussianSurrogate | Treatment::ZerosDropped)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_wilson_intervals() {
        // Brown, Cai and DasGupta (2001): 0 and all of n have intervals, too.
        let [low, high] = binomial(95, 100);
        assert!((low - 0.8882).abs() < 1e-4 && (high - 0.9785).abs() < 1e-4);
        assert_eq!(binomial(0, 10)[0], 0.0);
        assert!((binomial(0, 10)[1] - 0.2775).abs() < 1e-4);
    }

    #[test]
    fn a_sample_knows_its_spread() {
        let mut sample = Sample::default();
        for value in [1.0, 2.0, 3.0, 4.0] {
            sample.push(value);
        }
        assert_eq!(sample.mean, 2.5);
        assert!((sample.sd().expect("four values") - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    }
}
