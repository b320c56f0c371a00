//! A parameter tensor and the copy of its numbers that products read.

use std::sync::Arc;

use dfdx::tensor::{Cpu, CpuError, Gradients, Tensor};
use tailsweep_common::run::Train;

use super::Device;
use super::gemm::Matrix;

/// Numbers in C order, without their shape.
pub(crate) type Flat = Tensor<(usize,), f32, Cpu>;

/// A parameter: a dfdx tensor that the optimiser updates in place, and a copy of its numbers.
#[derive(Debug)]
pub(crate) struct Parameter {
    tensor: Flat,
    /// v of SGD, if there is momentum.
    velocity: Option<Flat>,
    numbers: Arc<Numbers>,
}

/// The numbers of a parameter, [outputs, inputs] of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    flat: Vec<f32>,
    columns: usize,
    /// Rows whose length is a multiple of 1 KiB all start in the same few sets of the first-level
    /// cache and evict each other (512 inputs: half the speed). Here they lie 64 bytes apart.
    padded: Vec<f32>,
}

const PADDING: usize = 16;

impl Parameter {
    /// The parameter that holds `weights`, with inputs of `columns` numbers.
    pub(crate) fn new(
        device: &Device,
        weights: &[f32],
        velocity: Option<&[f32]>,
        columns: usize,
    ) -> Result<Self, CpuError> {
        let velocity = velocity
            .map(|velocity| device.tensor((velocity.len(),), velocity))
            .transpose()?;
        let numbers = Arc::new(Numbers::new(weights, columns)?);
        Ok(Self { velocity, ..Self::like(device, numbers)? })
    }

    /// The parameter that holds the same numbers on another device; it has no velocity.
    pub(crate) fn like(device: &Device, numbers: Arc<Numbers>) -> Result<Self, CpuError> {
        let tensor = device.tensor((numbers.flat.len(),), &numbers.flat)?;
        Ok(Self { tensor, velocity: None, numbers })
    }

    /// The tensor.
    pub(crate) fn tensor(&self) -> &Flat {
        &self.tensor
    }

    /// Its numbers.
    pub(crate) fn numbers(&self) -> Arc<Numbers> {
        Arc::clone(&self.numbers)
    }

    /// The velocity, if there is momentum.
    pub(crate) fn velocity(&self) -> Option<&Flat> {
        self.velocity.as_ref()
    }

    /// One update of SGD with learning rate η: v ← μv + (g + λw), w ← w − ηv.
    ///
    /// By dfdx's `axpy`: its own SGD does the same one number at a time, five times as slowly.
    pub(crate) fn update(
        &mut self,
        train: &Train,
        learning_rate: f64,
        gradients: &Gradients<f32, Cpu>,
    ) -> Result<(), CpuError> {
        let mut direction = gradients.get(&self.tensor);
        if train.weight_decay != 0.0 {
            direction.try_axpy(1.0, &self.tensor, train.weight_decay)?;
        }
        if let Some(velocity) = &mut self.velocity {
            velocity.try_axpy(train.momentum, &direction, 1.0)?;
            self.tensor.try_axpy(1.0, velocity, -learning_rate)?;
        } else {
            self.tensor.try_axpy(1.0, &direction, -learning_rate)?;
        }
        // No pass holds the numbers any more, so they are not cloned here.
        let numbers = Arc::make_mut(&mut self.numbers);
        self.tensor.copy_into(&mut numbers.flat);
        numbers.pad();
        Ok(())
    }
}

impl Numbers {
    fn new(flat: &[f32], columns: usize) -> Result<Self, CpuError> {
        let padded = if columns.is_multiple_of(256) {
            flat.len() / columns * (columns + PADDING)
        } else {
            0
        };
        let mut numbers = Self { flat: zeros(flat.len())?, columns, padded: zeros(padded)? };
        numbers.flat.copy_from_slice(flat);
        numbers.pad();
        Ok(numbers)
    }

    fn pad(&mut self) {
        let rows = self.flat.chunks_exact(self.columns);
        for (padded, row) in self.padded.chunks_exact_mut(self.columns + PADDING).zip(rows) {
            padded[..self.columns].copy_from_slice(row);
        }
    }

    /// Inputs of one unit.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Outputs of the layer.
    pub(super) fn rows(&self) -> usize {
        self.flat.len() / self.columns
    }

    /// [outputs, inputs].
    pub(super) fn matrix(&self) -> Matrix<'_> {
        if self.padded.is_empty() {
            Matrix::new(&self.flat, self.rows(), self.columns)
        } else {
            Matrix::padded(&self.padded, self.rows(), self.columns, self.columns + PADDING)
        }
    }
}

fn zeros(len: usize) -> Result<Vec<f32>, CpuError> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(len).map_err(|_| CpuError::OutOfMemory)?;
    zeros.resize(len, 0.0);
    Ok(zeros)
}
