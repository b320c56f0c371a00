//! A parameter and its velocity.
//!
//! dfdx gives no view of a tensor's numbers, so they are kept here and dfdx knows only the ghost of
//! a tensor, for its gradient. The numbers of a parameter, [outputs, inputs] of a layer, lie in C
//! order, row after row. The inputs of a unit that reads an image of several pixels come as channels ×
//! height × width in PyTorch's order; here they lie as height × width × channels, as the images
//! between layers do, and only numbers that come or go are turned. Rows whose length is a multiple
//! of 1 KiB would all start in the same few sets of the first-level cache and evict each other (512
//! inputs: half the speed), so such rows have 64 bytes of zeros between them, and so have those of
//! the gradient and the velocity; but a gradient that is measured lies as PyTorch has it, for it is
//! written once.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dfdx::tensor::{Cpu, CpuError, Gradients};
use tailsweep_common::run::Train;

use super::gemm::Matrix;
use super::{Buffer, Workspace};

/// The gradient of all parameters in PyTorch's order, on its way into a measurement. It is lent to
/// the networks that write it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flat(Arc<Mutex<Vec<f32>>>);

impl Flat {
    /// Lends `numbers` while `work` is done.
    pub(crate) fn lending<R>(&self, numbers: &mut Vec<f32>, work: impl FnOnce() -> R) -> R {
        std::mem::swap(&mut *self.lock(), numbers);
        let result = work();
        std::mem::swap(&mut *self.lock(), numbers);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Vec<f32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the gradient of a parameter goes.
#[derive(Clone)]
pub(super) enum Slot {
    /// Among those of dfdx, laid out as the numbers are; zeros at first.
    Tensor { find: Find, row_stride: usize },
    /// To its place among those of all parameters.
    Flat {
        flat: Flat,
        place: Range<usize>,
        row_stride: usize,
    },
}

/// Finds a gradient among others.
type Find = Arc<dyn Fn(&mut Gradients<f32, Cpu>) -> Result<&mut Buffer, CpuError> + Send + Sync>;

impl Slot {
    /// Puts a gradient into the slot: `put` replaces all numbers of the rows, which are as far apart
    /// as it is told.
    pub(super) fn fill(
        &self,
        gradients: &mut Gradients<f32, Cpu>,
        put: impl FnOnce(&mut [f32], usize),
    ) -> Result<(), CpuError> {
        match self {
            Self::Tensor { find, row_stride } => put(find(gradients)?, *row_stride),
            Self::Flat {
                flat,
                place,
                row_stride,
            } => put(&mut flat.lock()[place.clone()], *row_stride),
        }
        Ok(())
    }
}

/// A place among dfdx's gradients, for so many numbers.
fn find(device: &Workspace, len: usize) -> Result<Find, CpuError> {
    fn shared<F>(find: F) -> Find
    where
        F: Fn(&mut Gradients<f32, Cpu>) -> Result<&mut Buffer, CpuError> + Send + Sync + 'static,
    {
        Arc::new(find)
    }
    // dfdx has no public name for the type of a ghost. The memory of the tensor goes to the
    // device's cache, for the first gradient.
    let tensor = device.zeros((len,))?;
    let ghost = tensor.ghost();
    Ok(shared(move |gradients| gradients.get_or_alloc_mut(&ghost)))
}

/// A parameter: its numbers, and where its gradient goes.
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
        let numbers = Numbers::new(weights, layout)?;
        let velocity = velocity
            .map(|velocity| Numbers::new(velocity, layout))
            .transpose()?;
        Ok(Self {
            slot: numbers.slot(device)?,
            velocity: velocity.map_or_else(Vec::new, |velocity| velocity.apart),
            numbers: Arc::new(numbers),
        })
    }

    /// The parameter that holds the same numbers on another device, for gradients alone. Theirs are
    /// those from `start` on in `flat`, and go there without a detour if they lie alike.
    pub(crate) fn like(
        device: &Workspace,
        numbers: Arc<Numbers>,
        flat: &Flat,
        start: usize,
    ) -> Result<Self, CpuError> {
        let slot = if numbers.is_in_order() {
            Slot::Flat {
                flat: flat.clone(),
                place: start..start + numbers.len(),
                row_stride: numbers.columns(),
            }
        } else {
            numbers.slot(device)?
        };
        Ok(Self {
            slot,
            velocity: Vec::new(),
            numbers,
        })
    }

    /// Where its gradient goes.
    pub(super) fn slot(&self) -> Slot {
        self.slot.clone()
    }

    /// Its numbers.
    pub(crate) fn numbers(&self) -> Arc<Numbers> {
        Arc::clone(&self.numbers)
    }

    /// The velocity, [outputs, inputs], in PyTorch's order.
    pub(crate) fn velocity(&self) -> Vec<f32> {
        if self.velocity.is_empty() {
            return vec![0.0; self.numbers.len()];
        }
        self.numbers.flat_of(&self.velocity)
    }

    /// Puts its gradient, [outputs, inputs], into `flat`, in PyTorch's order, if it is not there.
    pub(crate) fn put_gradient(
        &self,
        gradients: &mut Gradients<f32, Cpu>,
        flat: &mut [f32],
    ) -> Result<(), CpuError> {
        if let Slot::Tensor { find, .. } = &self.slot {
            self.numbers.put_flat(find(gradients)?, flat);
        }
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
        let Slot::Tensor { find, .. } = &self.slot else {
            unreachable!("a parameter for gradients alone is not updated");
        };
        let gradient = find(gradients)?;
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
        let mut flat = vec![0.0; self.len()];
        self.put_flat(apart, &mut flat);
        flat
    }

    fn put_flat(&self, apart: &[f32], flat: &mut [f32]) {
        let Layout { channels, pixels } = self.layout;
        let rows = apart.chunks_exact(self.row_stride);
        for (row, flat) in rows.zip(flat.chunks_exact_mut(self.columns())) {
            let row = &row[..self.columns()];
            if self.is_in_order() {
                flat.copy_from_slice(row);
            } else {
                let turned = transposed(row, pixels, channels);
                flat.iter_mut()
                    .zip(turned)
                    .for_each(|(to, from)| *to = from);
            }
        }
    }

    /// Whether a row lies in PyTorch's order.
    fn is_in_order(&self) -> bool {
        self.layout.pixels == 1 || self.layout.channels == 1
    }

    /// A slot of a gradient that lies as these numbers do.
    fn slot(&self, device: &Workspace) -> Result<Slot, CpuError> {
        Ok(Slot::Tensor {
            find: find(device, self.apart.len())?,
            row_stride: self.row_stride,
        })
    }

    /// Outputs × inputs.
    pub(crate) fn len(&self) -> usize {
        self.rows() * self.columns()
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
                let put = |out: &mut [f32], _| out.copy_from_slice(&gradient);
                ours.slot.fill(&mut gradients, put).unwrap();
                ours.update(&train, 0.05, &mut gradients).unwrap();
                let mut expected = [0.0; 35];
                theirs.copy_into(&mut expected);
                assert_eq!(ours.numbers().flat(), expected);
            }
        }
    }
}
