//! Batch normalisation (Ioffe and Szegedy 2015) with what follows it: a sum and a non-linearity, in one pass.

mod moments;
mod pooled;

pub use moments::{Moments, moments, statistics, sums};
pub use pooled::{apply_pooled, gradient_pooled};

use crate::isa::dispatch;
use crate::{Activation, Blocked, LANES, Lane, Pixel, Shape};
pub(crate) use moments::PARTS;
use moments::{NOTHING, add_row, total};
use rayon::prelude::*;

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

/// The values of one block, in its parts.
pub(crate) fn of_block<P: Pixel>(values: &[Lane], block: usize) -> [Lane; PARTS] {
    let mut parts = [Lane::ZERO; PARTS];
    for channel in 0..P::CHANNELS {
        let at = block * P::CHANNELS + channel;
        if let Some(lane) = values.get(at / LANES) {
            let (part, place) = P::place(channel);
            parts[part].0[place] = lane.0[at % LANES];
        }
    }
    parts
}

struct Pass<'a, P> {
    shape: Shape,
    scale: [Lane; PARTS],
    shift: [Lane; PARTS],
    activation: Activation,
    x: &'a [P],
    add: Option<(Shape, &'a [P])>,
}

impl<P: Pixel> Pass<'_, P> {
    /// A value before the non-linearity.
    #[inline(always)]
    fn before(&self, part: usize, x: Lane, add: Option<Lane>) -> Lane {
        let mut z = Lane::ZERO;
        for i in 0..LANES {
            z.0[i] = x.0[i] * self.scale[part].0[i] + self.shift[part].0[i];
        }
        if let Some(add) = add {
            for i in 0..LANES {
                z.0[i] += add.0[i];
            }
        }
        z
    }
}

#[inline(always)]
fn apply_body<P: Pixel>(pass: &Pass<'_, P>, to: Shape, out: &mut [P]) {
    let s = pass.shape;
    for y in 0..s.height {
        let x = &pass.x[s.at(y, 0)..][..s.width];
        let out = &mut out[to.at(y, 0)..][..s.width];
        match pass.add {
            None => {
                for (out, x) in out.iter_mut().zip(x) {
                    let mut parts = [Lane::ZERO; PARTS];
                    for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                        *z = pass.activation.apply(pass.before(part, x.part(part), None));
                    }
                    *out = P::of_parts(parts);
                }
            }
            Some((shape, add)) => {
                let add = &add[shape.at(y, 0)..][..s.width];
                for ((out, x), add) in out.iter_mut().zip(x).zip(add) {
                    let mut parts = [Lane::ZERO; PARTS];
                    for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                        let before = pass.before(part, x.part(part), Some(add.part(part)));
                        *z = pass.activation.apply(before);
                    }
                    *out = P::of_parts(parts);
                }
            }
        }
    }
}
dispatch!(fn apply_plane<P> = apply_body(pass: &Pass<'_, P>, to: Shape, out: &mut [P]));

/// `out = activation(scale x + shift + add)`, scale and shift a value a channel in blocks ([`in_blocks`]).
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn apply<P: Pixel>(
    x: &Blocked<P>,
    scale: &[Lane],
    shift: &[Lane],
    add: Option<&Blocked<P>>,
    activation: Activation,
    out: &mut Blocked<P>,
) {
    let (shape, to) = (x.shape(), out.shape());
    same(shape, to);
    let blocks = x.blocks();
    let lanes = shape.blocks();
    assert!(scale.len() == lanes && shift.len() == lanes, "channels");
    if let Some(add) = add {
        same(shape, add.shape());
    }
    let planes = out.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        let (image, block) = (index / blocks, index % blocks);
        let pass = Pass {
            shape,
            scale: of_block::<P>(scale, block),
            shift: of_block::<P>(shift, block),
            activation,
            x: x.plane(image, block),
            add: add.map(|add| (add.shape(), add.plane(image, block))),
        };
        apply_plane(&pass, to, out);
    });
}

#[inline(always)]
fn finish_body<P: Pixel>(
    to: Shape,
    planes: &mut [P],
    add: Option<(Shape, &[P])>,
    activation: Activation,
) {
    for (index, plane) in planes.chunks_exact_mut(to.plane()).enumerate() {
        for y in 0..to.height {
            let out = &mut plane[to.at(y, 0)..][..to.width];
            let Some((shape, add)) = add else {
                for out in out {
                    let mut parts = [Lane::ZERO; PARTS];
                    for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                        *z = activation.apply(out.part(part));
                    }
                    *out = P::of_parts(parts);
                }
                continue;
            };
            let add = &add[index * shape.plane() + shape.at(y, 0)..][..to.width];
            for (out, add) in out.iter_mut().zip(add) {
                let mut parts = [Lane::ZERO; PARTS];
                for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                    let (mut sum, add) = (out.part(part), add.part(part));
                    for i in 0..LANES {
                        sum.0[i] += add.0[i];
                    }
                    *z = activation.apply(sum);
                }
                *out = P::of_parts(parts);
            }
        }
    }
}
dispatch! {
    /// `planes = activation(planes + add)` in place, for some planes of a batch of shape `to`; `add` are the planes of
    /// another batch from the same image and block on, with its shape.
    pub fn finish<P> = finish_body(to: Shape, planes: &mut [P], add: Option<(Shape, &[P])>, activation: Activation)
}

/// Panics unless the shapes are alike but for their borders.
pub(crate) fn same(a: Shape, b: Shape) {
    let open = |s: Shape| Shape { border: 0, ..s };
    assert_eq!(open(a), open(b), "shapes");
}

struct BackPass<'a, P> {
    forward: Pass<'a, P>,
    /// Mean and 1 / deviation of x.
    mean: [Lane; PARTS],
    inverse: [Lane; PARTS],
}

/// Through the non-linearity; gives the sums of the gradient and of the gradient times normalised x.
#[inline(always)]
fn slope_body<P: Pixel>(pass: &BackPass<'_, P>, from: Shape, gradient: &mut [P]) -> Moments {
    let f = &pass.forward;
    let s = f.shape;
    let mut total = NOTHING;
    for y in 0..s.height {
        let x = &f.x[s.at(y, 0)..][..s.width];
        let row = &mut gradient[from.at(y, 0)..][..s.width];
        let add = f.add.map(|(shape, add)| &add[shape.at(y, 0)..][..s.width]);
        let mut sums = [[[0.0f32; LANES]; 2]; PARTS];
        for (at, (pixel, x)) in row.iter_mut().zip(x).enumerate() {
            let mut parts = [Lane::ZERO; PARTS];
            for (part, g) in parts.iter_mut().enumerate().take(P::PARTS) {
                let z = f.before(part, x.part(part), add.map(|add| add[at].part(part)));
                let slope = f.activation.slope(z);
                *g = pixel.part(part);
                for i in 0..LANES {
                    g.0[i] *= slope.0[i];
                }
            }
            // Sums are of what is stored, so that the mean that is taken off later is that of what it is taken from.
            *pixel = P::of_parts(parts);
            for (part, [sum, product]) in sums.iter_mut().enumerate().take(P::PARTS) {
                let (mean, inverse) = (&pass.mean[part], &pass.inverse[part]);
                let (g, x) = (pixel.part(part), x.part(part));
                for i in 0..LANES {
                    sum[i] += g.0[i];
                    product[i] += g.0[i] * (x.0[i] - mean.0[i]) * inverse.0[i];
                }
            }
        }
        add_row::<P>(&mut total, &sums);
    }
    total
}
dispatch!(fn slope_plane<P> = slope_body(pass: &BackPass<'_, P>, from: Shape, gradient: &mut [P]) -> Moments);

/// What the gradient of a normalisation needs of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Normalised<'a, P> {
    /// The values normalised.
    pub x: &'a Blocked<P>,
    /// What was added before the non-linearity.
    pub add: Option<&'a Blocked<P>>,
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
pub fn gradient<P: Pixel>(
    of: Normalised<'_, P>,
    gradient: &mut Blocked<P>,
    by_x: &mut Blocked<P>,
) -> (Vec<f32>, Vec<f32>) {
    let shape = of.x.shape();
    let from = gradient.shape();
    same(shape, from);
    same(shape, by_x.shape());
    let blocks = of.x.blocks();
    let [scale, shift] = folded(of.gamma, of.beta, of.mean, of.inverse);
    let planes = gradient.values_mut().par_chunks_mut(from.plane().max(1));
    let sums: Vec<Moments> = planes
        .enumerate()
        .map(|(index, plane)| {
            let (image, block) = (index / blocks, index % blocks);
            let pass = BackPass {
                forward: Pass {
                    shape,
                    scale: of_block::<P>(&scale, block),
                    shift: of_block::<P>(&shift, block),
                    activation: of.activation,
                    x: of.x.plane(image, block),
                    add: of.add.map(|add| (add.shape(), add.plane(image, block))),
                },
                mean: of_block::<P>(of.mean, block),
                inverse: of_block::<P>(of.inverse, block),
            };
            slope_plane(&pass, from, plane)
        })
        .collect();
    let (gamma, beta) = sums_of_planes::<P>(shape, &sums);
    let lines = Lines::new(&of, &scale, [&beta, &gamma]);
    let to = by_x.shape();
    let gradient = &*gradient;
    let planes = by_x.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        let (image, block) = (index / blocks, index % blocks);
        let (x, g) = (of.x.plane(image, block), gradient.plane(image, block));
        line_plane(&lines.of_block::<P>(block), shape, x, from, g, to, out);
    });
    (gamma, beta)
}

/// Derivatives by gamma and beta from the sums over each plane, `[image][block]`.
fn sums_of_planes<P: Pixel>(shape: Shape, sums: &[Moments]) -> (Vec<f32>, Vec<f32>) {
    let sum = |channel: usize, which: usize| total::<P>(shape, sums, channel, which) as f32;
    let all = |which: usize| (0..shape.channels).map(|c| sum(c, which)).collect();
    (all(1), all(0))
}

/// The derivative by normalised values as lines in the one by the result and in the value.
struct Lines {
    g: Vec<Lane>,
    x: Vec<Lane>,
    constant: Vec<Lane>,
}

/// The line of one part of a block.
#[derive(Clone, Copy)]
struct Line {
    g: Lane,
    x: Lane,
    constant: Lane,
}

impl Lines {
    /// `scale (g - mean(g) - normalised x mean(g normalised x))`, with the sums of g and of g times normalised x, a value a
    /// channel.
    fn new<P: Pixel>(of: &Normalised<'_, P>, scale: &[Lane], sums: [&[f32]; 2]) -> Self {
        let shape = of.x.shape();
        let share = if of.of_batch {
            1.0 / (shape.images * shape.height * shape.width) as f32
        } else {
            0.0
        };
        let [sum_g, sum_gx] = sums.map(in_blocks);
        let zeros = vec![Lane::ZERO; scale.len()];
        let (mut x, mut constant) = (zeros.clone(), zeros);
        for (at, scale) in scale.iter().enumerate() {
            for i in 0..LANES {
                let inverse = of.inverse[at].0[i];
                let slope = -scale.0[i] * sum_gx[at].0[i] * share * inverse;
                x[at].0[i] = slope;
                constant[at].0[i] = -scale.0[i] * sum_g[at].0[i] * share - slope * of.mean[at].0[i];
            }
        }
        Self {
            g: scale.to_vec(),
            x,
            constant,
        }
    }

    /// The lines of one block.
    fn of_block<P: Pixel>(&self, block: usize) -> [Line; PARTS] {
        let [g, x, constant] = [&self.g, &self.x, &self.constant].map(|v| of_block::<P>(v, block));
        std::array::from_fn(|part| Line {
            g: g[part],
            x: x[part],
            constant: constant[part],
        })
    }
}

#[inline(always)]
fn line_body<P: Pixel>(
    lines: &[Line; PARTS],
    shape: Shape,
    x: &[P],
    from: Shape,
    g: &[P],
    to: Shape,
    out: &mut [P],
) {
    for y in 0..shape.height {
        let x = &x[shape.at(y, 0)..][..shape.width];
        let g = &g[from.at(y, 0)..][..shape.width];
        let out = &mut out[to.at(y, 0)..][..shape.width];
        for ((out, x), g) in out.iter_mut().zip(x).zip(g) {
            let mut parts = [Lane::ZERO; PARTS];
            for (part, (line, z)) in lines.iter().zip(&mut parts).enumerate().take(P::PARTS) {
                let (x, g) = (x.part(part), g.part(part));
                for i in 0..LANES {
                    z.0[i] = line.g.0[i] * g.0[i] + line.x.0[i] * x.0[i] + line.constant.0[i];
                }
            }
            *out = P::of_parts(parts);
        }
    }
}
dispatch!(fn line_plane<P> = line_body(
    lines: &[Line; PARTS],
    shape: Shape,
    x: &[P],
    from: Shape,
    g: &[P],
    to: Shape,
    out: &mut [P],
));
