//! What must hold of every run.

#![allow(clippy::unwrap_used, reason = "in tests")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use support::{
    bytes, cifar10, events, excerpt, in_pool, results, run, small_data, small_point, sorted,
};
use tailsweep_common::id::BlobId;
use tailsweep_common::measurement::{Measurement, Split};
use tailsweep_common::run::{
    Architecture, Dataset, GaussianRegression, Init, Loss, NetworkPoint, Real, Sampling, Schedule,
};
use tailsweep_common::state::Ending;
use tailsweep_stats::{IterateSummary, Treatment, Treatments};
use tailsweep_trainers::data::Data;
use tailsweep_trainers::{CheckpointError, Event, MeasureBudget, TrainError, Training, data};

/// Everything that has state: shuffled, with momentum, decay and a schedule.
fn eventful_point() -> NetworkPoint {
    let mut point = small_point();
    point.train.sampling = Sampling::Shuffled;
    point.train.momentum = 0.9;
    point.train.weight_decay = 1e-3;
    point.train.schedule = Schedule::Milestones {
        milestones: vec![7, 20],
        gamma: 0.5,
    };
    point
}

/// The same of an AlexNet, which has dropout too.
fn alexnet() -> (NetworkPoint, Arc<Data>) {
    let data = cifar10(100, 50);
    let mut point = eventful_point();
    point.dataset = data.dataset.clone();
    point.architecture = Architecture::Alexnet { width: 5 };
    point.batch_size = 24;
    point.train.dropout = 0.5;
    point.measure.minibatches = Some(3);
    (point, data)
}

/// One life of a process that is killed.
#[derive(Clone, Debug)]
struct Life {
    /// Events until its last checkpoint.
    saved: usize,
    /// Events after it, which are lost.
    lost: usize,
    /// Questions whether to stop that the next event asks, and is killed at the last of them.
    questions: usize,
    threads: usize,
    /// Whether gradients are kept between two passes.
    keeps: bool,
}

fn life() -> impl Strategy<Value = Life> {
    let questions = prop::sample::select(vec![0, 1, 4, 9]);
    (
        0_usize..14,
        0_usize..6,
        questions,
        1_usize..4,
        any::<bool>(),
    )
        .prop_map(|(saved, lost, questions, threads, keeps)| Life {
            saved,
            lost,
            questions,
            threads,
            keeps,
        })
}

impl Life {
    fn budget(&self) -> MeasureBudget {
        let bytes = if self.keeps { u64::MAX } else { 0 };
        MeasureBudget { bytes }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Kill it anywhere, any number of times, in the middle of a measurement or with steps behind
    /// the last checkpoint, and go on with other threads and another budget: all that it says,
    /// twice too, is what an unbroken run says.
    #[test]
    fn a_resumed_run_is_an_unbroken_run(
        lives in prop::collection::vec(life(), 1..5),
        sampling in prop::sample::select(vec![
            Sampling::FileOrder,
            Sampling::Shuffled,
            Sampling::WithReplacement,
        ]),
        momentum in prop::sample::select(vec![0.0, 0.9]),
        cosine: bool,
        convolutional: bool,
        iterates: bool,
    ) {
        let (mut point, data) = if convolutional {
            alexnet()
        } else {
            (eventful_point(), small_data())
        };
        point.train.sampling = sampling;
        point.train.momentum = momentum;
        if cosine {
            point.train.schedule = Schedule::Cosine;
        }
        point.measure.iterates = iterates;
        let run = run(point, 3);
        let mut unbroken = Training::new(&run, data.clone(), None).unwrap();
        let expected = events(&mut unbroken).unwrap();

        // The last checkpoint, and the number of events until it.
        let mut saved: Option<(Vec<u8>, usize)> = None;
        let begin = |saved: &Option<(Vec<u8>, usize)>, life: &Life| {
            let (training, at) = match saved {
                None => (Training::new(&run, data.clone(), None).unwrap(), 0),
                Some((bytes, at)) => (Training::resume(&run, data.clone(), bytes).unwrap(), *at),
            };
            (training.with_measure_budget(life.budget()), at)
        };
        for life in &lives {
            saved = in_pool(life.threads, || {
                let (mut training, begun) = begin(&saved, life);
                let last = expected.len() - 1;
                let kept = last.min(begun + life.saved);
                let killed = last.min(kept + life.lost);
                let mut bytes = training.checkpoint();
                for (at, expected) in expected[..killed].iter().enumerate().skip(begun) {
                    if at == kept {
                        bytes = training.checkpoint();
                    }
                    prop_assert_eq!(&training.advance(&|| false).unwrap(), expected);
                }
                if kept == killed {
                    bytes = training.checkpoint();
                }
                let asked = AtomicUsize::new(0);
                let killer = || asked.fetch_add(1, Ordering::Relaxed) >= life.questions;
                let cut = training.advance(&killer).unwrap();
                prop_assert!(cut == Event::Interrupted || cut == expected[killed]);
                Ok(Some((bytes, kept)))
            })?;
        }
        let (mut training, begun) = begin(&saved, &lives[0]);
        prop_assert_eq!(&training.checkpoint(), &saved.unwrap().0);
        prop_assert_eq!(events(&mut training).unwrap(), &expected[begun..]);
        prop_assert_eq!(training.checkpoint(), unbroken.checkpoint());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Weights and checkpoints come from other machines: any bytes give a run or an error.
    #[test]
    fn no_bytes_make_it_panic(
        place in 0_usize..400,
        length in 0_usize..8,
        byte: u8,
        cut in prop::option::of(0_usize..2000),
    ) {
        let golden = include_bytes!("golden/fcn-mnist-w16-d4-hinge.safetensors");
        let mut point = small_point();
        point.architecture = Architecture::Fcn { width: 16, depth: 4 };
        point.train.init = Init::Weights(BlobId::of(golden));
        let run = run(point, 0);
        let damage = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[place..place + length].fill(byte);
            bytes.truncate(cut.unwrap_or(bytes.len()));
            bytes
        };
        let _ = Training::new(&run, small_data(), Some(&damage(golden)));
        let training = Training::new(&run, small_data(), Some(golden)).unwrap();
        let damaged = damage(&training.checkpoint());
        let resumed = Training::resume(&run, small_data(), &damaged);
        prop_assert_eq!(resumed.is_ok(), damaged == training.checkpoint());
    }
}

#[test]
fn dropout_is_of_training_alone() {
    let (mut point, data) = alexnet();
    point.train.steps = 1;
    point.measure.every = 1;
    let first = |dropout| {
        let mut point = point.clone();
        point.train.dropout = dropout;
        results(&run(point, 0), &data)
    };
    let ((with, with_losses, _), (without, without_losses, _)) = (first(0.5), first(0.0));
    assert_eq!(
        with[0], without[0],
        "the weights are equal, and measuring drops nothing"
    );
    assert_ne!(with_losses, without_losses);
    assert_ne!(with[1], without[1]);
}

#[test]
fn iterates_are_averaged_since_the_last_measurement() {
    let mut point = small_point();
    point.measure.iterates = true;
    let means = |point: &NetworkPoint| -> Vec<IterateSummary> {
        let (measurements, ..) = results(&run(point.clone(), 0), &small_data());
        let iterates = measurements
            .into_iter()
            .map(|measurement| measurement.iterates);
        iterates.map(Option::unwrap).collect()
    };
    let steps = |means: &[IterateSummary]| means.iter().map(|m| m.steps).collect::<Vec<_>>();
    let moving = means(&point);
    assert_eq!(steps(&moving), [1, 15, 15]);
    assert_ne!(moving[1].scopes, moving[2].scopes);
    // Weights that stay: their mean is themselves, but for rounding.
    point.learning_rate = 0.0;
    let still = means(&point);
    for (first, later) in still[0].scopes.iter().zip(&still[2].scopes) {
        assert_eq!((&first.scope, first.samples), (&later.scope, later.samples));
        assert!((first.ln_x - later.ln_x).abs() < 1e-9 && (first.ln_y - later.ln_y).abs() < 1e-9);
    }
    let scopes = still[0].scopes.iter().map(|means| means.scope.to_string());
    let expected = ["all", "fc.0.weight", "fc.2.weight", "fc.4.weight"];
    assert_eq!(scopes.collect::<Vec<_>>(), expected);
    // Looking at them changes nothing else.
    point.learning_rate = 0.05;
    point.measure.iterates = false;
    let (without, ..) = results(&run(point.clone(), 0), &small_data());
    point.measure.iterates = true;
    let (with, ..) = results(&run(point, 0), &small_data());
    assert!(
        without
            .iter()
            .all(|measurement| measurement.iterates.is_none())
    );
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with.splits, without.splits);
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let run = run(eventful_point(), 1);
    let of = |threads, budget| {
        in_pool(threads, || {
            let mut training = Training::new(&run, small_data(), None)
                .unwrap()
                .with_measure_budget(MeasureBudget { bytes: budget });
            let (measurements, losses, _) = sorted(events(&mut training).unwrap());
            (bytes(&measurements), losses, training.checkpoint())
        })
    };
    let expected = of(1, u64::MAX);
    for threads in [1, 2, 3] {
        for budget in [0, u64::MAX] {
            assert_eq!(
                of(threads, budget),
                expected,
                "{threads} threads, {budget} bytes"
            );
        }
    }
}

#[test]
fn standardised_noise_is_the_same_in_three_passes() {
    let mut point = small_point();
    point.train.steps = 0;
    point.measure.treatments = Treatment::ALL.into_iter().collect();
    let run = run(point, 1);
    let of = |budget| {
        let training = Training::new(&run, small_data(), None).unwrap();
        let mut training = training.with_measure_budget(MeasureBudget { bytes: budget });
        bytes(&sorted(events(&mut training).unwrap()).0)
    };
    assert_eq!(of(0), of(u64::MAX));
}

#[test]
fn equal_seeds_give_equal_initial_weights_across_learning_rates_and_measuring() {
    let weights = |seed, rate, every| {
        let mut point = small_point();
        point.learning_rate = rate;
        point.measure.every = every;
        let run = run(point, seed);
        let checkpoint = Training::new(&run, small_data(), None)
            .unwrap()
            .checkpoint();
        // The id of the run and the digest differ.
        checkpoint[28..checkpoint.len() - 32].to_vec()
    };
    assert_eq!(weights(0, 0.1, 10), weights(0, 0.01, 5));
    assert_ne!(weights(0, 0.1, 10), weights(1, 0.1, 10));
}

#[test]
fn measuring_differently_changes_neither_training_nor_shared_rows() {
    let all = run(eventful_point(), 5);
    let mut point = eventful_point();
    point.measure.treatments = [Treatment::Published, Treatment::Paired]
        .into_iter()
        .collect::<Treatments>();
    point.measure.every = 5;
    let fewer = run(point, 5);
    assert_ne!(all.id(), fewer.id());

    let (wide, wide_losses, _) = results(&all, &small_data());
    let (narrow, narrow_losses, _) = results(&fewer, &small_data());
    assert_eq!(wide_losses, narrow_losses);
    for expected in &wide {
        let found = narrow
            .iter()
            .find(|measured| measured.step == expected.step)
            .unwrap();
        for (found, expected) in found.splits.iter().zip(&expected.splits) {
            assert_eq!(
                (found.loss, found.accuracy),
                (expected.loss, expected.accuracy)
            );
            let known = expected.noise.estimates().unwrap();
            for estimate in found.noise.estimates().unwrap() {
                assert!(known.contains(&estimate), "{estimate:?}");
            }
        }
    }
}

#[test]
fn fewer_minibatches_leave_loss_and_accuracy_as_they_are() {
    let all = small_point();
    let mut some = small_point();
    some.measure.minibatches = Some(4);
    let (all, _, _) = results(&run(all, 2), &small_data());
    let (some, _, _) = results(&run(some, 2), &small_data());
    for (all, some) in all.iter().zip(&some) {
        for (all, some) in all.splits.iter().zip(&some.splits) {
            let (of_all, of_some) = (all.loss.unwrap(), some.loss.unwrap());
            assert!((of_all - of_some).abs() < 1e-12 * of_all);
            assert_eq!(all.accuracy, some.accuracy);
            assert_eq!(some.noise.minibatches(), 4);
        }
    }
}

#[test]
fn measurements_come_at_the_first_step_the_multiples_and_the_last() {
    let mut point = small_point();
    point.train.steps = 10;
    point.measure.every = 4;
    let (measurements, losses, ending) = results(&run(point, 0), &small_data());
    let steps: Vec<u64> = measurements.iter().map(|measured| measured.step).collect();
    assert_eq!(steps, [0, 4, 8, 10]);
    assert_eq!(losses.len(), 10);
    assert_eq!(
        ending,
        Ending::Done {
            steps: 10,
            accuracy_reached: false
        }
    );
}

#[test]
fn an_accuracy_that_is_reached_ends_the_run_at_a_measured_step() {
    let mut point = small_point();
    point.train.steps = 400;
    point.train.stop_at_train_accuracy = Some(0.7);
    let (measurements, losses, ending) = results(&run(point, 0), &small_data());
    let last = measurements.last().unwrap();
    assert_eq!(
        ending,
        Ending::Done {
            steps: last.step,
            accuracy_reached: true
        }
    );
    assert_eq!(losses.len() as u64, last.step);
    assert!(last.step > 0 && last.step < 400);
    let accuracies: Vec<f64> = measurements
        .iter()
        .filter_map(|m| m.split(Split::Train)?.accuracy)
        .collect();
    let (reached, before) = accuracies.split_last().unwrap();
    assert!(*reached >= 0.7 && before.iter().all(|accuracy| *accuracy < 0.7));
}

#[test]
fn an_accuracy_that_is_there_at_the_start_ends_the_run_there() {
    let mut point = small_point();
    point.train.stop_at_train_accuracy = Some(0.0);
    let (measurements, losses, ending) = results(&run(point, 0), &small_data());
    assert_eq!((measurements.len(), losses.len()), (1, 0));
    assert_eq!(
        ending,
        Ending::Done {
            steps: 0,
            accuracy_reached: true
        }
    );
}

#[test]
fn a_training_that_diverges_ends_with_its_step_and_measures_nothing_there() {
    for (every, loss) in [(1, Loss::Nll), (1000, Loss::Nll), (1, Loss::Hinge)] {
        let mut point = small_point();
        point.learning_rate = 1e30;
        point.train.steps = 1000;
        point.measure.every = every;
        point.loss = loss;
        let (measurements, losses, ending) = results(&run(point, 0), &small_data());
        let Ending::Diverged { step } = ending else {
            panic!("{ending:?}")
        };
        assert_eq!(losses.len() as u64, step);
        assert!(measurements.iter().all(|measured| measured.step < step));
        assert!((1..20).contains(&step), "{step}");
    }
}

#[test]
fn an_ended_run_stays_ended_and_so_does_its_checkpoint() {
    let mut point = small_point();
    point.train.steps = 2;
    let run = run(point, 0);
    let mut training = Training::new(&run, small_data(), None).unwrap();
    let end = events(&mut training).unwrap().pop().unwrap();
    assert_eq!(training.advance(&|| false).unwrap(), end);
    let mut resumed = Training::resume(&run, small_data(), &training.checkpoint()).unwrap();
    assert_eq!(resumed.advance(&|| false).unwrap(), end);
}

#[test]
fn an_interrupted_measurement_changes_nothing() {
    for budget in [0, u64::MAX] {
        let run = run(small_point(), 0);
        let training = Training::new(&run, small_data(), None).unwrap();
        let mut training = training.with_measure_budget(MeasureBudget { bytes: budget });
        let before = training.checkpoint();
        let expected = {
            let mut untouched = Training::new(&run, small_data(), None).unwrap();
            untouched.advance(&|| false).unwrap()
        };
        for patience in [0, 1, 5, 12, 20] {
            let questions = AtomicUsize::new(0);
            // Changes its mind at once: one yes must be enough.
            let impatient = || questions.fetch_add(1, Ordering::Relaxed) == patience;
            assert_eq!(training.advance(&impatient).unwrap(), Event::Interrupted);
            assert_eq!(training.checkpoint(), before);
        }
        assert_eq!(training.advance(&|| false).unwrap(), expected);
    }
}

#[test]
fn a_full_batch_has_one_minibatch_and_no_noise() {
    let mut point = small_point();
    point.batch_size = 330;
    point.train.steps = 1;
    let (measurements, _, _) = results(&run(point, 0), &small_data());
    let noise = &measurements[0].split(Split::Train).unwrap().noise;
    assert_eq!(noise.minibatches(), 1);
    assert!(
        noise
            .estimates()
            .unwrap()
            .iter()
            .all(|estimate| estimate.alpha.is_none())
    );
}

#[test]
fn no_damaged_checkpoint_is_taken() {
    let run_of = |seed| run(eventful_point(), seed);
    let mut training = Training::new(&run_of(0), small_data(), None).unwrap();
    for _ in 0..4 {
        training.advance(&|| false).unwrap();
    }
    let checkpoint = training.checkpoint();
    let resume = |seed, bytes: &[u8]| {
        let resumed = Training::resume(&run_of(seed), small_data(), bytes);
        let Err(TrainError::Checkpoint(error)) = resumed else {
            panic!("it was taken")
        };
        error
    };
    assert_eq!(resume(0, b""), CheckpointError::Format);
    assert_eq!(resume(0, &[0; 100]), CheckpointError::Format);
    assert!(matches!(
        resume(1, &checkpoint),
        CheckpointError::OtherRun { .. }
    ));
    for place in [12, 30, 40, checkpoint.len() / 2, checkpoint.len() - 1] {
        let mut damaged = checkpoint.clone();
        damaged[place] ^= 4;
        assert_eq!(
            resume(0, &damaged),
            CheckpointError::Damaged,
            "byte {place}"
        );
        let error = resume(0, &checkpoint[..place]);
        assert!(matches!(
            error,
            CheckpointError::Damaged | CheckpointError::Format
        ));
    }
}

#[test]
fn runs_that_cannot_be_trained_are_refused() {
    let refused = |change: &dyn Fn(&mut NetworkPoint)| {
        let mut point = small_point();
        change(&mut point);
        Training::new(&run(point, 0), small_data(), None).unwrap_err()
    };
    let invalid = |change: &dyn Fn(&mut NetworkPoint)| {
        let error = refused(change);
        assert!(matches!(error, TrainError::Invalid(_)), "{error}");
    };
    invalid(&|point| point.batch_size = 0);
    invalid(&|point| point.batch_size = 331);
    invalid(&|point| point.measure.every = 0);
    invalid(&|point| point.measure.minibatches = Some(0));
    invalid(&|point| point.architecture = Architecture::Fcn { width: 0, depth: 3 });
    invalid(&|point| point.architecture = Architecture::Fcn { width: 3, depth: 1 });
    invalid(&|point| {
        point.architecture = Architecture::Fcn {
            width: u32::MAX,
            depth: u32::MAX,
        }
    });
    invalid(&|point| {
        point.architecture = Architecture::Fcn {
            width: 1 << 20,
            depth: 3,
        }
    });
    // Its images would be of 1×28×28.
    invalid(&|point| point.architecture = Architecture::Alexnet { width: 0 });
    let other = refused(&|point| point.dataset.train_limit = Some(100));
    assert_eq!(other, TrainError::OtherData);

    let data = excerpt(100, 0);
    let mut point = small_point();
    point.dataset = data.dataset.clone();
    let without_test = Training::new(&run(point, 0), Arc::clone(&data), None).unwrap_err();
    assert!(matches!(without_test, TrainError::Invalid(_)));
}

#[test]
fn linear_regression_finds_the_plane_and_has_no_accuracy() {
    let mut point = small_point();
    point.dataset = Dataset::all(GaussianRegression {
        features: 20,
        noise: Real(1.0),
        examples: 400,
        test_examples: 100,
        ..GaussianRegression::default()
    });
    point.architecture = Architecture::LinearRegression;
    point.loss = Loss::Squared;
    (point.batch_size, point.learning_rate) = (40, 0.05);
    let data = Arc::new(data::load(&point.dataset, Path::new("")).unwrap());
    let (measurements, ..) = results(&run(point.clone(), 0), &data);
    let losses = |measurement: &Measurement| -> Vec<f64> {
        let splits = measurement.splits.iter();
        splits.map(|split| split.loss.unwrap()).collect()
    };
    let first = losses(&measurements[0]);
    let last = losses(measurements.last().unwrap());
    // At first the variance of the plane, 9·20/2 and more; at last about that of the noise, 1/2.
    assert!(first.iter().all(|loss| *loss > 30.0), "{first:?}");
    assert!(
        last.iter().all(|loss| (0.3..5.0).contains(loss)),
        "{last:?}"
    );
    let measured = measurements
        .iter()
        .flat_map(|measurement| &measurement.splits);
    for split in measured {
        assert_eq!(split.accuracy, None);
        assert_eq!(split.noise.params(), 20);
    }

    point.loss = Loss::Nll;
    let refused = Training::new(&run(point, 0), data, None).unwrap_err();
    assert!(matches!(refused, TrainError::Invalid(why) if why.contains("loss")));
}
