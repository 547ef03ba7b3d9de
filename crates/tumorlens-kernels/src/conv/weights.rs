//! Gradient of the weights: for every weight a sum over all images and pixels, in one order.

use super::{Conv, Packed, winograd};
use crate::isa::on_lanes;
use crate::lanes::{self, Lanes};
use crate::{Blocked, LANES, Lane, Shape};
use rayon::prelude::*;

/// Pixels whose input and output gradient stay in the first cache while all weights of a block pair pass.
const BAND: usize = 224;
/// Pixels of small maps, of as many images as it takes, that are taken together.
const SMALL: usize = 128;

/// The derivative by the weights `[outputs, inputs, kernel, kernel]`, given the input of the forward pass and the
/// derivative by its output.
///
/// Every sum adds up the images in one order, whatever the number of threads.
///
/// # Panics
/// When shapes do not fit each other.
#[must_use]
pub fn weight_gradient(conv: Conv, input: &Blocked, output: &Blocked) -> Vec<f32> {
    let (from, to) = (input.shape(), output.shape());
    conv.check(from, to);
    assert!(from.border >= conv.padding, "border of {from:?}");
    if conv.summed_by_tiles(to) {
        return winograd::weight_gradient(conv, input, output);
    }
    plain_weight_gradient(conv, input, output)
}

/// Block pairs below which images are dealt out as well, each part with sums of its own. It asks neither for the number of
/// threads nor for the instruction set, which must not change a bit.
const ENOUGH_TASKS: usize = 8;

/// As [`weight_gradient`], product by product.
fn plain_weight_gradient(conv: Conv, input: &Blocked, output: &Blocked) -> Vec<f32> {
    let (from, to) = (input.shape(), output.shape());
    let in_blocks = from.blocks();
    let block = conv.taps() * conv.inputs.clamp(1, LANES);
    // A task is a pair of blocks, or two output blocks where a tile holds two.
    let width = lanes::blocks_at_once();
    let tasks = in_blocks * to.blocks().div_ceil(width);
    let parts = (ENOUGH_TASKS / (in_blocks * to.blocks())).clamp(1, from.images.max(1));
    let mut sums: Vec<Packed> = Vec::new();
    sums.resize_with(parts, || {
        Packed::zeros(conv.outputs, conv.inputs, conv.taps())
    });
    let mut jobs: Vec<(usize, usize, Vec<&mut [Lane]>)> = Vec::new();
    for (part, sums) in sums.iter_mut().enumerate() {
        let mut of_part: Vec<Vec<&mut [Lane]>> = Vec::new();
        of_part.resize_with(tasks, Vec::new);
        for (index, sums) in sums.values_mut().chunks_mut(block).enumerate() {
            let (target, source) = (index / in_blocks, index % in_blocks);
            of_part[target / width * in_blocks + source].push(sums);
        }
        let of_part = of_part.into_iter().enumerate();
        jobs.extend(of_part.map(|(task, sums)| (part, task, sums)));
    }
    jobs.into_par_iter().for_each(|(part, task, mut sums)| {
        let (source, first) = (task % in_blocks, task / in_blocks * width);
        let task = Task {
            conv,
            from,
            to,
            lanes: (conv.inputs - source * LANES).min(LANES),
        };
        let mut images = part * from.images / parts..(part + 1) * from.images / parts;
        let together = (SMALL / (to.height * to.width).max(1)).max(1);
        while !images.is_empty() {
            let count = images.len().min(together);
            let x = (images.start * in_blocks + source) * from.plane();
            let dy = (images.start * to.blocks() + first) * to.plane();
            let of = Images {
                x: &input.values()[x..],
                dy: &output.values()[dy..],
                count,
            };
            task.images(of, &mut sums);
            images.start += count;
        }
    });
    let mut sums = sums.into_iter();
    let mut total = sums
        .next()
        .unwrap_or_else(|| Packed::zeros(conv.outputs, conv.inputs, conv.taps()));
    for more in sums {
        for (total, more) in total.values_mut().iter_mut().zip(more.values()) {
            for (total, more) in total.0.iter_mut().zip(more.0) {
                *total += more;
            }
        }
    }
    total.unpack()
}

/// As [`weight_gradient`], by tiles of 4x4 outputs: for a kernel of 3x3 and stride 1.
///
/// # Panics
/// When shapes do not fit each other, or the kernel or stride is another.
#[must_use]
pub fn weight_gradient_of_tiles(conv: Conv, input: &Blocked, output: &Blocked) -> Vec<f32> {
    conv.check(input.shape(), output.shape());
    assert!(conv.kernel == 3 && conv.stride == 1, "tiles of {conv:?}");
    assert!(
        input.shape().border >= conv.padding,
        "border of {:?}",
        input.shape()
    );
    winograd::weight_gradient(conv, input, output)
}

struct Task {
    conv: Conv,
    from: Shape,
    to: Shape,
    lanes: usize,
}

impl Task {
    /// Adds some images. `dy` begins with as many planes as there are parts.
    fn images(&self, of: Images<'_>, parts: &mut [&mut [Lane]]) {
        let Self { conv, from, to, .. } = *self;
        let before = of.count - 1;
        assert!(of.x.len() >= before * from.blocks() * from.plane() + from.plane());
        let planes = before * to.blocks() + parts.len();
        assert!(of.dy.len() >= planes * to.plane());
        let reach = (to.height - 1) * conv.stride + conv.kernel - 1 + from.border - conv.padding;
        assert!(reach < from.height + 2 * from.border);
        let reach = (to.width - 1) * conv.stride + conv.kernel - 1 + from.border - conv.padding;
        assert!(reach < from.row());
        let block = conv.taps() * conv.inputs.clamp(1, LANES);
        assert!(parts.iter().all(|part| part.len() == block));
        let sums: Vec<*mut f32> = parts.iter_mut().map(|p| p.as_mut_ptr().cast()).collect();
        // SAFETY: bounds were checked above.
        unsafe { add(self, of, &sums) }
    }

    /// # Safety
    /// The processor must have the instruction set, the images must hold all that the task reads, and the sums a block
    /// each, as [`Task::images`] checks; so for the methods below.
    #[inline(always)]
    unsafe fn body<L: Lanes>(&self, of: Images<'_>, sums: &[*mut f32]) {
        // SAFETY: the caller's.
        unsafe {
            match (sums, self.conv.stride) {
                (&[a, b], 1) => self.bands::<L, 2, 1>(of, [a, b]),
                (&[a, b], _) => self.bands::<L, 2, 0>(of, [a, b]),
                (&[a], 1) => self.bands::<L, 1, 1>(of, [a]),
                (&[a], _) => self.bands::<L, 1, 0>(of, [a]),
                _ => {}
            }
        }
    }

    /// Bands of rows that stay in the first cache; in each, all weights.
    #[inline(always)]
    unsafe fn bands<L: Lanes, const OV: usize, const STEP: usize>(
        &self,
        of: Images<'_>,
        sums: [*mut f32; OV],
    ) {
        let rows = (BAND / self.to.width).clamp(1, self.to.height);
        for first in (0..self.to.height).step_by(rows) {
            let band = first..(first + rows).min(self.to.height);
            for tap in 0..self.conv.taps() {
                let mut lane = 0;
                while lane < self.lanes {
                    let at = Place { tap, lane };
                    let band = band.clone();
                    // SAFETY: the caller's; the lanes below `self.lanes` exist.
                    lane += unsafe {
                        match self.lanes - lane {
                            8.. if L::PIXELS >= 8 => {
                                self.tile::<L, 8, OV, STEP>(of, sums, at, band)
                            }
                            6.. if L::PIXELS == 6 => {
                                self.tile::<L, 6, OV, STEP>(of, sums, at, band)
                            }
                            4.. => self.tile::<L, 4, OV, STEP>(of, sums, at, band),
                            2.. => self.tile::<L, 2, OV, STEP>(of, sums, at, band),
                            _ => self.tile::<L, 1, OV, STEP>(of, sums, at, band),
                        }
                    };
                }
            }
        }
    }

    /// Weights of `IC` input channels for `OV` blocks of output channels, over a band of rows.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const IC: usize, const OV: usize, const STEP: usize>(
        &self,
        of: Images<'_>,
        sums: [*mut f32; OV],
        at: Place,
        band: std::ops::Range<usize>,
    ) -> usize {
        let stride = if STEP == 0 { self.conv.stride } else { STEP };
        let edge = self.from.border - self.conv.padding;
        // SAFETY: `images` checked that the furthest pixel lies within both slices and how long the sums are.
        unsafe {
            let lanes = self.conv.inputs.clamp(1, LANES);
            let place = |o: usize, i: usize| sums[o].add((at.tap * lanes + at.lane + i) * LANES);
            let mut totals = [[L::zero(); OV]; IC];
            for (i, totals) in totals.iter_mut().enumerate() {
                for (o, total) in totals.iter_mut().enumerate() {
                    *total = L::load(place(o, i));
                }
            }
            for image in 0..of.count {
                let x =
                    of.x.as_ptr()
                        .add(image * self.from.blocks() * self.from.plane());
                let dy = of
                    .dy
                    .as_ptr()
                    .add(image * self.to.blocks() * self.to.plane());
                for y in band.clone() {
                    let row = (y * stride + at.tap / self.conv.kernel + edge) * self.from.row();
                    let column = at.tap % self.conv.kernel + edge;
                    let mut x: *const f32 = x.add(row + column).cast();
                    x = x.add(at.lane);
                    let mut dy: *const f32 = dy.add(self.to.at(y, 0)).cast();
                    for _ in 0..self.to.width {
                        let mut slopes = [L::zero(); OV];
                        for (o, slope) in slopes.iter_mut().enumerate() {
                            *slope = L::load(dy.add(o * self.to.plane() * LANES));
                        }
                        for (i, totals) in totals.iter_mut().enumerate() {
                            let value = L::splat(x.add(i));
                            for (total, &slope) in totals.iter_mut().zip(&slopes) {
                                *total = total.add_product(value, slope);
                            }
                        }
                        // The last step leads past what is read, and perhaps past the values.
                        x = x.wrapping_add(stride * LANES);
                        dy = dy.wrapping_add(LANES);
                    }
                }
            }
            for (i, totals) in totals.iter().enumerate() {
                for (o, total) in totals.iter().enumerate() {
                    total.store(place(o, i));
                }
            }
        }
        IC
    }
}

#[inline(always)]
unsafe fn add_body<L: Lanes>(task: &Task, of: Images<'_>, sums: &[*mut f32]) {
    // SAFETY: the caller's.
    unsafe { task.body::<L>(of, sums) }
}
on_lanes!(unsafe fn add = add_body(task: &Task, of: Images<'_>, sums: &[*mut f32]));

/// Images that follow each other.
#[derive(Clone, Copy)]
struct Images<'a> {
    /// From the first image's input plane on.
    x: &'a [Lane],
    /// From the first image's first gradient plane on.
    dy: &'a [Lane],
    count: usize,
}

#[derive(Clone, Copy)]
struct Place {
    tap: usize,
    lane: usize,
}
