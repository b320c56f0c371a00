//! Where the published number comes from: θ = 1/α̂ above ½, which independent Gaussian values read,
//! as a sum of what exact zeros, unequal scales and correlation add, and of what is left.
//!
//! Each part is the difference of θ between two treatments that differ in one thing, both at the
//! published block length. Scales and correlation do not simply add, so both ways of taking one after
//! the other are told. A part is taken run by run; its interval is that of the seeds. Beside them
//! stands how far the number is from what Gaussian noise would read.

pub(crate) mod table;

use tailsweep_common::measurement::Split;
use tailsweep_common::state::RunState;
use tailsweep_stats::late::is_late;
use tailsweep_stats::{Estimator, Treatment};

use crate::facts::{ALL, EstimateRow, RunFacts};
use crate::lookup::{Kind, Lookup};
use crate::seeds::{OverSeeds, mean, over_seeds};

/// θ of independent Gaussian values.
const GAUSSIAN: f64 = 0.5;

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
    /// What `rest` would be of symmetric stable noise of α = 1.5, where it is known.
    pub(crate) stable_rest: Option<f64>,
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
        stable_rest: lookup
            .levels(point, split, Kind::STANDARDISED_PERMUTED)
            .find_map(|row| Some(1.0 / row.stable_reads? - GAUSSIAN)),
    })
}

/// θ of `published_rows` less θ of `gaussian_surrogate`, late in training and run by run: the late
/// steps at which both have a value. It does not decide about tails: stable noise can agree with its
/// surrogate, and light tails can differ from theirs.
pub(crate) fn beyond_surrogate(
    lookup: &Lookup<'_>,
    point: usize,
    split: Split,
) -> Option<OverSeeds> {
    let k1 = lookup.published_k1(point, split)?;
    let of_run = |run: &RunFacts| {
        let rows = lookup.facts.estimates_of(run);
        let surrogate = late_thetas(rows, split, Kind::SURROGATE, None);
        let differences: Vec<f64> = late_thetas(rows, split, Kind::PUBLISHED_ROWS, Some(k1))
            .filter_map(|(step, theta)| {
                let (_, expected) = surrogate.clone().find(|(at, _)| *at == step)?;
                Some(theta - expected)
            })
            .collect();
        mean(&differences)
    };
    let runs = lookup.runs(point).iter();
    let done = runs.filter(|run| run.state == RunState::Done);
    over_seeds(done.filter_map(of_run))
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
    let thetas: Vec<f64> = late_thetas(rows, split, kind, k1)
        .map(|(_, theta)| theta)
        .collect();
    mean(&thetas)
}

/// The late steps of a run that have an α, with θ.
fn late_thetas(
    rows: &[EstimateRow],
    split: Split,
    kind: Kind,
    k1: Option<u64>,
) -> impl Iterator<Item = (u64, f64)> + Clone {
    let last = rows.last().map_or(0, |row| row.step);
    let wanted = rows.iter().filter(move |row| {
        let told = &row.told;
        row.split == Some(split)
            && *told.scope == *ALL
            && kind.is(told.estimator, told.treatment)
            && (k1.is_none() || told.k1 == k1)
            && is_late(row.step, last)
    });
    wanted.filter_map(|row| Some((row.step, row.told.alpha?.recip())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::late::of_points;

    #[test]
    fn the_parts_add_up_to_the_published_number() {
        let facts = fixture::parts();
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
        assert_eq!(parts.stable_rest, Some(1.0 / 1.6 - 0.5));
        let beyond = beyond_surrogate(&lookup, 0, Split::Train).expect("both are there");
        near(beyond, 1.0 - 1.0 / 1.25);
    }
}
