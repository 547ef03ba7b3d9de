//! From sums to what is stored: bias, sums of maps and non-linearity in single precision, rounded once.

use super::Bf16x32;
use super::product::{COLUMNS, ROWS};
use super::tiling::NOWHERE;
use crate::isa::dispatch;
use crate::{Activation, LANES, Lane, Pixel};

/// What is done with the sums of one block of a map.
pub(super) struct Finish<'a> {
    /// Added to every pixel.
    pub(super) bias: [Lane; 2],
    /// Whether what is there already is added.
    pub(super) output: bool,
    /// A plane that is added, and where in it each pixel lies.
    pub(super) add: Option<(&'a [u32], &'a [Bf16x32])>,
    pub(super) activation: Activation,
}

/// Writes the rows of a tile to their places.
pub(super) fn finish(
    of: &Finish<'_>,
    sums: &[[f32; COLUMNS]; ROWS],
    places: &[u32; ROWS],
    out: &mut [Bf16x32],
) {
    #[cfg(target_arch = "x86_64")]
    if super::Unit::best() != super::Unit::Widened {
        // SAFETY: a processor with another unit has AVX-512 with BF16.
        return unsafe { native(of, sums, places, out) };
    }
    by_bits(of, sums, places, out);
}

/// Sixteen numbers twice to thirty-two of 16 bits.
trait Rounding {
    /// # Safety
    /// The processor must have what the rounding is written for.
    unsafe fn round(parts: [Lane; 2]) -> Bf16x32;
}

struct ByBits;

impl Rounding for ByBits {
    #[inline(always)]
    unsafe fn round(parts: [Lane; 2]) -> Bf16x32 {
        let mut pixel = Bf16x32::ZERO;
        let numbers = pixel.numbers_mut().iter_mut();
        for (to, from) in numbers.zip(parts.iter().flat_map(|half| &half.0)) {
            *to = super::round(*from);
        }
        pixel
    }
}

#[cfg(target_arch = "x86_64")]
struct Native;

#[cfg(target_arch = "x86_64")]
impl Rounding for Native {
    #[inline(always)]
    unsafe fn round(parts: [Lane; 2]) -> Bf16x32 {
        use std::arch::x86_64::*;
        // SAFETY: the caller vouches for AVX-512 with BF16; both types are 64 bytes of plain bits.
        unsafe {
            let low = _mm512_loadu_ps(parts[0].0.as_ptr());
            let high = _mm512_loadu_ps(parts[1].0.as_ptr());
            std::mem::transmute::<__m512bh, Bf16x32>(_mm512_cvtne2ps_pbh(high, low))
        }
    }
}

#[inline(always)]
unsafe fn rows<R: Rounding>(
    of: &Finish<'_>,
    activation: Activation,
    sums: &[[f32; COLUMNS]; ROWS],
    places: &[u32; ROWS],
    out: &mut [Bf16x32],
) {
    for (sums, &place) in sums.iter().zip(places) {
        if place == NOWHERE {
            continue;
        }
        let out = &mut out[place as usize];
        let mut parts = [Lane::ZERO; 2];
        for (part, z) in parts.iter_mut().enumerate() {
            let sums = &sums[part * LANES..][..LANES];
            for (z, (sum, bias)) in z.0.iter_mut().zip(sums.iter().zip(&of.bias[part].0)) {
                *z = sum + bias;
            }
            if of.output {
                let old = out.half(part);
                for i in 0..LANES {
                    z.0[i] += old.0[i];
                }
            }
            if let Some((at, add)) = of.add {
                let more = add[at[place as usize] as usize].half(part);
                for i in 0..LANES {
                    z.0[i] += more.0[i];
                }
            }
            *z = activation.apply(*z);
        }
        // SAFETY: the caller's.
        *out = unsafe { R::round(parts) };
    }
}

#[inline(always)]
unsafe fn body<R: Rounding>(
    of: &Finish<'_>,
    sums: &[[f32; COLUMNS]; ROWS],
    places: &[u32; ROWS],
    out: &mut [Bf16x32],
) {
    // SAFETY: the caller's. The common ones are compiled apart.
    unsafe {
        match of.activation {
            Activation::Identity => rows::<R>(of, Activation::Identity, sums, places, out),
            Activation::Relu => rows::<R>(of, Activation::Relu, sums, places, out),
            other => rows::<R>(of, other, sums, places, out),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,avx2")]
unsafe fn native(
    of: &Finish<'_>,
    sums: &[[f32; COLUMNS]; ROWS],
    places: &[u32; ROWS],
    out: &mut [Bf16x32],
) {
    // SAFETY: the caller's.
    unsafe { body::<Native>(of, sums, places, out) }
}

#[inline(always)]
fn by_bits_body(
    of: &Finish<'_>,
    sums: &[[f32; COLUMNS]; ROWS],
    places: &[u32; ROWS],
    out: &mut [Bf16x32],
) {
    // SAFETY: plain Rust runs everywhere.
    unsafe { body::<ByBits>(of, sums, places, out) }
}
dispatch!(fn by_bits = by_bits_body(
    of: &Finish<'_>, sums: &[[f32; COLUMNS]; ROWS], places: &[u32; ROWS], out: &mut [Bf16x32],
));
