//! Results with numbers that are easy to follow, for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use tailsweep_common::exits::{Exits, Path, WellExits};
use tailsweep_common::id::RunId;
use tailsweep_common::measurement::{Measurement, Split};
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep;
use tailsweep_stats::{Estimator, Gaussianity, Problem, Spectrum, Treatment};

use crate::facts::{ALL, EstimateRow, Facts, MeasurementRow, Told};
use crate::{RunResult, SweepText};

const SWEEP: &str = r#"version = 1
name = "fixture"
seeds = 4
[train]
steps = 4
[measure]
splits = ["train"]
[[block]]
dataset = "mnist-excerpt"
architecture = "fcn"
width = 4
depth = 2
batch_size = 500
learning_rate = 0.1
"#;

/// One point with two done seeds, a diverged one and one that waits.
pub(crate) fn facts() -> Facts {
    let sweep = sweep::parse(SWEEP, "fixture.toml", &BTreeMap::new()).expect("a valid file");
    let sweep = Arc::new(sweep);
    let text = SweepText {
        sweep: Arc::clone(&sweep),
        source: SWEEP.to_owned(),
    };
    let mut facts = Facts::new(text);
    for (index, run) in sweep.runs().enumerate() {
        let (state, reason, steps) = match index {
            0 => (RunState::Done, None, Some(4)),
            1 => (RunState::Done, Some(Reason::TrainAccuracyReached), Some(4)),
            2 => (RunState::Diverged, Some(Reason::NonFiniteLoss), Some(1)),
            _ => (RunState::Waiting, None, None),
        };
        let measurements = Vec::new();
        // Not the run's own id, which changes with the form of a run.
        let id = RunId::of(&[index as u8]);
        facts.add(RunResult {
            id,
            run,
            state,
            reason,
            steps,
            measurements,
        });
    }
    let alphas = [[1.5, 2.0, 1.0], [1.5, 2.0, 4.0], [9.0, 9.0, 9.0]];
    for (run, alphas) in alphas.into_iter().enumerate() {
        let steps = if run == 2 { vec![0] } else { vec![0, 3, 4] };
        let (measured, estimated) = (facts.measurements.len(), facts.estimates.len());
        for (step, alpha) in steps.into_iter().zip(alphas) {
            facts.measurements.push(measurement(run, step));
            facts.estimates.extend(estimates(run, step, alpha));
        }
        facts.runs[run].last_step = facts.measurements[measured..]
            .last()
            .map_or(0, |row| row.step);
        facts.runs[run].measurements = measured..facts.measurements.len();
        facts.runs[run].estimates = estimated..facts.estimates.len();
    }
    facts
}

fn measurement(run: usize, step: u64) -> MeasurementRow {
    MeasurementRow {
        run,
        step,
        split: Split::Train,
        loss: Some(2.0 / (1.0 + step as f64)),
        accuracy: Some(0.25 * step as f64),
        params: 3176,
        batches: 20,
        zero_fraction: Some(1e-7),
        noise_norm_mean: Some(0.1 + 0.2),
        noise_norm_max: Some(1e21),
        max_to_sum_2: Some(0.5),
        max_to_sum_4: None,
        kurtosis: None,
        gaussianity: match step {
            0 => Err(Problem::TooFewBatches),
            _ => Ok(Gaussianity {
                projections: 16,
                rows: 20,
                shapiro_wilk: 0.9375,
                anderson_darling: 1.0,
            }),
        },
        spectrum: (step > 0).then(|| Spectrum {
            rows: 20,
            trace: 3.5,
            leading: vec![1.5, 0.25],
        }),
    }
}

fn estimates(run: usize, step: u64, alpha: f64) -> Vec<EstimateRow> {
    let published = Told {
        scope: ALL.into(),
        estimator: Estimator::Mohammadi,
        treatment: Some(Treatment::Published),
        k1: Some(252),
        alpha: Some(alpha),
        std_error: Some(0.5),
        interval: Some([0.5 * alpha, f64::INFINITY]),
        degrees: Some(19),
        samples: 63520,
        blocks: 252,
        problem: None,
        stable_reads: None,
    };
    let standardised = Told {
        treatment: Some(Treatment::Standardised),
        alpha: Some(1.875),
        stable_reads: Some(1.75),
        ..published.clone()
    };
    let surrogate = Told {
        treatment: Some(Treatment::GaussianSurrogate),
        alpha: Some(1.25),
        std_error: None,
        interval: None,
        degrees: None,
        ..published.clone()
    };
    let within = Told {
        estimator: Estimator::WithinCoordinate,
        treatment: Some(Treatment::Paired),
        k1: None,
        alpha: None,
        std_error: None,
        interval: None,
        degrees: None,
        problem: Some(Problem::LighterThanStable),
        ..published.clone()
    };
    let layer = Told {
        scope: "fc.0.weight".into(),
        k1: Some(256),
        ..published.clone()
    };
    let row = |told| EstimateRow {
        run,
        step,
        split: Some(Split::Train),
        told,
    };
    [published, surrogate, standardised, within, layer]
        .map(row)
        .into()
}

/// The point of [`facts`] with the treatments that take the published number apart. Its two done
/// seeds are equal: α is 1 with restarted rows, then 1.25, 1.6 and 2 as one cause after the other is
/// taken away; the surrogate reads 1.25.
pub(crate) fn parts() -> Facts {
    let mut facts = facts();
    for (index, row) in facts.estimates.iter_mut().enumerate() {
        let (treatment, alpha) = [
            (Treatment::PublishedRows, 1.0),
            (Treatment::ZerosDropped, 1.25),
            (Treatment::Standardised, 1.6),
            (Treatment::StandardisedPermuted, 2.0),
            (Treatment::GaussianSurrogate, 1.25),
        ][index % 5];
        row.told = Told {
            scope: ALL.into(),
            estimator: Estimator::Mohammadi,
            treatment: Some(treatment),
            k1: Some(252),
            alpha: Some(alpha),
            problem: None,
            stable_reads: (treatment == Treatment::StandardisedPermuted).then_some(1.6),
            ..row.told.clone()
        };
    }
    facts
}

const CHANNELS: &str = r#"version = 1
name = "channels"
[train]
steps = 4
[[block]]
dataset = "cifar10"
architecture = "alexnet"
width = [2, 4]
batch_size = 500
learning_rate = 0.1
"#;

/// Two networks of 2 and of 4 channels: accuracies of 0.25 and 0.5 on the training split, α of 1.5
/// and 1.25 there, and of twice as much on the other one.
pub(crate) fn channels() -> Facts {
    let sweep = sweep::parse(CHANNELS, "channels.toml", &BTreeMap::new()).expect("a valid file");
    let sweep = Arc::new(sweep);
    let mut facts = Facts::new(SweepText {
        sweep: Arc::clone(&sweep),
        source: CHANNELS.to_owned(),
    });
    for (index, run) in sweep.runs().enumerate() {
        facts.add(RunResult {
            id: RunId::of(&[index as u8]),
            run,
            state: RunState::Done,
            reason: None,
            steps: Some(4),
            measurements: Vec::new(),
        });
        let (measured, estimated) = (facts.measurements.len(), facts.estimates.len());
        for (split, times) in [(Split::Train, 1.0), (Split::Test, 2.0)] {
            facts.measurements.push(MeasurementRow {
                split,
                accuracy: Some(times * 0.25 * (1 + index) as f64),
                ..measurement(index, 4)
            });
            let alpha = times * (1.5 - 0.25 * index as f64);
            let published = estimates(index, 4, alpha).swap_remove(0);
            facts.estimates.push(EstimateRow {
                split: Some(split),
                ..published
            });
        }
        facts.runs[index].measurements = measured..facts.measurements.len();
        facts.runs[index].estimates = estimated..facts.estimates.len();
    }
    facts
}

const DRAWS: &str = r#"version = 1
name = "draws"
[train]
steps = 3
[measure]
every = 1
treatments = ["published", "paired"]
[synthetic]
law = "gaussian"
group = 1000
[[block]]
architecture = "synthetic"
"synthetic.correlation" = [0.01, 0.05, 0.2]
"#;

/// Three points of one done run each: Gaussian values that hang together.
pub(crate) fn draws() -> Facts {
    let sweep = sweep::parse(DRAWS, "draws.toml", &BTreeMap::new()).expect("a valid file");
    let sweep = Arc::new(sweep);
    let mut facts = Facts::new(SweepText {
        sweep: Arc::clone(&sweep),
        source: DRAWS.to_owned(),
    });
    for (number, run) in (1..).zip(sweep.runs()) {
        facts.add(RunResult {
            id: RunId::of(&[number]),
            run,
            state: RunState::Done,
            reason: None,
            steps: Some(3),
            measurements: Vec::new(),
        });
    }
    for (run, alpha) in [1.5, 1.25, 1.0].into_iter().enumerate() {
        let (measured, estimated) = (facts.measurements.len(), facts.estimates.len());
        for (step, sign) in (0..4).zip([1.0, -1.0, 1.0, -1.0]) {
            facts.measurements.push(measurement(run, step));
            let rows = estimates(run, step, 1.0 / (1.0 / alpha + sign * 0.125));
            facts.estimates.extend(rows.into_iter().map(|mut row| {
                row.told.k1 = row.told.k1.map(|_| 1000);
                row
            }));
        }
        facts.runs[run].last_step = facts.measurements[measured..]
            .last()
            .map_or(0, |row| row.step);
        facts.runs[run].measurements = measured..facts.measurements.len();
        facts.runs[run].estimates = estimated..facts.estimates.len();
    }
    facts
}

const EQUATIONS: &str = r#"version = 1
name = "equations"
seeds = 2
[train]
steps = 1000
[measure]
every = 500
[levy_sde]
alpha = 1.5
potential = "double_well"
[[block]]
architecture = "levy_sde"
"levy_sde.epsilon" = [0.1, 0.2]
"#;

/// Two points of two done runs each: paths in two wells.
pub(crate) fn equations() -> Facts {
    let sweep = sweep::parse(EQUATIONS, "equations.toml", &BTreeMap::new()).expect("a valid file");
    let sweep = Arc::new(sweep);
    let mut facts = Facts::new(SweepText {
        sweep: Arc::clone(&sweep),
        source: EQUATIONS.to_owned(),
    });
    for (index, run) in (1..).zip(sweep.runs()) {
        let measurements = [500, 1000].map(|step| {
            let well = |left, right| WellExits {
                left,
                right,
                steps: 100 * step,
                squares: 2e6 * step as f64,
                median: Some(70.0),
                unfinished: 1,
                unfinished_steps: step,
                inside: 101 * step,
                reached: vec![1, 9],
            };
            Measurement {
                step,
                splits: Vec::new(),
                iterates: None,
                exits: Some(Exits {
                    wells: vec![well(0, 10), well(20, 0)],
                    running: 2,
                    paths: vec![Path {
                        stride: 100,
                        places: vec![-1.0, 0.5, 1.0],
                    }],
                }),
            }
        });
        facts.add(RunResult {
            id: RunId::of(&[index]),
            run,
            state: RunState::Done,
            reason: None,
            steps: Some(1000),
            measurements: measurements.to_vec(),
        });
    }
    facts
}
