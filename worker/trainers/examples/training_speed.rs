//! How fast training and measuring are on this machine.
//!
//! ```text
//! cargo run --release -p tailsweep-trainers --example training_speed
//! ```
//!
//! Training: steps a second on one thread, MNIST excerpt, batch size 100. Measuring: seconds for
//! one measurement of both splits (10,000 and 2,000 images) with the default treatments, on all
//! cores, FCN of width 128 and depth 3.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::{
    Architecture, Dataset, DatasetName, Init, Loss, Measure, NetworkPoint, Run, Sampling, Schedule,
    Train,
};
use tailsweep_trainers::{Event, MeasureBudget, Training, data, instruction_set};

#[allow(clippy::print_stdout, reason = "printing is what this example does")]
fn main() -> Result<(), Box<dyn Error>> {
    let dataset = Dataset {
        source: DatasetName::MnistExcerpt.into(),
        train_limit: None,
        test_limit: None,
    };
    let data = Arc::new(data::load(&dataset, Path::new(""))?);
    println!("instructions: {}", instruction_set());

    println!("width depth   steps/s   ms/step");
    for width in [64, 128, 512] {
        for depth in [3, 5] {
            let steps = if width == 512 { 300 } else { 1500 };
            let run = run(&dataset, width, depth, steps, vec![]);
            let mut seconds = f64::INFINITY;
            for _ in 0..3 {
                let mut training = Training::new(&run, Arc::clone(&data), None)?;
                let start = Instant::now();
                while !matches!(training.advance(&|| false)?, Event::Ended(_)) {}
                seconds = seconds.min(start.elapsed().as_secs_f64());
            }
            let per_step = seconds / steps as f64;
            println!(
                "{width:5} {depth:5} {:9.0} {:9.3}",
                1.0 / per_step,
                1e3 * per_step
            );
        }
    }

    println!("measuring, width depth   threads   gradients   seconds");
    for (width, depth) in [(128, 3), (512, 5)] {
        for budget in [MeasureBudget::default(), MeasureBudget { bytes: 0 }] {
            let run = run(&dataset, width, depth, 0, vec![Split::Train, Split::Test]);
            let mut seconds = f64::INFINITY;
            for _ in 0..3 {
                let training = Training::new(&run, Arc::clone(&data), None)?;
                let mut training = training.with_measure_budget(budget);
                let start = Instant::now();
                let event = training.advance(&|| false)?;
                seconds = seconds.min(start.elapsed().as_secs_f64());
                assert!(
                    matches!(event, Event::Measured(_)),
                    "the first event: {event:?}"
                );
            }
            let threads = rayon::current_num_threads();
            let kept = if budget.bytes > 0 { "kept" } else { "twice" };
            println!("{width:16} {depth:5} {threads:9} {kept:>11} {seconds:9.3}");
        }
    }
    Ok(())
}

fn run(dataset: &Dataset, width: u32, depth: u32, steps: u64, splits: Vec<Split>) -> Run {
    let point = NetworkPoint {
        dataset: dataset.clone(),
        architecture: Architecture::Fcn { width, depth },
        batch_size: 100,
        learning_rate: 0.1,
        loss: Loss::Nll,
        train: Train {
            steps,
            sampling: Sampling::FileOrder,
            momentum: 0.0,
            weight_decay: 0.0,
            dropout: 0.0,
            schedule: Schedule::Constant,
            stop_at_train_accuracy: None,
            init: Init::Default,
        },
        measure: Measure {
            every: steps.max(1),
            splits,
            minibatches: None,
            treatments: tailsweep_stats::Treatments::default(),
            iterates: false,
        },
    };
    Run {
        point: Arc::new(point.into()),
        seed: 0,
    }
}
