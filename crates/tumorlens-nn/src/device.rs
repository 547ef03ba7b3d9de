//! Where a network runs: a run-time value.

use crate::precision::Precision;
use burn::tensor::Device;
use std::fmt;
use std::str::FromStr;

/// A device by name: `cpu`, `wgpu` or `cuda`, the last two with an optional `:index`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor, by burn's `flex` backend.
    #[default]
    Cpu,
    /// A GPU by Vulkan, Metal or WebGPU.
    Wgpu(Option<usize>),
    /// An NVIDIA GPU.
    Cuda(usize),
}

/// A device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not a device name.
    #[error("unknown device '{0}': use cpu, wgpu, wgpu:N, cuda or cuda:N")]
    Unknown(String),
    /// The program was built without it.
    #[error("device '{device}' is not compiled in: build with `--features {feature}`")]
    NotCompiled {
        /// What was asked for.
        device: String,
        /// Feature that brings it.
        feature: &'static str,
    },
    /// It computes in single precision only.
    #[error("precision {precision} is for the device cpu only, not for {device}")]
    NoSuchPrecision {
        /// What was asked for.
        precision: Precision,
        /// Of what.
        device: String,
    },
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || DeviceError::Unknown(text.to_owned());
        let (name, index) = match text.split_once(':') {
            Some((name, index)) => (name, Some(index.parse().map_err(|_| unknown())?)),
            None => (text, None),
        };
        match (name, index) {
            ("cpu", None) => Ok(Self::Cpu),
            ("wgpu", index) => Ok(Self::Wgpu(index)),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Wgpu(None) => f.write_str("wgpu"),
            Self::Wgpu(Some(index)) => write!(f, "wgpu:{index}"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl DeviceChoice {
    /// The framework's device.
    ///
    /// # Errors
    /// When this build does not contain it; names the feature.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(index) => Ok(Device::wgpu(match index {
                None => burn::tensor::DeviceKind::DefaultDevice,
                Some(index) => burn::tensor::DeviceKind::DiscreteGpu(index),
            })),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => Ok(Device::cuda(index)),
            #[allow(
                unreachable_patterns,
                reason = "which arms remain depends on the features"
            )]
            other => {
                let feature = if matches!(other, Self::Wgpu(_)) {
                    "wgpu"
                } else {
                    "cuda"
                };
                Err(DeviceError::NotCompiled {
                    device: other.to_string(),
                    feature,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_name_is_read_and_written_alike() {
        for name in ["cpu", "wgpu", "wgpu:1", "cuda:0"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert!("gpu".parse::<DeviceChoice>().is_err());
        assert!("cpu:1".parse::<DeviceChoice>().is_err());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_compiled_in_names_its_feature() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
