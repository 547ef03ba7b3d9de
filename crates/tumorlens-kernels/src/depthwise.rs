//! Depthwise convolution: every channel with a kernel of its own. Channels lie in the lanes of a vector, so that a step is
//! one multiply-add of a pixel with a tap.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over the lanes of several arrays at once are what the compiler turns into vectors"
)]

use crate::isa::dispatch;
use crate::norm::{PARTS, in_blocks, of_block};
use crate::{Blocked, LANES, Lane, Pixel, Shape};
use rayon::prelude::*;
use std::marker::PhantomData;

/// Outputs of a row that are held in registers at once.
const TILE: usize = 8;

/// Geometry of a depthwise convolution with a square kernel and zero padding on all sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depthwise {
    /// Channels in and out.
    pub channels: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Padding.
    pub padding: usize,
}

/// Kernels as batches of such pixels meet them, `[block][part][tap]`.
#[derive(Clone, Debug)]
pub struct Taps<P = Lane> {
    lanes: Vec<Lane>,
    /// Of each part of a block.
    count: usize,
    _of: PhantomData<P>,
}

impl<P: Pixel> Taps<P> {
    /// From `[channel, row, column]`.
    ///
    /// # Panics
    /// When the number of values is not that of the kernels.
    #[must_use]
    pub fn new(of: Depthwise, weights: &[f32]) -> Self {
        let count = of.kernel * of.kernel;
        assert_eq!(weights.len(), of.channels * count, "weights of {of:?}");
        let parts = of.channels.div_ceil(P::CHANNELS) * P::PARTS;
        let mut lanes = vec![Lane::ZERO; parts * count];
        for (channel, kernel) in weights.chunks_exact(count.max(1)).enumerate() {
            let (part, place) = P::place(channel % P::CHANNELS);
            let part = channel / P::CHANNELS * P::PARTS + part;
            let lanes = lanes[part * count..].iter_mut();
            for (lane, weight) in lanes.zip(kernel) {
                lane.0[place] = *weight;
            }
        }
        let _of = PhantomData;
        Self { lanes, count, _of }
    }

    /// Those of a block, part by part.
    fn block(&self, block: usize) -> &[Lane] {
        let each = P::PARTS * self.count;
        &self.lanes[block * each..][..each]
    }
}

impl Depthwise {
    /// Side of the output for a side of the input.
    #[must_use]
    pub fn slide(&self, side: usize) -> usize {
        (side + 2 * self.padding - self.kernel) / self.stride + 1
    }

    fn check(&self, x: Shape, out: Shape) {
        assert_eq!(
            (x.channels, out.channels),
            (self.channels, self.channels),
            "channels"
        );
        assert_eq!(x.images, out.images, "images");
        let slid = (self.slide(x.height), self.slide(x.width));
        assert_eq!((out.height, out.width), slid, "size of the output");
    }

    /// Outputs along one axis that read a pixel inside of the input with one tap, and the first such pixel.
    fn inside(&self, tap: usize, side: usize, outputs: usize) -> (std::ops::Range<usize>, usize) {
        let first = self.padding.saturating_sub(tap).div_ceil(self.stride);
        let last = match (side + self.padding).checked_sub(tap + 1) {
            Some(room) => (room / self.stride + 1).min(outputs),
            None => 0,
        };
        if first < last {
            (first..last, first * self.stride + tap - self.padding)
        } else {
            (0..0, 0)
        }
    }
}

/// `taps` are those of all parts of a pixel.
#[inline(always)]
fn forward_body<P: Pixel>(
    of: Depthwise,
    from: Shape,
    x: &[P],
    taps: &[Lane],
    bias: [Lane; PARTS],
    to: Shape,
    out: &mut [P],
) {
    // The border holds the padding.
    let corner = from.border - of.padding;
    for y in 0..to.height {
        let mut start = 0;
        while start < to.width {
            let n = TILE.min(to.width - start);
            let mut parts = [[Lane::ZERO; TILE]; PARTS];
            for part in 0..P::PARTS {
                let taps = &taps[part * of.kernel * of.kernel..];
                let mut sums = [bias[part]; TILE];
                for ky in 0..of.kernel {
                    let row = (y * of.stride + ky + corner) * from.row() + corner;
                    for kx in 0..of.kernel {
                        let tap = taps[ky * of.kernel + kx];
                        let first = row + start * of.stride + kx;
                        for j in 0..TILE {
                            // Beyond the row's end the sum is not kept; the last pixel stands in.
                            let lane = x[first + j.min(n - 1) * of.stride].part(part);
                            for i in 0..LANES {
                                sums[j].0[i] += tap.0[i] * lane.0[i];
                            }
                        }
                    }
                }
                parts[part] = sums;
            }
            let [low, high] = parts;
            let pairs = low.into_iter().zip(high);
            for (out, (low, high)) in out[to.at(y, start)..][..n].iter_mut().zip(pairs) {
                *out = P::of_parts([low, high]);
            }
            start += n;
        }
    }
}
dispatch!(fn forward_plane<P> = forward_body(
    of: Depthwise, from: Shape, x: &[P], taps: &[Lane], bias: [Lane; PARTS], to: Shape, out: &mut [P],
));

/// The convolution; sums are in single precision. The border of `x` must be as wide as the padding; `bias` has a value a
/// channel, or none.
///
/// # Panics
/// When shapes do not fit.
pub fn forward<P: Pixel>(
    of: Depthwise,
    x: &Blocked<P>,
    taps: &Taps<P>,
    bias: &[f32],
    out: &mut Blocked<P>,
) {
    let (from, to, blocks) = (x.shape(), out.shape(), out.blocks());
    of.check(from, to);
    assert!(from.border >= of.padding, "the border holds the padding");
    let whole = bias.is_empty() || bias.len() == of.channels;
    assert!(whole, "{} values of bias for {of:?}", bias.len());
    let bias = in_blocks(bias);
    let planes = out.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, plane)| {
        let (image, block) = (index / blocks, index % blocks);
        let (x, bias) = (x.plane(image, block), of_block::<P>(&bias, block));
        forward_plane(of, from, x, taps.block(block), bias, to, plane);
    });
}

#[inline(always)]
fn input_gradient_body(
    of: Depthwise,
    to: Shape,
    g: &[Lane],
    taps: &[Lane],
    by: Shape,
    by_x: &mut [Lane],
) {
    for ky in 0..of.kernel {
        let (rows, _) = of.inside(ky, by.height, to.height);
        for y in rows {
            let row = by.at(y * of.stride + ky - of.padding, 0);
            let g = &g[to.at(y, 0)..][..to.width];
            for kx in 0..of.kernel {
                let tap = taps[ky * of.kernel + kx];
                let (columns, first) = of.inside(kx, by.width, to.width);
                for (j, g) in g[columns].iter().enumerate() {
                    let lane = &mut by_x[row + first + j * of.stride];
                    for i in 0..LANES {
                        lane.0[i] += tap.0[i] * g.0[i];
                    }
                }
            }
        }
    }
}
dispatch!(fn input_gradient_plane = input_gradient_body(
    of: Depthwise, to: Shape, g: &[Lane], taps: &[Lane], by: Shape, by_x: &mut [Lane],
));

/// Adds to `by_x` the derivative by the input.
///
/// # Panics
/// When shapes do not fit.
pub fn input_gradient(of: Depthwise, gradient: &Blocked, taps: &Taps, by_x: &mut Blocked) {
    let (to, by) = (gradient.shape(), by_x.shape());
    of.check(by, to);
    let planes = by_x.values_mut().par_chunks_mut(by.plane().max(1));
    planes.enumerate().for_each(|(index, plane)| {
        let (image, block) = (index / by.blocks(), index % by.blocks());
        let g = gradient.plane(image, block);
        input_gradient_plane(of, to, g, taps.block(block), by, plane);
    });
}

#[inline(always)]
fn weight_gradient_body(
    of: Depthwise,
    from: Shape,
    x: &[Lane],
    to: Shape,
    g: &[Lane],
    sums: &mut [Lane],
) {
    let corner = from.border - of.padding;
    for ky in 0..of.kernel {
        for kx in 0..of.kernel {
            let mut total = Lane::ZERO;
            for y in 0..to.height {
                let row = (y * of.stride + ky + corner) * from.row() + corner + kx;
                // A row at a time, so that long sums lose little.
                let mut sum = Lane::ZERO;
                for (j, g) in g[to.at(y, 0)..][..to.width].iter().enumerate() {
                    let lane = x[row + j * of.stride];
                    for i in 0..LANES {
                        sum.0[i] += lane.0[i] * g.0[i];
                    }
                }
                for i in 0..LANES {
                    total.0[i] += sum.0[i];
                }
            }
            sums[ky * of.kernel + kx] = total;
        }
    }
}
dispatch!(fn weight_gradient_plane = weight_gradient_body(
    of: Depthwise, from: Shape, x: &[Lane], to: Shape, g: &[Lane], sums: &mut [Lane],
));

/// The derivative by the weights, `[channel, row, column]`. The border of `x` must be as wide as the padding.
///
/// # Panics
/// When shapes do not fit.
#[must_use]
pub fn weight_gradient(of: Depthwise, x: &Blocked, gradient: &Blocked) -> Vec<f32> {
    let (from, to) = (x.shape(), gradient.shape());
    of.check(from, to);
    assert!(from.border >= of.padding, "the border holds the padding");
    let (count, blocks) = (of.kernel * of.kernel, to.blocks());
    let mut planes = vec![Lane::ZERO; to.images * blocks * count];
    let each = planes.par_chunks_mut(count.max(1)).enumerate();
    each.for_each(|(index, sums)| {
        let (image, block) = (index / blocks, index % blocks);
        let (x, g) = (x.plane(image, block), gradient.plane(image, block));
        weight_gradient_plane(of, from, x, to, g, sums);
    });
    // Over the images in their order, whatever the threads.
    (0..of.channels * count)
        .map(|at| {
            let (channel, tap) = (at / count, at % count);
            let of_image = |image: usize| {
                let plane = image * blocks + channel / LANES;
                f64::from(planes[plane * count + tap].0[channel % LANES])
            };
            (0..to.images).map(of_image).sum::<f64>() as f32
        })
        .collect()
}
