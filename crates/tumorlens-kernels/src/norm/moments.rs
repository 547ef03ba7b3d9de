//! Sums over the planes of a batch, and what follows from them.

use crate::isa::dispatch;
use crate::{Blocked, LANES, Pixel, Shape};
use rayon::prelude::*;

/// Parts of a block at most.
pub(crate) const PARTS: usize = 2;

/// Sum and sum of squares of every channel of a plane, `[part][which][lane]`, added up row by row in double precision.
pub type Moments = [[[f64; LANES]; 2]; PARTS];

pub(super) const NOTHING: Moments = [[[0.0; LANES]; 2]; PARTS];

#[inline(always)]
fn moments_body<P: Pixel>(shape: Shape, plane: &[P]) -> Moments {
    let mut total = NOTHING;
    for y in 0..shape.height {
        let row = &plane[shape.at(y, 0)..][..shape.width];
        let mut sums = [[[0.0f32; LANES]; 2]; PARTS];
        for pixel in row {
            for (part, [sum, square]) in sums.iter_mut().enumerate().take(P::PARTS) {
                let lane = pixel.part(part);
                for i in 0..LANES {
                    sum[i] += lane.0[i];
                    square[i] += lane.0[i] * lane.0[i];
                }
            }
        }
        add_row::<P>(&mut total, &sums);
    }
    total
}
dispatch! {
    /// Moments of one plane of a batch of this shape.
    #[must_use]
    pub fn moments<P> = moments_body(shape: Shape, plane: &[P]) -> Moments
}

/// Adds the sums of a row to those of a plane.
#[inline(always)]
pub(super) fn add_row<P: Pixel>(total: &mut Moments, row: &[[[f32; LANES]; 2]; PARTS]) {
    for (total, row) in total.iter_mut().zip(row).take(P::PARTS) {
        for (total, row) in total.iter_mut().zip(row) {
            for i in 0..LANES {
                total[i] += f64::from(row[i]);
            }
        }
    }
}

/// Of the moments of all planes, `[image][block]`, the sum of one channel.
pub(super) fn total<P: Pixel>(
    shape: Shape,
    moments: &[Moments],
    channel: usize,
    which: usize,
) -> f64 {
    let (block, (part, lane)) = (channel / P::CHANNELS, P::place(channel % P::CHANNELS));
    let planes = moments.iter().skip(block).step_by(shape.blocks_of::<P>());
    planes.map(|m| m[part][which][lane]).sum()
}

/// Mean and biased variance of every channel from the moments of its planes, `[image][block]`.
#[must_use]
pub fn statistics<P: Pixel>(shape: Shape, moments: &[Moments]) -> (Vec<f32>, Vec<f32>) {
    let count = (shape.images * shape.height * shape.width) as f64;
    let of = |channel: usize, which: usize| total::<P>(shape, moments, channel, which) / count;
    (0..shape.channels)
        .map(|c| {
            let (mean, square) = (of(c, 0), of(c, 1));
            (mean as f32, (square - mean * mean).max(0.0) as f32)
        })
        .unzip()
}

/// Sum of every channel.
#[must_use]
pub fn sums<P: Pixel>(x: &Blocked<P>) -> Vec<f32> {
    let (shape, blocks) = (x.shape(), x.blocks());
    let of: Vec<Moments> = (0..shape.images * blocks)
        .into_par_iter()
        .map(|index| moments(shape, x.plane(index / blocks, index % blocks)))
        .collect();
    let sum = |channel: usize| total::<P>(shape, &of, channel, 0) as f32;
    (0..shape.channels).map(sum).collect()
}
