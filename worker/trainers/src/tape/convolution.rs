//! Convolutions: Y = A∗W + b, where A is the input after its ReLU and dropout.
//!
//! A is [examples, height × width × channels], W [outputs, side × side × channels] and Y [examples,
//! places × outputs]. The windows of some examples are written out as the rows of a matrix
//! (im2col), so that the sums are one matrix product: Y = windows(A)·Wᵀ + b. Backward: ∂W =
//! ∂Yᵀ·windows(A), ∂b = Σ ∂Y over examples and places, ∂windows = ∂Y·W, of which each number is
//! added where it was taken from.
//!
//! The windows of all examples at once would take side² times the memory of A, and more time than
//! a cache full of them: they are made for some examples at a time, and again in the backward
//! pass. How many is a function of the shapes alone, since sums are cut there.

use std::sync::Arc;

use dfdx::tensor::{Cpu, CpuError, PutTape, Tape};
use tailsweep_common::network::Shape;

use super::gemm::{Matrix, multiply};
use super::input::Order;
use super::parameter::{Parameter, row_stride};
use super::window::{Run, Window};
use super::{Before, Input, Rows, Weights, Workspace, bias};

/// Rows of the matrix of windows, unless one example has more.
const ROWS: usize = 128;

/// How the windows of some examples are written out.
#[derive(Debug)]
pub(crate) struct Windows {
    input: Shape,
    runs: Vec<Run>,
    /// Numbers of an example.
    features: usize,
    /// Numbers of a window, and from the start of one to the next.
    len: usize,
    apart: usize,
    /// Windows of an example.
    count: usize,
    /// Examples at once.
    examples: usize,
}

impl Windows {
    pub(crate) fn new(window: &Window) -> Self {
        let len = window.len();
        let apart = row_stride(len);
        Self {
            input: window.input,
            runs: window.runs(apart),
            features: window.features(),
            len,
            apart,
            count: window.count(),
            examples: (ROWS / window.count()).max(1),
        }
    }

    /// Of an example: channels, height, width.
    #[cfg(any(test, feature = "cuda"))]
    pub(super) fn input(&self) -> Shape {
        self.input
    }

    /// Windows of an example.
    #[cfg(any(test, feature = "cuda"))]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Numbers of a window.
    #[cfg(any(test, feature = "cuda"))]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where each number of each window lies in an example, or one past its end.
    #[cfg(any(test, feature = "cuda"))]
    pub(super) fn places(&self) -> Vec<usize> {
        let mut places = vec![self.features; self.count * self.len];
        for run in &self.runs {
            let (window, at) = (run.window / self.apart, run.window % self.apart);
            for (place, from) in places[window * self.len + at..]
                .iter_mut()
                .zip(run.example..run.example + run.len)
            {
                *place = from;
            }
        }
        places
    }

    /// Numbers that the windows of the examples at once take.
    fn room(&self, examples: usize) -> usize {
        self.examples.min(examples) * self.count * self.apart
    }

    /// Writes them out; what lies outside the example stays as it is.
    fn gather(&self, examples: &[f32], out: &mut [f32]) {
        let examples = examples.chunks_exact(self.features);
        for (example, out) in examples.zip(out.chunks_exact_mut(self.count * self.apart)) {
            for run in &self.runs {
                out[run.window..run.window + run.len]
                    .copy_from_slice(&example[run.example..run.example + run.len]);
            }
        }
    }

    /// Adds each number to where it was taken from.
    fn scatter(&self, windows: &[f32], examples: &mut [f32]) {
        let examples = examples.chunks_exact_mut(self.features);
        for (example, windows) in examples.zip(windows.chunks_exact(self.count * self.apart)) {
            for run in &self.runs {
                let to = &mut example[run.example..run.example + run.len];
                let from = &windows[run.window..run.window + run.len];
                for (to, from) in to.iter_mut().zip(from) {
                    *to += from;
                }
            }
        }
    }

    fn matrix<'a>(&self, numbers: &'a [f32]) -> Matrix<'a> {
        Matrix::padded(numbers, numbers.len() / self.apart, self.len, self.apart)
    }
}

/// A convolution; [examples, places × outputs].
pub(super) fn convolution<T: Tape<f32, Cpu>>(
    device: &Workspace,
    input: Input<T>,
    before: Before,
    weights: Weights<'_, Parameter>,
    windows: &Arc<Windows>,
) -> Result<Rows<T>, CpuError> {
    let w = weights.weight.numbers();
    let windows = Arc::clone(windows);
    let (examples, outputs) = (input.examples(), w.rows());
    let order = Order::ChannelsLast(windows.input);
    let (active, back, mut tape) = input.open(device, before, order)?;

    let mut numbers = device.buffer(examples * windows.count * outputs)?;
    let starts = bias::start(&mut numbers, weights.bias);
    let mut written = device.buffer(windows.room(examples))?;
    let chunk = windows.examples * windows.count * outputs;
    for (a, y) in active
        .chunks(windows.examples * windows.features)
        .zip(numbers.chunks_mut(chunk))
    {
        let written = &mut written[..y.len() / outputs * windows.apart];
        windows.gather(a, written);
        let matrix = windows.matrix(written);
        multiply(y, outputs, starts, matrix, w.matrix().transposed());
    }
    let y = device.tensor((examples, windows.count * outputs), &numbers)?;
    drop(numbers);

    let (y_ghost, w_slot) = (y.ghost(), weights.weight.slot());
    let b_slot = weights.bias.map(|bias| bias.slot());
    tape.add_backward_op(move |gradients| {
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_ghost)?);
        if let Some(slot) = &b_slot {
            slot.fill(gradients, |db, _| bias::put_slopes(db, &dy, outputs))?;
        }
        w_slot.fill(gradients, |dw, row_stride| {
            let chunks = active
                .chunks(windows.examples * windows.features)
                .zip(dy.chunks(chunk));
            for (index, (a, dy)) in chunks.enumerate() {
                let rows = dy.len() / outputs;
                let written = &mut written[..rows * windows.apart];
                windows.gather(a, written);
                let dy = Matrix::new(dy, rows, outputs).transposed();
                let sums = index > 0;
                multiply(dw, row_stride, sums, dy, windows.matrix(written));
            }
        })?;
        if let Some(back) = back {
            back.put(gradients, &active, |da| {
                for (da, dy) in da
                    .chunks_mut(windows.examples * windows.features)
                    .zip(dy.chunks(chunk))
                {
                    let rows = dy.len() / outputs;
                    let written = &mut written[..rows * windows.apart];
                    let dy = Matrix::new(dy, rows, outputs);
                    multiply(written, windows.apart, false, dy, w.matrix());
                    windows.scatter(written, da);
                }
            })?;
        }
        **gradients.get_or_alloc_mut(&y_ghost)? = dy;
        Ok(())
    });
    Ok(y.put_tape(tape))
}
