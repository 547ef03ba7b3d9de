//! Maps laid out anew where a convolution cannot read them where they lie.

use super::Bf16x32;
use super::scratch::Scratch;
use crate::conv::Conv;
use crate::{Blocked, Pixel, Shape};
use rayon::prelude::*;

/// A map cut into the phases of a stride: `[image][block][phase][row][column]`, the padding part of it, so that a kernel
/// walks through each phase in steps of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phases {
    /// Phases along one axis that some tap reads.
    pub(super) each: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Phases {
    pub(super) fn of(conv: Conv, input: Shape) -> Self {
        Self {
            each: conv.stride.min(conv.kernel),
            rows: (input.height + 2 * conv.padding).div_ceil(conv.stride),
            columns: (input.width + 2 * conv.padding).div_ceil(conv.stride),
        }
    }

    /// Pixels of one block of an image.
    pub(super) fn block(&self) -> usize {
        self.each * self.each * self.rows * self.columns
    }

    /// Pixels from the block's first to what a tap reads for the first output.
    pub(super) fn offset(&self, conv: Conv, tap: usize) -> usize {
        let (ky, kx) = (tap / conv.kernel, tap % conv.kernel);
        let phase = ky % conv.stride * self.each + kx % conv.stride;
        (phase * self.rows + ky / conv.stride) * self.columns + kx / conv.stride
    }

    /// Calls `row(place, from, count, step)` for every row of every phase: `count` pixels from `from` in the plane, `step`
    /// apart, belong to the places from `place` on; the rest is padding.
    pub(super) fn rows_of(
        &self,
        conv: Conv,
        input: Shape,
        mut row: impl FnMut(usize, usize, usize, usize),
    ) {
        let inside = |phase: usize, side: usize, count: usize| {
            // Positions p of the phase with padding <= stride p + phase < padding + side.
            let low = conv.padding.saturating_sub(phase).div_ceil(conv.stride);
            let high = (conv.padding + side).saturating_sub(phase);
            (low, high.div_ceil(conv.stride).min(count))
        };
        for phase in 0..self.each * self.each {
            let (py, px) = (phase / self.each, phase % self.each);
            let (top, bottom) = inside(py, input.height, self.rows);
            let (left, right) = inside(px, input.width, self.columns);
            if left >= right {
                continue;
            }
            for y in top..bottom {
                let from = input.at(
                    y * conv.stride + py - conv.padding,
                    left * conv.stride + px - conv.padding,
                );
                let place = (phase * self.rows + y) * self.columns + left;
                row(place, from, right - left, conv.stride);
            }
        }
    }

    /// All images of a batch.
    pub(super) fn split(&self, conv: Conv, input: &Blocked<Bf16x32>) -> Scratch {
        let (shape, blocks) = (input.shape(), input.blocks());
        let mut values = Scratch::stale(shape.images * blocks * self.block());
        let each = values.par_chunks_mut(self.block().max(1)).enumerate();
        each.for_each(|(index, out)| {
            self.copy(
                conv,
                shape,
                input.plane(index / blocks, index % blocks),
                out,
            );
        });
        values
    }

    /// One plane of a batch of such a shape, its padding zero.
    pub(super) fn copy(&self, conv: Conv, input: Shape, plane: &[Bf16x32], out: &mut [Bf16x32]) {
        out.fill(Bf16x32::ZERO);
        self.rows_of(conv, input, |place, from, count, step| {
            let from = plane[from..].iter().step_by(step);
            for (out, from) in out[place..place + count].iter_mut().zip(from) {
                *out = *from;
            }
        });
    }
}

/// Rows of few channels, `[image][row][column][channel]` with the padding, each image followed by what a tile may read
/// beyond its last number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// Numbers of a row.
    pub(super) row: usize,
    /// Numbers of an image.
    pub(super) image: usize,
}

impl Rows {
    pub(super) fn of(conv: Conv, input: Shape) -> Self {
        let row = (input.width + 2 * conv.padding) * conv.inputs;
        let count = row * (input.height + 2 * conv.padding) + Bf16x32::CHANNELS * conv.kernel;
        Self {
            row,
            image: count.next_multiple_of(Bf16x32::CHANNELS),
        }
    }

    /// All images of a batch.
    pub(super) fn lay(&self, conv: Conv, input: &Blocked<Bf16x32>) -> Scratch {
        let (shape, channels) = (input.shape(), conv.inputs);
        let lines = self.image / Bf16x32::CHANNELS;
        let mut values = Scratch::stale(shape.images * lines);
        let each = values.par_chunks_mut(lines).enumerate();
        each.for_each(|(image, out)| {
            out.fill(Bf16x32::ZERO);
            let (plane, out) = (input.plane(image, 0), out.as_numbers_mut());
            for y in 0..shape.height {
                let start = (y + conv.padding) * self.row + conv.padding * channels;
                let out = &mut out[start..][..shape.width * channels];
                let pixels = &plane[shape.at(y, 0)..][..shape.width];
                match channels {
                    1 => copy::<1>(pixels, out),
                    3 => copy::<3>(pixels, out),
                    _ => {
                        for (out, pixel) in out.chunks_exact_mut(channels).zip(pixels) {
                            out.copy_from_slice(&pixel.numbers()[..channels]);
                        }
                    }
                }
            }
        });
        values
    }
}

fn copy<const N: usize>(pixels: &[Bf16x32], out: &mut [u16]) {
    for (out, pixel) in out.as_chunks_mut::<N>().0.iter_mut().zip(pixels) {
        out.copy_from_slice(&pixel.numbers()[..N]);
    }
}

/// The numbers of some lines.
pub(super) trait Numbers {
    fn as_numbers(&self) -> &[u16];
    fn as_numbers_mut(&mut self) -> &mut [u16];
}

impl Numbers for [Bf16x32] {
    fn as_numbers(&self) -> &[u16] {
        let count = self.len() * Bf16x32::CHANNELS;
        // SAFETY: a line is that many numbers and nothing else.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), count) }
    }

    fn as_numbers_mut(&mut self) -> &mut [u16] {
        let count = self.len() * Bf16x32::CHANNELS;
        // SAFETY: a line is that many numbers and nothing else, and every number is a valid line's part.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), count) }
    }
}
