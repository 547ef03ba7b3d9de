//! Normalisation, non-linearity and maximum over windows in one pass: what only the pool reads is never written down, and
//! going back it is computed anew from the values before the normalisation.

use super::{
    Line, Lines, Moments, NOTHING, Normalised, PARTS, add_row, folded, of_block, sums_of_planes,
};
use crate::isa::on_lanes;
use crate::lanes::Lanes;
use crate::pool::{MaxPool, alike};
use crate::{Activation, Blocked, LANES, Lane, Pixel, Shape};
use rayon::prelude::*;

/// One plane.
struct Pass<'a, P> {
    pool: MaxPool,
    activation: Activation,
    scale: [Lane; PARTS],
    shift: [Lane; PARTS],
    shape: Shape,
    x: &'a [P],
}

impl<P: Pixel> Pass<'_, P> {
    /// Panics unless every window of `outputs` lies within the plane.
    fn check(&self, outputs: Shape) {
        assert!(self.x.len() == self.shape.plane());
        assert!(self.activation.never_falls(), "{:?}", self.activation);
        self.pool.check(self.shape, outputs);
    }
}

/// The first of the largest values of a window: its place in the window, what it was before the non-linearity, and before
/// the normalisation.
#[derive(Clone, Copy)]
struct Winner<L> {
    place: L,
    before: L,
    x: L,
}

/// The winner of a window. `K` is the side of windows that are all whole, or 0.
#[inline(always)]
unsafe fn winner<L: Lanes, P: Pixel, const K: usize>(
    pass: &Pass<'_, P>,
    part: usize,
    y: usize,
    column: usize,
) -> Winner<L> {
    // SAFETY: the caller checked that windows lie within the plane.
    unsafe {
        let scale = L::load(pass.scale[part].0.as_ptr());
        let shift = L::load(pass.shift[part].0.as_ptr());
        let mut found = Winner {
            place: L::zero(),
            before: L::splat(&f32::NEG_INFINITY),
            x: L::zero(),
        };
        let (rows, columns) = if K > 0 {
            (y * K..y * K + K, column * K..column * K + K)
        } else {
            (
                pass.pool.window(y, pass.shape.height),
                pass.pool.window(column, pass.shape.width),
            )
        };
        let mut index = 0.0f32;
        for row in rows {
            for column in columns.clone() {
                let pixel = &*pass.x.as_ptr().add(pass.shape.at(row, column));
                let x = L::load(pixel.part(part).0.as_ptr());
                let z = shift.add_product(x, scale);
                found.place = L::unless_at_most(z, found.before, L::splat(&index), found.place);
                found.x = L::unless_at_most(z, found.before, x, found.x);
                found.before = L::unless_at_most(z, found.before, z, found.before);
                index += 1.0;
            }
        }
        found
    }
}

#[inline(always)]
unsafe fn lane<L: Lanes>(value: L) -> Lane {
    let mut lane = Lane::ZERO;
    // SAFETY: sixteen numbers are written.
    unsafe { value.store(lane.0.as_mut_ptr()) };
    lane
}

#[inline(always)]
unsafe fn apply_windows<L: Lanes, P: Pixel, const K: usize>(
    pass: &Pass<'_, P>,
    to: Shape,
    out: &mut [P],
) {
    for y in 0..to.height {
        for column in 0..to.width {
            let mut parts = [Lane::ZERO; PARTS];
            for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                // SAFETY: the caller's.
                let most = unsafe { lane(winner::<L, P, K>(pass, part, y, column).before) };
                *z = pass.activation.apply(most);
            }
            out[to.at(y, column)] = P::of_parts(parts);
        }
    }
}

#[inline(always)]
unsafe fn apply_body<L: Lanes, P: Pixel>(pass: &Pass<'_, P>, to: Shape, out: &mut [P]) {
    // SAFETY: the caller's.
    unsafe {
        if pass.pool.halves(pass.shape) {
            apply_windows::<L, P, 2>(pass, to, out);
        } else {
            apply_windows::<L, P, 0>(pass, to, out);
        }
    }
}
on_lanes!(unsafe fn apply_plane<P> = apply_body(pass: &Pass<'_, P>, to: Shape, out: &mut [P]));

/// `out = max over windows of activation(scale x + shift)`, scale and shift a value a channel in blocks.
///
/// # Panics
/// When images or channels differ, a window lies outside, or the non-linearity is one that falls.
pub fn apply_pooled<P: Pixel>(
    x: &Blocked<P>,
    [scale, shift]: [&[Lane]; 2],
    activation: Activation,
    pool: MaxPool,
    out: &mut Blocked<P>,
) {
    let (shape, to) = (x.shape(), out.shape());
    alike(shape, to);
    let (blocks, lanes) = (x.blocks(), shape.blocks());
    assert!(scale.len() == lanes && shift.len() == lanes, "channels");
    let planes = out.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        let (image, block) = (index / blocks, index % blocks);
        let pass = Pass {
            pool,
            activation,
            scale: of_block::<P>(scale, block),
            shift: of_block::<P>(shift, block),
            shape,
            x: x.plane(image, block),
        };
        pass.check(to);
        // SAFETY: windows were checked to lie within the plane.
        unsafe { apply_plane(&pass, to, out) };
    });
}

struct BackPass<'a, P> {
    forward: Pass<'a, P>,
    mean: [Lane; PARTS],
    inverse: [Lane; PARTS],
    /// Derivative by the maxima.
    gradient: &'a [P],
    from: Shape,
}

/// The sums of the derivative by the normalised values, and of it times them.
#[inline(always)]
unsafe fn sum_windows<L: Lanes, P: Pixel, const K: usize>(
    pass: &BackPass<'_, P>,
    total: &mut Moments,
) {
    let f = &pass.forward;
    for y in 0..pass.from.height {
        let mut sums = [[[0.0f32; LANES]; 2]; PARTS];
        for column in 0..pass.from.width {
            for (part, [sum, product]) in sums.iter_mut().enumerate().take(P::PARTS) {
                let (mean, inverse) = (&pass.mean[part], &pass.inverse[part]);
                // SAFETY: the caller's.
                let (before, x) = unsafe {
                    let found = winner::<L, P, K>(f, part, y, column);
                    (lane(found.before), lane(found.x))
                };
                let slope = f.activation.slope(before);
                let g = pass.gradient[pass.from.at(y, column)].part(part);
                for i in 0..LANES {
                    let g = g.0[i] * slope.0[i];
                    sum[i] += g;
                    product[i] += g * (x.0[i] - mean.0[i]) * inverse.0[i];
                }
            }
        }
        add_row::<P>(total, &sums);
    }
}

#[inline(always)]
unsafe fn sums_body<L: Lanes, P: Pixel>(pass: &BackPass<'_, P>, total: &mut Moments) {
    // SAFETY: the caller's.
    unsafe {
        if pass.forward.pool.halves(pass.forward.shape) {
            sum_windows::<L, P, 2>(pass, total);
        } else {
            sum_windows::<L, P, 0>(pass, total);
        }
    }
}
on_lanes!(unsafe fn sums_plane<P> = sums_body(pass: &BackPass<'_, P>, total: &mut Moments));

/// The derivative by x: `x` and `constant` of a line for every value, and the winners' share of the derivative.
#[inline(always)]
unsafe fn back_windows<L: Lanes, P: Pixel, const K: usize>(
    pass: &BackPass<'_, P>,
    lines: &[Line; PARTS],
    to: Shape,
    out: &mut [P],
) {
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
                let mut parts = [Lane::ZERO; PARTS];
                for (part, (line, z)) in lines.iter().zip(&mut parts).enumerate().take(P::PARTS) {
                    let x = x.part(part);
                    for i in 0..LANES {
                        z.0[i] = line.x.0[i] * x.0[i] + line.constant.0[i];
                    }
                }
                *out = P::of_parts(parts);
            }
            begun += 1;
        }
        if y == pass.from.height {
            break;
        }
        for column in 0..pass.from.width {
            let columns = f.pool.window(column, f.shape.width);
            for (part, line) in lines.iter().enumerate().take(P::PARTS) {
                // SAFETY: the caller's.
                let (before, place) = unsafe {
                    let found = winner::<L, P, K>(f, part, y, column);
                    (lane(found.before), lane(found.place))
                };
                let slope = f.activation.slope(before);
                let mut share = pass.gradient[pass.from.at(y, column)].part(part);
                for i in 0..LANES {
                    share.0[i] *= slope.0[i] * line.g.0[i];
                }
                let mut index = 0.0f32;
                for row in rows.clone() {
                    let start = to.at(row, columns.start);
                    for out in &mut out[start..start + columns.len()] {
                        let mut z = out.part(part);
                        for i in 0..LANES {
                            let wins = (place.0[i] - index).abs() < 0.5;
                            z.0[i] += if wins { share.0[i] } else { 0.0 };
                        }
                        out.set_part(part, z);
                        index += 1.0;
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn back_body<L: Lanes, P: Pixel>(
    pass: &BackPass<'_, P>,
    lines: &[Line; PARTS],
    to: Shape,
    out: &mut [P],
) {
    // SAFETY: the caller's.
    unsafe {
        if pass.forward.pool.halves(pass.forward.shape) {
            back_windows::<L, P, 2>(pass, lines, to, out);
        } else {
            back_windows::<L, P, 0>(pass, lines, to, out);
        }
    }
}
on_lanes!(unsafe fn back_plane<P> = back_body(pass: &BackPass<'_, P>, lines: &[Line; PARTS], to: Shape, out: &mut [P]));

/// As [`super::gradient`] for [`apply_pooled`]: derivatives by gamma and beta, given the one by the maxima; the derivative
/// by x is written to `by_x`.
///
/// # Panics
/// When images or channels differ, a window lies outside, the non-linearity is one that falls, or something was added.
#[must_use]
pub fn gradient_pooled<P: Pixel>(
    of: Normalised<'_, P>,
    pool: MaxPool,
    gradient: &Blocked<P>,
    by_x: &mut Blocked<P>,
) -> (Vec<f32>, Vec<f32>) {
    let (shape, from, to) = (of.x.shape(), gradient.shape(), by_x.shape());
    alike(shape, from);
    super::same(shape, to);
    assert!(of.add.is_none(), "a sum before a pool");
    let blocks = of.x.blocks();
    let [scale, shift] = folded(of.gamma, of.beta, of.mean, of.inverse);
    let pass = |index: usize| {
        let (image, block) = (index / blocks, index % blocks);
        BackPass {
            forward: Pass {
                pool,
                activation: of.activation,
                scale: of_block::<P>(&scale, block),
                shift: of_block::<P>(&shift, block),
                shape,
                x: of.x.plane(image, block),
            },
            mean: of_block::<P>(of.mean, block),
            inverse: of_block::<P>(of.inverse, block),
            gradient: gradient.plane(image, block),
            from,
        }
    };
    let sums: Vec<Moments> = (0..shape.images * blocks)
        .into_par_iter()
        .map(|index| {
            let (pass, mut total) = (pass(index), NOTHING);
            pass.forward.check(from);
            // SAFETY: windows were checked to lie within the plane.
            unsafe { sums_plane(&pass, &mut total) };
            total
        })
        .collect();
    let (gamma, beta) = sums_of_planes::<P>(shape, &sums);
    let lines = Lines::new(&of, &scale, [&beta, &gamma]);
    let planes = by_x.values_mut().par_chunks_mut(to.plane().max(1));
    planes.enumerate().for_each(|(index, out)| {
        let pass = pass(index);
        pass.forward.check(from);
        // SAFETY: windows were checked to lie within the plane.
        unsafe { back_plane(&pass, &lines.of_block::<P>(index % blocks), to, out) };
    });
    (gamma, beta)
}
