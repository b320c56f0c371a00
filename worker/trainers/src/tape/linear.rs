//! Linear layers: Y = A·Wᵀ + b, where A is the input after its ReLU and dropout.
//!
//! A is [examples, inputs], W [outputs, inputs] (PyTorch's order), Y [examples, outputs].
//! Backward: ∂W = ∂Yᵀ·A, ∂b = Σ ∂Y over the examples, ∂A = ∂Y·W.

use dfdx::tensor::{Cpu, CpuError, PutTape, Tape};

use super::gemm::{Matrix, multiply};
use super::input::Order;
use super::parameter::Parameter;
use super::{Before, Input, Rows, Weights, Workspace, bias};

/// A linear layer; [examples, outputs].
pub(super) fn linear<T: Tape<f32, Cpu>>(
    device: &Workspace,
    input: Input<T>,
    before: Before,
    weights: Weights<'_, Parameter>,
) -> Result<Rows<T>, CpuError> {
    let w = weights.weight.numbers();
    let (examples, inputs, outputs) = (input.examples(), w.columns(), w.rows());
    let (active, back, mut tape) = input.open(device, before, Order::Any)?;
    let mut numbers = device.buffer(examples * outputs)?;
    let starts = bias::start(&mut numbers, weights.bias);
    let a = Matrix::new(&active, examples, inputs);
    multiply(&mut numbers, outputs, starts, a, w.matrix().transposed());
    let y = device.tensor((examples, outputs), &numbers)?;
    drop(numbers);
    let (y_ghost, w_slot) = (y.ghost(), weights.weight.slot());
    let b_slot = weights.bias.map(|bias| bias.slot());
    tape.add_backward_op(move |gradients| {
        // The gradient of Y is taken out so that others can be borrowed beside it.
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_ghost)?);
        let dy_matrix = Matrix::new(&dy, examples, outputs);
        w_slot.fill(gradients, |dw, row_stride| {
            let a = Matrix::new(&active, examples, inputs);
            multiply(dw, row_stride, false, dy_matrix.transposed(), a);
        })?;
        if let Some(slot) = &b_slot {
            slot.fill(gradients, |db, _| bias::put_slopes(db, &dy, outputs))?;
        }
        if let Some(back) = back {
            back.put(gradients, &active, |da| {
                multiply(da, inputs, false, dy_matrix, w.matrix());
            })?;
        }
        **gradients.get_or_alloc_mut(&y_ghost)? = dy;
        Ok(())
    });
    Ok(y.put_tape(tape))
}
