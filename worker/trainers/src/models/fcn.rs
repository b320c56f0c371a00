//! The fully connected network: `depth` linear layers without bias, ReLU between them.

use dfdx::tensor::{Cpu, CpuError, Tape};

use crate::minibatch::Images;
use crate::tape::{Device, Parameter, Rows, linear, relu_linear};
use crate::training::TrainError;

/// It is all in the shapes of the parameters.
#[derive(Clone, Debug)]
pub(crate) struct Fcn;

impl Fcn {
    pub(super) fn new(width: u32, depth: u32) -> Result<Self, TrainError> {
        if width == 0 || depth < 2 {
            return Err(TrainError::Invalid(
                "an fcn needs a width ≥ 1 and a depth ≥ 2",
            ));
        }
        Ok(Self)
    }

    pub(super) fn outputs<T: Tape<f32, Cpu>>(
        &self,
        device: &Device,
        parameters: &[Parameter],
        images: Images,
        tape: T,
    ) -> Result<Rows<T>, CpuError> {
        let (first, later) = parameters
            .split_first()
            .expect("an fcn has two layers at least");
        let start = linear(device, images, first, tape)?;
        later
            .iter()
            .try_fold(start, |x, weight| relu_linear(device, x, weight))
    }
}
