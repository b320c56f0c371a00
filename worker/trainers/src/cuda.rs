//! NVIDIA's GPUs as devices of dfdx.
//!
//! A GPU is current on those threads that opened it, and work on one that did not fails; so a network
//! on it stays on the thread that opened it ([`crate::confined`]).

use std::panic;

use cudarc::driver::CudaDevice;
use cudarc::driver::sys::CUdevice_attribute_enum as Attribute;
use dfdx::tensor::Cuda;

use crate::device::{Device, DeviceError};

/// The compute capability of a GPU, such as `sm_90`; `None` if it does not answer.
///
/// GPUs of one capability run the same code; of different ones, other kernels round differently.
pub(crate) fn capability(ordinal: u32) -> Option<String> {
    let asked = panic::catch_unwind(|| {
        let device = CudaDevice::new(ordinal as usize)?;
        let major = Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
        let minor = Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
        Ok::<_, cudarc::driver::DriverError>((device.attribute(major)?, device.attribute(minor)?))
    });
    let (major, minor) = asked.ok()?.ok()?;
    Some(format!("sm_{major}{minor}"))
}

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
