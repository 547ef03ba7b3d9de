use super::Lanes;
use crate::LANES;

/// Plain Rust. Multiplies, rounds, then adds: a fused operation would be a slow library call where there is none.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; LANES]);

impl Lanes for Portable {
    const PIXELS: usize = 4;
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen numbers; an array of them needs no more alignment than one.
        Self(unsafe { from.cast::<[f32; LANES]>().read() })
    }
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the caller vouches for one number.
        Self([unsafe { *from }; LANES])
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for room for sixteen numbers.
        unsafe { to.cast::<[f32; LANES]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn add_product(mut self, a: Self, b: Self) -> Self {
        for (sum, (a, b)) in self.0.iter_mut().zip(a.0.iter().zip(&b.0)) {
            *sum += a * b;
        }
        self
    }
    #[inline(always)]
    unsafe fn plus(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a += b);
        self
    }
    #[inline(always)]
    unsafe fn minus(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a -= b);
        self
    }
    #[inline(always)]
    unsafe fn unless_at_most(a: Self, b: Self, yes: Self, no: Self) -> Self {
        let mut out = no;
        for i in 0..LANES {
            if a.0[i] <= b.0[i] {
                continue;
            }
            out.0[i] = yes.0[i];
        }
        out
    }
}
