//! Data sets, networks, training and measuring: what a run computes, and nothing around it.
//!
//! [`data::load`] reads a data set; [`Training`] is one run as a step machine. dfdx keeps the
//! tensors, the tape and the gradients; the operations that cost time are our own on its tape
//! (`tape`). Everything here is a function of the run, the data and the given weights:
//! the same bytes for any number of threads, and for a run that was stopped and resumed anywhere.
//!
//! There is no clock, no network, no async, and no file but those of the data sets.

mod average;
mod checkpoint;
mod computation;
#[cfg(any(test, feature = "cuda"))]
mod confined;
#[cfg(feature = "cuda")]
mod cuda;
pub mod data;
mod device;
mod dropout;
mod levy_sde;
mod measuring;
mod minibatch;
mod model;
mod network;
mod order;
mod random;
#[cfg(test)]
mod reference;
mod synthetic;
mod tape;
mod training;
mod weights;

pub use checkpoint::CheckpointError;
pub use computation::Computation;
pub use device::{Device, DeviceError};
pub use levy_sde::LevySde;
pub use measuring::MeasureBudget;
pub use synthetic::Synthetic;
pub use tape::instruction_set;
pub use training::{Event, TrainError, Training};
pub use weights::{WeightsError, check as check_weights};
