//! What a run will take, predicted from its point alone.
//!
//! Used to start the longest runs first, to admit runs to memory, and to show a plan. Nothing
//! that a run computes depends on it, so it may be wrong; it only has to put runs in about the
//! right order and to err on the side of too much memory.
//!
//! Operations are counted as 2 for each multiply-add: a forward pass takes 2·A·b, a backward pass
//! twice that, where A is the number of multiply-adds for one example (for an FCN that is M, the
//! number of parameters) and b the batch size. A measurement takes the gradients of all measured
//! minibatches, once if they can be kept in memory and twice if not, the loss of the whole split,
//! and some work for each of the P·M values of the noise. What is *absent*: early stopping, which
//! nobody can predict, and the data set itself, which the runs of a worker share
//! ([`dataset_bytes`]).

mod simulated;

use tailsweep_stats::Treatments;

use crate::measurement::Split;
use crate::run::{Dataset, NetworkPoint, Point};

// The figures of time are fitted to runs on one core of an AMD EPYC with AVX-512
// (benchmarks/training.md has the table). Another machine may be several times as slow; their
// ratios, which decide what is started first, change less.

/// An operation in the matrix products of small networks.
const SECONDS_PER_FLOP: f64 = 1.05e-11;
/// Writing out a number of a window, in a forward pass or backwards.
const SECONDS_PER_WINDOW_NUMBER: f64 = 6e-10;
/// What a minibatch takes beside its operations: cutting it, the loss, the update.
const SECONDS_PER_MINIBATCH: f64 = 1.7e-5;
/// The same for each layer with weights.
const SECONDS_PER_LAYER: f64 = 3.9e-6;
/// What the first treatment takes for one value of the noise: its gradient written and read again, its
/// logarithm.
const SECONDS_PER_NOISE_VALUE: f64 = 5e-9;
/// What each further one takes.
const SECONDS_PER_TREATED_VALUE: f64 = 3e-9;
/// A multiply-add in the products of rows that the spectrum of a split takes.
const SECONDS_PER_SPECTRUM_PRODUCT: f64 = 1.5e-10;
/// Rows that the spectrum takes at most, and sums that each is folded into (`stats/src/gram.rs`).
const SPECTRUM: [f64; 2] = [256.0, 8192.0];
/// The sums of one tensor in a measurement: made, packed and sent.
const SECONDS_PER_TENSOR: f64 = 3.4e-4;
/// The P·M gradients of a split are kept between the two passes up to so many bytes, if there is room.
pub const KEPT_BYTES: u64 = 1 << 30;
/// Floats that measuring takes for each parameter when gradients are not kept: the sums of the default
/// treatments.
const MEASURING_FLOATS_PER_PARAMETER: u64 = 16;
/// Threads that are assumed to measure a run.
const THREADS: u64 = 4;
/// Floats that each of them takes for a parameter: weights, a gradient and a row, with copies of some.
const FLOATS_PER_PARAMETER_OF_A_THREAD: u64 = 4;
/// What any run takes: code, stacks, records that wait to be sent.
const FIXED_BYTES: u64 = 16 << 20;

/// What one run is predicted to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// M, the number of parameters.
    pub params: u64,
    /// Floating-point operations of training.
    pub training_flops: f64,
    /// Floating-point operations of all measurements.
    pub measuring_flops: f64,
    /// Bytes in memory, without the data set and without gradients that are kept.
    pub memory_bytes: u64,
    /// Bytes of gradients that a measurement keeps where there is room for them; without, it takes
    /// them twice.
    pub kept_bytes: u64,
    /// Seconds on one core, without early stopping.
    pub seconds: f64,
}

/// What a run of this point takes, whatever its seed.
pub fn predict(point: &Point) -> Cost {
    match point {
        Point::Network(point) => of_network(point),
        Point::Synthetic(point) => simulated::of_synthetic(point),
        Point::LevySde(point) => simulated::of_levy_sde(point),
    }
}

fn of_network(point: &NetworkPoint) -> Cost {
    let params = point.params();
    let work = Work::of(point);
    let steps = point.train.steps as f64;
    let batch = f64::from(point.batch_size);
    let training = Passes {
        examples: 3.0 * steps * batch,
        minibatches: steps,
    };

    let (mut passes, mut noise_values, mut splits) = (Passes::default(), 0.0, 0.0);
    let mut products = 0.0;
    for split in &point.measure.splits {
        let examples = point.dataset.examples(*split) as f64;
        let minibatches = point.minibatches(*split) as f64;
        let values = minibatches * params as f64;
        let times = if 4.0 * values <= KEPT_BYTES as f64 {
            1.0
        } else {
            2.0
        };
        let measured = (minibatches * batch).min(examples);
        passes.examples += 3.0 * times * measured + examples;
        passes.minibatches += times * minibatches + (examples / batch).ceil();
        noise_values += values;
        products += minibatches.min(SPECTRUM[0]).powi(2) / 2.0 * (params as f64).min(SPECTRUM[1]);
        splits += f64::from(examples > 0.0);
    }
    let measurements = measurements_of(point.train.steps, point.measure.every) as f64;
    let measuring_flops = measurements * work.flops(&passes);

    let seconds = work.seconds(&training)
        + measurements
            * (work.seconds(&passes)
                + noise_values * seconds_per_value(point.measure.treatments)
                + products * SECONDS_PER_SPECTRUM_PRODUCT
                + splits * work.tensors * SECONDS_PER_TENSOR);
    Cost {
        params,
        training_flops: work.flops(&training),
        measuring_flops,
        memory_bytes: memory(point, params, &work),
        kept_bytes: kept(point, params),
        seconds,
    }
}

/// Of the larger split: one is measured after the other.
fn kept(point: &NetworkPoint, params: u64) -> u64 {
    let splits = point.measure.splits.iter();
    let rows = splits.map(|split| point.minibatches(*split) as u64);
    let bytes = rows.map(|rows| rows.saturating_mul(params).saturating_mul(4));
    bytes
        .filter(|bytes| *bytes <= KEPT_BYTES)
        .max()
        .unwrap_or(0)
}

/// Bytes of a data set in memory, shared by all runs of a worker that use it.
pub fn dataset_bytes(dataset: &Dataset) -> u64 {
    let examples = dataset.examples(Split::Train) + dataset.examples(Split::Test);
    4 * examples as u64 * dataset.features() as u64
}

/// Number of measurements of a run that nothing stops: step 0, every so often, the last step.
pub fn measurements(point: &Point) -> u64 {
    measurements_of(point.steps(), point.every())
}

fn measurements_of(steps: u64, every: u64) -> u64 {
    1 + steps.div_ceil(every.max(1))
}

/// Weights, gradient, a copy for the update and the velocity; what measuring takes; and for each
/// thread that measures a minibatch: activations, their gradients and a copy, windows and theirs.
fn memory(point: &NetworkPoint, params: u64, work: &Work) -> u64 {
    let momentum = u64::from(point.train.momentum > 0.0);
    let measuring = MEASURING_FLOATS_PER_PARAMETER + THREADS * FLOATS_PER_PARAMETER_OF_A_THREAD;
    let weights = params.saturating_mul(3 + momentum + measuring);
    let windows = 2 * work.windows as u64;
    let example = (point.dataset.features() as u64 + windows)
        .saturating_add(work.activations.saturating_mul(3));
    let minibatch = example.saturating_mul(THREADS * u64::from(point.batch_size));
    FIXED_BYTES.saturating_add(weights.saturating_add(minibatch).saturating_mul(4))
}

/// What the treatments take for one value of the noise.
fn seconds_per_value(treatments: Treatments) -> f64 {
    let further = treatments.iter().count().saturating_sub(1);
    SECONDS_PER_NOISE_VALUE + further as f64 * SECONDS_PER_TREATED_VALUE
}

/// Passes through a network.
#[derive(Default)]
struct Passes {
    /// Examples, a backward pass counted as two forward ones.
    examples: f64,
    /// Minibatches that they came in.
    minibatches: f64,
}

/// What one example takes.
struct Work {
    /// Multiply-adds of a forward pass.
    multiply_adds: f64,
    /// Numbers between the layers.
    activations: u64,
    /// Numbers of windows that convolutions write out.
    windows: f64,
    /// Layers with weights.
    layers: f64,
    /// Parameter tensors, and all of them together.
    tensors: f64,
}

impl Work {
    fn of(point: &NetworkPoint) -> Self {
        let network = point.architecture.network(&point.dataset);
        Self {
            multiply_adds: network.multiply_adds(),
            activations: network.activations(),
            windows: network.windows(),
            layers: network.layers() as f64,
            tensors: 1.0 + network.parameters().count() as f64,
        }
    }

    fn flops(&self, passes: &Passes) -> f64 {
        2.0 * self.multiply_adds * passes.examples
    }

    fn seconds(&self, passes: &Passes) -> f64 {
        self.flops(passes) * SECONDS_PER_FLOP
            + self.windows * passes.examples * SECONDS_PER_WINDOW_NUMBER
            + passes.minibatches * (SECONDS_PER_MINIBATCH + self.layers * SECONDS_PER_LAYER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::parse;
    use std::collections::BTreeMap;

    fn point(block: &str, steps: u64, every: u64) -> Point {
        let source = format!(
            "version = 1\nname = \"cost\"\n[train]\nsteps = {steps}\n[measure]\nevery = {every}\n\
             [[block]]\nlearning_rate = 0.1\n{block}\n"
        );
        let sweep = parse(&source, "cost.toml", &BTreeMap::new()).expect("a right file");
        sweep.points[0].as_ref().clone()
    }

    const FCN: &str = "dataset = { name = \"mnist\", train_limit = 1000, test_limit = 500 }
        architecture = \"fcn\"\nwidth = 32\ndepth = 4\nbatch_size = 100";

    #[test]
    fn an_fcn_is_counted_by_its_parameters() {
        let cost = predict(&point(FCN, 250, 100));
        let params = 27_456.0;
        assert_eq!(cost.params, 27_456);
        assert_eq!(cost.training_flops, 250.0 * 6.0 * params * 100.0);
        // Steps 0, 100, 200 and 250; gradients and losses of 1,500 examples.
        assert_eq!(cost.measuring_flops, 4.0 * params * (6.0 + 2.0) * 1_500.0);
    }

    #[test]
    fn gradients_are_kept_up_to_a_bound() {
        let kept = |block: &str| predict(&point(block, 1, 1)).kept_bytes;
        assert_eq!(kept(FCN), 4 * 10 * 27_456);
        // Only the 5 rows of the test split fit.
        assert_eq!(
            kept(&FCN.replace("width = 32", "width = 4200")),
            5 * 4 * 38_614_800
        );
    }

    #[test]
    fn step_0_and_the_last_step_are_measured() {
        let counted = [(200, 100), (250, 100), (99, 100), (1, 1)]
            .map(|(steps, every)| measurements(&point(FCN, steps, every)));
        assert_eq!(counted, [3, 4, 2, 2]);
    }

    #[test]
    fn more_of_anything_takes_longer() {
        let seconds = |block: &str, steps| predict(&point(block, steps, 100)).seconds;
        let less = seconds(FCN, 1_000);
        assert!(less > 0.0);
        assert!(seconds(FCN, 2_000) > less);
        assert!(seconds(&FCN.replace("width = 32", "width = 64"), 1_000) > less);
        assert!(seconds(&FCN.replace("depth = 4", "depth = 5"), 1_000) > less);
        assert!(seconds(&FCN.replace("1000", "2000"), 1_000) > less);
    }

    #[test]
    fn an_alexnet_takes_far_more_than_its_parameters_say() {
        let block =
            "dataset = \"cifar10\"\narchitecture = \"alexnet\"\nwidth = 64\nbatch_size = 100";
        let cost = predict(&point(block, 1_000, 1_000));
        assert_eq!(cost.params, 451_146);
        assert!(cost.training_flops > 1_000.0 * 6.0 * 100.0 * 451_146.0 * 10.0);
        assert!(cost.seconds.is_finite() && cost.memory_bytes > 4 * 451_146);
    }

    #[test]
    fn the_largest_networks_do_not_overflow() {
        let block = FCN
            .replace("width = 32", "width = 1000000")
            .replace("depth = 4", "depth = 2");
        let cost = predict(&point(&block, 1_000_000_000_000, 1));
        assert!(cost.seconds.is_finite());
    }
}
