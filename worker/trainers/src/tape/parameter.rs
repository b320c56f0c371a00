//! A parameter and its velocity.
//!
//! dfdx gives no view of a tensor's numbers, so they are kept here and dfdx knows only the ghost of
//! a tensor, for its gradient. The numbers of a parameter, [outputs, inputs] of a layer, lie in C
//! order, row after row. The inputs of a unit that reads an image of several pixels come as channels ×
//! height × width in PyTorch's order; here they lie as height × width × channels, as the images
//! between layers do, and only numbers that come or go are turned. Rows whose length is a multiple
//! of 1 KiB would all start in the same few sets of the first-level cache and evict each other (512
//! inputs: half the speed), so such rows have 64 bytes of zeros between them, and so have those of
//! the gradient and the velocity.

use std::fmt;
use std::sync::Arc;

use dfdx::tensor::{Cpu, CpuError, Gradients};
use tailsweep_common::run::Train;

use super::gemm::Matrix;
use super::{Buffer, Workspace};

/// Where the gradient of a parameter is among others; zeros at first.
pub(super) type Slot =
    Arc<dyn Fn(&mut Gradients<f32, Cpu>) -> Result<&mut Buffer, CpuError> + Send + Sync>;

/// A slot of so many numbers.
fn slot(device: &Workspace, len: usize) -> Result<Slot, CpuError> {
    fn shared<F>(slot: F) -> Slot
    where
        F: Fn(&mut Gradients<f32, Cpu>) -> Result<&mut Buffer, CpuError> + Send + Sync + 'static,
    {
        Arc::new(slot)
    }
    // dfdx has no public name for the type of a ghost. The memory of the tensor goes to the
    // device's cache, for the first gradient.
    let tensor = device.zeros((len,))?;
    let ghost = tensor.ghost();
    Ok(shared(move |gradients| gradients.get_or_alloc_mut(&ghost)))
}

/// A parameter: its numbers, and where dfdx keeps its gradient.
pub(crate) struct Parameter {
    slot: Slot,
    /// v of SGD; empty as long as it is zero.
    velocity: Vec<f32>,
    numbers: Arc<Numbers>,
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter")
            .field("layout", &self.numbers.layout)
            .finish_non_exhaustive()
    }
}

/// What the inputs of a unit are: those of an image, or as many as there are channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Numbers of a pixel.
    pub(crate) channels: usize,
    /// Height × width.
    pub(crate) pixels: usize,
}

impl Layout {
    /// Inputs in the order in which they come.
    pub(crate) fn flat(inputs: usize) -> Self {
        Self {
            channels: inputs,
            pixels: 1,
        }
    }

    /// Inputs of a unit.
    pub(crate) fn columns(self) -> usize {
        self.channels * self.pixels
    }
}

/// The numbers of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    apart: Vec<f32>,
    layout: Layout,
    row_stride: usize,
}

impl Parameter {
    /// The parameter that holds `weights`; `velocity` is zero where it is not given.
    pub(crate) fn new(
        device: &Workspace,
        weights: &[f32],
        velocity: Option<&[f32]>,
        layout: Layout,
    ) -> Result<Self, CpuError> {
        let mut parameter = Self::like(device, Arc::new(Numbers::new(weights, layout)?))?;
        if let Some(velocity) = velocity {
            parameter.velocity = Numbers::new(velocity, layout)?.apart;
        }
        Ok(parameter)
    }

    /// The parameter that holds the same numbers on another device.
    pub(crate) fn like(device: &Workspace, numbers: Arc<Numbers>) -> Result<Self, CpuError> {
        Ok(Self {
            slot: slot(device, numbers.apart.len())?,
            velocity: Vec::new(),
            numbers,
        })
    }

    /// Where its gradient is.
    pub(super) fn slot(&self) -> Slot {
        Arc::clone(&self.slot)
    }

    /// Its numbers.
    pub(crate) fn numbers(&self) -> Arc<Numbers> {
        Arc::clone(&self.numbers)
    }

    /// The velocity, [outputs, inputs], in PyTorch's order.
    pub(crate) fn velocity(&self) -> Vec<f32> {
        if self.velocity.is_empty() {
            return vec![0.0; self.numbers.rows() * self.numbers.columns()];
        }
        self.numbers.flat_of(&self.velocity)
    }

    /// Appends its gradient, [outputs, inputs], in PyTorch's order.
    pub(crate) fn append_gradient(
        &self,
        gradients: &mut Gradients<f32, Cpu>,
        flat: &mut Vec<f32>,
    ) -> Result<(), CpuError> {
        let apart = (self.slot)(gradients)?;
        self.numbers.append_flat(apart, flat);
        Ok(())
    }

    /// One update of SGD with learning rate η: v ← μv + (g + λw), w ← w − ηv.
    ///
    /// The numbers are those of dfdx's own SGD, to the bit, but it takes them one at a time, five
    /// times as slowly: the loop over its options is not vectorised.
    pub(crate) fn update(
        &mut self,
        train: &Train,
        learning_rate: f64,
        gradients: &mut Gradients<f32, Cpu>,
    ) -> Result<(), CpuError> {
        let gradient = (self.slot)(gradients)?;
        // No pass holds the numbers any more, so they are not cloned here.
        let weights = &mut Arc::make_mut(&mut self.numbers).apart;
        let (rate, momentum) = (learning_rate as f32, train.momentum as f32);
        if train.weight_decay != 0.0 {
            let decay = train.weight_decay as f32;
            for (g, w) in gradient.iter_mut().zip(weights.iter()) {
                *g += decay * w;
            }
        }
        if train.momentum != 0.0 {
            self.velocity.resize(weights.len(), 0.0);
            for (v, g) in self.velocity.iter_mut().zip(gradient.iter_mut()) {
                *v = *g + momentum * *v;
                *g = *v;
            }
        }
        for (w, g) in weights.iter_mut().zip(gradient.iter()) {
            *w -= g * rate;
        }
        Ok(())
    }
}

/// [outputs, inputs] in PyTorch's order as they lie here.
#[cfg(any(test, feature = "cuda"))]
pub(super) fn to_layout(flat: &[f32], layout: Layout) -> Vec<f32> {
    let rows = flat.chunks_exact(layout.columns());
    rows.flat_map(|row| transposed(row, layout.channels, layout.pixels))
        .collect()
}

/// [outputs, inputs] as they lie here in PyTorch's order.
#[cfg(any(test, feature = "cuda"))]
pub(super) fn from_layout(numbers: &[f32], layout: Layout) -> Vec<f32> {
    let rows = numbers.chunks_exact(layout.columns());
    rows.flat_map(|row| transposed(row, layout.pixels, layout.channels))
        .collect()
}

/// From the start of a row of so many numbers to the next.
pub(super) fn row_stride(columns: usize) -> usize {
    let padding = if columns.is_multiple_of(256) { 16 } else { 0 };
    columns + padding
}

/// [rows, columns] in C order as [columns, rows].
fn transposed(numbers: &[f32], rows: usize, columns: usize) -> impl Iterator<Item = f32> + '_ {
    (0..columns).flat_map(move |column| (0..rows).map(move |row| numbers[row * columns + column]))
}

impl Numbers {
    fn new(flat: &[f32], layout: Layout) -> Result<Self, CpuError> {
        let columns = layout.columns();
        let row_stride = row_stride(columns);
        let mut apart = Vec::new();
        apart
            .try_reserve_exact(flat.len() / columns * row_stride)
            .map_err(|_| CpuError::OutOfMemory)?;
        for row in flat.chunks_exact(columns) {
            apart.extend(transposed(row, layout.channels, layout.pixels));
            apart.resize(apart.len() + row_stride - columns, 0.0);
        }
        Ok(Self {
            apart,
            layout,
            row_stride,
        })
    }

    /// [outputs, inputs], in PyTorch's order.
    pub(crate) fn flat(&self) -> Vec<f32> {
        self.flat_of(&self.apart)
    }

    /// Numbers that lie as these do, in PyTorch's order.
    fn flat_of(&self, apart: &[f32]) -> Vec<f32> {
        let mut flat = Vec::with_capacity(self.rows() * self.columns());
        self.append_flat(apart, &mut flat);
        flat
    }

    fn append_flat(&self, apart: &[f32], flat: &mut Vec<f32>) {
        let Layout { channels, pixels } = self.layout;
        for row in apart.chunks_exact(self.row_stride) {
            let row = &row[..self.columns()];
            if pixels == 1 || channels == 1 {
                flat.extend_from_slice(row);
            } else {
                flat.extend(transposed(row, pixels, channels));
            }
        }
    }

    /// One row.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        let start = row * self.row_stride;
        &self.apart[start..start + self.columns()]
    }

    /// Inputs of one unit.
    pub(super) fn columns(&self) -> usize {
        self.layout.columns()
    }

    /// From the start of a row to the next.
    pub(super) fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Outputs of the layer.
    pub(super) fn rows(&self) -> usize {
        self.apart.len() / self.row_stride
    }

    /// [outputs, inputs].
    pub(super) fn matrix(&self) -> Matrix<'_> {
        Matrix::padded(&self.apart, self.rows(), self.columns(), self.row_stride)
    }
}

#[cfg(test)]
mod tests {
    use dfdx::tensor_ops::{Momentum, SgdConfig, WeightDecay};
    use tailsweep_common::run::{Init, Sampling, Schedule};

    use super::*;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len)
            .map(|i| (((i + seed) * 7919) % 1009) as f32 / 500.0 - 1.0)
            .collect()
    }

    #[test]
    fn rows_that_lie_apart_read_as_they_were_written() {
        let device = Workspace::new(Cpu::default());
        for (channels, pixels) in [(7, 1), (256, 1), (512, 1), (3, 25), (16, 16), (1, 9)] {
            let (layout, columns) = (Layout { channels, pixels }, channels * pixels);
            let (weights, velocity) = (numbers(3 * columns, 1), numbers(3 * columns, 2));
            let parameter = Parameter::new(&device, &weights, Some(&velocity), layout).unwrap();
            assert_eq!(parameter.numbers().flat(), weights);
            assert_eq!(parameter.velocity(), velocity);
        }
    }

    #[test]
    fn updates_are_those_of_dfdx_to_the_bit() {
        for (momentum, weight_decay) in [(0.0, 0.0), (0.9, 0.0), (0.0, 0.1), (0.9, 0.1)] {
            let train = Train {
                steps: 3,
                sampling: Sampling::FileOrder,
                momentum,
                weight_decay,
                dropout: 0.0,
                schedule: Schedule::Constant,
                stop_at_train_accuracy: None,
                init: Init::Default,
            };
            let config = SgdConfig {
                lr: 0.05,
                momentum: (momentum != 0.0).then_some(Momentum::Classic(momentum)),
                weight_decay: (weight_decay != 0.0).then_some(WeightDecay::L2(weight_decay)),
            };
            let device = Workspace::new(Cpu::default());
            let weights = numbers(35, 3);
            let mut ours = Parameter::new(&device, &weights, None, Layout::flat(7)).unwrap();
            let mut theirs = device.tensor((35,), &weights).unwrap();
            let mut velocity = device.buffer(35).unwrap();
            for step in 0..4 {
                let mut gradient = device.buffer(35).unwrap();
                gradient.copy_from_slice(&numbers(35, 10 + step));
                config
                    .try_update(&mut theirs, &mut velocity, &gradient)
                    .unwrap();
                let mut gradients = Gradients::leaky();
                *(ours.slot)(&mut gradients).unwrap() = gradient;
                ours.update(&train, 0.05, &mut gradients).unwrap();
                let mut expected = [0.0; 35];
                theirs.copy_into(&mut expected);
                assert_eq!(ours.numbers().flat(), expected);
            }
        }
    }
}
