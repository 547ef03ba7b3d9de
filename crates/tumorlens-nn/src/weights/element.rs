//! Types in which weight files store their values.

use half::slice::HalfFloatSliceExt;
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
            Self::Half => halves(data),
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

/// Many at a time, for which processors have an instruction.
fn halves(data: &[u8]) -> Vec<f32> {
    const MANY: usize = 1024;
    let mut values = vec![0.0; data.len() / 2];
    let mut halves = [f16::ZERO; MANY];
    for (values, bytes) in values.chunks_mut(MANY).zip(data.chunks(2 * MANY)) {
        for (half, &bytes) in halves.iter_mut().zip(bytes.as_chunks().0) {
            *half = f16::from_le_bytes(bytes);
        }
        halves[..values.len()].convert_to_f32_slice(values);
    }
    values
}

/// Whether none of the halves is infinite or not a number.
pub(super) fn finite_halves(data: &[u8]) -> bool {
    const INFINITE: u16 = f16::INFINITY.to_bits();
    let sizes = data.as_chunks().0.iter();
    let largest = sizes.map(|&b| u16::from_le_bytes(b) & !(1 << 15)).max();
    largest.is_none_or(|largest| largest < INFINITE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_is_the_number_that_it_stands_for() {
        let all: Vec<f16> = (0..=u16::MAX)
            .map(f16::from_bits)
            .filter(|half| half.is_finite())
            .collect();
        let bytes: Vec<u8> = all.iter().flat_map(|half| half.to_le_bytes()).collect();
        let values = Element::Half.decode(&bytes).unwrap();
        assert_eq!(values.len(), all.len());
        for (value, half) in values.iter().zip(&all) {
            assert_eq!(value.to_bits(), half.to_f32_const().to_bits());
        }
    }
}
