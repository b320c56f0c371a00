//! Where the published number comes from: θ = 1/α̂ above ½, which independent Gaussian values read,
//! as a sum of what exact zeros, unequal scales and correlation add, and of what is left.
//!
//! Each part is the difference of θ between two treatments that differ in one thing, both at the
//! published block length. Scales and correlation do not simply add, so both ways of taking one after
//! the other are told. A part is taken run by run; its interval is that of the seeds.

use tailsweep_common::measurement::Split;
use tailsweep_common::state::RunState;
use tailsweep_stats::late::is_late;
use tailsweep_stats::{Estimator, Treatment, student_t_quantile};

use crate::facts::{ALL, EstimateRow, RunFacts};
use crate::lookup::{Kind, Lookup};

/// θ of independent Gaussian values.
const GAUSSIAN: f64 = 0.5;

/// A number over the seeds of a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverSeeds {
    pub(crate) mean: f64,
    /// 95 %, by Student's t; `None` for one seed.
    pub(crate) interval: Option<[f64; 2]>,
}

/// The parts of θ − ½ at a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// θ − ½ of `published_rows`.
    pub(crate) published: OverSeeds,
    /// By exact zeros: dropped or not.
    pub(crate) zeros: OverSeeds,
    /// By unequal scales, while correlation is there: standardised or not.
    pub(crate) scales: OverSeeds,
    /// By correlation, after that: permuted or not.
    pub(crate) correlation: OverSeeds,
    /// What is left after all: θ − ½ of `standardised_permuted`.
    pub(crate) rest: OverSeeds,
    /// By correlation, while scales are unequal.
    pub(crate) correlation_first: Option<OverSeeds>,
    /// By unequal scales, after that.
    pub(crate) scales_second: Option<OverSeeds>,
}

/// The late θ of a run under each treatment.
struct Thetas {
    rows: f64,
    zeros_dropped: f64,
    standardised: f64,
    standardised_permuted: f64,
    /// At the power of two that is nearest to the published block length.
    permuted: Option<f64>,
}

/// The parts at a point; `None` where a treatment that they need was not asked for, or has no
/// value.
pub(crate) fn parts(lookup: &Lookup<'_>, point: usize, split: Split) -> Option<Parts> {
    let k1 = lookup.published_k1(point, split)?;
    let runs = lookup
        .runs(point)
        .iter()
        .filter(|run| run.state == RunState::Done);
    let thetas: Vec<Thetas> = runs
        .filter_map(|run| of_run(lookup, run, split, k1))
        .collect();
    let over = |of: &dyn Fn(&Thetas) -> Option<f64>| over_seeds(thetas.iter().filter_map(of));
    Some(Parts {
        published: over(&|theta| Some(theta.rows - GAUSSIAN))?,
        zeros: over(&|theta| Some(theta.rows - theta.zeros_dropped))?,
        scales: over(&|theta| Some(theta.zeros_dropped - theta.standardised))?,
        correlation: over(&|theta| Some(theta.standardised - theta.standardised_permuted))?,
        rest: over(&|theta| Some(theta.standardised_permuted - GAUSSIAN))?,
        correlation_first: over(&|theta| Some(theta.zeros_dropped - theta.permuted?)),
        scales_second: over(&|theta| Some(theta.permuted? - theta.standardised_permuted)),
    })
}

fn of_run(lookup: &Lookup<'_>, run: &RunFacts, split: Split, k1: u64) -> Option<Thetas> {
    let late = |treatment, k1: Option<u64>| {
        let kind = Kind {
            estimator: Estimator::Mohammadi,
            treatment,
        };
        late_theta(lookup.facts.estimates_of(run), split, kind, k1)
    };
    let near = 1_u64.checked_shl((k1 as f64).log2().round() as u32)?;
    Some(Thetas {
        rows: late(Treatment::PublishedRows, Some(k1))?,
        zeros_dropped: late(Treatment::ZerosDropped, None)?,
        standardised: late(Treatment::Standardised, None)?,
        standardised_permuted: late(Treatment::StandardisedPermuted, None)?,
        permuted: late(Treatment::Permuted, Some(near)),
    })
}

/// The mean of θ over the late steps of a run.
fn late_theta(rows: &[EstimateRow], split: Split, kind: Kind, k1: Option<u64>) -> Option<f64> {
    let last = rows.last()?.step;
    let wanted = rows.iter().filter(|row| {
        let told = &row.told;
        row.split == Some(split)
            && *told.scope == *ALL
            && kind.is(told.estimator, told.treatment)
            && (k1.is_none() || told.k1 == k1)
            && is_late(row.step, last)
    });
    let thetas: Vec<f64> = wanted
        .filter_map(|row| row.told.alpha)
        .map(f64::recip)
        .collect();
    (!thetas.is_empty()).then(|| thetas.iter().sum::<f64>() / thetas.len() as f64)
}

fn over_seeds(values: impl Iterator<Item = f64>) -> Option<OverSeeds> {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let interval = (values.len() > 1).then(|| {
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = (squares / (n - 1.0) / n).sqrt();
        let reach = student_t_quantile(0.975, n - 1.0) * error;
        [mean - reach, mean + reach]
    });
    Some(OverSeeds { mean, interval })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Told;
    use crate::fixture;
    use crate::late::of_points;

    #[test]
    fn the_parts_add_up_to_the_published_number() {
        let mut facts = fixture::facts();
        for (index, row) in facts.estimates.iter_mut().enumerate() {
            let (treatment, alpha) = [
                (Treatment::PublishedRows, 1.0),
                (Treatment::ZerosDropped, 1.25),
                (Treatment::Standardised, 1.6),
                (Treatment::StandardisedPermuted, 2.0),
            ][index % 4];
            row.told = Told {
                scope: ALL.into(),
                estimator: Estimator::Mohammadi,
                treatment: Some(treatment),
                k1: Some(252),
                alpha: Some(alpha),
                problem: None,
                ..row.told.clone()
            };
        }
        let late = of_points(&facts);
        let lookup = Lookup::new(&facts, &late);
        let parts = parts(&lookup, 0, Split::Train).expect("all treatments are there");
        let near = |part: OverSeeds, expected: f64| {
            assert!((part.mean - expected).abs() < 1e-12, "{part:?}");
            let [low, high] = part.interval.expect("two seeds");
            assert!(high - low < 1e-12, "the seeds are equal");
        };
        near(parts.published, 0.5);
        near(parts.zeros, 0.2);
        near(parts.scales, 0.175);
        near(parts.correlation, 0.125);
        near(parts.rest, 0.0);
        assert!(parts.correlation_first.is_none(), "no ladder was asked for");
    }

    #[test]
    fn seeds_make_the_interval() {
        let over = over_seeds([0.1, 0.2, 0.3].into_iter()).expect("three seeds");
        // t = 4.303 with 2 degrees of freedom, s.e. = 0.1/√3.
        let [low, high] = over.interval.expect("three seeds");
        assert!((over.mean - 0.2).abs() < 1e-15);
        assert!((high - 0.2 - 0.248_41).abs() < 1e-5, "{high}");
        assert!((high + low - 0.4).abs() < 1e-12);
        let one = over_seeds([0.1].into_iter()).expect("a seed");
        assert!(one.interval.is_none());
        assert!(over_seeds([].into_iter()).is_none());
    }
}
