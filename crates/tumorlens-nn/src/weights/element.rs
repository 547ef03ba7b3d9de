//! Types in which weight files store their values.

use half::{bf16, f16};

/// Type of one stored value, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Single,
    Double,
    Half,
    BFloat16,
    /// 64-bit integer: counters, which are never converted.
    Long,
}

impl Element {
    /// Bytes of one value.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Single => 4,
            Self::Double | Self::Long => 8,
            Self::Half | Self::BFloat16 => 2,
        }
    }

    /// Converts to single precision; nothing for integers. Bytes that do not fill a value are left out.
    pub(super) fn decode(self, data: &[u8]) -> Option<Vec<f32>> {
        Some(match self {
            Self::Single => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b))
                .collect(),
            Self::Double => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| f64::from_le_bytes(b) as f32)
                .collect(),
            Self::Half => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| f16::from_le_bytes(b).to_f32())
                .collect(),
            Self::BFloat16 => data
                .as_chunks()
                .0
                .iter()
                .map(|&b| bf16::from_le_bytes(b).to_f32())
                .collect(),
            Self::Long => return None,
        })
    }
}
