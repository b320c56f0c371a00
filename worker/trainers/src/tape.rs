//! The operations of a network, on dfdx's tape and on any of its devices.
//!
//! [`Backend`] is where they are computed. [`Native`] is a CPU with operations of our own;
//! [`Portable`] is any device of dfdx, with dfdx's operations and gathers where it has none.
//!
//! dfdx 0.13 keeps the tensors, the tape and the gradients; our operations are put on its tape
//! because they are faster than dfdx's own: the matrix product uses gemm 0.19 (dfdx: 0.15, without
//! AVX-512), ReLU, dropout and bias are part of a product, a loss is one pass instead of ten, and
//! the update is dfdx's SGD with its loop vectorised. Its convolution and pooling need a nightly
//! compiler.
//!
//! dfdx gives no view of a tensor's numbers, only copies. An operation copies its input (into a
//! buffer of dfdx's allocation cache, kept for the backward pass); the numbers of a parameter are
//! no dfdx tensor ([`Parameter`]), so they are not copied at all.

mod backend;
mod bias;
mod convolution;
mod gemm;
mod input;
mod linear;
mod loss;
mod parameter;
mod pool;
#[cfg(any(test, feature = "cuda"))]
mod portable;
mod window;

use std::cell::Cell;
use std::marker::PhantomData;

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Cache, Cpu, CpuError, NoneTape, Storage, Tensor, ZerosTensor};

pub(crate) use backend::{Backend, Failed, Native};
pub(crate) use convolution::Windows;
pub use gemm::instruction_set;
pub(crate) use input::{Before, Input};
pub(crate) use loss::{Mean, Outcome};
pub(crate) use parameter::{Flat, Layout, Numbers, Parameter};
pub(crate) use pool::Squares;
#[cfg(any(test, feature = "cuda"))]
pub(crate) use portable::Portable;
pub(crate) use window::Window;

/// [rows, columns]: one row for each example of a minibatch.
pub(crate) type Rows<T = NoneTape, D = Cpu> = Tensor<(usize, usize), f32, D, T>;

/// What a layer multiplies with, and what it adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a, P> {
    /// [outputs, inputs].
    pub(crate) weight: &'a P,
    /// [1, outputs].
    pub(crate) bias: Option<&'a P>,
}

/// A buffer that goes back to the device's cache when dropped.
type Buffer = <Cpu as Storage<f32>>::Vec;

/// A dfdx device that keeps freed memory for the next step, and gives it back at the end.
///
/// One thread at a time: the cache of dfdx 0.13 looks for a buffer and takes it under two locks,
/// and panics when another thread takes the last one in between. Hence it is not `Sync`.
#[derive(Debug)]
pub(crate) struct Workspace<D: Cache = Cpu>(D, PhantomData<Cell<()>>);

impl<D: Cache> Workspace<D> {
    pub(crate) fn new(device: D) -> Self {
        device.enable_cache();
        Self(device, PhantomData)
    }
}

impl Workspace {
    /// `len` zeros.
    fn buffer(&self, len: usize) -> Result<Buffer, CpuError> {
        Storage::<f32>::try_alloc_len(&self.0, len)
    }

    /// A tensor that holds `numbers`, in C order.
    ///
    /// It does not take a vector over: the cache would keep it and never use it again.
    pub(crate) fn tensor<S: Shape>(
        &self,
        shape: S,
        numbers: &[f32],
    ) -> Result<Tensor<S, f32, Cpu>, CpuError> {
        if numbers.len() != shape.num_elements() {
            return Err(CpuError::WrongNumElements);
        }
        let mut tensor = self.zeros(shape)?;
        tensor.copy_from(numbers);
        Ok(tensor)
    }

    /// A tensor of zeros.
    fn zeros<S: Shape>(&self, shape: S) -> Result<Tensor<S, f32, Cpu>, CpuError> {
        self.0.try_zeros_like(&shape)
    }

    /// The numbers of a tensor, in C order.
    fn copy_of<S: Shape>(&self, tensor: &Tensor<S, f32, Cpu>) -> Result<Buffer, CpuError> {
        let mut buffer = self.buffer(tensor.shape().num_elements())?;
        tensor.copy_into(&mut buffer);
        Ok(buffer)
    }
}

impl<D: Cache> Drop for Workspace<D> {
    fn drop(&mut self) {
        // Frees what the cache holds; tensors that still live free themselves from now on.
        self.0.disable_cache();
    }
}
