//! What an estimator should read of a draw, where a closed form tells.

use tailsweep_common::measurement::Split;
use tailsweep_common::run::{Law, SyntheticPoint};
use tailsweep_stats::bias::{self, GAUSSIAN_MEAN_LN};
use tailsweep_stats::{Estimator, Treatment};

use crate::facts::Told;

/// The mean of 1/α̂.
pub(super) fn theta(
    point: &SyntheticPoint,
    estimator: Estimator,
    treatment: Treatment,
    k1: Option<u64>,
) -> Option<f64> {
    let own = point
        .law
        .is_stable()
        .then(|| 1.0 / point.law.index())
        .filter(|_| point.params > 1);
    match (estimator, treatment) {
        // Differences of minibatches know neither scales nor zeros; a common factor is of the same
        // law as what it is added to.
        (
            Estimator::WithinCoordinate | Estimator::AcrossMinibatches | Estimator::LocalSlope,
            Treatment::Paired,
        ) => own,
        // Scales fade along the ladder, zeros cancel, and random signs part what hangs together;
        // for α < 2 a common factor does not cancel.
        (Estimator::LocalSlope, Treatment::Permuted) => {
            own.filter(|_| matches!(point.law, Law::Gaussian) || point.correlation == 0.0)
        }
        (Estimator::Mohammadi, Treatment::ZerosDropped) => {
            let without = SyntheticPoint {
                zeros: 0.0,
                dead_groups: 0.0,
                ..point.clone()
            };
            published(&without, k1?)
        }
        (
            Estimator::Mohammadi,
            Treatment::Published | Treatment::PublishedRows | Treatment::GaussianSurrogate,
        ) => {
            let is_gaussian = matches!(point.law, Law::Gaussian);
            let tells = is_gaussian || treatment != Treatment::GaussianSurrogate;
            published(point, k1?).filter(|_| tells)
        }
        (Estimator::Mohammadi, Treatment::Permuted) => own.filter(|_| is_iid(point)),
        // Those of single values.
        (_, Treatment::PublishedRows) => own.filter(|_| is_iid(point)),
        _ => None,
    }
}

/// The published number with one cause at most; K1 as it is.
fn published(point: &SyntheticPoint, k1: u64) -> Option<f64> {
    let length = k1 as f64;
    if point.params == 1 {
        // Blocks run over minibatches.
        let partition = || bias::partition(point.minibatches(Split::Train) as f64, length);
        let is_gaussian = matches!(point.law, Law::Gaussian);
        return (is_gaussian && point.centred && length > 1.0).then(partition);
    }
    if is_iid(point) {
        return point.law.is_stable().then(|| 1.0 / point.law.index());
    }
    let causes = [
        point.scale_spread,
        point.correlation,
        point.zeros,
        point.dead_groups,
    ];
    let is_one = causes.iter().filter(|cause| **cause > 0.0).count() == 1;
    let group = u64::from(point.group);
    // Whole groups in a block, or whole blocks in a group.
    let is_aligned = group.is_multiple_of(k1) || k1.is_multiple_of(group);
    match (point.law, causes) {
        (Law::Gaussian, _) if !is_one => None,
        (Law::Gaussian, [spread, ..]) if spread > 0.0 => Some(bias::scales(spread, length)),
        (Law::Gaussian, [_, rho, ..]) if rho > 0.0 => is_aligned.then(|| {
            let in_a_group = (group.min(k1) - 1) as f64;
            bias::correlation(rho * in_a_group / (length - 1.0), length)
        }),
        (Law::Gaussian, [_, _, zeros, _]) if zeros > 0.0 => {
            Some(bias::zeros(zeros, mean_ln(point), length))
        }
        (Law::Gaussian, [_, _, _, dead]) => {
            group.is_multiple_of(k1).then(|| bias::dead_blocks(dead))
        }
        _ => None,
    }
}

/// The mean of ln|x| of Gaussian values: 2⁻⁵², which zeros stand for, is no multiple of their scale.
fn mean_ln(point: &SyntheticPoint) -> f64 {
    let minibatches = point.minibatches(Split::Train) as f64;
    let centred = match point.centred {
        true => 0.5 * (1.0 - 1.0 / minibatches).ln(),
        false => 0.0,
    };
    let scale = point.learning_rate.ln() - 0.5 * f64::from(point.batch_size).ln();
    GAUSSIAN_MEAN_LN + scale + centred
}

/// The standard deviation of the published α̂ over independent stable numbers.
pub(super) fn sd(point: &SyntheticPoint, treatment: Treatment, told: &Told) -> Option<f64> {
    let is_published = told.estimator == Estimator::Mohammadi && treatment == Treatment::Published;
    let tells = is_published && point.law.is_stable() && is_iid(point) && point.params > 1;
    let length = told.k1.filter(|_| tells && told.blocks > 0)? as f64;
    let index = point.law.index();
    Some(bias::standard_deviation(index, length, told.blocks as f64))
}

/// Whether no cause comes in between.
fn is_iid(point: &SyntheticPoint) -> bool {
    point.scale_spread == 0.0
        && point.correlation == 0.0
        && point.zeros == 0.0
        && point.dead_groups == 0.0
}
