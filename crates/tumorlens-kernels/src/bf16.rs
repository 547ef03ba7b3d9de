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
mod layout;
mod pack;
pub(crate) mod peak;
mod product;
mod scratch;
mod tiling;
mod transpose;
mod unit;
mod walk;
mod weights;

pub use conv::{forward, input_gradient};
pub use pack::Packed;
pub use unit::Unit;
pub use weights::weight_gradient;

use crate::{LANES, Lane, Pixel};

/// Thirty-two channels of one pixel. A word holds two neighbours, the first in its lower half, so that a kernel reads and
/// writes the even and the odd ones as vectors of single precision, by shifts alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Bf16x32([u32; LANES]);

const _: () = assert!(
    cfg!(target_endian = "little"),
    "words hold their lower half first"
);

/// The upper half of a word.
const UPPER: u32 = 0xffff_0000;

/// The nearest number of 16 bits, ties to even, in the upper half of a word; what is not a number stays so.
#[inline(always)]
fn nearest(value: f32) -> u32 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
    // Rounding could carry what is not a number over to infinity or zero.
    if value.is_nan() {
        bits | 0x0040_0000
    } else {
        nearest
    }
}

#[inline(always)]
fn round(value: f32) -> u16 {
    (nearest(value) >> 16) as u16
}

#[inline(always)]
fn widen(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

impl Bf16x32 {
    /// The channels in order.
    #[must_use]
    pub fn numbers(&self) -> &[u16; 2 * LANES] {
        // SAFETY: sixteen words are thirty-two halves, with no more alignment.
        unsafe { &*self.0.as_ptr().cast() }
    }

    /// The channels in order.
    pub fn numbers_mut(&mut self) -> &mut [u16; 2 * LANES] {
        // SAFETY: as above; every half is a valid half.
        unsafe { &mut *self.0.as_mut_ptr().cast() }
    }

    /// The first or the second sixteen channels.
    #[inline(always)]
    fn half(&self, half: usize) -> Lane {
        let mut lane = Lane::ZERO;
        for (to, from) in lane.0.iter_mut().zip(&self.numbers()[half * LANES..]) {
            *to = widen(*from);
        }
        lane
    }
}

impl Pixel for Bf16x32 {
    const PARTS: usize = 2;
    const BYTES: usize = 2;
    const ZERO: Self = Self([0; LANES]);

    #[inline(always)]
    fn place(channel: usize) -> (usize, usize) {
        (channel % 2, channel / 2)
    }
    #[inline(always)]
    fn part(&self, part: usize) -> Lane {
        let mut lane = Lane::ZERO;
        for i in 0..LANES {
            let word = self.0[i];
            lane.0[i] = f32::from_bits(if part == 0 { word << 16 } else { word & UPPER });
        }
        lane
    }
    #[inline(always)]
    fn set_part(&mut self, part: usize, values: Lane) {
        for i in 0..LANES {
            let bits = nearest(values.0[i]);
            self.0[i] = if part == 0 {
                self.0[i] & UPPER | bits >> 16
            } else {
                self.0[i] & !UPPER | bits & UPPER
            };
        }
    }
    #[inline(always)]
    fn of_parts([even, odd]: [Lane; 2]) -> Self {
        let mut pixel = Self::ZERO;
        for i in 0..LANES {
            pixel.0[i] = nearest(even.0[i]) >> 16 | nearest(odd.0[i]) & UPPER;
        }
        pixel
    }
    #[inline(always)]
    fn get(&self, channel: usize) -> f32 {
        widen(self.numbers()[channel])
    }
    #[inline(always)]
    fn set(&mut self, channel: usize, value: f32) {
        self.numbers_mut()[channel] = round(value);
    }
}
