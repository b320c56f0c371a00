//! How the outputs of a network come from images and parameters: its modules
//! ([`tailsweep_common::network`]), cut into steps that are computed as one operation each.
//!
//! A ReLU is part of the product that follows it. The parameters are those of the network, in its
//! order.

use dfdx::tensor::{Cpu, CpuError, Tape};
use tailsweep_common::network::{self, Operation};

use crate::minibatch::Images;
use crate::tape::{Device, Parameter, Rows, linear, relu_linear};
use crate::training::TrainError;

/// The steps of a network.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    steps: Vec<Step>,
}

/// One operation on the tape.
#[derive(Clone, Copy, Debug)]
enum Step {
    Linear {
        /// The position of its weights.
        weight: usize,
    },
}

impl Model {
    pub(crate) fn new(network: &network::Network) -> Result<Self, TrainError> {
        let (mut steps, mut relu, mut parameters) = (Vec::new(), false, 0);
        for module in network.modules() {
            match module.operation {
                Operation::Relu => relu = true,
                Operation::Linear { bias: false, .. } if relu != steps.is_empty() => {
                    steps.push(Step::Linear { weight: parameters });
                    (relu, parameters) = (false, parameters + 1);
                }
                _ => return Err(TrainError::Invalid("it has modules that are not built in")),
            }
        }
        if relu || steps.is_empty() {
            return Err(TrainError::Invalid("its last module has no parameters"));
        }
        Ok(Self { steps })
    }

    /// [examples, outputs].
    pub(crate) fn outputs<T: Tape<f32, Cpu>>(
        &self,
        device: &Device,
        parameters: &[Parameter],
        images: Images,
        tape: T,
    ) -> Result<Rows<T>, CpuError> {
        let (first, later) = self.steps.split_first().expect("there is a step");
        let Step::Linear { weight } = *first;
        let start = linear(device, images, &parameters[weight], tape)?;
        later.iter().try_fold(start, |x, step| match *step {
            Step::Linear { weight } => relu_linear(device, x, &parameters[weight]),
        })
    }
}
