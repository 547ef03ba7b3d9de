//! The inner loops: rows of output pixels, a tile of pixels times blocks of channels kept in registers.

use super::Start;
use super::pack::Packed;
use super::tile::{Sums, tile};
use crate::isa::on_lanes;
use crate::lanes::{self, Lanes};
use crate::{Isa, LANES, Lane};
use std::ops::Range;

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

/// Bytes of weights that stay in the first cache beside the pixels that meet them.
const WEIGHTS: usize = 10 << 10;

impl Job<'_> {
    /// Channels read from, in whole blocks, whose weights for `OV` blocks meet all rows of some columns before those of the next
    /// do. Sums are the same: in between the output holds them. With wider registers a row has enough to do for
    /// each weight that it can come from the second cache.
    fn at_once<const OV: usize>(&self) -> usize {
        if Isa::best() == Isa::Avx512 || self.planar {
            return self.channels.max(1);
        }
        let block = OV * self.weights.taps() * self.weights.lanes() * size_of::<Lane>();
        (WEIGHTS / block).max(1) * LANES
    }

    /// Whether tiles run on from row to row: where rows alone, cut into equal parts, would leave many registers unused.
    fn wraps(&self) -> bool {
        let most = lanes::row_at_once();
        let wrapped = (self.rows * self.columns).div_ceil(most);
        Isa::best() != Isa::Avx512 && 10 * wrapped <= 9 * self.rows * self.columns.div_ceil(most)
    }

    /// The channels read from, part by part, and what the first or a later part starts from.
    fn parts<const OV: usize>(&self) -> impl Iterator<Item = (Range<usize>, Start<'_>)> {
        let at_once = self.at_once::<OV>();
        (0..self.channels).step_by(at_once).map(move |first| {
            let start = if first == 0 {
                self.start
            } else {
                Start::Output
            };
            (first..(first + at_once).min(self.channels), start)
        })
    }
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
    assert!(job.channels > 0, "no channels to read");
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
    assert!(job.weights.block() == blocks * job.weights.taps() * job.weights.lanes());
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

/// # Safety
/// All that the job reads and writes must lie within the slices, as [`run`] checks; so for the functions below, which ask
/// for the instruction set as well.
unsafe fn blocks_of(job: &Job<'_>, input: &[f32], block: usize, width: usize, out: &mut [Lane]) {
    // SAFETY: the caller's.
    unsafe {
        match (job.planar, width, job.step) {
            (false, 4, 1) => all::<false, 4, 1>(job, input, block, out),
            (false, 4, _) => all::<false, 4, 0>(job, input, block, out),
            (false, 2, 1) => all::<false, 2, 1>(job, input, block, out),
            (false, 2, 2) => all::<false, 2, 2>(job, input, block, out),
            (false, 2, _) => all::<false, 2, 0>(job, input, block, out),
            (false, 1, _) if job.wraps() => wrapped(job, input, block, out),
            (false, _, 1) => all::<false, 1, 1>(job, input, block, out),
            (false, _, 2) => all::<false, 1, 2>(job, input, block, out),
            (false, ..) => all::<false, 1, 0>(job, input, block, out),
            (true, 2, 1) => all::<true, 2, 1>(job, input, block, out),
            (true, 2, _) => all::<true, 2, 2>(job, input, block, out),
            (true, _, 1) => all::<true, 1, 1>(job, input, block, out),
            (true, ..) => all::<true, 1, 2>(job, input, block, out),
        }
    }
}

/// Cuts the columns into parts that fit the registers, as equal as can be.
unsafe fn all<const PLANAR: bool, const OV: usize, const STEP: usize>(
    job: &Job<'_>,
    input: &[f32],
    block: usize,
    out: &mut [Lane],
) {
    let most = if OV == 4 { 4 } else { lanes::row_at_once() };
    let parts = job.columns.div_ceil(most);
    let (short, longer) = (job.columns / parts, job.columns % parts);
    let mut first = 0;
    for part in 0..parts {
        let n = short + usize::from(part < longer);
        // SAFETY: the caller checked the whole job's bounds, of which some columns are a part.
        unsafe {
            match n {
                1 => columns::<PLANAR, 1, OV, STEP>(job, input, block, first, out),
                2 => columns::<PLANAR, 2, OV, STEP>(job, input, block, first, out),
                3 => columns::<PLANAR, 3, OV, STEP>(job, input, block, first, out),
                4 => columns::<PLANAR, 4, OV, STEP>(job, input, block, first, out),
                5 => columns::<PLANAR, 5, OV, STEP>(job, input, block, first, out),
                6 => columns::<PLANAR, 6, OV, STEP>(job, input, block, first, out),
                7 => columns::<PLANAR, 7, OV, STEP>(job, input, block, first, out),
                _ => columns::<PLANAR, 8, OV, STEP>(job, input, block, first, out),
            }
        }
        first += n;
    }
}

on_lanes!(unsafe fn columns[PLANAR: bool, PX: usize, OV: usize, STEP: usize] = columns_body(
    job: &Job<'_>, input: &[f32], block: usize, first: usize, out: &mut [Lane],
));

/// Every row of `PX` columns from the `first` on. `STEP` is the job's step, or 0 where only the job knows it.
#[inline(always)]
unsafe fn columns_body<
    L: Lanes,
    const PLANAR: bool,
    const PX: usize,
    const OV: usize,
    const STEP: usize,
>(
    job: &Job<'_>,
    input: &[f32],
    block: usize,
    first: usize,
    out: &mut [Lane],
) {
    let pixel = if PLANAR { 1 } else { LANES };
    let step = if STEP == 0 { job.step } else { STEP } * pixel;
    let from = std::array::from_fn(|p| p * step);
    let to = std::array::from_fn(|p| p * job.out_step * LANES);
    for (channels, start) in job.parts::<OV>() {
        for y in 0..job.rows {
            let x = job.origin + y * job.row_step + first * job.step;
            let at = job.out_origin + y * job.out_row_step + first * job.out_step;
            let (x, out) = (&input[x * pixel..], &mut out[at..]);
            let of = Sums {
                block,
                channels: channels.clone(),
                start,
            };
            // SAFETY: the caller's.
            unsafe { tile::<L, PLANAR, PX, OV>(job, of, (x, from), (out, to)) };
        }
    }
}

/// Cuts all pixels into parts that fit the registers, as equal as can be.
unsafe fn wrapped(job: &Job<'_>, input: &[f32], block: usize, out: &mut [Lane]) {
    let pixels = job.rows * job.columns;
    let parts = pixels.div_ceil(lanes::row_at_once());
    let (short, longer) = (pixels / parts, pixels % parts);
    let long = short + 1;
    for (n, tiles) in [(long, 0..longer), (short, longer..parts)] {
        let first = if n == long { 0 } else { long * longer };
        let run = Run {
            block,
            first,
            tiles: tiles.len(),
        };
        // SAFETY: the caller checked the whole job's bounds, of which some pixels are a part.
        unsafe {
            match n {
                1 => pixels_of::<1>(job, input, run, out),
                2 => pixels_of::<2>(job, input, run, out),
                3 => pixels_of::<3>(job, input, run, out),
                4 => pixels_of::<4>(job, input, run, out),
                5 => pixels_of::<5>(job, input, run, out),
                6 => pixels_of::<6>(job, input, run, out),
                7 => pixels_of::<7>(job, input, run, out),
                8 => pixels_of::<8>(job, input, run, out),
                _ => {}
            }
        }
    }
}

/// Tiles that follow each other.
#[derive(Clone, Copy)]
struct Run {
    block: usize,
    /// First pixel, counted over the rows.
    first: usize,
    tiles: usize,
}

on_lanes!(unsafe fn pixels_of[PX: usize] = pixels_body(
    job: &Job<'_>, input: &[f32], run: Run, out: &mut [Lane],
));

/// Tiles of `PX` pixels each.
#[inline(always)]
unsafe fn pixels_body<L: Lanes, const PX: usize>(
    job: &Job<'_>,
    input: &[f32],
    run: Run,
    out: &mut [Lane],
) {
    for (channels, start) in job.parts::<1>() {
        let (mut y, mut column) = (run.first / job.columns, run.first % job.columns);
        for _ in 0..run.tiles {
            let (mut from, mut to) = ([0; PX], [0; PX]);
            for (from, to) in from.iter_mut().zip(&mut to) {
                *from = (job.origin + y * job.row_step + column * job.step) * LANES;
                *to = (job.out_origin + y * job.out_row_step + column * job.out_step) * LANES;
                column += 1;
                if column == job.columns {
                    (y, column) = (y + 1, 0);
                }
            }
            let of = Sums {
                block: run.block,
                channels: channels.clone(),
                start,
            };
            // SAFETY: the caller's.
            unsafe { tile::<L, false, PX, 1>(job, of, (input, from), (&mut *out, to)) };
        }
    }
}
