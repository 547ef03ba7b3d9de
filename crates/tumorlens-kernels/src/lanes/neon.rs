use super::Lanes;
use std::arch::aarch64::*;

/// Four 128-bit registers.
#[derive(Clone, Copy)]
pub(crate) struct Neon(float32x4_t, float32x4_t, float32x4_t, float32x4_t);

// SAFETY of all methods: the caller vouches for the instruction set and for the memory.
impl Lanes for Neon {
    /// 24 of the 32 registers hold sums, four weights: with seven none would be left for a pixel.
    const PIXELS: usize = 6;
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: see above.
        let zero = unsafe { vdupq_n_f32(0.0) };
        Self(zero, zero, zero, zero)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above.
        unsafe {
            Self(
                vld1q_f32(from),
                vld1q_f32(from.add(4)),
                vld1q_f32(from.add(8)),
                vld1q_f32(from.add(12)),
            )
        }
    }
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // A number, not `vld1q_dup_f32`: the multiply-add takes it from the first place of a register, and need not wait
        // for a copy to all four.
        // SAFETY: see above.
        let value = unsafe { vdupq_n_f32(*from) };
        Self(value, value, value, value)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above.
        unsafe {
            vst1q_f32(to, self.0);
            vst1q_f32(to.add(4), self.1);
            vst1q_f32(to.add(8), self.2);
            vst1q_f32(to.add(12), self.3);
        }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            Self(
                vfmaq_f32(self.0, a.0, b.0),
                vfmaq_f32(self.1, a.1, b.1),
                vfmaq_f32(self.2, a.2, b.2),
                vfmaq_f32(self.3, a.3, b.3),
            )
        }
    }
    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            Self(
                vaddq_f32(self.0, other.0),
                vaddq_f32(self.1, other.1),
                vaddq_f32(self.2, other.2),
                vaddq_f32(self.3, other.3),
            )
        }
    }
    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            Self(
                vsubq_f32(self.0, other.0),
                vsubq_f32(self.1, other.1),
                vsubq_f32(self.2, other.2),
                vsubq_f32(self.3, other.3),
            )
        }
    }
    #[inline(always)]
    unsafe fn unless_at_most(a: Self, b: Self, yes: Self, no: Self) -> Self {
        // SAFETY: see above. The comparison is false where one is not a number.
        unsafe {
            Self(
                vbslq_f32(vcleq_f32(a.0, b.0), no.0, yes.0),
                vbslq_f32(vcleq_f32(a.1, b.1), no.1, yes.1),
                vbslq_f32(vcleq_f32(a.2, b.2), no.2, yes.2),
                vbslq_f32(vcleq_f32(a.3, b.3), no.3, yes.3),
            )
        }
    }
}
