//! Linear layers without bias: Y = X·Wᵀ and Y = max(0, X)·Wᵀ.
//!
//! X is [examples, inputs], W [outputs, inputs] (PyTorch's order), Y [examples, outputs].
//! Backward: ∂W += ∂Yᵀ·X, ∂X = (∂Y·W), for the second form with max(0, X) in place of X and
//! zero where X ≤ 0. ReLU stands before the product because its result is needed there anyway,
//! in the forward pass and for ∂W. A NaN stays a NaN: a divergence must reach the loss.

use dfdx::shapes::HasShape;
use dfdx::tensor::{Cpu, CpuError, PutTape, SplitTape, Tape};

use super::gemm::{Matrix, multiply};
use super::{Buffer, Device, Parameter, Rows};
use crate::minibatch::Images;

/// The first layer, on images. They get no gradient.
pub(crate) fn linear<T: Tape<f32, Cpu>>(
    device: &Device,
    images: Images,
    weight: &Parameter,
    mut tape: T,
) -> Result<Rows<T>, CpuError> {
    let w = weight.numbers();
    let (examples, inputs, outputs) = (images.examples(), w.columns(), w.rows());
    let mut numbers = device.buffer(examples * outputs)?;
    let x = Matrix::new(&images, examples, inputs);
    multiply(&mut numbers, outputs, false, x, w.matrix().transposed());
    let y = device.tensor((examples, outputs), &numbers)?;
    let (y_ghost, w_ghost) = (y.ghost(), weight.tensor().ghost());
    tape.add_backward_op(move |gradients| {
        // The gradient of Y is taken out so that others can be borrowed beside it.
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_ghost)?);
        let dw = gradients.get_or_alloc_mut(&w_ghost)?;
        let dy_matrix = Matrix::new(&dy, examples, outputs);
        multiply(
            dw,
            w.row_stride(),
            true,
            dy_matrix.transposed(),
            Matrix::new(&images, examples, inputs),
        );
        **gradients.get_or_alloc_mut(&y_ghost)? = dy;
        Ok(())
    });
    Ok(y.put_tape(tape))
}

/// Any later layer, on what the layer before gave before its ReLU.
pub(crate) fn relu_linear<T: Tape<f32, Cpu>>(
    device: &Device,
    x: Rows<T>,
    weight: &Parameter,
) -> Result<Rows<T>, CpuError> {
    let w = weight.numbers();
    let ((examples, inputs), outputs) = (*x.shape(), w.rows());
    let (x, mut tape) = x.split_tape();
    let mut active: Buffer = device.copy_of(&x)?;
    for number in active.iter_mut() {
        *number = if *number < 0.0 { 0.0 } else { *number };
    }
    let mut numbers = device.buffer(examples * outputs)?;
    multiply(
        &mut numbers,
        outputs,
        false,
        Matrix::new(&active, examples, inputs),
        w.matrix().transposed(),
    );
    let y = device.tensor((examples, outputs), &numbers)?;
    let (x_ghost, y_ghost, w_ghost) = (x.ghost(), y.ghost(), weight.tensor().ghost());
    tape.add_backward_op(move |gradients| {
        let dy = std::mem::take(&mut **gradients.get_or_alloc_mut(&y_ghost)?);
        let dy_matrix = Matrix::new(&dy, examples, outputs);
        let dw = gradients.get_or_alloc_mut(&w_ghost)?;
        multiply(
            dw,
            w.row_stride(),
            true,
            dy_matrix.transposed(),
            Matrix::new(&active, examples, inputs),
        );
        // Nothing else uses X, so its gradient need not be added to.
        let dx = gradients.get_or_alloc_mut(&x_ghost)?;
        multiply(dx, inputs, false, dy_matrix, w.matrix());
        for (slope, number) in dx.iter_mut().zip(active.iter()) {
            *slope = if *number > 0.0 { *slope } else { 0.0 };
        }
        **gradients.get_or_alloc_mut(&y_ghost)? = dy;
        Ok(())
    });
    Ok(y.put_tape(tape))
}
