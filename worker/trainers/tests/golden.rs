//! Trajectories of the published method, walked again from their initial weights (golden/README.md says
//! what each number is, and how far off it may be).

#![allow(clippy::unwrap_used, reason = "in tests")]

mod support;

use std::sync::Arc;

use serde_json::Value;
use support::{cifar10, excerpt, run, small_point, sorted};
use tailsweep_common::id::BlobId;
use tailsweep_common::measurement::{Split, SplitMeasurement};
use tailsweep_common::run::{Architecture, Init, Loss};
use tailsweep_common::state::Ending;
use tailsweep_stats::{Estimate, Estimator, Scope, Treatment, mohammadi, sum_ln_abs_plus_epsilon};
use tailsweep_trainers::{Event, Training};

#[test]
fn fcn_w32_d3_nll_walks_the_golden_path() {
    walk(
        include_str!("golden/fcn-mnist-w32-d3-nll.json"),
        include_bytes!("golden/fcn-mnist-w32-d3-nll.safetensors"),
    );
}

#[test]
fn fcn_w16_d4_hinge_walks_the_golden_path() {
    walk(
        include_str!("golden/fcn-mnist-w16-d4-hinge.json"),
        include_bytes!("golden/fcn-mnist-w16-d4-hinge.safetensors"),
    );
}

#[test]
fn alexnet_ch4_nll_walks_the_golden_path() {
    walk(
        include_str!("golden/alexnet-cifar10-ch4-nll.json"),
        include_bytes!("golden/alexnet-cifar10-ch4-nll.safetensors"),
    );
}

/// How far off numbers may be: at step 0, and later, where rounding has had time to grow.
struct Tolerance {
    alpha: f64,
    paired: f64,
    zero_fraction: f64,
    /// Relative.
    loss: f64,
    /// Absolute.
    accuracy: f64,
    /// Relative.
    moments: f64,
}

const AT_FIRST: Tolerance = Tolerance {
    alpha: 0.005,
    paired: 0.02,
    zero_fraction: 1e-4,
    loss: 1e-4,
    accuracy: 1e-3,
    moments: 1e-3,
};

const LATER: Tolerance = Tolerance {
    alpha: 0.03,
    paired: 0.06,
    zero_fraction: 5e-3,
    loss: 1e-2,
    accuracy: 1e-2,
    moments: 3e-2,
};

const LATER_OF_ALEXNET: Tolerance = Tolerance {
    paired: 0.15,
    ..LATER
};

fn walk(golden: &str, weights: &'static [u8]) {
    let golden: Value = serde_json::from_str(golden).unwrap();
    let number = |name: &str| golden[name].as_u64().unwrap();
    let (train, test) = (number("train_examples"), number("test_examples"));
    let mut point = small_point();
    let data = if golden["model"] == "alexnet" {
        point.architecture = Architecture::Alexnet {
            width: number("ch") as u32,
        };
        cifar10(train as u32, test as u32)
    } else {
        point.architecture = Architecture::Fcn {
            width: number("width") as u32,
            depth: number("depth") as u32,
        };
        excerpt(train as u32, test as u32)
    };
    point.dataset = data.dataset.clone();
    point.batch_size = number("batch_size") as u32;
    point.learning_rate = golden["learning_rate"].as_f64().unwrap();
    point.loss = if golden["loss"] == "hinge" {
        Loss::Hinge
    } else {
        Loss::Nll
    };
    point.train.steps = number("steps");
    point.train.init = Init::Weights(BlobId::of(weights));
    point.measure.every = number("measure_every");
    let steps = point.train.steps;
    let run = run(point, 0);

    let mut training = Training::new(&run, Arc::clone(&data), Some(weights)).unwrap();
    let records = golden["records"].as_array().unwrap();
    let tolerance = |step| match step {
        0 => AT_FIRST,
        _ if golden["model"] == "alexnet" => LATER_OF_ALEXNET,
        _ => LATER,
    };
    let mut events = Vec::new();
    while !matches!(events.last(), Some(Event::Ended(_))) {
        let step = training.step();
        if training.is_about_to_measure() {
            let record = records
                .iter()
                .find(|record| record["step"] == step)
                .unwrap();
            for split in [Split::Train, Split::Test] {
                compare_values(
                    &format!("step {step} {split}"),
                    &noise(&training, split),
                    &record[split.as_str()],
                    &tolerance(step),
                );
            }
        }
        events.push(training.advance(&|| false).unwrap());
    }
    let (measurements, losses, ending) = sorted(events);
    assert_eq!(
        ending,
        Ending::Done {
            steps,
            accuracy_reached: false
        }
    );

    let expected = golden["train_loss_per_step"].as_array().unwrap();
    assert_eq!(losses.len(), expected.len());
    for (step, (found, expected)) in losses.iter().zip(expected).enumerate() {
        let tolerance = if step == 0 { AT_FIRST.loss } else { LATER.loss };
        relative(
            &format!("loss of update {step}"),
            f64::from(*found),
            expected,
            tolerance,
        );
    }

    assert_eq!(measurements.len(), records.len());
    for (measurement, record) in measurements.iter().zip(records) {
        assert_eq!(record["step"].as_u64().unwrap(), measurement.step);
        let tolerance = tolerance(measurement.step);
        for split in [Split::Train, Split::Test] {
            let place = format!("step {} {split}", measurement.step);
            let expected = &record[split.as_str()];
            compare(
                &place,
                measurement.split(split).unwrap(),
                expected,
                &tolerance,
            );
        }
    }
}

/// The noise of a split, row by row, from the gradients that a dump would write.
fn noise(training: &Training, split: Split) -> Vec<f64> {
    let mut rows: Vec<Vec<f32>> = Vec::new();
    let finite = training.each_gradient(split, &|| false, &mut |row| rows.push(row.to_vec()));
    assert!(finite.unwrap());
    let mut mean = vec![0.0; rows[0].len()];
    for row in &rows {
        for (sum, gradient) in mean.iter_mut().zip(row) {
            *sum += f64::from(*gradient) / rows.len() as f64;
        }
    }
    let centred = |row: &Vec<f32>| -> Vec<f64> {
        let pairs = row.iter().zip(&mean);
        pairs
            .map(|(gradient, mean)| f64::from(*gradient) - mean)
            .collect()
    };
    rows.iter().flat_map(centred).collect()
}

/// What is read off the values themselves.
fn compare_values(place: &str, noise: &[f64], expected: &Value, tolerance: &Tolerance) {
    for (k1, alpha) in expected["alpha_by_k1"].as_object().unwrap() {
        let found = mohammadi(noise, k1.parse().unwrap()).ok();
        absolute(
            &format!("{place} alpha, k1 {k1}"),
            found,
            alpha,
            tolerance.alpha,
        );
    }
    let k1 = expected["k1"].as_u64().unwrap() as usize;
    let blocks: Vec<f64> = noise
        .chunks_exact(k1)
        .map(|block| block.iter().sum())
        .collect();
    // A relative change of all values moves their logarithms, and so does a zero that comes or goes.
    let ln = tolerance.moments + tolerance.zero_fraction * 52.0 * std::f64::consts::LN_2;
    for (name, values) in [("mean_log_x", noise), ("mean_log_y", &blocks)] {
        let found = sum_ln_abs_plus_epsilon(values) / values.len() as f64;
        absolute(&format!("{place} {name}"), Some(found), &expected[name], ln);
    }
}

fn compare(place: &str, found: &SplitMeasurement, expected: &Value, tolerance: &Tolerance) {
    let noise = &found.noise;
    assert_eq!(noise.params() as u64, expected["params"].as_u64().unwrap());
    assert_eq!(
        noise.minibatches() as u64,
        expected["batches"].as_u64().unwrap()
    );
    relative(
        &format!("{place} loss"),
        found.loss.unwrap(),
        &expected["loss"],
        tolerance.loss,
    );
    let near = |name: &str, found: Option<f64>, expected: &Value, tolerance: f64| {
        absolute(&format!("{place} {name}"), found, expected, tolerance);
    };
    near(
        "accuracy",
        found.accuracy,
        &expected["accuracy"],
        tolerance.accuracy,
    );
    let zeros = noise.zero_fraction();
    near(
        "zero fraction",
        zeros,
        &expected["zero_fraction"],
        tolerance.zero_fraction,
    );
    for (name, found) in [
        ("noise_norm_mean", noise.noise_norm_mean()),
        ("noise_norm_max", noise.noise_norm_max()),
        ("kurtosis", noise.kurtosis()),
    ] {
        relative(
            &format!("{place} {name}"),
            found.unwrap(),
            &expected[name],
            tolerance.moments,
        );
    }

    let estimates = noise.estimates().unwrap();
    let of = |estimator, treatment| -> Vec<&Estimate> {
        let wanted = |estimate: &&Estimate| {
            estimate.scope == Scope::All
                && estimate.estimator == estimator
                && estimate.treatment == treatment
        };
        estimates.iter().filter(wanted).collect()
    };
    let k1 = expected["k1"].as_u64().unwrap();
    for (treatment, name) in [
        (Treatment::Published, "alpha_f64"),
        (Treatment::Published, "alpha_f32"),
        (Treatment::PublishedRows, "alpha_published_rows"),
        (Treatment::ZerosDropped, "alpha_zeros_dropped"),
        (Treatment::GaussianSurrogate, "alpha_gaussian_surrogate"),
    ] {
        let mut found = of(Estimator::Mohammadi, treatment);
        found.retain(|estimate| estimate.k1 == Some(k1));
        assert_eq!(found.len(), 1, "{place} {name}");
        near(name, found[0].alpha, &expected[name], tolerance.alpha);
    }
    for (estimator, name) in [
        (Estimator::WithinCoordinate, "alpha_within"),
        (Estimator::AcrossMinibatches, "alpha_across"),
    ] {
        let found = of(estimator, Treatment::Paired);
        assert_eq!(found.len(), 1, "{place} {name}");
        near(name, found[0].alpha, &expected[name], tolerance.paired);
    }
    let slopes = of(Estimator::LocalSlope, Treatment::Paired);
    for (level, expected) in expected["local_slope_paired"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let k1 = 2_u64 << level;
        let found = slopes.iter().find(|slope| slope.k1 == Some(k1)).unwrap();
        near(
            &format!("local_slope_paired k1 {k1}"),
            found.alpha,
            expected,
            tolerance.paired,
        );
    }
}

fn absolute(name: &str, found: Option<f64>, expected: &Value, tolerance: f64) {
    match (found, expected.as_f64()) {
        (None, None) => {}
        (Some(found), Some(expected)) => {
            let off = (found - expected).abs();
            assert!(
                off <= tolerance,
                "{name}: {found} for {expected}, {off:.1e} off"
            );
        }
        (found, expected) => panic!("{name}: {found:?} for {expected:?}"),
    }
}

fn relative(name: &str, found: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    let off = (found - expected).abs() / expected.abs();
    assert!(
        off <= tolerance,
        "{name}: {found} for {expected}, {off:.1e} off"
    );
}
