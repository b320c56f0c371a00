//! Writes a report of synthetic noise, to look at: `cargo run --release -p tailsweep-report
//! --example sample -- DIR`.
//!
//! The noise has unequal scales and zeros, and its tails across minibatches grow heavier with
//! the steps. One run diverges, one fails, one is not over.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use tailsweep_common::measurement::{Measurement, Split, SplitMeasurement};
use tailsweep_common::run::Run;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep;
use tailsweep_report::{ReportBuilder, RunResult, SweepText};
use tailsweep_stats::{NoiseShape, NoiseSummary, summarise};

const SWEEP: &str = r#"version = 1
name = "sample"
seeds = 3

[train]
steps = 400
sampling = "shuffled"

[measure]
every = 50
minibatches = 24

[[block]]
dataset = "mnist-excerpt"
architecture = "fcn"
width = [2, 4, 8]
depth = [2, 3]
batch_size = [50, 200]
learning_rate = 0.1
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args().nth(1).ok_or("usage: sample DIR")?;
    let sweep = Arc::new(sweep::parse(SWEEP, "sample.toml", &BTreeMap::new())?);
    let text = SweepText {
        sweep: Arc::clone(&sweep),
        source: SWEEP.to_owned(),
    };
    let mut report = ReportBuilder::new(text);
    for (index, run) in sweep.runs().enumerate() {
        report.add(result(index, run)?);
    }
    for file in report.finish().files() {
        let path = Path::new(&out).join(&file.path);
        std::fs::create_dir_all(path.parent().ok_or("a file lies in a folder")?)?;
        std::fs::write(path, file.bytes)?;
    }
    Ok(())
}

fn result(index: usize, run: Run) -> Result<RunResult, Box<dyn Error>> {
    let (state, reason, last) = match index {
        4 => (RunState::Diverged, Some(Reason::NonFiniteLoss), 150),
        9 => (RunState::Failed, Some(Reason::OutOfMemory), 100),
        20 => (RunState::Running, None, 200),
        21 => (RunState::Waiting, None, 0),
        _ => (RunState::Done, None, 400),
    };
    let measurements = match state {
        RunState::Waiting => Vec::new(),
        _ => (0..=last)
            .step_by(50)
            .map(|step| measurement(&run, step))
            .collect::<Result<_, _>>()?,
    };
    let steps = match state {
        RunState::Done => Some(400),
        RunState::Diverged => Some(173),
        _ => None,
    };
    Ok(RunResult {
        id: run.id(),
        run,
        state,
        reason,
        steps,
        measurements,
    })
}

fn measurement(run: &Run, step: u64) -> Result<Measurement, Box<dyn Error>> {
    let progress = step as f64 / 400.0;
    let splits = [Split::Train, Split::Test].map(|split| {
        let gap = if split == Split::Test {
            0.03 * progress
        } else {
            0.0
        };
        Ok(SplitMeasurement {
            split,
            loss: Some(2.3 * (-3.0 * progress).exp() + gap),
            accuracy: Some(0.1 + 0.85 * (1.0 - (-5.0 * progress).exp()) - gap),
            noise: noise(run, split, progress)?,
            spectrum: None,
        })
    });
    Ok(Measurement {
        step,
        splits: splits.into_iter().collect::<Result<_, Box<dyn Error>>>()?,
        iterates: None,
        exits: None,
    })
}

fn noise(run: &Run, split: Split, progress: f64) -> Result<NoiseSummary, Box<dyn Error>> {
    let point = run.point.network().ok_or("the sample trains a network")?;
    let layers = point.architecture.layers(&point.dataset);
    let rows = point.minibatches(split);
    let shape = NoiseShape::new(rows, false, layers, point.measure.treatments)?;
    let mut random = Random(run.seed + 1);
    let width = f64::from(point.architecture.width().unwrap_or(1));
    let zero_share = 0.02 + 0.04 * progress;
    let scales: Vec<f64> = (0..shape.params())
        .map(|_| match random.uniform() < zero_share {
            true => 0.0,
            false => ((0.6 + 0.08 * width) * random.normal()).exp(),
        })
        .collect();
    let spread = 0.9 * progress / (f64::from(point.batch_size) / 50.0).sqrt();
    let mut random = Random(run.seed * 1000 + step_seed(split, progress));
    let gradients: Vec<Vec<f32>> = (0..rows)
        .map(|_| {
            let noise = |scale: &f64| {
                let size = (spread * random.normal()).exp();
                (scale * size * random.normal()) as f32
            };
            scales.iter().map(noise).collect()
        })
        .collect();
    Ok(summarise(Arc::new(shape), &gradients))
}

fn step_seed(split: Split, progress: f64) -> u64 {
    (progress * 400.0) as u64 + if split == Split::Test { 1 } else { 0 }
}

/// A congruential generator: good enough to look at.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bits = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
