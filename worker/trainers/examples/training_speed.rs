//! How fast training and measuring are on this machine.
//!
//! ```text
//! cargo run --release -p tailsweep-trainers --example training_speed            # a table
//! cargo run --release -p tailsweep-trainers --example training_speed -- step fcn 512 5
//! ```
//!
//! With arguments it does one thing and prints one line of JSON, for `benchmarks/training.py`:
//!
//! - `step fcn WIDTH DEPTH`, `step alexnet CHANNELS`: seconds of a training step on one thread,
//!   batch size 100, on the MNIST excerpt or on the CIFAR-10 images of the tests. Where the system
//!   tells it, time that others had the core is not counted. Beside it the peak of memory, in bytes;
//! - `measure WIDTH DEPTH published|default kept|twice`: seconds of a measurement of 10,000 images
//!   of an FCN on the threads of `RAYON_NUM_THREADS`, and the memory that it took beside what was
//!   there before, in floats for each parameter;
//! - `program DIR`: seconds of a training like that of the published program: FCN of width 128 and
//!   depth 3, 300 steps, both splits measured at 5 points, on the MNIST of the folder DIR.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::{
    Architecture, Dataset, DatasetName, Init, Loss, Measure, NetworkPoint, Run, Sampling, Schedule,
    Train,
};
use tailsweep_stats::{Treatment, Treatments};
use tailsweep_trainers::data::Data;
use tailsweep_trainers::{Event, MeasureBudget, Training, data, instruction_set};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[allow(clippy::print_stdout, reason = "printing is what this example does")]
fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        [] => table()?,
        ["step", "fcn", width, depth] => {
            let (width, depth) = (width.parse()?, depth.parse()?);
            let seconds = step(Architecture::Fcn { width, depth })?;
            println!(
                "{{\"seconds\": {seconds}, \"peak\": {}}}",
                resident("VmHWM:")?
            );
        }
        ["step", "alexnet", width] => {
            let width = width.parse()?;
            let seconds = step(Architecture::Alexnet { width })?;
            println!(
                "{{\"seconds\": {seconds}, \"peak\": {}}}",
                resident("VmHWM:")?
            );
        }
        ["measure", width, depth, treatments, gradients] => {
            let (width, depth) = (width.parse()?, depth.parse()?);
            let all = treatments == "default";
            let (seconds, floats) = measurement(width, depth, all, gradients == "kept")?;
            println!("{{\"seconds\": {seconds}, \"floats_per_parameter\": {floats}}}");
        }
        ["program", folder] => {
            let seconds = program(Path::new(folder))?;
            println!("{{\"seconds\": {seconds}}}");
        }
        _ => return Err("see the head of examples/training_speed.rs for the arguments".into()),
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "printing is what this example does")]
fn table() -> Result<()> {
    println!("instructions: {}", instruction_set());
    println!("a training step, batch size 100, one thread           ms");
    let fcn = |(width, depth)| Architecture::Fcn { width, depth };
    let fcns = [(64, 3), (64, 5), (128, 3), (128, 5), (512, 3), (512, 5)].map(fcn);
    let alexnets = [16, 64].map(|width| Architecture::Alexnet { width });
    for architecture in fcns.into_iter().chain(alexnets) {
        let seconds = step(architecture)?;
        println!("{:50} {:9.3}", format!("{architecture:?}"), 1e3 * seconds);
    }
    let threads = rayon::current_num_threads();
    println!(
        "a measurement of 10,000 images, {threads} threads              s   floats a parameter"
    );
    for (width, depth) in [(128, 3), (512, 5)] {
        for all in [false, true] {
            for kept in [false, true] {
                let (seconds, floats) = measurement(width, depth, all, kept)?;
                let what = format!(
                    "fcn {width} {depth}, {}, gradients {}",
                    if all {
                        "default treatments"
                    } else {
                        "published"
                    },
                    if kept { "kept" } else { "computed twice" },
                );
                println!("{what:50} {seconds:9.3} {floats:9.1}");
            }
        }
    }
    Ok(())
}

fn step(architecture: Architecture) -> Result<f64> {
    let data = match architecture {
        Architecture::Alexnet { .. } => {
            let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
            load(DatasetName::Cifar10, Some(400), &images)?
        }
        _ => load(DatasetName::MnistExcerpt, None, Path::new(""))?,
    };
    let run = run(&data, architecture, 1 << 20, &[], false);
    let mut training = Training::new(&run, data, None)?;
    let mut some = |steps: u32| -> Result<f64> {
        let (start, on_core) = (Instant::now(), seconds_on_core());
        for _ in 0..steps {
            training.advance(&|| false)?;
        }
        let all = start.elapsed().as_secs_f64();
        let seconds = match (on_core, seconds_on_core()) {
            (Some(before), Some(after)) => after - before,
            _ => all,
        };
        Ok(seconds / f64::from(steps))
    };
    // As many as fit into a fifth of a second, the best of six times that.
    some(3)?;
    let steps = (0.2 / some(3)?.max(1e-4)).ceil() as u32;
    let mut best = f64::INFINITY;
    for _ in 0..6 {
        best = best.min(some(steps)?);
    }
    Ok(best)
}

fn measurement(width: u32, depth: u32, all: bool, kept: bool) -> Result<(f64, f64)> {
    let data = load(DatasetName::MnistExcerpt, None, Path::new(""))?;
    let run = run(
        &data,
        Architecture::Fcn { width, depth },
        1,
        &[Split::Train],
        all,
    );
    let budget = MeasureBudget {
        bytes: if kept { 1 << 34 } else { 0 },
    };
    let (mut best, mut extra) = (f64::INFINITY, 0.0_f64);
    for _ in 0..3 {
        let training = Training::new(&run, Arc::clone(&data), None)?;
        let mut training = training.with_measure_budget(budget);
        // At step 0, and at step 1, where the rows of the first are at hand; memory is what the first
        // takes, to which nothing is left.
        let (before, mut first) = (resident("VmRSS:")?, true);
        reset_peak();
        loop {
            let start = Instant::now();
            match training.advance(&|| false)? {
                Event::Measured(_) => best = best.min(start.elapsed().as_secs_f64()),
                Event::Ended(_) => break,
                _ => {}
            }
            if std::mem::take(&mut first) {
                extra = extra.max(resident("VmHWM:")?.saturating_sub(before) as f64);
            }
        }
    }
    Ok((best, extra / 4.0 / run.point.params() as f64))
}

fn program(folder: &Path) -> Result<f64> {
    let data = load(DatasetName::Mnist, None, folder)?;
    let architecture = Architecture::Fcn {
        width: 128,
        depth: 3,
    };
    let run = run(
        &data,
        architecture,
        300,
        &[Split::Train, Split::Test],
        false,
    );
    let start = Instant::now();
    let mut training = Training::new(&run, data, None)?;
    while !matches!(training.advance(&|| false)?, Event::Ended(_)) {}
    Ok(start.elapsed().as_secs_f64())
}

fn load(name: DatasetName, train_limit: Option<u32>, folder: &Path) -> Result<Arc<Data>> {
    let dataset = Dataset {
        source: name.into(),
        train_limit,
        test_limit: train_limit.map(|_| 100),
    };
    Ok(Arc::new(data::load(&dataset, folder)?))
}

fn run(
    data: &Data,
    architecture: Architecture,
    steps: u64,
    splits: &[Split],
    all_treatments: bool,
) -> Run {
    let treatments = if all_treatments {
        Treatments::default()
    } else {
        [Treatment::Published].into_iter().collect()
    };
    let point = NetworkPoint {
        dataset: data.dataset.clone(),
        architecture,
        batch_size: 100,
        learning_rate: 0.1,
        loss: Loss::Nll,
        train: Train {
            steps,
            sampling: Sampling::FileOrder,
            momentum: 0.0,
            weight_decay: 0.0,
            dropout: if architecture.has_dropout() { 0.5 } else { 0.0 },
            schedule: Schedule::Constant,
            stop_at_train_accuracy: None,
            init: Init::Default,
        },
        measure: Measure {
            every: steps.div_ceil(4),
            splits: splits.to_vec(),
            minibatches: None,
            treatments,
            iterates: false,
            dump: Vec::new(),
        },
    };
    Run {
        point: Arc::new(point.into()),
        seed: 0,
    }
}

/// Seconds that this thread had a core.
fn seconds_on_core() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(1e-9 * text.split_whitespace().next()?.parse::<f64>().ok()?)
}

/// Bytes, from `/proc`; 0 where there is none.
fn resident(line: &str) -> Result<u64> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return Ok(0);
    };
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let kibibytes = found.and_then(|text| text.split_whitespace().next());
    Ok(1024 * kibibytes.map_or(Ok(0), str::parse)?)
}

/// Lets the peak begin anew.
fn reset_peak() {
    // Not everywhere possible; then the peak is that of the whole process, too much.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
