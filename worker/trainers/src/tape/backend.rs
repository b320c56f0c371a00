//! Where a network is computed: what [`crate::model`] and [`crate::network`] ask of a device.

use std::fmt::Debug;
use std::sync::Arc;

use dfdx::tensor::{Cache, Cpu, CpuError, Gradients, HasErr, Tape};
use dfdx::tensor_ops::Device as AnyDevice;
use tailsweep_common::run::{Loss, Train};

use super::parameter::Parameter;
use super::{
    Before, Input, Layout, Mean, Outcome, Rows, Squares, Weights, Windows, Workspace, convolution,
    linear, loss, pool,
};
use crate::data::Label;
use crate::device::Device;
use crate::training::TrainError;

/// What goes wrong on a device of dfdx.
pub(crate) type Failed<B> = <<B as Backend>::Device as HasErr>::Err;

/// A mean loss, and what it is made of.
pub(crate) type Judged<B, T> = (Mean<T, <B as Backend>::Device>, Outcome);

/// A device of dfdx, and the operations of networks on it.
///
/// Parameters come and go as PyTorch has them, [outputs, inputs] or [outputs, channels, height,
/// width]; how they lie in between is the backend's choice, within its [`Layout`].
pub(crate) trait Backend: Debug + Sized + 'static {
    /// dfdx's device.
    type Device: AnyDevice<f32> + Cache;
    /// A parameter on it.
    type Parameter: Debug;

    /// The error of a run.
    fn error(failed: Failed<Self>) -> TrainError;

    /// Opens a device, for one thread at a time.
    fn open(device: Device) -> Result<Self::Device, TrainError>;

    /// The parameter that holds `weights`; `velocity` is zero where it is not given.
    fn parameter(
        device: &Workspace<Self::Device>,
        weights: &[f32],
        velocity: Option<&[f32]>,
        layout: Layout,
    ) -> Result<Self::Parameter, Failed<Self>>;

    /// The weights.
    fn weights(parameter: &Self::Parameter) -> Vec<f32>;

    /// The velocity.
    fn velocity(parameter: &Self::Parameter) -> Vec<f32>;

    /// Its numbers.
    fn len(parameter: &Self::Parameter) -> usize;

    /// Puts the gradient in place.
    fn put_gradient(
        parameter: &Self::Parameter,
        gradients: &mut Gradients<f32, Self::Device>,
        flat: &mut [f32],
    ) -> Result<(), Failed<Self>>;

    /// One update of SGD with learning rate η: v ← μv + (g + λw), w ← w − ηv.
    fn update(
        parameter: &mut Self::Parameter,
        train: &Train,
        learning_rate: f64,
        gradients: &mut Gradients<f32, Self::Device>,
    ) -> Result<(), Failed<Self>>;

    /// A linear layer; [examples, outputs].
    fn linear<T: Tape<f32, Self::Device>>(
        device: &Workspace<Self::Device>,
        input: Input<T, Self::Device>,
        before: Before,
        weights: Weights<'_, Self::Parameter>,
    ) -> Result<Rows<T, Self::Device>, Failed<Self>>;

    /// A convolution; [examples, places × outputs].
    fn convolution<T: Tape<f32, Self::Device>>(
        device: &Workspace<Self::Device>,
        input: Input<T, Self::Device>,
        before: Before,
        weights: Weights<'_, Self::Parameter>,
        windows: &Arc<Windows>,
    ) -> Result<Rows<T, Self::Device>, Failed<Self>>;

    /// A max-pooling; [examples, places × channels].
    fn max_pool<T: Tape<f32, Self::Device>>(
        device: &Workspace<Self::Device>,
        input: Input<T, Self::Device>,
        before: Before,
        squares: &Arc<Squares>,
    ) -> Result<Rows<T, Self::Device>, Failed<Self>>;

    /// The mean loss of outputs against labels, one for each row.
    fn loss<T: Tape<f32, Self::Device>>(
        device: &Workspace<Self::Device>,
        loss: Loss,
        outputs: Rows<T, Self::Device>,
        labels: &[Label],
    ) -> Result<Judged<Self, T>, Failed<Self>>;
}

/// A CPU, with operations of our own.
#[derive(Debug)]
pub(crate) struct Native;

impl Backend for Native {
    type Device = Cpu;
    type Parameter = Parameter;

    fn error(failed: CpuError) -> TrainError {
        failed.into()
    }

    fn open(_: Device) -> Result<Cpu, TrainError> {
        Ok(Cpu::default())
    }

    fn parameter(
        device: &Workspace,
        weights: &[f32],
        velocity: Option<&[f32]>,
        layout: Layout,
    ) -> Result<Parameter, CpuError> {
        Parameter::new(device, weights, velocity, layout)
    }

    fn weights(parameter: &Parameter) -> Vec<f32> {
        parameter.numbers().flat()
    }

    fn velocity(parameter: &Parameter) -> Vec<f32> {
        parameter.velocity()
    }

    fn len(parameter: &Parameter) -> usize {
        parameter.numbers().len()
    }

    fn put_gradient(
        parameter: &Parameter,
        gradients: &mut Gradients<f32, Cpu>,
        flat: &mut [f32],
    ) -> Result<(), CpuError> {
        parameter.put_gradient(gradients, flat)
    }

    fn update(
        parameter: &mut Parameter,
        train: &Train,
        learning_rate: f64,
        gradients: &mut Gradients<f32, Cpu>,
    ) -> Result<(), CpuError> {
        parameter.update(train, learning_rate, gradients)
    }

    fn linear<T: Tape<f32, Cpu>>(
        device: &Workspace,
        input: Input<T>,
        before: Before,
        weights: Weights<'_, Parameter>,
    ) -> Result<Rows<T>, CpuError> {
        linear::linear(device, input, before, weights)
    }

    fn convolution<T: Tape<f32, Cpu>>(
        device: &Workspace,
        input: Input<T>,
        before: Before,
        weights: Weights<'_, Parameter>,
        windows: &Arc<Windows>,
    ) -> Result<Rows<T>, CpuError> {
        convolution::convolution(device, input, before, weights, windows)
    }

    fn max_pool<T: Tape<f32, Cpu>>(
        device: &Workspace,
        input: Input<T>,
        before: Before,
        squares: &Arc<Squares>,
    ) -> Result<Rows<T>, CpuError> {
        pool::max_pool(device, input, before, squares)
    }

    fn loss<T: Tape<f32, Cpu>>(
        device: &Workspace,
        loss: Loss,
        outputs: Rows<T>,
        labels: &[Label],
    ) -> Result<(Mean<T>, Outcome), CpuError> {
        loss::loss(device, loss, outputs, labels)
    }
}
