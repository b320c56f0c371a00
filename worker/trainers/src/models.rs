//! The architectures. A new one is a file here, and a line in each of the two `match`es.

mod fcn;

use dfdx::tensor::{Cpu, CpuError, Tape};
use tailsweep_common::run::Architecture;

use crate::minibatch::Images;
use crate::tape::{Device, Parameter, Rows};
use crate::training::TrainError;

/// How the outputs of a network come from images and parameters.
///
/// The parameters are those of [`Architecture::layers`], in that order, each [outputs, inputs].
#[derive(Clone, Debug)]
pub(crate) enum Model {
    Fcn(fcn::Fcn),
}

impl Model {
    pub(crate) fn new(architecture: Architecture) -> Result<Self, TrainError> {
        match architecture {
            Architecture::Fcn { width, depth } => fcn::Fcn::new(width, depth).map(Self::Fcn),
            Architecture::Alexnet { .. } => Err(TrainError::Unavailable(architecture.as_str())),
        }
    }

    /// [examples, classes].
    pub(crate) fn outputs<T: Tape<f32, Cpu>>(
        &self,
        device: &Device,
        parameters: &[Parameter],
        images: Images,
        tape: T,
    ) -> Result<Rows<T>, CpuError> {
        match self {
            Self::Fcn(fcn) => fcn.outputs(device, parameters, images, tape),
        }
    }
}
