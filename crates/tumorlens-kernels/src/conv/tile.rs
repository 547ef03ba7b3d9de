//! The innermost loop: a tile of pixels times blocks of channels kept in registers.

use super::Start;
use super::rows::Job;
use crate::lanes::Lanes;
use crate::{LANES, Lane};
use std::ops::Range;

/// What a tile adds up: which block of outputs, over which inputs, the first of them a block's first.
pub(super) struct Sums<'a> {
    pub(super) block: usize,
    pub(super) channels: Range<usize>,
    pub(super) start: Start<'a>,
}

/// `PX` output pixels of `OV` blocks. With the input comes where each pixel reads the first tap, with the output where it
/// is written, in numbers.
///
/// # Safety
/// The processor must have the instruction set, and all that the pixels read and write must lie within the slices and the
/// weights.
#[inline(always)]
pub(super) unsafe fn tile<L: Lanes, const PLANAR: bool, const PX: usize, const OV: usize>(
    job: &Job<'_>,
    of: Sums<'_>,
    (input, from): (&[f32], [usize; PX]),
    (out, to): (&mut [Lane], [usize; PX]),
) {
    // SAFETY: the caller's.
    unsafe {
        let (pixel, channel) = if PLANAR { (1, job.plane) } else { (LANES, 1) };
        let out_plane = job.out_plane * LANES;
        let out: *mut f32 = out.as_mut_ptr().cast();
        let mut sums = [[L::zero(); OV]; PX];
        match of.start {
            Start::Zero => {}
            Start::Output => {
                for (sums, to) in sums.iter_mut().zip(to) {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = L::load(out.add(to + v * out_plane));
                    }
                }
            }
            Start::Bias(bias) => {
                for sums in &mut sums {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = L::load(bias.as_ptr().add(of.block + v).cast());
                    }
                }
            }
        }
        let before = of.channels.start / LANES;
        let mut x = input.as_ptr().add(before * job.plane * LANES);
        let per_block = job.weights.block() * LANES;
        let mut w: *const f32 = job.weights.values().as_ptr().cast();
        let per_tap = job.weights.lanes() * LANES;
        w = w.add(of.block * per_block + before * job.weights.taps() * per_tap);
        let mut left = of.channels.len();
        loop {
            let lanes = left.min(LANES);
            for tap in job.taps {
                let x = from.map(|from| x.add(from + tap.offset * pixel));
                let w = w.add(tap.weight * per_tap);
                for lane in 0..lanes {
                    let mut weights = [L::zero(); OV];
                    for (v, weight) in weights.iter_mut().enumerate() {
                        *weight = L::load(w.add(v * per_block + lane * LANES));
                    }
                    for (x, sums) in x.iter().zip(&mut sums) {
                        let value = L::splat(x.add(lane * channel));
                        for (sum, &weight) in sums.iter_mut().zip(&weights) {
                            *sum = sum.add_product(value, weight);
                        }
                    }
                }
            }
            if left <= LANES {
                break;
            }
            left -= LANES;
            x = x.add(job.plane * LANES);
            w = w.add(job.weights.taps() * per_tap);
        }
        for (sums, to) in sums.iter().zip(to) {
            for (v, sum) in sums.iter().enumerate() {
                sum.store(out.add(to + v * out_plane));
            }
        }
    }
}
