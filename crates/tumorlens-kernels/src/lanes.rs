//! Sixteen numbers at once, on each instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use portable::Portable;

/// A vector of [`crate::LANES`] numbers.
///
/// Methods are inlined into a kernel that is compiled for the instruction set; they must run nowhere else.
pub(crate) trait Lanes: Copy {
    /// Pixels of a row that fit the registers beside the weights of [`blocks_at_once`] blocks.
    const PIXELS: usize;
    /// Zeros.
    ///
    /// # Safety
    /// The processor must have the instruction set.
    unsafe fn zero() -> Self;
    /// From memory.
    ///
    /// # Safety
    /// As [`Lanes::zero`]; sixteen numbers must be readable at `from`.
    unsafe fn load(from: *const f32) -> Self;
    /// One number in every place.
    ///
    /// # Safety
    /// As [`Lanes::zero`]; a number must be readable at `from`.
    unsafe fn splat(from: *const f32) -> Self;
    /// To memory.
    ///
    /// # Safety
    /// As [`Lanes::zero`]; sixteen numbers must be writable at `to`.
    unsafe fn store(self, to: *mut f32);
    /// `self + a b`.
    ///
    /// # Safety
    /// As [`Lanes::zero`].
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// `self + other`.
    ///
    /// # Safety
    /// As [`Lanes::zero`].
    unsafe fn plus(self, other: Self) -> Self;
    /// `self - other`.
    ///
    /// # Safety
    /// As [`Lanes::zero`].
    unsafe fn minus(self, other: Self) -> Self;
    /// In each place `no` where `a <= b`, else `yes`, also where one is not a number.
    ///
    /// # Safety
    /// As [`Lanes::zero`].
    unsafe fn unless_at_most(a: Self, b: Self, yes: Self, no: Self) -> Self;
}

/// Pixels of a row whose sums a tile of the plain loop holds in registers beside the weights of a block.
pub(crate) fn row_at_once() -> usize {
    match crate::Isa::best() {
        crate::Isa::Avx2 | crate::Isa::Neon => 6,
        crate::Isa::Avx512 | crate::Isa::Portable => 8,
    }
}

/// Blocks of output channels whose sums a tile holds in registers.
pub(crate) fn blocks_at_once() -> usize {
    if crate::Isa::best() == crate::Isa::Avx512 {
        2
    } else {
        1
    }
}
