//! Runs for the tests.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use tailsweep_common::measurement::{Measurement, Split};
use tailsweep_common::run::{
    Architecture, Dataset, DatasetName, Init, Loss, Measure, NetworkPoint, Run, Sampling, Schedule,
    Train,
};
use tailsweep_common::state::Ending;
use tailsweep_stats::Treatments;
use tailsweep_trainers::data::{self, Data};
use tailsweep_trainers::{Event, TrainError, Training};

/// 330 training and 170 test images of the excerpt.
pub(crate) fn small_data() -> Arc<Data> {
    static DATA: LazyLock<Arc<Data>> = LazyLock::new(|| excerpt(330, 170));
    Arc::clone(&DATA)
}

pub(crate) fn excerpt(train: u32, test: u32) -> Arc<Data> {
    let dataset = Dataset {
        source: DatasetName::MnistExcerpt.into(),
        train_limit: Some(train),
        test_limit: Some(test),
    };
    Arc::new(data::load(&dataset, Path::new("/nowhere")).unwrap())
}

/// At most 400 training and 200 test images of CIFAR-10, the first ones.
pub(crate) fn cifar10(train: u32, test: u32) -> Arc<Data> {
    let dataset = Dataset {
        source: DatasetName::Cifar10.into(),
        train_limit: Some(train),
        test_limit: Some(test),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    Arc::new(data::load(&dataset, &folder).unwrap())
}

/// A run on [`small_data`] that is over in milliseconds.
pub(crate) fn small_point() -> NetworkPoint {
    NetworkPoint {
        dataset: small_data().dataset.clone(),
        architecture: Architecture::Fcn {
            width: 12,
            depth: 3,
        },
        batch_size: 32,
        learning_rate: 0.05,
        loss: Loss::Nll,
        train: Train {
            steps: 30,
            sampling: Sampling::FileOrder,
            momentum: 0.0,
            weight_decay: 0.0,
            dropout: 0.0,
            schedule: Schedule::Constant,
            stop_at_train_accuracy: None,
            init: Init::Default,
        },
        measure: Measure {
            every: 15,
            splits: vec![Split::Train, Split::Test],
            minibatches: None,
            treatments: Treatments::default(),
            iterates: false,
            dump: Vec::new(),
        },
    }
}

pub(crate) fn run(point: NetworkPoint, seed: u64) -> Run {
    Run {
        point: Arc::new(point.into()),
        seed,
    }
}

/// All that a run says, from where it stands.
pub(crate) fn events(training: &mut Training) -> Result<Vec<Event>, TrainError> {
    let mut events = Vec::new();
    loop {
        let event = training.advance(&|| false)?;
        let ended = matches!(event, Event::Ended(_));
        events.push(event);
        if ended {
            return Ok(events);
        }
    }
}

/// Measurements, losses of the steps, and the ending.
pub(crate) fn results(run: &Run, data: &Arc<Data>) -> (Vec<Measurement>, Vec<f32>, Ending) {
    let mut training = Training::new(run, Arc::clone(data), None).unwrap();
    sorted(events(&mut training).unwrap())
}

pub(crate) fn sorted(events: Vec<Event>) -> (Vec<Measurement>, Vec<f32>, Ending) {
    let (mut measurements, mut losses, mut ending) = (Vec::new(), Vec::new(), None);
    for event in events {
        match event {
            Event::Stepped { loss } => losses.push(loss),
            Event::Measured(measurement) => measurements.push(*measurement),
            Event::Advanced => panic!("a network steps"),
            Event::Interrupted => panic!("nobody interrupts"),
            Event::Ended(end) => ending = Some(end),
        }
    }
    (measurements, losses, ending.unwrap())
}

/// Measurements as bytes.
pub(crate) fn bytes(measurements: &[Measurement]) -> String {
    let mut text = String::new();
    for measurement in measurements {
        for split in &measurement.splits {
            let numbers = (measurement.step, split.split, split.loss.unwrap().to_bits());
            let more = (
                split.accuracy.map(f64::to_bits),
                serde_json::to_string(&split.noise).unwrap(),
            );
            text += &format!("{numbers:?} {more:?} {:?}\n", split.spectrum);
        }
        text += &format!("{:?}\n", measurement.iterates);
    }
    text
}

pub(crate) fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}
