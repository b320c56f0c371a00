//! Paths of a stochastic differential equation driven by stable noise, all of them step by step.
//!
//! Each path has its own part of one random stream, two words a step, so that a step of a path is a
//! function of the seed, the path and the step: there is no random state, and paths can be
//! followed on any thread. Everything that is counted is a whole number, so that it does not
//! matter in which order it is added.
//!
//! A path that ends with its first exit rests where it then is. When all paths rest, the run ends
//! with a measurement.

mod checkpointed;
mod tally;
mod walker;

use rayon::prelude::*;
use tailsweep_common::exits::Exits;
use tailsweep_common::measurement::Measurement;
use tailsweep_common::run::{LevyPoint, Run};
use tailsweep_common::state::Ending;

use self::tally::Tally;
use self::walker::{Equation, Walker};
use crate::checkpoint::{self, Phase};
use crate::training::{Event, TrainError};

/// Steps of all paths together that one unit of work takes, about.
const UNIT: u64 = 1 << 20;

/// Paths that are followed together by a thread.
const TOGETHER: usize = 8;

/// The paths of a [`LevyPoint`], as a step machine.
#[derive(Debug)]
pub struct LevySde {
    run: Run,
    equation: Equation,
    walkers: Vec<Walker>,
    tally: Tally,
    step: u64,
    phase: Phase,
}

impl LevySde {
    /// At step 0.
    ///
    /// # Errors
    ///
    /// The point contradicts itself, or is no such point.
    pub fn new(run: &Run) -> Result<Self, TrainError> {
        let (point, equation) = validate(run)?;
        let walkers = (0..point.paths)
            .map(|path| Walker::new(&equation, path, point.start_of(path, equation.wells())))
            .collect();
        Ok(Self {
            run: run.clone(),
            tally: Tally::new(equation.wells()),
            equation,
            walkers,
            step: 0,
            phase: Phase::Arrived,
        })
    }

    /// Where `checkpoint` was taken.
    ///
    /// # Errors
    ///
    /// Those of [`LevySde::new`]; or the checkpoint is damaged or belongs to another run.
    pub fn resume(run: &Run, checkpoint: &[u8]) -> Result<Self, TrainError> {
        let (point, equation) = validate(run)?;
        let (step, phase, mut content) = checkpoint::open(run, checkpoint)?;
        let (walkers, tally) = checkpointed::decode(point, &equation, &mut content)?;
        content.end()?;
        Ok(Self {
            run: run.clone(),
            equation,
            walkers,
            tally,
            step,
            phase,
        })
    }

    /// Steps so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Does one unit of work: some steps of all paths, or a measurement.
    pub fn advance(&mut self) -> Event {
        match self.phase {
            Phase::Ended(ending) => Event::Ended(ending),
            Phase::Arrived if self.run.point.is_due(self.step) || self.rests() => self.measure(),
            Phase::Arrived | Phase::Measured => self.walk(),
        }
    }

    /// The state, as bytes from which [`LevySde::resume`] goes on as if nothing had happened.
    pub fn checkpoint(&self) -> Vec<u8> {
        let content = checkpointed::encode(&self.walkers, &self.tally);
        checkpoint::seal(&self.run, self.step, self.phase, &content)
    }

    /// Whether no path goes on.
    fn rests(&self) -> bool {
        self.walkers.iter().all(Walker::rests)
    }

    fn walk(&mut self) -> Event {
        let walking = self.walkers.iter().filter(|walker| !walker.rests()).count() as u64;
        let every = self.run.point.every();
        let due = (self.step / every + 1).saturating_mul(every);
        let due = due.min(self.run.point.steps());
        let until = due.min(self.step + (UNIT / walking.max(1)).max(1));
        let (equation, from) = (&self.equation, self.step);
        let seen = self
            .walkers
            .par_chunks_mut(TOGETHER)
            .map(|walkers| {
                let mut tally = Tally::new(equation.wells());
                for walker in walkers {
                    walker.walk(equation, from..until, &mut tally);
                }
                tally
            })
            .reduce(|| Tally::new(equation.wells()), Tally::and);
        if let Some(step) = seen.not_finite {
            let ending = Ending::Diverged { step };
            self.step = step;
            self.phase = Phase::Ended(ending);
            return Event::Ended(ending);
        }
        let last_exit = seen.last_exit;
        self.tally = std::mem::take(&mut self.tally).and(seen);
        self.step = match last_exit {
            Some(step) if self.rests() => step,
            _ => until,
        };
        self.phase = Phase::Arrived;
        Event::Advanced
    }

    fn measure(&mut self) -> Event {
        let rests = self.rests();
        self.phase = if rests || self.step == self.run.point.steps() {
            Phase::Ended(Ending::Done {
                steps: self.step,
                accuracy_reached: false,
            })
        } else {
            Phase::Measured
        };
        let running = self.walkers.iter().filter(|walker| !walker.rests());
        let exits = Exits {
            running: running.count() as u64,
            wells: self.tally.wells(self.walkers.iter().filter_map(|walker| {
                let (well, since) = walker.visit()?;
                Some((well, self.step - since))
            })),
            paths: self.walkers.iter().filter_map(Walker::kept).collect(),
        };
        Event::Measured(Box::new(Measurement {
            step: self.step,
            splits: Vec::new(),
            iterates: None,
            exits: Some(exits),
        }))
    }
}

fn validate(run: &Run) -> Result<(&LevyPoint, Equation), TrainError> {
    let point = run.point.levy_sde();
    let point = point.ok_or(TrainError::Invalid("it follows no paths"))?;
    let equation = Equation::new(point, run.seed);
    let equation = equation.ok_or(TrainError::Invalid("its equation has no such numbers"))?;
    let wells = equation.wells();
    if point.every == 0 || point.paths == 0 || point.start_of(0, wells) >= wells {
        return Err(TrainError::Invalid("its paths have no beginning"));
    }
    Ok((point, equation))
}

const _: () = {
    const fn can_move_to_another_thread<T: Send>() {}
    can_move_to_another_thread::<LevySde>();
};
