//! One pixel of one block of channels, as it is stored.

use crate::LANES;
use std::fmt::Debug;

/// Sixteen numbers in single precision, on a cache line of their own; what every kernel computes with.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Lane(pub [f32; LANES]);

impl Lane {
    /// All zeros.
    pub const ZERO: Self = Self([0.0; LANES]);

    /// The numbers of many, one after the other.
    pub(crate) fn numbers(lanes: &[Self]) -> &[f32] {
        // SAFETY: a lane is `LANES` numbers and nothing else (`repr(C)`, as long as its alignment), so that many of them
        // are so many times `LANES` numbers; every number is initialised.
        unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast(), lanes.len() * LANES) }
    }
}

/// What a batch is stored in: a cache line of numbers, read and written sixteen at a time in single precision.
///
/// Kernels that wait for memory are written once, over the parts of a pixel.
pub trait Pixel: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// Channels of a block.
    const CHANNELS: usize = Self::PARTS * LANES;
    /// Times [`LANES`] channels of a block.
    const PARTS: usize;
    /// Bytes of a number.
    const BYTES: usize;
    /// All zeros.
    const ZERO: Self;

    /// Part and lane of a channel.
    #[must_use]
    fn place(channel: usize) -> (usize, usize);
    /// One part.
    #[must_use]
    fn part(&self, part: usize) -> Lane;
    /// Writes one part, rounded to what is stored.
    fn set_part(&mut self, part: usize, values: Lane);
    /// From all parts, rounded to what is stored; those beyond [`Pixel::PARTS`] do not count.
    #[must_use]
    fn of_parts(parts: [Lane; 2]) -> Self;
    /// One channel.
    #[must_use]
    fn get(&self, channel: usize) -> f32;
    /// Writes one channel, rounded to what is stored.
    fn set(&mut self, channel: usize, value: f32);
}

impl Pixel for Lane {
    const PARTS: usize = 1;
    const BYTES: usize = 4;
    const ZERO: Self = Self::ZERO;

    #[inline(always)]
    fn place(channel: usize) -> (usize, usize) {
        (0, channel)
    }
    #[inline(always)]
    fn part(&self, _: usize) -> Lane {
        *self
    }
    #[inline(always)]
    fn set_part(&mut self, _: usize, values: Lane) {
        *self = values;
    }
    #[inline(always)]
    fn of_parts(parts: [Lane; 2]) -> Self {
        parts[0]
    }
    #[inline(always)]
    fn get(&self, channel: usize) -> f32 {
        self.0[channel]
    }
    #[inline(always)]
    fn set(&mut self, channel: usize, value: f32) {
        self.0[channel] = value;
    }
}
