//! Noise of a known law in place of gradients: each measured step is a fresh draw.
//!
//! Value (i, j) of a draw is η·σ_j·(a·f_ig + b·e_ij), as in [`SyntheticPoint`]. Scales and zeros are
//! drawn first, then each row from a part of the stream that is its own, so that rows can be drawn
//! on any thread. The stream is known by the seed, the law, P, M, the split and the step: points
//! that differ in their law are independent, and those that differ in scales, zeros or correlation
//! share what they can.
//!
//! Values are f64, so that those of a small α are finite. They go through the accumulators of
//! gradients; the steps between two measurements are skipped.

use std::f64::consts::TAU;
use std::sync::Arc;

use rayon::prelude::*;
use tailsweep_common::measurement::{Measurement, Split, SplitMeasurement};
use tailsweep_common::run::{Law, Run, SyntheticPoint};
use tailsweep_common::state::Ending;
use tailsweep_stats::NoiseShape;
use tailsweep_stats::stable::Stable;

use crate::checkpoint::{self, Phase};
use crate::measuring::{Centre, NoMeasurement, reserve, summarise_rows};
use crate::random::Stream;
use crate::training::{Event, TrainError};

/// Draws of a [`SyntheticPoint`], as a step machine.
#[derive(Debug)]
pub struct Synthetic {
    run: Run,
    point: SyntheticPoint,
    step: u64,
    phase: Phase,
}

impl Synthetic {
    /// At step 0.
    ///
    /// # Errors
    ///
    /// The point contradicts itself, or is no such point.
    pub fn new(run: &Run) -> Result<Self, TrainError> {
        Self::at(run, 0, Phase::Arrived)
    }

    /// Where `checkpoint` was taken.
    ///
    /// # Errors
    ///
    /// Those of [`Synthetic::new`]; or the checkpoint is damaged or belongs to another run.
    pub fn resume(run: &Run, checkpoint: &[u8]) -> Result<Self, TrainError> {
        let (step, phase, content) = checkpoint::open(run, checkpoint)?;
        content.end()?;
        Self::at(run, step, phase)
    }

    fn at(run: &Run, step: u64, phase: Phase) -> Result<Self, TrainError> {
        let point = run.point.synthetic();
        let point = point.ok_or(TrainError::Invalid("it draws no noise"))?;
        let is_sound = point.batch_size > 0
            && point.group > 0
            && point.params > 0
            && point.measure.every > 0
            && point.learning_rate >= 0.0
            && point.scale_spread >= 0.0
            && (0.0..=1.0).contains(&point.correlation)
            && (0.0..=1.0).contains(&point.zeros)
            && (0.0..=1.0).contains(&point.dead_groups);
        let has_law = match point.law {
            Law::Stable { alpha } => Stable::symmetric(alpha, 1.0).is_ok(),
            Law::StudentT { degrees } => degrees > 0.0,
            Law::Gaussian | Law::Laplace => true,
        };
        if !is_sound || !has_law {
            return Err(TrainError::Invalid("its noise has no such law"));
        }
        Ok(Self {
            run: run.clone(),
            point: point.clone(),
            step,
            phase,
        })
    }

    /// Steps so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Does one unit of work: a draw with its measurement, or the way to the next one.
    ///
    /// # Errors
    ///
    /// Memory ran out; the state is as before.
    pub fn advance(
        &mut self,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Event, TrainError> {
        match self.phase {
            Phase::Ended(ending) => Ok(Event::Ended(ending)),
            Phase::Arrived if self.run.point.is_due(self.step) => self.measure(interrupted),
            Phase::Arrived | Phase::Measured => {
                let every = self.point.measure.every;
                let next = (self.step / every + 1).saturating_mul(every);
                self.step = next.min(self.point.steps);
                self.phase = Phase::Arrived;
                Ok(Event::Advanced)
            }
        }
    }

    /// The state, as bytes from which [`Synthetic::resume`] goes on.
    pub fn checkpoint(&self) -> Vec<u8> {
        checkpoint::seal(&self.run, self.step, self.phase, &[])
    }

    fn measure(&mut self, interrupted: &(dyn Fn() -> bool + Sync)) -> Result<Event, TrainError> {
        let splits = self.point.measure.splits.iter();
        let splits: Result<Vec<_>, NoMeasurement> = splits
            .map(|split| self.measure_split(*split, interrupted))
            .collect();
        let splits = match splits {
            Ok(splits) => splits,
            Err(NoMeasurement::Interrupted) => return Ok(Event::Interrupted),
            Err(NoMeasurement::NotFinite) => {
                let ending = Ending::Diverged { step: self.step };
                self.phase = Phase::Ended(ending);
                return Ok(Event::Ended(ending));
            }
            Err(NoMeasurement::Failed(error)) => return Err(error),
        };
        self.phase = if self.step == self.point.steps {
            Phase::Ended(Ending::Done {
                steps: self.step,
                accuracy_reached: false,
            })
        } else {
            Phase::Measured
        };
        Ok(Event::Measured(Box::new(Measurement {
            step: self.step,
            splits,
            iterates: None,
            exits: None,
        })))
    }

    fn measure_split(
        &self,
        split: Split,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> Result<SplitMeasurement, NoMeasurement> {
        let point = &self.point;
        let draw = Draw::new(point, self.run.seed, split, self.step);
        let rows = draw.rows(interrupted)?;
        let last = rows.len().saturating_sub(1);
        let params = point.params as usize;
        let shape = NoiseShape::without_layers(rows.len(), params, point.measure.treatments)
            .map_err(|_| TrainError::Invalid("its noise matrix is empty or too large"))?
            .with_last_short(point.examples_of(last) < point.batch_size);
        let centre = match point.centred {
            true => Centre::Mean,
            false => Centre::Zero,
        };
        let noise = summarise_rows(&Arc::new(shape), &rows, centre, interrupted)?;
        Ok(SplitMeasurement {
            split,
            loss: None,
            accuracy: None,
            noise: noise.summary,
            spectrum: noise.spectrum,
        })
    }
}

/// One matrix of noise.
struct Draw<'a> {
    point: &'a SyntheticPoint,
    stream: Stream,
}

/// Part of a stream that gives scales and zeros; row i has part i + 1.
const SCALES: u64 = 0;

impl<'a> Draw<'a> {
    fn new(point: &'a SyntheticPoint, seed: u64, split: Split, step: u64) -> Self {
        let (law, number) = match point.law {
            Law::Stable { alpha } => (0, alpha),
            Law::Gaussian => (1, 0.0),
            Law::StudentT { degrees } => (2, degrees),
            Law::Laplace => (3, 0.0),
        };
        let names = [
            law,
            number.to_bits(),
            point.minibatches(split) as u64,
            u64::from(point.params),
            u64::from(split == Split::Test),
            step,
        ];
        Self {
            point,
            stream: Stream::new("synthetic noise", seed, &names, SCALES),
        }
    }

    fn rows(
        &self,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<Vec<f64>>, NoMeasurement> {
        let scales = self.scales();
        let rows = self.point.minibatches(Split::Train);
        (0..rows)
            .into_par_iter()
            .map(|row| match interrupted() {
                true => Err(NoMeasurement::Interrupted),
                false => Ok(self.row(row, &scales)?),
            })
            .collect()
    }

    /// η·σ_j; 0 where all rows are zero.
    fn scales(&self) -> Vec<f64> {
        let point = self.point;
        let mut stream = self.stream.at(SCALES, 0);
        let params = point.params as usize;
        let groups = params.div_ceil(point.group as usize);
        let dead_groups = (point.dead_groups * groups as f64).round() as usize;
        let dead = dead_groups.saturating_mul(point.group as usize);
        let scale = |column| {
            // Both are drawn for each coordinate, so that neither moves the other.
            let (zero, normal) = (uniform(stream.word()), gaussian(&mut stream));
            if column < dead || zero < point.zeros {
                0.0
            } else {
                point.learning_rate * (point.scale_spread * normal).exp()
            }
        };
        (0..params).map(scale).collect()
    }

    fn row(&self, row: usize, scales: &[f64]) -> Result<Vec<f64>, TrainError> {
        let point = self.point;
        let mut stream = self.stream.at(row as u64 + 1, 0);
        let examples = point.examples_of(row);
        let index = point.law.index();
        let [shared_weight, own_weight] =
            [point.correlation, 1.0 - point.correlation].map(|share| share.powf(1.0 / index));
        let mut mean = Mean::of(point.law, examples);
        let mut values = reserve(scales.len())?;
        for scales in scales.chunks(point.group as usize) {
            let shared = match point.correlation > 0.0 {
                true => shared_weight * mean.draw(&mut stream),
                false => 0.0,
            };
            values.extend(scales.iter().map(|scale| match *scale == 0.0 {
                true => 0.0,
                false => scale * (shared + own_weight * mean.draw(&mut stream)),
            }));
        }
        Ok(values)
    }
}

/// The mean of some values of a law.
enum Mean {
    /// Again a value of a stable law.
    Stable(Stable),
    Of(Law, u32),
}

impl Mean {
    fn of(law: Law, count: u32) -> Self {
        let stable = law.stable().and_then(|stable| {
            let scale = f64::from(count).powf(1.0 / stable.alpha() - 1.0);
            Stable::symmetric(stable.alpha(), stable.scale() * scale).ok()
        });
        stable.map_or(Self::Of(law, count), Self::Stable)
    }

    fn draw(&mut self, stream: &mut Stream) -> f64 {
        match self {
            Self::Stable(law) => law.sample(|| stream.word()),
            Self::Of(law, count) => {
                let sum: f64 = (0..*count).map(|_| value(*law, stream)).sum();
                sum / f64::from(*count)
            }
        }
    }
}

/// A value of a law that is not stable.
fn value(law: Law, stream: &mut Stream) -> f64 {
    let first = uniform(stream.word());
    match law {
        Law::Laplace => {
            let time = -first.ln();
            if stream.word() >> 63 == 0 {
                time
            } else {
                -time
            }
        }
        // Bailey, Mathematics of Computation 62 (1994).
        Law::StudentT { degrees } => {
            let radius = (degrees * (first.powf(-2.0 / degrees) - 1.0)).sqrt();
            radius * (TAU * uniform(stream.word())).cos()
        }
        Law::Gaussian | Law::Stable { .. } => gaussian(stream),
    }
}

/// Standard Gaussian (Box and Muller 1958).
fn gaussian(stream: &mut Stream) -> f64 {
    let radius = (-2.0 * uniform(stream.word()).ln()).sqrt();
    radius * (TAU * uniform(stream.word())).cos()
}

/// Uniform in (0, 1): the middles of 2⁵² cells.
fn uniform(word: u64) -> f64 {
    ((word >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

const _: () = {
    const fn can_move_to_another_thread<T: Send>() {}
    can_move_to_another_thread::<Synthetic>();
};

#[cfg(test)]
mod tests {
    use super::*;

    /// P(|X| ≤ 1) within 4.5 standard errors.
    #[test]
    fn laws_have_their_probabilities() {
        let degrees = 3.0;
        for (law, expected) in [
            (Law::Gaussian, 0.682_689_5),
            (Law::Laplace, 0.632_120_6),
            // (2/π)(arctan(1/√3) + (1/√3)/(1 + 1/3)).
            (Law::StudentT { degrees }, 0.608_997_8),
            (Law::Stable { alpha: 1.0 }, 0.5),
            // erf(½).
            (Law::Stable { alpha: 2.0 }, 0.520_499_9),
        ] {
            let mut stream = Stream::new("test", 0, &[], 0);
            let n = 200_000;
            let mut mean = Mean::of(law, 1);
            let inside = (0..n).filter(|_| mean.draw(&mut stream).abs() <= 1.0);
            let share = inside.count() as f64 / f64::from(n);
            let error = 0.5 / f64::from(n).sqrt();
            assert!((share - expected).abs() < 4.5 * error, "{law:?}: {share}");
        }
    }

    /// The mean of four Cauchy values is one, and a mean of Laplace values has a quarter of their
    /// variance of 2.
    #[test]
    fn means_are_means() {
        let mut stream = Stream::new("test", 1, &[], 0);
        let n = 200_000;
        let mut cauchy = Mean::of(Law::Stable { alpha: 1.0 }, 4);
        let inside = (0..n).filter(|_| cauchy.draw(&mut stream).abs() <= 1.0);
        let share = inside.count() as f64 / f64::from(n);
        assert!((share - 0.5).abs() < 4.5 * 0.5 / f64::from(n).sqrt());
        let mut laplace = Mean::of(Law::Laplace, 4);
        let squares: f64 = (0..n).map(|_| laplace.draw(&mut stream).powi(2)).sum();
        let variance = squares / f64::from(n);
        assert!((variance - 0.5).abs() < 0.01, "{variance}");
    }
}
