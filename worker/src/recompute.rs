//! One run from its beginning to its end, without a coordinator: to see whether a result that is
//! known comes out again.
//!
//! It is the same [`Computation`] that an attempt of a worker advances. There is no checkpoint, no
//! time limit and no second attempt.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tailsweep_common::id::BlobId;
use tailsweep_common::measurement::Measurement;
use tailsweep_common::run::{Dataset, Init, Run};
use tailsweep_common::state::Ending;
use tailsweep_trainers::data::{self, Data, DataError};
use tailsweep_trainers::{Computation, Device, Event, TrainError};

use crate::datasets::Datasets;

/// Computes runs in this process. Several threads may share it.
#[derive(Debug)]
pub struct Recomputer {
    device: Device,
    datasets: Datasets,
    files: BTreeMap<BlobId, Vec<u8>>,
}

/// What a run measured, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Recomputed {
    /// In the order of their steps.
    pub measurements: Vec<Measurement>,
    /// How it ended.
    pub ending: Ending,
}

/// Why a run could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// Its examples are not here, or damaged; the text says what to do.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The initial weights that it names were not handed over.
    #[error("its initial weights `{0}` are not here")]
    Weights(BlobId),
    /// It has no such step.
    #[error("it ends at step {0}")]
    Ended(u64),
    /// It can't be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl Recomputer {
    /// Networks are computed on `device`. Data sets lie below `data_dir`, and are downloaded when
    /// they are missing and `fetch` says so; `files` are those that a sweep file names: initial
    /// weights and own data.
    pub fn new(
        device: Device,
        data_dir: PathBuf,
        fetch: bool,
        files: BTreeMap<BlobId, Vec<u8>>,
    ) -> Self {
        Self {
            device,
            datasets: Datasets::new(data_dir, fetch),
            files,
        }
    }

    /// The whole run, on the calling thread and its rayon pool.
    ///
    /// # Errors
    ///
    /// Its data or weights are not here, or it can't be trained.
    pub fn compute(&self, run: &Run) -> Result<Recomputed, RecomputeError> {
        let mut computation = self.computation(run)?;
        let mut measurements = Vec::new();
        loop {
            match computation.advance(&|| false)? {
                Event::Advanced | Event::Stepped { .. } | Event::Interrupted => {}
                Event::Measured(measurement) => measurements.push(*measurement),
                Event::Ended(ending) => {
                    return Ok(Recomputed {
                        measurements,
                        ending,
                    });
                }
            }
        }
    }

    /// The run at step 0.
    fn computation(&self, run: &Run) -> Result<Computation, RecomputeError> {
        let data = run
            .point
            .needed_data()
            .map(|dataset| self.data(&dataset))
            .transpose()?;
        let network = run.point.network();
        let weights = match network.map(|point| &point.train.init) {
            Some(Init::Weights(id)) => {
                Some(self.files.get(id).ok_or(RecomputeError::Weights(*id))?)
            }
            _ => None,
        };
        let weights = weights.map(Vec::as_slice);
        Ok(Computation::new(self.device, run, data, weights)?)
    }

    /// The weights of a run after `step` updates, as the bytes of a safetensors file; nothing is
    /// measured on the way.
    ///
    /// # Errors
    ///
    /// As [`Recomputer::compute`]; or the run diverges before that step or has no such step.
    pub fn weights(&self, run: &Run, step: u64) -> Result<Vec<u8>, RecomputeError> {
        let mut training = match self.computation(run)? {
            Computation::Training(training) => training,
            _ => return Err(TrainError::Invalid("it trains no network").into()),
        };
        while training.step() < step {
            training.skip_measurement();
            if let Event::Ended(_) = training.advance(&|| false)? {
                return Err(RecomputeError::Ended(training.step()));
            }
        }
        Ok(training.weights())
    }

    fn data(&self, dataset: &Dataset) -> Result<Arc<Data>, DataError> {
        match dataset.files().is_empty() {
            true => self.datasets.get(dataset),
            false => data::load_own(dataset, &self.files).map(Arc::new),
        }
    }
}
