//! Numbers of 16 bits with the exponent of single precision (bfloat16): stored and multiplied, never summed.
//!
//! A block has 32 channels, so that a pixel of a block is again one cache line, and a tile of a matrix unit (16 rows of 64
//! bytes) is 16 neighbouring pixels where they lie. Products are summed in single precision; a value is rounded once, to
//! the nearest, ties to even, as it is written.

#[cfg(target_arch = "x86_64")]
mod amx;
mod conv;
#[cfg(target_arch = "x86_64")]
mod dot;
mod finish;
mod gather;
mod pack;
mod product;
mod tiling;
mod transpose;
mod unit;
mod weights;

pub use conv::{forward, input_gradient};
pub use pack::Packed;
pub use unit::Unit;
pub use weights::weight_gradient;

use crate::{LANES, Lane, Pixel};

/// Thirty-two channels of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Bf16x32(pub [u16; 2 * LANES]);

/// The nearest number of 16 bits, ties to even; what is not a number stays so.
#[inline(always)]
pub(crate) fn round(value: f32) -> u16 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    // Rounding could carry what is not a number over to infinity or zero.
    let quiet = (bits >> 16) | 0x40;
    (if value.is_nan() { quiet } else { nearest }) as u16
}

#[inline(always)]
pub(crate) fn widen(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

impl Pixel for Bf16x32 {
    const PARTS: usize = 2;
    const BYTES: usize = 2;
    const ZERO: Self = Self([0; 2 * LANES]);

    #[inline(always)]
    fn part(&self, part: usize) -> Lane {
        let mut lane = Lane::ZERO;
        let from = &self.0[part * LANES..][..LANES];
        for i in 0..LANES {
            lane.0[i] = widen(from[i]);
        }
        lane
    }
    #[inline(always)]
    fn set_part(&mut self, part: usize, values: Lane) {
        let to = &mut self.0[part * LANES..][..LANES];
        for i in 0..LANES {
            to[i] = round(values.0[i]);
        }
    }
    #[inline(always)]
    fn get(&self, channel: usize) -> f32 {
        widen(self.0[channel])
    }
    #[inline(always)]
    fn set(&mut self, channel: usize, value: f32) {
        self.0[channel] = round(value);
    }
}
