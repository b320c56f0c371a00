//! The devices that networks are computed on.
//!
//! Every build has the CPU. A build with the cargo feature `cuda` has NVIDIA's GPUs too, through
//! dfdx; nothing of a GPU is looked for before it is asked for.

use std::fmt;
use std::str::FromStr;

/// Where networks are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The CPU, with operations of our own.
    #[default]
    Cpu,
    /// The GPU of this number, from 0, with dfdx's operations.
    Cuda(u32),
}

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// It is no name of a device.
    #[error("`{0}` is no device: write `cpu`, or `cuda:0` for the first GPU")]
    Unknown(String),
    /// This program was built without the feature `cuda`.
    #[error(
        "this program was built without GPUs: build it with `cargo build --release -p tailsweep \
         --features cuda`, which needs NVIDIA's CUDA toolkit, or use `cpu`"
    )]
    NotBuiltIn,
    /// The GPU does not answer.
    #[error("`{device}` cannot be used: {message}")]
    Unusable {
        /// The device.
        device: Device,
        /// What the driver says.
        message: String,
    },
}

impl Device {
    /// Whether the device is there and this program can use it.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check(self) -> Result<(), DeviceError> {
        match self {
            Self::Cpu => Ok(()),
            #[cfg(feature = "cuda")]
            Self::Cuda(ordinal) => crate::cuda::build(ordinal).map(drop),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(DeviceError::NotBuiltIn),
        }
    }

    /// What decides about the bits of a result, such as `cpu-x86_64-avx512` or `cuda-sm_90`.
    ///
    /// Results are equal to the byte within a kind of CPU; on GPUs only nearly.
    pub fn kind(self) -> String {
        match self {
            Self::Cpu => format!("cpu-{}", crate::instruction_set()),
            #[cfg(feature = "cuda")]
            Self::Cuda(ordinal) => crate::cuda::capability(ordinal)
                .map_or("cuda".to_owned(), |capability| format!("cuda-{capability}")),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => "cuda".to_owned(),
        }
    }

    /// The devices that this program can use on this machine.
    pub fn found() -> Vec<Self> {
        let gpus = (0..).map(Self::Cuda);
        let usable = gpus.take_while(|gpu| gpu.check().is_ok());
        std::iter::once(Self::Cpu).chain(usable).collect()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for Device {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let ordinal = match text {
            "cpu" => return Ok(Self::Cpu),
            "cuda" => Some(0),
            _ => text.strip_prefix("cuda:").and_then(|n| n.parse().ok()),
        };
        ordinal
            .map(Self::Cuda)
            .ok_or_else(|| DeviceError::Unknown(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_read_as_they_are_written() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(7)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for text in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", "cpu:0"] {
            let error = text.parse::<Device>().unwrap_err();
            assert_eq!(error, DeviceError::Unknown(text.to_owned()));
        }
    }

    #[test]
    fn the_cpu_is_always_found() {
        assert_eq!(Device::found()[0], Device::Cpu);
        #[cfg(not(feature = "cuda"))]
        assert_eq!(Device::Cuda(0).check(), Err(DeviceError::NotBuiltIn));
    }
}
