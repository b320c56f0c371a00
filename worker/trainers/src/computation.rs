//! What a run computes, whichever kind it is.

use std::sync::Arc;

use tailsweep_common::run::{Point, Run};

use crate::data::Data;
use crate::device::Device;
use crate::levy_sde::LevySde;
use crate::synthetic::Synthetic;
use crate::training::{Event, TrainError, Training};

/// One run as a step machine: [`Computation::advance`] does one unit of work and says what it was.
#[derive(Debug)]
pub enum Computation {
    /// A network in training.
    Training(Box<Training>),
    /// Draws of noise.
    Synthetic(Synthetic),
    /// Paths of an equation.
    LevySde(LevySde),
}

impl Computation {
    /// The run at step 0. `data` and `weights` are for networks: weights are the bytes of a
    /// safetensors file, for `init = weights`. Networks are computed on `device`, all else on the
    /// CPU.
    ///
    /// # Errors
    ///
    /// The run contradicts itself or does not fit what was handed over, the device cannot be used,
    /// or memory does not suffice.
    pub fn new(
        device: Device,
        run: &Run,
        data: Option<Arc<Data>>,
        weights: Option<&[u8]>,
    ) -> Result<Self, TrainError> {
        Ok(match &*run.point {
            Point::Network(_) => {
                let data = data.ok_or(TrainError::OtherData)?;
                let training = Training::new_on(device, run, data, weights)?;
                Self::Training(Box::new(training))
            }
            Point::Synthetic(_) => Self::Synthetic(Synthetic::new(run)?),
            Point::LevySde(_) => Self::LevySde(LevySde::new(run)?),
        })
    }

    /// The run where `checkpoint` was taken.
    ///
    /// # Errors
    ///
    /// Those of [`Computation::new`]; or the checkpoint is damaged or belongs to another run.
    pub fn resume(
        device: Device,
        run: &Run,
        data: Option<Arc<Data>>,
        checkpoint: &[u8],
    ) -> Result<Self, TrainError> {
        Ok(match &*run.point {
            Point::Network(_) => {
                let data = data.ok_or(TrainError::OtherData)?;
                let training = Training::resume_on(device, run, data, checkpoint)?;
                Self::Training(Box::new(training))
            }
            Point::Synthetic(_) => Self::Synthetic(Synthetic::resume(run, checkpoint)?),
            Point::LevySde(_) => Self::LevySde(LevySde::resume(run, checkpoint)?),
        })
    }

    /// Steps so far.
    pub fn step(&self) -> u64 {
        match self {
            Self::Training(training) => training.step(),
            Self::Synthetic(synthetic) => synthetic.step(),
            Self::LevySde(paths) => paths.step(),
        }
    }

    /// Does one unit of work. `interrupted` is asked every now and then, from any thread of the
    /// pool; once it says yes, a measurement is given up.
    ///
    /// # Errors
    ///
    /// Memory ran out; the state is as before.
    pub fn advance(
        &mut self,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Event, TrainError> {
        match self {
            Self::Training(training) => training.advance(interrupted),
            Self::Synthetic(synthetic) => synthetic.advance(interrupted),
            Self::LevySde(paths) => Ok(paths.advance()),
        }
    }

    /// The state, as bytes from which [`Computation::resume`] goes on as if nothing had happened.
    pub fn checkpoint(&self) -> Vec<u8> {
        match self {
            Self::Training(training) => training.checkpoint(),
            Self::Synthetic(synthetic) => synthetic.checkpoint(),
            Self::LevySde(paths) => paths.checkpoint(),
        }
    }
}
