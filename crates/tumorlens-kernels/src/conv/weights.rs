//! Gradient of the weights: for every weight a sum over all images and pixels, in one order.

use super::{Conv, Packed, winograd};
use crate::lanes::Lanes;
use crate::{Blocked, Isa, LANES, Lane, Shape};
use rayon::prelude::*;

/// Pixels whose input and output gradient stay in the first cache while all weights of a block pair pass.
const BAND: usize = 224;

/// The derivative by the weights `[outputs, inputs, kernel, kernel]`, given the input of the forward pass and the
/// derivative by its output.
///
/// A block of output channels, a block of input channels and a row of the kernel belong to one thread, which adds up
/// all images in order.
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

/// As [`weight_gradient`], product by product.
fn plain_weight_gradient(conv: Conv, input: &Blocked, output: &Blocked) -> Vec<f32> {
    let (from, to) = (input.shape(), output.shape());
    let mut packed = Packed::zeros(conv.outputs, conv.inputs, conv.taps());
    let in_blocks = from.blocks();
    // A task is a row of the kernel of one block pair, or of two output blocks where a tile holds two.
    let pair = if Isa::best() == Isa::Avx512 { 2 } else { 1 };
    let row = conv.kernel * LANES;
    let mut tasks: Vec<Vec<&mut [Lane]>> = Vec::new();
    for blocks in packed
        .values_mut()
        .chunks_mut(pair * in_blocks * conv.kernel * row)
    {
        let rows = in_blocks * conv.kernel;
        let mut parts: Vec<Vec<&mut [Lane]>> = (0..rows).map(|_| Vec::new()).collect();
        for (index, part) in blocks.chunks_mut(row).enumerate() {
            parts[index % rows].push(part);
        }
        tasks.extend(parts);
    }
    let rows = in_blocks * conv.kernel;
    tasks
        .into_par_iter()
        .enumerate()
        .for_each(|(index, mut parts)| {
            let (block, kernel_row) = (index % rows / conv.kernel, index % conv.kernel);
            let first = index / rows * pair;
            let task = Task {
                conv,
                from,
                to,
                kernel_row,
                lanes: (conv.inputs - block * LANES).min(LANES),
            };
            for image in 0..from.images {
                let x = input.plane(image, block);
                let start = (image * to.blocks() + first) * to.plane();
                let dy = &output.values()[start..start + parts.len() * to.plane()];
                task.image(x, dy, &mut parts);
            }
        });
    packed.unpack()
}

/// As [`weight_gradient`], by tiles of 4x4 outputs: for a kernel of 3x3 and stride 1.
///
/// # Panics
/// When shapes do not fit each other, or the kernel or stride is another.
#[must_use]
pub fn weight_gradient_of_tiles(conv: Conv, input: &Blocked, output: &Blocked) -> Vec<f32> {
    conv.check(input.shape(), output.shape());
    assert!(conv.kernel == 3 && conv.stride == 1, "tiles of {conv:?}");
    assert!(input.shape().border >= conv.padding, "border of {:?}", input.shape());
    winograd::weight_gradient(conv, input, output)
}

struct Task {
    conv: Conv,
    from: Shape,
    to: Shape,
    kernel_row: usize,
    lanes: usize,
}

impl Task {
    /// Adds one image. `dy` holds as many planes as there are parts.
    fn image(&self, x: &[Lane], dy: &[Lane], parts: &mut [&mut [Lane]]) {
        let Self { conv, from, to, .. } = *self;
        assert!(x.len() == from.plane() && dy.len() == parts.len() * to.plane());
        let reach = (to.height - 1) * conv.stride + conv.kernel - 1 + from.border - conv.padding;
        assert!(reach < from.height + 2 * from.border);
        let reach = (to.width - 1) * conv.stride + conv.kernel - 1 + from.border - conv.padding;
        assert!(reach < from.row() && self.kernel_row < conv.kernel);
        assert!(parts.iter().all(|part| part.len() == conv.kernel * LANES));
        let sums: Vec<*mut f32> = parts.iter_mut().map(|p| p.as_mut_ptr().cast()).collect();
        match Isa::best() {
            // SAFETY: the processor has the instruction set; bounds were checked above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { self.avx512(x, dy, &sums) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { self.avx2(x, dy, &sums) },
            // SAFETY: bounds were checked above.
            _ => unsafe { self.body::<crate::lanes::Portable>(x, dy, &sums) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma,avx2")]
    unsafe fn avx512(&self, x: &[Lane], dy: &[Lane], sums: &[*mut f32]) {
        // SAFETY: the caller's.
        unsafe { self.body::<crate::lanes::Avx512>(x, dy, sums) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2(&self, x: &[Lane], dy: &[Lane], sums: &[*mut f32]) {
        // SAFETY: the caller's.
        unsafe { self.body::<crate::lanes::Avx2>(x, dy, sums) }
    }

    #[inline(always)]
    unsafe fn body<L: Lanes>(&self, x: &[Lane], dy: &[Lane], sums: &[*mut f32]) {
        // SAFETY: the caller's.
        unsafe {
            match (sums, self.conv.stride) {
                (&[a, b], 1) => self.bands::<L, 2, 1>(x, dy, [a, b]),
                (&[a, b], _) => self.bands::<L, 2, 0>(x, dy, [a, b]),
                (&[a], 1) => self.bands::<L, 1, 1>(x, dy, [a]),
                (&[a], _) => self.bands::<L, 1, 0>(x, dy, [a]),
                _ => {}
            }
        }
    }

    /// Bands of rows that stay in the first cache; in each, all weights of the kernel's row.
    #[inline(always)]
    unsafe fn bands<L: Lanes, const OV: usize, const STEP: usize>(
        &self,
        x: &[Lane],
        dy: &[Lane],
        sums: [*mut f32; OV],
    ) {
        let rows = (BAND / self.to.width).clamp(1, self.to.height);
        for first in (0..self.to.height).step_by(rows) {
            let band = first..(first + rows).min(self.to.height);
            for column in 0..self.conv.kernel {
                let mut lane = 0;
                while lane < self.lanes {
                    let at = Place { column, lane };
                    let band = band.clone();
                    // SAFETY: the caller's; the lanes below `self.lanes` exist.
                    lane += unsafe {
                        match self.lanes - lane {
                            8.. => self.tile::<L, 8, OV, STEP>(x, dy, sums, at, band),
                            4.. => self.tile::<L, 4, OV, STEP>(x, dy, sums, at, band),
                            2.. => self.tile::<L, 2, OV, STEP>(x, dy, sums, at, band),
                            _ => self.tile::<L, 1, OV, STEP>(x, dy, sums, at, band),
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
        x: &[Lane],
        dy: &[Lane],
        sums: [*mut f32; OV],
        at: Place,
        band: std::ops::Range<usize>,
    ) -> usize {
        let stride = if STEP == 0 { self.conv.stride } else { STEP };
        let edge = self.from.border - self.conv.padding;
        // SAFETY: `image` checked that the furthest pixel lies within both slices and how long the sums are.
        unsafe {
            let place = |o: usize, i: usize| sums[o].add((at.column * LANES + at.lane + i) * LANES);
            let mut totals = [[L::zero(); OV]; IC];
            for (i, totals) in totals.iter_mut().enumerate() {
                for (o, total) in totals.iter_mut().enumerate() {
                    *total = L::load(place(o, i));
                }
            }
            for y in band {
                let row = (y * stride + self.kernel_row + edge) * self.from.row();
                let mut x: *const f32 = x.as_ptr().add(row + at.column + edge).cast();
                x = x.add(at.lane);
                let mut dy: *const f32 = dy.as_ptr().add(self.to.at(y, 0)).cast();
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
                    // After the last pixel these may point beyond the values; nothing is read there.
                    x = x.wrapping_add(stride * LANES);
                    dy = dy.wrapping_add(LANES);
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

#[derive(Clone, Copy)]
struct Place {
    column: usize,
    lane: usize,
}
