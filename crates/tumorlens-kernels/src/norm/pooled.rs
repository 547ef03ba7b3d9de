//! Normalisation, non-linearity and maximum over windows in one pass: what only the pool reads is never written down, and
//! going back it is computed anew from the values before the normalisation.

use super::{Moments, Normalised, folded, in_blocks, sums_of_planes};
use crate::isa::dispatch;
use crate::pool::MaxPool;
use crate::{Activation, Blocked, LANES, Lane, Shape};
use rayon::prelude::*;

/// One plane.
struct Pass<'a> {
    pool: MaxPool,
    activation: Activation,
    scale: Lane,
    shift: Lane,
    shape: Shape,
    x: &'a [Lane],
}

impl Pass<'_> {
    /// Value before the non-linearity.
    #[inline(always)]
    fn before(&self, x: &Lane) -> Lane {
        let mut z = Lane::ZERO;
        for i in 0..LANES {
            z.0[i] = x.0[i] * self.scale.0[i] + self.shift.0[i];
        }
        z
    }
}

#[inline(always)]
fn apply_body(pass: &Pass<'_>, to: Shape, out: &mut [Lane]) {
    for y in 0..to.height {
        let rows = pass.pool.window(y, pass.shape.height);
        for column in 0..to.width {
            let columns = pass.pool.window(column, pass.shape.width);
            let mut most = Lane([f32::NEG_INFINITY; LANES]);
            for row in rows.clone() {
                let start = pass.shape.at(row, columns.start);
                for x in &pass.x[start..start + columns.len()] {
                    let value = pass.activation.apply(pass.before(x));
                    for i in 0..LANES {
                        most.0[i] = if value.0[i] > most.0[i] {
                            value.0[i]
                        } else {
                            most.0[i]
                        };
                    }
                }
            }
            out[to.at(y, column)] = most;
        }
    }
}
dispatch!(fn apply_plane = apply_body(pass: &Pass<'_>, to: Shape, out: &mut [Lane]));

/// `out = max over windows of activation(scale x + shift)`, scale and shift a value a channel in blocks.
///
/// # Panics
/// When images or channels differ, or a window lies outside.
pub fn apply_pooled(
    x: &Blocked,
    [scale, shift]: [&[Lane]; 2],
    activation: Activation,
    pool: MaxPool,
    out: &mut Blocked,
) {
    let (shape, to) = (x.shape(), out.shape());
    alike(shape, to);
    let blocks = shape.blocks();
    assert!(scale.len() == blocks && shift.len() == blocks, "channels");
    let planes = out.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        let (image, block) = (index / blocks, index % blocks);
        let pass = Pass {
            pool,
            activation,
            scale: scale[block],
            shift: shift[block],
            shape,
            x: x.plane(image, block),
        };
        apply_plane(&pass, to, out);
    });
}

/// The first of the largest values of a window: its place in the window, what it was before the non-linearity, and
/// before the normalisation.
struct Winners {
    place: [u32; LANES],
    before: Lane,
    x: Lane,
}

#[inline(always)]
fn winners(
    pass: &Pass<'_>,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
) -> Winners {
    let mut most = Lane([f32::NEG_INFINITY; LANES]);
    let mut found = Winners {
        place: [0; LANES],
        before: Lane::ZERO,
        x: Lane::ZERO,
    };
    let mut index = 0;
    for row in rows {
        let start = pass.shape.at(row, columns.start);
        for x in &pass.x[start..start + columns.len()] {
            let z = pass.before(x);
            let value = pass.activation.apply(z);
            for i in 0..LANES {
                let wins = value.0[i] > most.0[i];
                most.0[i] = if wins { value.0[i] } else { most.0[i] };
                found.place[i] = if wins { index } else { found.place[i] };
                found.before.0[i] = if wins { z.0[i] } else { found.before.0[i] };
                found.x.0[i] = if wins { x.0[i] } else { found.x.0[i] };
            }
            index += 1;
        }
    }
    found
}

struct BackPass<'a> {
    forward: Pass<'a>,
    mean: Lane,
    inverse: Lane,
    /// Derivative by the maxima.
    gradient: &'a [Lane],
    from: Shape,
}

/// The sums of the derivative by the normalised values, and of it times them.
#[inline(always)]
fn sums_body(pass: &BackPass<'_>) -> Moments {
    let f = &pass.forward;
    let mut total = [[0.0; LANES]; 2];
    for y in 0..pass.from.height {
        let (mut sum, mut product) = ([0.0f32; LANES], [0.0f32; LANES]);
        for column in 0..pass.from.width {
            let (rows, columns) = (
                f.pool.window(y, f.shape.height),
                f.pool.window(column, f.shape.width),
            );
            let found = winners(f, rows, columns);
            let slope = f.activation.slope(found.before);
            let g = pass.gradient[pass.from.at(y, column)];
            for i in 0..LANES {
                let g = g.0[i] * slope.0[i];
                sum[i] += g;
                product[i] += g * (found.x.0[i] - pass.mean.0[i]) * pass.inverse.0[i];
            }
        }
        for i in 0..LANES {
            total[0][i] += f64::from(sum[i]);
            total[1][i] += f64::from(product[i]);
        }
    }
    total
}
dispatch!(fn sums_plane = sums_body(pass: &BackPass<'_>) -> Moments);

/// The derivative by x: `x` and `constant` of a line for every value, and the winners' share of the derivative.
#[inline(always)]
fn back_body(pass: &BackPass<'_>, line: &super::Line, to: Shape, out: &mut [Lane]) {
    let f = &pass.forward;
    let mut begun = 0;
    for y in 0..=pass.from.height {
        // Rows up to the end of this window, or all that no window reaches.
        let rows = if y < pass.from.height {
            f.pool.window(y, f.shape.height)
        } else {
            0..f.shape.height
        };
        while begun < rows.end {
            let x = &f.x[f.shape.at(begun, 0)..][..f.shape.width];
            let out = &mut out[to.at(begun, 0)..][..f.shape.width];
            for (out, x) in out.iter_mut().zip(x) {
                for i in 0..LANES {
                    out.0[i] = line.x.0[i] * x.0[i] + line.constant.0[i];
                }
            }
            begun += 1;
        }
        if y == pass.from.height {
            break;
        }
        for column in 0..pass.from.width {
            let columns = f.pool.window(column, f.shape.width);
            let found = winners(f, rows.clone(), columns.clone());
            let slope = f.activation.slope(found.before);
            let mut share = pass.gradient[pass.from.at(y, column)];
            for i in 0..LANES {
                share.0[i] *= slope.0[i] * line.g.0[i];
            }
            let mut index = 0;
            for row in rows.clone() {
                let start = to.at(row, columns.start);
                for out in &mut out[start..start + columns.len()] {
                    for i in 0..LANES {
                        let wins = found.place[i] == index;
                        out.0[i] += if wins { share.0[i] } else { 0.0 };
                    }
                    index += 1;
                }
            }
        }
    }
}
dispatch!(fn back_plane = back_body(pass: &BackPass<'_>, line: &super::Line, to: Shape, out: &mut [Lane]));

/// As [`super::gradient`] for [`apply_pooled`]: derivatives by gamma and beta, given the one by the maxima; the derivative
/// by x is written to `by_x`.
///
/// # Panics
/// When images or channels differ, a window lies outside, or something was added.
#[must_use]
pub fn gradient_pooled(
    of: Normalised<'_>,
    pool: MaxPool,
    gradient: &Blocked,
    by_x: &mut Blocked,
) -> (Vec<f32>, Vec<f32>) {
    let (shape, from, to) = (of.x.shape(), gradient.shape(), by_x.shape());
    alike(shape, from);
    super::same(shape, to);
    assert!(of.add.is_none(), "a sum before a pool");
    let blocks = shape.blocks();
    let [scale, shift] = folded(of.gamma, of.beta, of.mean, of.inverse);
    let pass = |index: usize| {
        let (image, block) = (index / blocks, index % blocks);
        BackPass {
            forward: Pass {
                pool,
                activation: of.activation,
                scale: scale[block],
                shift: shift[block],
                shape,
                x: of.x.plane(image, block),
            },
            mean: of.mean[block],
            inverse: of.inverse[block],
            gradient: gradient.plane(image, block),
            from,
        }
    };
    let sums: Vec<Moments> = (0..shape.images * blocks)
        .into_par_iter()
        .map(|index| sums_plane(&pass(index)))
        .collect();
    let (gamma, beta) = sums_of_planes(shape, &sums);
    let (mean_g, mean_gx) = (in_blocks(&beta), in_blocks(&gamma));
    let lines: Vec<super::Line> = (0..blocks)
        .map(|block| super::Line::of(&of, scale[block], block, mean_g[block], mean_gx[block]))
        .collect();
    let planes = by_x.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        back_plane(&pass(index), &lines[index % blocks], to, out);
    });
    (gamma, beta)
}

fn alike(a: Shape, b: Shape) {
    let facts = |s: Shape| (s.images, s.channels);
    assert_eq!(facts(a), facts(b), "images and channels");
}
