//! NVIDIA's GPUs as devices of dfdx.
//!
//! A GPU is current on those threads that opened it, and work on one that did not fails; so a network
//! on it stays on the thread that opened it ([`crate::confined`]).

use std::panic;

use dfdx::tensor::Cuda;

use crate::device::{Device, DeviceError};

/// A new handle of a GPU, current on this thread.
pub(crate) fn build(ordinal: u32) -> Result<Cuda, DeviceError> {
    let unusable = |message| DeviceError::Unusable {
        device: Device::Cuda(ordinal),
        message,
    };
    // Where there is no driver at all, loading it panics.
    let built = panic::catch_unwind(|| Cuda::try_build(ordinal as usize, 0));
    match built {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(error)) => Err(unusable(error.to_string())),
        Err(_) => Err(unusable("there is no driver".to_owned())),
    }
}
