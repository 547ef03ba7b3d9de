//! The inner loops: rows of output pixels, a tile of pixels times blocks of channels kept in registers.

use super::Start;
use super::pack::Packed;
use crate::isa::on_lanes;
use crate::lanes::Lanes;
use crate::{Isa, LANES, Lane};

/// One weight of the kernel: where it reads, and its position among the taps of the packed weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    /// Pixels from the origin of an output pixel.
    pub(super) offset: usize,
    /// Tap of the packed weights.
    pub(super) weight: usize,
}

/// A convolution of one image, all distances in pixels.
pub(super) struct Job<'a> {
    pub(super) plane: usize,
    /// Whether a channel is a plane of numbers, and not a lane of every pixel.
    pub(super) planar: bool,
    pub(super) channels: usize,
    pub(super) taps: &'a [Tap],
    pub(super) origin: usize,
    pub(super) step: usize,
    pub(super) row_step: usize,
    pub(super) weights: &'a Packed,
    pub(super) out_plane: usize,
    pub(super) out_origin: usize,
    pub(super) out_step: usize,
    pub(super) out_row_step: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) start: Start<'a>,
}

/// Blocks of output channels that one tile holds.
pub(super) fn group(blocks: usize, columns: usize) -> usize {
    match Isa::best() {
        Isa::Avx512 if columns <= 4 && blocks.is_multiple_of(4) => 4,
        Isa::Avx512 => 2,
        _ => 1,
    }
}

/// Computes the rows of the blocks from `block` on; `output` holds as many planes as blocks are wanted.
pub(super) fn run(job: &Job<'_>, input: &[f32], block: usize, output: &mut [Lane]) {
    let count = output.len() / job.out_plane;
    if job.rows == 0 || job.columns == 0 || count == 0 {
        return;
    }
    // Everything that the tiles read and write lies within these bounds.
    let last = job.origin + (job.rows - 1) * job.row_step + (job.columns - 1) * job.step;
    let reach = job.taps.iter().map(|tap| tap.offset).max().unwrap_or(0);
    let blocks = job.channels.div_ceil(LANES);
    let planes = if job.planar {
        job.channels
    } else {
        blocks * LANES
    };
    assert!(last + reach < job.plane && input.len() >= planes * job.plane);
    assert!(!job.planar || job.channels <= LANES && matches!(job.step, 1 | 2));
    let last =
        job.out_origin + (job.rows - 1) * job.out_row_step + (job.columns - 1) * job.out_step;
    assert!(last < job.out_plane && output.len() == count * job.out_plane);
    assert!(job.weights.values().len() >= (block + count) * job.weights.block());
    assert!(job.weights.block() == blocks * job.weights.taps() * LANES);
    assert!(job.taps.iter().all(|tap| tap.weight < job.weights.taps()));
    if let Start::Bias(bias) = job.start {
        assert!(bias.len() >= block + count);
    }
    let mut done = 0;
    while done < count {
        let width = match count - done {
            4.. if !job.planar => 4,
            2.. => 2,
            _ => 1,
        };
        let planes = &mut output[done * job.out_plane..(done + width) * job.out_plane];
        // SAFETY: the bounds were checked above.
        unsafe { blocks_of(job, input, block + done, width, planes) };
        done += width;
    }
}

on_lanes!(unsafe fn blocks_of = body(
    job: &Job<'_>, input: &[f32], block: usize, width: usize, out: &mut [Lane],
));

/// # Safety
/// The processor must have the instruction set, and all that the job reads and writes must lie within the slices, as
/// [`run`] checks; so for the functions below.
#[inline(always)]
unsafe fn body<L: Lanes>(
    job: &Job<'_>,
    input: &[f32],
    block: usize,
    width: usize,
    out: &mut [Lane],
) {
    // SAFETY: the caller's.
    unsafe {
        match (job.planar, width, job.step) {
            (false, 4, 1) => all::<L, false, 4, 1>(job, input, block, out),
            (false, 4, _) => all::<L, false, 4, 0>(job, input, block, out),
            (false, 2, 1) => all::<L, false, 2, 1>(job, input, block, out),
            (false, 2, 2) => all::<L, false, 2, 2>(job, input, block, out),
            (false, 2, _) => all::<L, false, 2, 0>(job, input, block, out),
            (false, _, 1) => all::<L, false, 1, 1>(job, input, block, out),
            (false, _, 2) => all::<L, false, 1, 2>(job, input, block, out),
            (false, ..) => all::<L, false, 1, 0>(job, input, block, out),
            (true, 2, 1) => all::<L, true, 2, 1>(job, input, block, out),
            (true, 2, _) => all::<L, true, 2, 2>(job, input, block, out),
            (true, _, 1) => all::<L, true, 1, 1>(job, input, block, out),
            (true, ..) => all::<L, true, 1, 2>(job, input, block, out),
        }
    }
}

#[inline(always)]
unsafe fn all<L: Lanes, const PLANAR: bool, const OV: usize, const STEP: usize>(
    job: &Job<'_>,
    input: &[f32],
    block: usize,
    out: &mut [Lane],
) {
    let most = if OV == 4 { 4 } else { L::ROW };
    let parts = job.columns.div_ceil(most);
    let (short, longer) = (job.columns / parts, job.columns % parts);
    for y in 0..job.rows {
        let (mut from, mut to) = (
            job.origin + y * job.row_step,
            job.out_origin + y * job.out_row_step,
        );
        for part in 0..parts {
            let n = short + usize::from(part < longer);
            let (x, o) = (&input[from * pixel::<PLANAR>()..], &mut out[to..]);
            // SAFETY: the caller checked the whole job's bounds, of which a tile is a part.
            unsafe {
                match n {
                    1 => tile::<L, PLANAR, 1, OV, STEP>(job, x, block, o),
                    2 => tile::<L, PLANAR, 2, OV, STEP>(job, x, block, o),
                    3 => tile::<L, PLANAR, 3, OV, STEP>(job, x, block, o),
                    4 => tile::<L, PLANAR, 4, OV, STEP>(job, x, block, o),
                    5 => tile::<L, PLANAR, 5, OV, STEP>(job, x, block, o),
                    6 => tile::<L, PLANAR, 6, OV, STEP>(job, x, block, o),
                    7 => tile::<L, PLANAR, 7, OV, STEP>(job, x, block, o),
                    _ => tile::<L, PLANAR, 8, OV, STEP>(job, x, block, o),
                }
            }
            from += n * job.step;
            to += n * job.out_step;
        }
    }
}

/// Numbers from a pixel to the next.
const fn pixel<const PLANAR: bool>() -> usize {
    if PLANAR { 1 } else { LANES }
}

/// `PX` neighbouring output pixels of `OV` blocks. `STEP` is the job's step, or 0 where only the job knows it.
#[inline(always)]
unsafe fn tile<
    L: Lanes,
    const PLANAR: bool,
    const PX: usize,
    const OV: usize,
    const STEP: usize,
>(
    job: &Job<'_>,
    input: &[f32],
    block: usize,
    out: &mut [Lane],
) {
    // SAFETY: the caller checked that all pixels of the job, of which these are some, lie within the slices, and
    // that the weights have the blocks.
    unsafe {
        let pixel = pixel::<PLANAR>();
        let channel = if PLANAR { job.plane } else { 1 };
        let step = if STEP == 0 { job.step } else { STEP } * pixel;
        let (out_step, out_plane) = (job.out_step * LANES, job.out_plane * LANES);
        let out: *mut f32 = out.as_mut_ptr().cast();
        let mut sums = [[L::zero(); OV]; PX];
        match job.start {
            Start::Zero => {}
            Start::Output => {
                for (p, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = L::load(out.add(p * out_step + v * out_plane));
                    }
                }
            }
            Start::Bias(bias) => {
                for sums in &mut sums {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = L::load(bias.as_ptr().add(block + v).cast());
                    }
                }
            }
        }
        let mut x = input.as_ptr();
        let per_block = job.weights.block() * LANES;
        let mut w: *const f32 = job.weights.values().as_ptr().cast();
        w = w.add(block * per_block);
        let mut left = job.channels;
        loop {
            let lanes = left.min(LANES);
            for tap in job.taps {
                let x = x.add(tap.offset * pixel);
                let w = w.add(tap.weight * LANES * LANES);
                for lane in 0..lanes {
                    let mut weights = [L::zero(); OV];
                    for (v, weight) in weights.iter_mut().enumerate() {
                        *weight = L::load(w.add(v * per_block + lane * LANES));
                    }
                    for (p, sums) in sums.iter_mut().enumerate() {
                        let value = L::splat(x.add(p * step + lane * channel));
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
            w = w.add(job.weights.taps() * LANES * LANES);
        }
        for (p, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                sum.store(out.add(p * out_step + v * out_plane));
            }
        }
    }
}
