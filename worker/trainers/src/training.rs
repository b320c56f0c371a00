//! One run as a step machine: `advance` does one unit of work and says what it was.
//!
//! ```text
//!             due                       more steps
//! arrived ──────────▶ measure ──▶ measured ──────────▶ update ──▶ arrived (step + 1)
//!    └─ not due: update              └─ last step, or accuracy reached: ended
//! ```
//! - After k updates the run stands at step k. A measurement is due at step 0, at multiples of
//!   `measure.every` and at the last step.
//! - A non-finite minibatch loss ends the run as diverged: in the update from step k, or in
//!   measuring at step k, or there a non-finite gradient; nothing is measured then, and the step
//!   of the ending is k.
//! - `stop_at_train_accuracy` is looked at in each measurement; the one that shows it is the last.
//!
//! `advance` runs on the rayon pool of its caller: a measurement spreads its minibatches over
//! `rayon::current_num_threads()` threads, an update uses the calling thread alone. Nothing here
//! depends on their number.

use std::sync::Arc;

use dfdx::tensor::CpuError;
#[cfg(feature = "cuda")]
use dfdx::tensor::Cuda;
use tailsweep_common::measurement::{Measurement, Split};
use tailsweep_common::run::{Init, NetworkPoint, Run};
use tailsweep_common::state::Ending;
use tailsweep_stats::Layer;

use crate::average::Average;
use crate::checkpoint::{CheckpointError, Phase, State};
#[cfg(feature = "cuda")]
use crate::confined::Confined;
use crate::data::Data;
use crate::device::{Device, DeviceError};
use crate::dropout::Dropout;
use crate::measuring::{self, MeasureBudget, NoMeasurement, Request};
use crate::model::Model;
use crate::network::{Learner, Network};
use crate::order::Order;
use crate::tape::Native;
#[cfg(feature = "cuda")]
use crate::tape::Portable;
use crate::weights::{self, WeightsError};

/// What one unit of work was.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// One update was made; the run stands one step further.
    Stepped {
        /// The minibatch loss before the update.
        loss: f32,
    },
    /// The run, which trains no network, stands some steps further.
    Advanced,
    /// The measurement of the present step was taken.
    Measured(Box<Measurement>),
    /// The measurement was given up because the caller asked for it; nothing has changed, and
    /// the next unit of work begins it anew.
    Interrupted,
    /// There is nothing left to do.
    Ended(Ending),
}

/// Why a run cannot be trained here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// The run contradicts itself.
    #[error("the run cannot be trained: {0}")]
    Invalid(&'static str),
    /// The data are not those of the run.
    #[error("the data that were handed over are not those of the run")]
    OtherData,
    /// The given initial weights cannot be used.
    #[error("initial weights: {0}")]
    Weights(#[from] WeightsError),
    /// The checkpoint cannot be used.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device failed.
    #[error("the device failed: {0}")]
    OnDevice(String),
    /// Memory ran out.
    #[error("out of memory")]
    OutOfMemory,
}

impl From<CpuError> for TrainError {
    fn from(error: CpuError) -> Self {
        match error {
            CpuError::OutOfMemory => Self::OutOfMemory,
            CpuError::WrongNumElements => Self::Invalid("the parameters do not fit the network"),
        }
    }
}

#[cfg(any(test, feature = "cuda"))]
impl From<rayon::ThreadPoolBuildError> for TrainError {
    fn from(error: rayon::ThreadPoolBuildError) -> Self {
        Self::OnDevice(error.to_string())
    }
}

/// One run in training. It can move to another thread, but only one can use it at a time.
#[derive(Debug)]
pub struct Training {
    run: Run,
    point: NetworkPoint,
    data: Arc<Data>,
    network: Box<dyn Learner>,
    order: Order,
    budget: MeasureBudget,
    /// Where a measurement keeps gradients.
    buffers: Vec<Vec<f32>>,
    /// Since the last measurement, if iterates are measured.
    average: Option<Average>,
    step: u64,
    phase: Phase,
}

impl Training {
    /// The run at step 0. `weights` are the bytes of a safetensors file, for `init = weights`.
    ///
    /// # Errors
    ///
    /// The run, the data and the weights do not fit each other,
    /// or memory does not suffice.
    pub fn new(run: &Run, data: Arc<Data>, weights: Option<&[u8]>) -> Result<Self, TrainError> {
        Self::new_on(Device::Cpu, run, data, weights)
    }

    /// The same on another device.
    ///
    /// # Errors
    ///
    /// Those of [`Training::new`]; or the device cannot be used.
    pub fn new_on(
        device: Device,
        run: &Run,
        data: Arc<Data>,
        weights: Option<&[u8]>,
    ) -> Result<Self, TrainError> {
        let (point, model) = validate(run, &data)?;
        let layers = point.architecture.layers(&point.dataset);
        let weights = match &point.train.init {
            Init::Default => weights::initial(&layers, run.seed),
            Init::Weights(_) => {
                let bytes = weights.ok_or(WeightsError::Absent)?;
                weights::given(point.architecture, &point.dataset, bytes)?
            }
        };
        let mut average = point
            .measure
            .iterates
            .then(|| Average::new(&lengths(&layers)));
        if let Some(average) = &mut average {
            average.add(&weights);
        }
        let state = State {
            step: 0,
            phase: Phase::Arrived,
            weights,
            velocities: None,
            average,
        };
        Self::at(device, run, point, data, model, state)
    }

    /// The run where `checkpoint` was taken; initial weights are not needed for it.
    ///
    /// # Errors
    ///
    /// Those of [`Training::new`]; or the checkpoint is damaged or belongs to another run.
    pub fn resume(run: &Run, data: Arc<Data>, checkpoint: &[u8]) -> Result<Self, TrainError> {
        Self::resume_on(Device::Cpu, run, data, checkpoint)
    }

    /// The same on another device.
    ///
    /// # Errors
    ///
    /// Those of [`Training::resume`]; or the device cannot be used.
    pub fn resume_on(
        device: Device,
        run: &Run,
        data: Arc<Data>,
        checkpoint: &[u8],
    ) -> Result<Self, TrainError> {
        let (point, model) = validate(run, &data)?;
        let layers = point.architecture.layers(&point.dataset);
        let state = State::decode(run, point, &lengths(&layers), checkpoint)?;
        Self::at(device, run, point, data, model, state)
    }

    /// With another bound on the memory of a measurement; results are the same for any.
    pub fn with_measure_budget(self, budget: MeasureBudget) -> Self {
        Self { budget, ..self }
    }

    /// The same for the measurements from now on.
    pub fn set_measure_budget(&mut self, budget: MeasureBudget) {
        self.budget = budget;
    }

    /// Whether the next unit of work is a measurement.
    pub fn is_about_to_measure(&self) -> bool {
        self.phase == Phase::Arrived && self.is_due()
    }

    fn at(
        device: Device,
        run: &Run,
        point: &NetworkPoint,
        data: Arc<Data>,
        model: Model,
        state: State,
    ) -> Result<Self, TrainError> {
        let velocities = state.velocities.as_deref();
        let (loss, weights) = (point.loss, &state.weights);
        let network: Box<dyn Learner> = match device {
            Device::Cpu => Box::new(Network::<Native>::new(
                device, model, loss, weights, velocities,
            )?),
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => Box::new(Confined::new(|| {
                Network::<Portable<Cuda>>::new(device, model, loss, weights, velocities)
            })?),
            #[cfg(not(feature = "cuda"))]
            Device::Cuda(_) => return Err(DeviceError::NotBuiltIn.into()),
        };
        let (sampling, batch_size) = (point.train.sampling, point.batch_size as usize);
        Ok(Self {
            run: run.clone(),
            point: point.clone(),
            order: Order::new(sampling, run.seed, data.train.len(), batch_size),
            data,
            network,
            budget: MeasureBudget::default(),
            buffers: Vec::new(),
            average: state.average,
            step: state.step,
            phase: state.phase,
        })
    }

    /// The weights of a checkpoint of `run`, as the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// The run trains no network, or the checkpoint is damaged or belongs to another run.
    pub fn weights_of(run: &Run, checkpoint: &[u8]) -> Result<Vec<u8>, TrainError> {
        let point = run.point.network().ok_or(NO_NETWORK)?;
        let layers = point.architecture.layers(&point.dataset);
        let state = State::decode(run, point, &lengths(&layers), checkpoint)?;
        Ok(weights::file(point, &state.weights))
    }

    /// The present weights, as the bytes of a safetensors file.
    pub fn weights(&self) -> Vec<u8> {
        weights::file(&self.point, &self.network.weights())
    }

    /// Passes over the measurement that is due, if one is: what comes next is an update.
    pub fn skip_measurement(&mut self) {
        if self.phase == Phase::Arrived && self.step < self.point.train.steps {
            self.phase = Phase::Measured;
        }
    }

    /// Updates so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Does one unit of work. `interrupted` is asked between the minibatches of a measurement,
    /// from any thread of the pool; once it says yes, the measurement is given up.
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
            Phase::Arrived if self.is_due() => self.measure(interrupted),
            Phase::Arrived | Phase::Measured => self.update(),
        }
    }

    /// The state, as bytes from which [`Training::resume`] goes on as if nothing had happened.
    pub fn checkpoint(&self) -> Vec<u8> {
        let momentum = self.point.train.momentum != 0.0;
        let state = State {
            step: self.step,
            phase: self.phase,
            weights: self.network.weights(),
            velocities: momentum.then(|| self.network.velocities()),
            average: self.average.clone(),
        };
        state.encode(&self.run)
    }

    fn is_due(&self) -> bool {
        let point = &self.point;
        point.measure.is_due(self.step, point.train.steps)
    }

    /// Whether the gradients of the present step, whose measurement comes next, are asked for
    /// ([`Training::each_gradient`]).
    pub fn is_dumped(&self) -> bool {
        self.phase == Phase::Arrived && self.point.measure.dump.contains(&self.step)
    }

    /// The measured splits, and how many minibatches are measured of each.
    pub fn rows(&self) -> impl Iterator<Item = (Split, usize)> {
        let splits = self.point.measure.splits.iter();
        splits.map(|split| (*split, self.point.minibatches(*split)))
    }

    /// M, the number of parameters.
    pub fn params(&self) -> u64 {
        self.point.params()
    }

    /// Hands over the gradients that a measurement of this split takes, row by row. Whether all
    /// came: not if `interrupted`, as in [`Training::advance`], or if one is not finite.
    ///
    /// # Errors
    ///
    /// Memory ran out.
    pub fn each_gradient(
        &self,
        split: Split,
        interrupted: &(dyn Fn() -> bool + Sync),
        take: &mut dyn FnMut(&[f32]),
    ) -> Result<bool, TrainError> {
        let request = self.request(interrupted);
        let passed = self
            .network
            .with_passes(&mut |passes| measuring::each_gradient(passes, request, split, take));
        match passed {
            Ok(()) => Ok(true),
            Err(NoMeasurement::Failed(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn request<'a>(&'a self, interrupted: &'a (dyn Fn() -> bool + Sync)) -> Request<'a> {
        Request {
            data: &self.data,
            point: &self.point,
            budget: self.budget,
            interrupted,
        }
    }

    fn measure(&mut self, interrupted: &(dyn Fn() -> bool + Sync)) -> Result<Event, TrainError> {
        let mut buffers = std::mem::take(&mut self.buffers);
        let request = self.request(interrupted);
        let mut splits = Vec::new();
        let measured = self.network.with_passes(&mut |passes| {
            splits = measuring::measure(passes, request, &mut buffers)?;
            Ok(())
        });
        self.buffers = buffers;
        match measured {
            Ok(()) => {}
            Err(NoMeasurement::Interrupted) => return Ok(Event::Interrupted),
            Err(NoMeasurement::NotFinite) => {
                return Ok(self.end(Ending::Diverged { step: self.step }));
            }
            Err(NoMeasurement::Failed(error)) => return Err(error),
        }
        let point = &self.point;
        let iterates = self.average.as_mut().map(|average| {
            let summary = average.summary(&point.architecture.layers(&point.dataset));
            average.clear();
            summary
        });
        let measurement = Measurement {
            step: self.step,
            splits,
            iterates,
            exits: None,
        };
        let reached = accuracy_reached(point, &measurement);
        self.phase = if reached || self.step == point.train.steps {
            Phase::Ended(Ending::Done {
                steps: self.step,
                accuracy_reached: reached,
            })
        } else {
            Phase::Measured
        };
        Ok(Event::Measured(Box::new(measurement)))
    }

    fn update(&mut self) -> Result<Event, TrainError> {
        let train = &self.point.train;
        let minibatch = self.order.minibatch(&self.data, self.step);
        let dropout = Dropout::of(train.dropout, self.run.seed, self.step);
        let rate = train.learning_rate(self.point.learning_rate, self.step);
        let loss = self.network.learn(minibatch, dropout, train, rate)?;
        if !loss.is_finite() {
            return Ok(self.end(Ending::Diverged { step: self.step }));
        }
        if let Some(average) = &mut self.average {
            average.add(&self.network.weights());
        }
        self.step += 1;
        self.phase = Phase::Arrived;
        Ok(Event::Stepped { loss })
    }

    fn end(&mut self, ending: Ending) -> Event {
        self.phase = Phase::Ended(ending);
        Event::Ended(ending)
    }
}

fn lengths(layers: &[Layer]) -> Vec<usize> {
    layers.iter().map(|layer| layer.len).collect()
}

fn accuracy_reached(point: &NetworkPoint, measurement: &Measurement) -> bool {
    let wanted = point.train.stop_at_train_accuracy;
    let found = measurement
        .split(Split::Train)
        .and_then(|measured| measured.accuracy);
    wanted
        .zip(found)
        .is_some_and(|(wanted, found)| found >= wanted)
}

const NO_NETWORK: TrainError = TrainError::Invalid("it trains no network");

/// The largest width and depth that are looked at any closer.
const MAX_WIDTH: u32 = 1 << 24;
const MAX_DEPTH: u32 = 1 << 16;

fn validate<'r>(run: &'r Run, data: &Data) -> Result<(&'r NetworkPoint, Model), TrainError> {
    let point = run.point.network().ok_or(NO_NETWORK)?;
    let invalid = |reason| Err(TrainError::Invalid(reason));
    if data.dataset != point.dataset && data.dataset != point.needed_data() {
        return Err(TrainError::OtherData);
    }
    if point.batch_size == 0 {
        return invalid("a minibatch needs an example");
    }
    if point.batch_size as usize > data.train.len() {
        return invalid("a minibatch is larger than the training data");
    }
    if !point.dataset.targets().fit(point.loss) {
        return invalid("the loss does not fit the labels");
    }
    if point.measure.every == 0 {
        return invalid("`measure.every` must be 1 or more");
    }
    if point.measure.minibatches == Some(0) {
        return invalid("`measure.minibatches` must be 1 or more");
    }
    if point
        .measure
        .splits
        .iter()
        .any(|split| data.split(*split).is_empty())
    {
        return invalid("a measured split has no examples");
    }
    let architecture = point.architecture;
    if architecture.width() == Some(0) || architecture.depth().is_some_and(|depth| depth < 2) {
        return invalid("a network needs a width ≥ 1, and a depth ≥ 2 where it has one");
    }
    // At most 2³¹ parameters; the first test keeps the number itself countable.
    if architecture.width().is_some_and(|width| width > MAX_WIDTH)
        || architecture.depth().is_some_and(|depth| depth > MAX_DEPTH)
        || point.params() > 1 << 31
    {
        return invalid("the network is too large");
    }
    let model = Model::new(&architecture.network(&point.dataset))?;
    Ok((point, model))
}

const _: () = {
    const fn can_move_to_another_thread<T: Send>() {}
    can_move_to_another_thread::<Training>();
};
