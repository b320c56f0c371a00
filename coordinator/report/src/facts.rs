//! What is kept of a sweep and its results: rows of plain numbers, in the order of the sweep.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use tailsweep_common::exits::Exits;
use tailsweep_common::id::RunId;
use tailsweep_common::measurement::{Measurement, Split, SplitMeasurement};
use tailsweep_common::run::Point;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_stats::late::is_late;
use tailsweep_stats::{
    Estimate, Estimator, Gaussianity, IterateEstimate, IterateSummary, NoiseSummary, Problem,
    Scope, Spectrum, StandardisedStable, Treatment,
};

use crate::choice::is_of_ladder;
use crate::norms::RelativeNorms;
use crate::{Choice, RunResult, SweepText, ToldRun};

/// The scope of an estimate over all parameters.
pub(crate) const ALL: &str = "all";

/// All that the report is made of.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) text: SweepText,
    pub(crate) choice: Choice,
    /// The block lengths at which several are kept for the same noise, chosen or not.
    pub(crate) ladders: BTreeSet<u64>,
    /// The points of the added runs, in the order of the sweep.
    pub(crate) points: Vec<PointFacts>,
    pub(crate) runs: Vec<RunFacts>,
    pub(crate) measurements: Vec<MeasurementRow>,
    pub(crate) estimates: Vec<EstimateRow>,
    pub(crate) exits: Vec<ExitRow>,
    /// Names of layers, each held once.
    scopes: Vec<Arc<str>>,
    /// By number of minibatches, and whether noise is about its mean row.
    stable: Vec<((usize, bool), StableReadings)>,
}

/// A point and its runs.
#[derive(Debug)]
pub(crate) struct PointFacts {
    pub(crate) point: Arc<Point>,
    /// Its runs in [`Facts::runs`].
    pub(crate) runs: Range<usize>,
}

/// A run.
#[derive(Debug)]
pub(crate) struct RunFacts {
    pub(crate) id: RunId,
    /// Its point in [`Facts::points`].
    pub(crate) point: usize,
    pub(crate) seed: u64,
    pub(crate) params: u64,
    pub(crate) state: RunState,
    pub(crate) reason: Option<Reason>,
    pub(crate) steps: Option<u64>,
    /// The last measured step; 0 before there is one.
    pub(crate) last_step: u64,
    /// Its rows in [`Facts::measurements`].
    pub(crate) measurements: Range<usize>,
    /// Its rows in [`Facts::estimates`].
    pub(crate) estimates: Range<usize>,
    /// Its rows in [`Facts::exits`].
    pub(crate) exits: Range<usize>,
    /// Of its late measurements, if it is done: by split.
    pub(crate) norms: Vec<(Split, RelativeNorms)>,
}

/// What the paths of a run did up to a measured step.
#[derive(Clone, Debug)]
pub(crate) struct ExitRow {
    pub(crate) run: usize,
    pub(crate) step: u64,
    /// Places are those of the last measurement alone.
    pub(crate) exits: Exits,
}

/// One split of one measurement.
#[derive(Clone, Debug)]
pub(crate) struct MeasurementRow {
    pub(crate) run: usize,
    pub(crate) step: u64,
    pub(crate) split: Split,
    pub(crate) loss: Option<f64>,
    pub(crate) accuracy: Option<f64>,
    pub(crate) params: u64,
    pub(crate) batches: u64,
    pub(crate) zero_fraction: Option<f64>,
    pub(crate) noise_norm_mean: Option<f64>,
    pub(crate) noise_norm_max: Option<f64>,
    /// max|u|²/Σ|u|².
    pub(crate) max_to_sum_2: Option<f64>,
    /// max|u|⁴/Σ|u|⁴.
    pub(crate) max_to_sum_4: Option<f64>,
    pub(crate) kurtosis: Option<f64>,
    /// Shares of random projections that look Gaussian, or why none was tested.
    pub(crate) gaussianity: Result<Gaussianity, Problem>,
    /// Of the covariance of the noise.
    pub(crate) spectrum: Option<Spectrum>,
}

/// One estimate of one split of one measurement.
#[derive(Clone, Debug)]
pub(crate) struct EstimateRow {
    pub(crate) run: usize,
    pub(crate) step: u64,
    /// `None` of the iterates, which belong to no split.
    pub(crate) split: Option<Split>,
    pub(crate) told: Told,
}

/// An estimate, wherever it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) scope: Arc<str>,
    pub(crate) estimator: Estimator,
    /// Of the gradient noise; `None`: it is of the averaged iterates.
    pub(crate) treatment: Option<Treatment>,
    pub(crate) k1: Option<u64>,
    pub(crate) alpha: Option<f64>,
    pub(crate) std_error: Option<f64>,
    /// Both ends; the upper one may be infinite.
    pub(crate) interval: Option<[f64; 2]>,
    /// Degrees of freedom of its t.
    pub(crate) degrees: Option<u32>,
    pub(crate) samples: u64,
    pub(crate) blocks: u64,
    pub(crate) problem: Option<Problem>,
    /// What SαS(1.5) would read, of standardised noise.
    pub(crate) stable_reads: Option<f64>,
}

impl Told {
    /// Standard error of 1/α. Levels of a ladder are chosen by this one: α² goes into that of α, so
    /// levels with a small `std_error` are those that read a small α by chance.
    pub(crate) fn theta_error(&self) -> Option<f64> {
        Some(self.std_error? / self.alpha?.powi(2))
    }
}

/// What SαS(1.5) would read with the standardised treatments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StableReadings(Option<StandardisedStable>);

impl StableReadings {
    const NONE: Self = Self(None);

    /// For this noise: none when nothing is standardised.
    pub(crate) fn of(noise: &NoiseSummary, centred: bool) -> Self {
        if !Self::are_asked(noise) {
            return Self::NONE;
        }
        Self(StandardisedStable::new(noise.minibatches(), centred))
    }

    fn are_asked(noise: &NoiseSummary) -> bool {
        let asked = noise.shape().treatments();
        let mut standardised = STANDARDISED.iter();
        standardised.any(|treatment| asked.contains(*treatment))
    }

    fn reading(self, estimate: &Estimate) -> Option<f64> {
        let standardised = STANDARDISED.contains(&estimate.treatment);
        self.0.filter(|_| standardised)?.reading(estimate.k1?)
    }
}

const STANDARDISED: [Treatment; 2] = [Treatment::Standardised, Treatment::StandardisedPermuted];

impl Facts {
    pub(crate) fn new(text: SweepText) -> Self {
        Self {
            text,
            choice: Choice::default(),
            ladders: BTreeSet::new(),
            points: Vec::new(),
            runs: Vec::new(),
            measurements: Vec::new(),
            estimates: Vec::new(),
            exits: Vec::new(),
            scopes: Vec::new(),
            stable: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, result: RunResult) {
        let run = self.runs.len();
        let point = self.point(&result.run.point);
        let (first_measurement, first_estimate) = (self.measurements.len(), self.estimates.len());
        let first_exits = self.exits.len();
        let norms = match result.state {
            RunState::Done => late_norms(&result.measurements),
            _ => Vec::new(),
        };
        let centred = match &*result.run.point {
            Point::Synthetic(noise) => noise.centred,
            Point::Network(_) | Point::LevySde(_) => true,
        };
        for measurement in &result.measurements {
            if let Some(exits) = &measurement.exits {
                for before in &mut self.exits[first_exits..] {
                    before.exits.paths.clear();
                }
                self.exits.push(ExitRow {
                    run,
                    step: measurement.step,
                    exits: exits.clone(),
                });
            }
            for split in &measurement.splits {
                let stable = self.stable_readings(&split.noise, centred);
                self.measurements
                    .push(MeasurementRow::new(run, measurement.step, split));
                // A summary with missing rows is refused before it is committed.
                for estimate in split.noise.estimates().unwrap_or_default() {
                    let scope = self.scope(scope_name(&estimate.scope));
                    let told = Told::new(scope, &estimate, stable);
                    if is_of_ladder(&told) {
                        self.ladders.extend(told.k1);
                    }
                    let published = split.noise.shape().block_length() as u64;
                    if !self.choice.takes(&told, published) {
                        continue;
                    }
                    self.estimates.push(EstimateRow {
                        run,
                        step: measurement.step,
                        split: Some(split.split),
                        told,
                    });
                }
            }
            let iterates = measurement.iterates.iter();
            for estimate in iterates.flat_map(IterateSummary::estimates) {
                let scope = self.scope(scope_name(&estimate.scope));
                self.estimates.push(EstimateRow {
                    run,
                    step: measurement.step,
                    split: None,
                    told: Told::of_iterates(scope, &estimate),
                });
            }
        }
        self.points[point].runs.end = run + 1;
        self.runs.push(RunFacts {
            id: result.id,
            point,
            seed: result.run.seed,
            params: result.run.point.params(),
            state: result.state,
            reason: result.reason,
            steps: result.steps,
            last_step: self.measurements[first_measurement..]
                .last()
                .map_or(0, |row| row.step),
            measurements: first_measurement..self.measurements.len(),
            estimates: first_estimate..self.estimates.len(),
            exits: first_exits..self.exits.len(),
            norms,
        });
    }

    /// A run of which only the estimates are known, for what is pooled from them.
    pub(crate) fn add_told(&mut self, run: ToldRun, last_step: u64, estimates: Vec<EstimateRow>) {
        let point = self.point(&run.run.point);
        let first = self.estimates.len();
        self.estimates.extend(estimates);
        self.points[point].runs.end = self.runs.len() + 1;
        self.runs.push(RunFacts {
            id: run.id,
            point,
            seed: run.run.seed,
            params: run.run.point.params(),
            state: run.state,
            reason: None,
            steps: None,
            last_step,
            measurements: 0..0,
            estimates: first..self.estimates.len(),
            exits: 0..0,
            norms: Vec::new(),
        });
    }

    /// The point of the next run: that of the last one, or a new one.
    fn point(&mut self, point: &Arc<Point>) -> usize {
        let is_last = |last: &PointFacts| Arc::ptr_eq(&last.point, point) || last.point == *point;
        if !self.points.last().is_some_and(is_last) {
            let runs = self.runs.len()..self.runs.len();
            self.points.push(PointFacts {
                point: Arc::clone(point),
                runs,
            });
        }
        self.points.len() - 1
    }

    /// Made once for all measurements of as many minibatches.
    fn stable_readings(&mut self, noise: &NoiseSummary, centred: bool) -> StableReadings {
        if !StableReadings::are_asked(noise) {
            return StableReadings::NONE;
        }
        let key = (noise.minibatches(), centred);
        if let Some((_, known)) = self.stable.iter().find(|(known, _)| *known == key) {
            return *known;
        }
        let stable = StableReadings::of(noise, centred);
        self.stable.push((key, stable));
        stable
    }

    fn scope(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.scopes.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let scope: Arc<str> = name.into();
        self.scopes.push(Arc::clone(&scope));
        scope
    }

    /// The points of the added runs.
    pub(crate) fn all_points(&self) -> impl Iterator<Item = &Point> + Clone {
        self.points.iter().map(|point| &*point.point)
    }

    /// The rows of one run's measurements.
    pub(crate) fn measurements_of(&self, run: &RunFacts) -> &[MeasurementRow] {
        &self.measurements[run.measurements.clone()]
    }

    /// The rows of one run's estimates.
    pub(crate) fn estimates_of(&self, run: &RunFacts) -> &[EstimateRow] {
        &self.estimates[run.estimates.clone()]
    }

    /// What was seen of one run's paths.
    pub(crate) fn exits_of(&self, run: &RunFacts) -> &[ExitRow] {
        &self.exits[run.exits.clone()]
    }

    /// The last measurement of a split of a run.
    pub(crate) fn last(&self, run: &RunFacts, split: Split) -> Option<&MeasurementRow> {
        self.measurements_of(run)
            .iter()
            .rev()
            .find(|row| row.split == split)
    }
}

/// The norms of the late measurements of a run, by split.
fn late_norms(measurements: &[Measurement]) -> Vec<(Split, RelativeNorms)> {
    let last = measurements.last().map_or(0, |measured| measured.step);
    let mut norms: Vec<(Split, RelativeNorms)> = Vec::new();
    for measured in measurements.iter().filter(|row| is_late(row.step, last)) {
        for split in &measured.splits {
            let own = match norms.iter().position(|(of, _)| *of == split.split) {
                Some(index) => index,
                None => {
                    norms.push((split.split, RelativeNorms::default()));
                    norms.len() - 1
                }
            };
            norms[own].1.add(split.noise.noise_norms());
        }
    }
    norms
}

/// What an estimate is of, as written in tables.
pub(crate) fn measured(treatment: Option<Treatment>) -> &'static str {
    match treatment {
        Some(_) => "gradient_noise",
        None => "iterate",
    }
}

/// As written in tables.
pub(crate) fn scope_name(scope: &Scope) -> &str {
    match scope {
        Scope::All => ALL,
        Scope::Layer(name) => name,
    }
}

impl Told {
    pub(crate) fn new(scope: Arc<str>, estimate: &Estimate, stable: StableReadings) -> Self {
        Self {
            scope,
            estimator: estimate.estimator,
            treatment: Some(estimate.treatment),
            k1: estimate.k1,
            alpha: estimate.alpha,
            std_error: estimate.std_error,
            interval: estimate
                .interval
                .map(|interval| [interval.low, interval.high]),
            degrees: estimate.degrees,
            samples: estimate.samples,
            blocks: estimate.blocks,
            problem: estimate.problem,
            stable_reads: stable.reading(estimate),
        }
    }

    fn of_iterates(scope: Arc<str>, estimate: &IterateEstimate) -> Self {
        Self {
            scope,
            estimator: Estimator::Mohammadi,
            treatment: None,
            k1: Some(estimate.k1),
            alpha: estimate.alpha,
            std_error: None,
            interval: None,
            degrees: None,
            samples: estimate.samples,
            blocks: estimate.blocks,
            problem: estimate.problem,
            stable_reads: None,
        }
    }

    /// What the estimate is of.
    pub(crate) fn measured(&self) -> &'static str {
        measured(self.treatment)
    }
}

impl MeasurementRow {
    fn new(run: usize, step: u64, measured: &SplitMeasurement) -> Self {
        let noise = &measured.noise;
        // The noise of a single minibatch is zero by its definition, which says nothing.
        let told = |number: Option<f64>| number.filter(|_| noise.minibatches() > 1);
        Self {
            run,
            step,
            split: measured.split,
            loss: measured.loss,
            accuracy: measured.accuracy,
            params: noise.params() as u64,
            batches: noise.minibatches() as u64,
            zero_fraction: told(noise.zero_fraction()),
            noise_norm_mean: told(noise.noise_norm_mean()),
            noise_norm_max: told(noise.noise_norm_max()),
            kurtosis: told(noise.kurtosis()),
            max_to_sum_2: told(noise.max_to_sum_2()),
            max_to_sum_4: told(noise.max_to_sum_4()),
            gaussianity: noise.gaussianity(),
            spectrum: measured.spectrum.clone(),
        }
    }
}
