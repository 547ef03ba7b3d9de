//! Batch normalisation (Ioffe and Szegedy 2015) with what follows it: a sum and a non-linearity, in one pass.

mod pooled;

pub use pooled::{apply_pooled, gradient_pooled};

use crate::isa::dispatch;
use crate::{Activation, Blocked, LANES, Lane, Shape};
use rayon::prelude::*;

/// Sum and sum of squares of every lane of a plane, added up row by row in double precision.
pub type Moments = [[f64; LANES]; 2];

#[inline(always)]
fn moments_body(shape: Shape, plane: &[Lane]) -> Moments {
    let mut total = [[0.0; LANES]; 2];
    for y in 0..shape.height {
        let start = shape.at(y, 0);
        let (mut sum, mut square) = ([0.0f32; LANES], [0.0f32; LANES]);
        for lane in &plane[start..start + shape.width] {
            for i in 0..LANES {
                sum[i] += lane.0[i];
                square[i] += lane.0[i] * lane.0[i];
            }
        }
        for i in 0..LANES {
            total[0][i] += f64::from(sum[i]);
            total[1][i] += f64::from(square[i]);
        }
    }
    total
}
dispatch! {
    /// Moments of one plane of a batch of this shape.
    #[must_use]
    pub fn moments = moments_body(shape: Shape, plane: &[Lane]) -> Moments
}

/// Of the moments of all planes, `[image][block]`, the sum of one channel.
fn total(shape: Shape, moments: &[Moments], channel: usize, which: usize) -> f64 {
    let planes = moments.iter().skip(channel / LANES).step_by(shape.blocks());
    planes.map(|m| m[which][channel % LANES]).sum()
}

/// Mean and biased variance of every channel from the moments of its planes, `[image][block]`.
#[must_use]
pub fn statistics(shape: Shape, moments: &[Moments]) -> (Vec<f32>, Vec<f32>) {
    let count = (shape.images * shape.height * shape.width) as f64;
    let of = |channel: usize, which: usize| total(shape, moments, channel, which) / count;
    (0..shape.channels)
        .map(|c| {
            let (mean, square) = (of(c, 0), of(c, 1));
            (mean as f32, (square - mean * mean).max(0.0) as f32)
        })
        .unzip()
}

/// Sum of every channel.
#[must_use]
pub fn sums(x: &Blocked) -> Vec<f32> {
    let (shape, blocks) = (x.shape(), x.shape().blocks());
    let of: Vec<Moments> = (0..shape.images * blocks)
        .into_par_iter()
        .map(|index| moments(shape, x.plane(index / blocks, index % blocks)))
        .collect();
    let sum = |channel: usize| total(shape, &of, channel, 0) as f32;
    (0..shape.channels).map(sum).collect()
}

/// A value a channel in blocks, unused lanes zero.
#[must_use]
pub fn in_blocks(values: &[f32]) -> Vec<Lane> {
    let blocks = values.chunks(LANES).map(|chunk| {
        let mut lane = Lane::ZERO;
        lane.0[..chunk.len()].copy_from_slice(chunk);
        lane
    });
    blocks.collect()
}

struct Pass<'a> {
    shape: Shape,
    scale: Lane,
    shift: Lane,
    activation: Activation,
    x: &'a [Lane],
    add: Option<(Shape, &'a [Lane])>,
}

#[inline(always)]
fn apply_body(pass: &Pass<'_>, to: Shape, out: &mut [Lane]) {
    let s = pass.shape;
    for y in 0..s.height {
        let x = &pass.x[s.at(y, 0)..][..s.width];
        let out = &mut out[to.at(y, 0)..][..s.width];
        match pass.add {
            None => {
                for (out, x) in out.iter_mut().zip(x) {
                    let mut z = Lane::ZERO;
                    for i in 0..LANES {
                        z.0[i] = x.0[i] * pass.scale.0[i] + pass.shift.0[i];
                    }
                    *out = pass.activation.apply(z);
                }
            }
            Some((shape, add)) => {
                let add = &add[shape.at(y, 0)..][..s.width];
                for ((out, x), add) in out.iter_mut().zip(x).zip(add) {
                    let mut z = Lane::ZERO;
                    for i in 0..LANES {
                        z.0[i] = x.0[i] * pass.scale.0[i] + pass.shift.0[i] + add.0[i];
                    }
                    *out = pass.activation.apply(z);
                }
            }
        }
    }
}
dispatch!(fn apply_plane = apply_body(pass: &Pass<'_>, to: Shape, out: &mut [Lane]));

/// `out = activation(scale x + shift + add)`, scale and shift a value a channel in blocks ([`in_blocks`]).
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn apply(
    x: &Blocked,
    scale: &[Lane],
    shift: &[Lane],
    add: Option<&Blocked>,
    activation: Activation,
    out: &mut Blocked,
) {
    let (shape, to) = (x.shape(), out.shape());
    same(shape, to);
    let blocks = shape.blocks();
    assert!(scale.len() == blocks && shift.len() == blocks, "channels");
    if let Some(add) = add {
        same(shape, add.shape());
    }
    let planes = out.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        let (image, block) = (index / blocks, index % blocks);
        let pass = Pass {
            shape,
            scale: scale[block],
            shift: shift[block],
            activation,
            x: x.plane(image, block),
            add: add.map(|add| (add.shape(), add.plane(image, block))),
        };
        apply_plane(&pass, to, out);
    });
}

#[inline(always)]
fn finish_body(
    to: Shape,
    planes: &mut [Lane],
    add: Option<(Shape, &[Lane])>,
    activation: Activation,
) {
    for (index, plane) in planes.chunks_exact_mut(to.plane()).enumerate() {
        for y in 0..to.height {
            let out = &mut plane[to.at(y, 0)..][..to.width];
            if let Some((shape, add)) = add {
                let add = &add[index * shape.plane() + shape.at(y, 0)..][..to.width];
                for (out, add) in out.iter_mut().zip(add) {
                    for i in 0..LANES {
                        out.0[i] += add.0[i];
                    }
                }
            }
            for out in out {
                *out = activation.apply(*out);
            }
        }
    }
}
dispatch! {
    /// `planes = activation(planes + add)` in place, for some planes of a batch of shape `to`; `add` are the planes of
    /// another batch from the same image and block on, with its shape.
    pub fn finish = finish_body(to: Shape, planes: &mut [Lane], add: Option<(Shape, &[Lane])>, activation: Activation)
}

/// Panics unless the shapes are alike but for their borders.
pub(crate) fn same(a: Shape, b: Shape) {
    let open = |s: Shape| Shape { border: 0, ..s };
    assert_eq!(open(a), open(b), "shapes");
}

struct BackPass<'a> {
    forward: Pass<'a>,
    /// Mean and 1 / deviation of x.
    mean: Lane,
    inverse: Lane,
}

/// Through the non-linearity; gives the sums of the gradient and of the gradient times normalised x.
#[inline(always)]
fn slope_body(pass: &BackPass<'_>, from: Shape, gradient: &mut [Lane]) -> Moments {
    let f = &pass.forward;
    let s = f.shape;
    let mut total = [[0.0; LANES]; 2];
    for y in 0..s.height {
        let x = &f.x[s.at(y, 0)..][..s.width];
        let row = &mut gradient[from.at(y, 0)..][..s.width];
        let add = f.add.map(|(shape, add)| &add[shape.at(y, 0)..][..s.width]);
        let (mut sum, mut product) = ([0.0f32; LANES], [0.0f32; LANES]);
        for (i, (g, x)) in row.iter_mut().zip(x).enumerate() {
            let add = add.map_or(Lane::ZERO, |add| add[i]);
            let mut z = Lane::ZERO;
            for i in 0..LANES {
                z.0[i] = x.0[i] * f.scale.0[i] + f.shift.0[i] + add.0[i];
            }
            let slope = f.activation.slope(z);
            for i in 0..LANES {
                g.0[i] *= slope.0[i];
                sum[i] += g.0[i];
                product[i] += g.0[i] * (x.0[i] - pass.mean.0[i]) * pass.inverse.0[i];
            }
        }
        for i in 0..LANES {
            total[0][i] += f64::from(sum[i]);
            total[1][i] += f64::from(product[i]);
        }
    }
    total
}
dispatch!(fn slope_plane = slope_body(pass: &BackPass<'_>, from: Shape, gradient: &mut [Lane]) -> Moments);

/// What the gradient of a normalisation needs of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Normalised<'a> {
    /// The values normalised.
    pub x: &'a Blocked,
    /// What was added before the non-linearity.
    pub add: Option<&'a Blocked>,
    /// Learned scale, a value a channel in blocks.
    pub gamma: &'a [Lane],
    /// Learned shift, a value a channel in blocks.
    pub beta: &'a [Lane],
    /// Mean, a value a channel in blocks.
    pub mean: &'a [Lane],
    /// 1 / sqrt(variance + epsilon), a value a channel in blocks.
    pub inverse: &'a [Lane],
    /// The non-linearity that followed.
    pub activation: Activation,
    /// Whether mean and variance are those of this batch, so that the gradient flows through them.
    pub of_batch: bool,
}

/// Scale and shift that normalise: `gamma inverse` and `beta - mean gamma inverse`.
#[must_use]
pub fn folded(gamma: &[Lane], beta: &[Lane], mean: &[Lane], inverse: &[Lane]) -> [Vec<Lane>; 2] {
    let mut scale = gamma.to_vec();
    let mut shift = beta.to_vec();
    for (block, (scale, shift)) in scale.iter_mut().zip(&mut shift).enumerate() {
        for i in 0..LANES {
            scale.0[i] *= inverse[block].0[i];
            shift.0[i] -= mean[block].0[i] * scale.0[i];
        }
    }
    [scale, shift]
}

/// Derivatives by gamma and beta, a value a channel. `gradient` holds the derivative by the result and is turned into
/// the one by what was added (before the normalisation, after the non-linearity); the derivative by x is written to
/// `by_x`.
///
/// # Panics
/// When shapes differ in more than their borders.
#[must_use]
pub fn gradient(
    of: Normalised<'_>,
    gradient: &mut Blocked,
    by_x: &mut Blocked,
) -> (Vec<f32>, Vec<f32>) {
    let shape = of.x.shape();
    let from = gradient.shape();
    same(shape, from);
    same(shape, by_x.shape());
    let blocks = shape.blocks();
    let [scale, shift] = folded(of.gamma, of.beta, of.mean, of.inverse);
    let planes = gradient.values_mut().par_chunks_mut(from.plane().max(1));
    let sums: Vec<Moments> = planes
        .enumerate()
        .map(|(index, plane)| {
            let (image, block) = (index / blocks, index % blocks);
            let pass = BackPass {
                forward: Pass {
                    shape,
                    scale: scale[block],
                    shift: shift[block],
                    activation: of.activation,
                    x: of.x.plane(image, block),
                    add: of.add.map(|add| (add.shape(), add.plane(image, block))),
                },
                mean: of.mean[block],
                inverse: of.inverse[block],
            };
            slope_plane(&pass, from, plane)
        })
        .collect();
    let (gamma, beta) = sums_of_planes(shape, &sums);
    let (mean_g, mean_gx) = (in_blocks(&beta), in_blocks(&gamma));
    let to = by_x.shape();
    let gradient = &*gradient;
    let planes = by_x.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        let (image, block) = (index / blocks, index % blocks);
        let line = Line::of(&of, scale[block], block, mean_g[block], mean_gx[block]);
        let (x, g) = (of.x.plane(image, block), gradient.plane(image, block));
        line_plane(&line, shape, x, from, g, to, out);
    });
    (gamma, beta)
}

/// Derivatives by gamma and beta from the sums over each plane, `[image][block]`.
fn sums_of_planes(shape: Shape, sums: &[Moments]) -> (Vec<f32>, Vec<f32>) {
    let sum = |channel: usize, which: usize| total(shape, sums, channel, which) as f32;
    let all = |which: usize| (0..shape.channels).map(|c| sum(c, which)).collect();
    (all(1), all(0))
}

/// The derivative by a normalised value as a line in the one by the result and in the value.
struct Line {
    g: Lane,
    x: Lane,
    constant: Lane,
}

impl Line {
    /// `scale (g - mean(g) - normalised x mean(g normalised x))`, with the sums of one block.
    fn of(of: &Normalised<'_>, scale: Lane, block: usize, sum_g: Lane, sum_gx: Lane) -> Self {
        let shape = of.x.shape();
        let share = if of.of_batch {
            1.0 / (shape.images * shape.height * shape.width) as f32
        } else {
            0.0
        };
        let mut line = Self {
            g: scale,
            x: Lane::ZERO,
            constant: Lane::ZERO,
        };
        for i in 0..LANES {
            let inverse = of.inverse[block].0[i];
            line.x.0[i] = -scale.0[i] * sum_gx.0[i] * share * inverse;
            line.constant.0[i] =
                -scale.0[i] * sum_g.0[i] * share - line.x.0[i] * of.mean[block].0[i];
        }
        line
    }
}

#[inline(always)]
fn line_body(
    line: &Line,
    shape: Shape,
    x: &[Lane],
    from: Shape,
    g: &[Lane],
    to: Shape,
    out: &mut [Lane],
) {
    for y in 0..shape.height {
        let x = &x[shape.at(y, 0)..][..shape.width];
        let g = &g[from.at(y, 0)..][..shape.width];
        let out = &mut out[to.at(y, 0)..][..shape.width];
        for ((out, x), g) in out.iter_mut().zip(x).zip(g) {
            for i in 0..LANES {
                out.0[i] = line.g.0[i] * g.0[i] + line.x.0[i] * x.0[i] + line.constant.0[i];
            }
        }
    }
}
dispatch!(fn line_plane = line_body(
    line: &Line,
    shape: Shape,
    x: &[Lane],
    from: Shape,
    g: &[Lane],
    to: Shape,
    out: &mut [Lane],
));
