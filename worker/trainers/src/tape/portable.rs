//! Networks on any device of dfdx, with dfdx's operations alone: how they are computed on a GPU.
//!
//! dfdx has no convolution and no pooling without a nightly compiler, so the numbers of all windows
//! are gathered: the examples, turned to [features, examples] with a row of zeros below for what
//! lies outside, are read row by row in the order of the windows. A convolution is then a matrix
//! product, a max-pooling a maximum along one axis. Gradients are dfdx's.
//!
//! Differences from the operations of our own: sums are in another order; where several numbers of
//! a square are the largest the gradient goes to all of them; a NaN that reaches a ReLU becomes 0,
//! but the NaN that made it stays in the weights, so the loss after it is NaN too.
//!
//! On a GPU the gradient of a gather adds in any order, so results are equal only nearly, from run
//! to run.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use dfdx::shapes::{Axes2, Axes3, Axis, HasShape, Shape};
use dfdx::tensor::{Cache, Gradients, HasErr, NoneTape, PutTape, SplitTape, Tape, Tensor};
use dfdx::tensor_ops::{
    BroadcastTo, Device as AnyDevice, GatherTo, MaxTo, PermuteTo, ReshapeTo, SumTo, TryAdd,
    TryConcatAlong, TryMatMul, TryMul, TrySub,
};
use tailsweep_common::run::{Loss, Train};

use super::backend::{Backend, Failed, Judged};
use super::input::channels_last;
use super::loss::judge;
use super::parameter::{from_layout, to_layout};
use super::{Before, Input, Layout, Rows, Squares, Weights, Windows, Workspace};
use crate::data::Label;
use crate::device::Device;
use crate::training::TrainError;

/// dfdx's operations on its device D.
pub(crate) struct Portable<D>(PhantomData<D>);

impl<D> Debug for Portable<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Portable")
    }
}

/// A parameter on a device.
#[derive(Debug)]
pub(crate) struct Parameter<D: AnyDevice<f32>> {
    /// [outputs, inputs], images of several pixels as height × width × channels.
    tensor: Rows<NoneTape, D>,
    velocity: Option<Rows<NoneTape, D>>,
    layout: Layout,
}

/// A device of dfdx that can be opened.
pub(crate) trait Open: AnyDevice<f32> + Cache {
    /// Opens it, for one thread at a time.
    fn open(device: Device) -> Result<Self, TrainError>;

    /// The error of a run.
    fn error(failed: Err<Self>) -> TrainError;
}

/// For tests: the same operations as on a GPU.
#[cfg(test)]
impl Open for dfdx::tensor::Cpu {
    fn open(_: Device) -> Result<Self, TrainError> {
        Ok(Self::default())
    }

    fn error(failed: dfdx::tensor::CpuError) -> TrainError {
        failed.into()
    }
}

#[cfg(feature = "cuda")]
impl Open for dfdx::tensor::Cuda {
    fn open(device: Device) -> Result<Self, TrainError> {
        match device {
            Device::Cuda(ordinal) => Ok(crate::cuda::build(ordinal)?),
            Device::Cpu => Err(TrainError::Invalid("the CPU is no GPU")),
        }
    }

    fn error(failed: dfdx::tensor::CudaError) -> TrainError {
        TrainError::OnDevice(failed.to_string())
    }
}

type Err<D> = <D as HasErr>::Err;

fn tensor<D: AnyDevice<f32>>(
    device: &D,
    numbers: Vec<f32>,
    columns: usize,
) -> Result<Rows<NoneTape, D>, Err<D>> {
    let rows = numbers.len() / columns.max(1);
    device.try_tensor_from_vec(numbers, (rows, columns))
}

fn numbers<S: Shape, D: AnyDevice<f32>>(tensor: &Tensor<S, f32, D>) -> Vec<f32> {
    let mut numbers = vec![0.0; tensor.shape().num_elements()];
    tensor.copy_into(&mut numbers);
    numbers
}

/// The input after what happens before an operation, [examples, features].
fn open<D: AnyDevice<f32>, T: Tape<f32, D>>(
    device: &D,
    input: Input<T, D>,
    before: Before,
    image: Option<tailsweep_common::network::Shape>,
) -> Result<Rows<T, D>, Err<D>> {
    let examples = input.examples();
    let mut rows = match input {
        Input::Hidden(rows) => rows,
        Input::Images(images, tape) => {
            let mut numbers = images.to_vec();
            if let Some(shape) = image {
                channels_last(&images, shape, &mut numbers);
            }
            let columns = numbers.len() / examples;
            tensor(device, numbers, columns)?.put_tape(tape)
        }
    };
    if before.relu {
        rows = rows.try_relu()?;
    }
    if let Some(factors) = before.dropout {
        let columns = rows.shape().1;
        rows = rows.try_mul(tensor(device, factors.to_vec(), columns)?)?;
    }
    Ok(rows)
}

/// Row after row of the places, [places, examples]; place `features` holds zeros.
fn gather<D: AnyDevice<f32>, T: Tape<f32, D>>(
    device: &D,
    rows: Rows<T, D>,
    places: Vec<usize>,
) -> Result<Rows<T, D>, Err<D>> {
    let examples = rows.shape().0;
    let zeros: Rows<NoneTape, D> = device.try_zeros_like(&(1, examples))?;
    let features = rows.try_permute::<_, Axes2<1, 0>>()?;
    let padded = (features, zeros)
        .try_concat_along(Axis::<0>)
        .expect("as many columns");
    let count = places.len();
    let places = device.try_tensor_from_vec(places, (count,))?;
    padded.try_gather(places)
}

impl<D: Open> Backend for Portable<D> {
    type Device = D;
    type Parameter = Parameter<D>;

    fn error(failed: Failed<Self>) -> TrainError {
        D::error(failed)
    }

    fn open(device: Device) -> Result<D, TrainError> {
        D::open(device)
    }

    fn parameter(
        device: &Workspace<D>,
        weights: &[f32],
        velocity: Option<&[f32]>,
        layout: Layout,
    ) -> Result<Parameter<D>, Failed<Self>> {
        let of = |flat: &[f32]| tensor(&device.0, to_layout(flat, layout), layout.columns());
        Ok(Parameter {
            tensor: of(weights)?,
            velocity: velocity.map(of).transpose()?,
            layout,
        })
    }

    fn weights(parameter: &Parameter<D>) -> Vec<f32> {
        from_layout(&numbers(&parameter.tensor), parameter.layout)
    }

    fn velocity(parameter: &Parameter<D>) -> Vec<f32> {
        let numbers = match &parameter.velocity {
            Some(velocity) => numbers(velocity),
            None => vec![0.0; parameter.tensor.shape().num_elements()],
        };
        from_layout(&numbers, parameter.layout)
    }

    fn len(parameter: &Parameter<D>) -> usize {
        parameter.tensor.shape().num_elements()
    }

    fn put_gradient(
        parameter: &Parameter<D>,
        gradients: &mut Gradients<f32, D>,
        flat: &mut [f32],
    ) -> Result<(), Failed<Self>> {
        gradients.try_alloc_for(&parameter.tensor)?;
        let gradient = numbers(&gradients.get(&parameter.tensor));
        flat.copy_from_slice(&from_layout(&gradient, parameter.layout));
        Ok(())
    }

    fn update(
        parameter: &mut Parameter<D>,
        train: &Train,
        learning_rate: f64,
        gradients: &mut Gradients<f32, D>,
    ) -> Result<(), Failed<Self>> {
        gradients.try_alloc_for(&parameter.tensor)?;
        let mut step = gradients.get(&parameter.tensor);
        if train.weight_decay != 0.0 {
            let decay = parameter
                .tensor
                .clone()
                .try_mul(train.weight_decay as f32)?;
            step = step.try_add(decay)?;
        }
        if train.momentum != 0.0 {
            if let Some(velocity) = parameter.velocity.take() {
                step = step.try_add(velocity.try_mul(train.momentum as f32)?)?;
            }
            parameter.velocity = Some(step.clone());
        }
        let step = step.try_mul(learning_rate as f32)?;
        parameter.tensor = parameter.tensor.clone().try_sub(step)?;
        Ok(())
    }

    fn linear<T: Tape<f32, D>>(
        device: &Workspace<D>,
        input: Input<T, D>,
        before: Before,
        weights: Weights<'_, Parameter<D>>,
    ) -> Result<Rows<T, D>, Failed<Self>> {
        let rows = open(&device.0, input, before, None)?;
        let w = weights.weight.tensor.retaped::<T>();
        let y = rows.try_matmul(w.try_permute::<_, Axes2<1, 0>>()?)?;
        let Some(bias) = weights.bias else {
            return Ok(y);
        };
        let (examples, outputs) = *y.shape();
        let bias = bias.tensor.retaped::<T>().try_reshape_like(&(outputs,))?;
        y.try_add(bias.try_broadcast_like::<_, Axis<0>>(&(examples, outputs))?)
    }

    fn convolution<T: Tape<f32, D>>(
        device: &Workspace<D>,
        input: Input<T, D>,
        before: Before,
        weights: Weights<'_, Parameter<D>>,
        windows: &Arc<Windows>,
    ) -> Result<Rows<T, D>, Failed<Self>> {
        let rows = open(&device.0, input, before, Some(windows.input()))?;
        let (examples, count, len) = (rows.shape().0, windows.count(), windows.len());
        let gathered = gather(&device.0, rows, windows.places())?;
        let gathered = gathered
            .try_reshape_like(&(count, len, examples))?
            .try_permute::<(usize, usize, usize), Axes3<0, 2, 1>>()?;
        let w = weights.weight.tensor.retaped::<T>();
        let outputs = w.shape().0;
        let mut y = gathered.try_matmul(w.try_permute::<_, Axes2<1, 0>>()?)?;
        if let Some(bias) = weights.bias {
            let bias = bias.tensor.retaped::<T>().try_reshape_like(&(outputs,))?;
            let shape = (count, examples, outputs);
            y = y.try_add(bias.try_broadcast_like::<_, Axes2<0, 1>>(&shape)?)?;
        }
        y.try_permute::<(usize, usize, usize), Axes3<1, 0, 2>>()?
            .try_reshape_like(&(examples, count * outputs))
    }

    fn max_pool<T: Tape<f32, D>>(
        device: &Workspace<D>,
        input: Input<T, D>,
        before: Before,
        squares: &Arc<Squares>,
    ) -> Result<Rows<T, D>, Failed<Self>> {
        let rows = open(&device.0, input, before, Some(squares.input()))?;
        let (examples, pixels) = (rows.shape().0, squares.pixels_of_one());
        let places = squares.places();
        let outputs = places.len() / pixels;
        let gathered = gather(&device.0, rows, places)?;
        let gathered = gathered.try_reshape_like(&(pixels, outputs, examples))?;
        let largest = gathered.try_max::<(usize, usize), Axis<0>>()?;
        largest
            .try_permute::<(usize, usize), Axes2<1, 0>>()?
            .try_reshape_like(&(examples, outputs))
    }

    fn loss<T: Tape<f32, D>>(
        device: &Workspace<D>,
        loss: Loss,
        outputs: Rows<T, D>,
        labels: &[Label],
    ) -> Result<Judged<Self, T>, Failed<Self>> {
        let (outputs, tape) = outputs.split_tape();
        let mut slopes = numbers(&outputs);
        let outcome = judge(loss, &mut slopes, labels);
        // The sum of outputs times slopes has these slopes for its gradient.
        let slopes = tensor(&device.0, slopes, outputs.shape().1)?;
        let sum = outputs.put_tape(tape).try_mul(slopes)?.try_sum()?;
        Ok((sum, outcome))
    }
}
