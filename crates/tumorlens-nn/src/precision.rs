//! What a network's values are stored and multiplied in: a run-time value.

use crate::device::{DeviceChoice, DeviceError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use tumorlens_kernels::bf16::Unit;

/// A precision by name: `f32` or `bf16`.
///
/// Weights, their gradients, what the optimiser remembers, statistics, sums and logits are in single precision always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Numbers of 16 bits with the exponent of single precision (bfloat16): maps, their gradients, and both factors of
    /// convolutions. On the device cpu.
    Bf16,
}

/// Not a precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown precision '{0}': use f32 or bf16")]
pub struct UnknownPrecision(String);

impl Precision {
    /// Whether it is single precision.
    #[must_use]
    pub fn is_single(&self) -> bool {
        *self == Self::F32
    }

    /// Whether training in it takes longer than in single precision here: where the processor has no products of 16 bits.
    #[must_use]
    pub fn is_slower_here(self) -> bool {
        !self.is_single() && !Unit::best().pays()
    }

    /// What a network is best judged in where this one is asked for to save time: single precision, which is more exact,
    /// where the processor has no products of 16 bits, unless `TUMORLENS_BF16` names a way to do without.
    #[must_use]
    pub fn for_judging(self) -> Self {
        let named = std::env::var_os("TUMORLENS_BF16").is_some();
        if Unit::best().pays() || named {
            self
        } else {
            Self::F32
        }
    }

    /// Refuses a device that does not have it.
    ///
    /// # Errors
    /// On other devices than the processor in 16 bits.
    pub fn check(self, device: DeviceChoice) -> Result<(), DeviceError> {
        if self.is_single() || device == DeviceChoice::Cpu {
            return Ok(());
        }
        Err(DeviceError::NoSuchPrecision {
            precision: self,
            device: device.to_string(),
        })
    }
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(UnknownPrecision(text.to_owned())),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_is_read_and_written_alike() {
        for name in ["f32", "bf16"] {
            assert_eq!(name.parse::<Precision>().unwrap().to_string(), name);
            let text = format!("\"{name}\"");
            let read: Precision = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        assert!("f16".parse::<Precision>().is_err());
    }

    #[test]
    fn judging_in_16_bits_is_left_to_processors_that_have_their_products() {
        assert_eq!(Precision::F32.for_judging(), Precision::F32);
        let named = std::env::var_os("TUMORLENS_BF16").is_some();
        let pays = Unit::available().iter().any(|unit| unit.pays());
        let judged = Precision::Bf16.for_judging();
        assert_eq!(judged == Precision::Bf16, named || pays);
        assert!(!Precision::F32.is_slower_here());
        assert_eq!(Precision::Bf16.is_slower_here(), !Unit::best().pays());
    }

    #[test]
    fn other_devices_than_the_processor_have_single_precision_only() {
        let gpu = DeviceChoice::Wgpu(None);
        assert!(Precision::F32.check(gpu).is_ok());
        assert!(Precision::Bf16.check(DeviceChoice::Cpu).is_ok());
        let error = Precision::Bf16.check(gpu).unwrap_err().to_string();
        assert_eq!(
            error,
            "precision bf16 is for the device cpu only, not for wgpu"
        );
    }
}
