//! Element by element: sums and non-linearities of whole batches.

use crate::blocked::each_plane;
use crate::isa::dispatch;
use crate::norm::same;
use crate::{Activation, Blocked, LANES, Lane, Pixel, Shape};

#[inline(always)]
fn add_body<P: Pixel>(from: Shape, x: &[P], to: Shape, out: &mut [P]) {
    for y in 0..from.height {
        let x = &x[from.at(y, 0)..][..from.width];
        for (out, x) in out[to.at(y, 0)..][..to.width].iter_mut().zip(x) {
            let mut parts = [Lane::ZERO; 2];
            for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                let (old, x) = (out.part(part), x.part(part));
                for i in 0..LANES {
                    z.0[i] = old.0[i] + x.0[i];
                }
            }
            *out = P::of_parts(parts);
        }
    }
}
dispatch!(fn add_plane<P> = add_body(from: Shape, x: &[P], to: Shape, out: &mut [P]));

/// `out += x`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn add<P: Pixel>(x: &Blocked<P>, out: &mut Blocked<P>) {
    each(x, out, add_plane);
}

#[inline(always)]
fn copy_body<P: Pixel>(from: Shape, x: &[P], to: Shape, out: &mut [P]) {
    for y in 0..from.height {
        out[to.at(y, 0)..][..to.width].copy_from_slice(&x[from.at(y, 0)..][..from.width]);
    }
}

/// `out = x`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn copy<P: Pixel>(x: &Blocked<P>, out: &mut Blocked<P>) {
    each(x, out, copy_body);
}

#[inline(always)]
fn activate_body<P: Pixel>(which: Activation, from: Shape, x: &[P], to: Shape, out: &mut [P]) {
    for y in 0..from.height {
        let x = &x[from.at(y, 0)..][..from.width];
        for (out, x) in out[to.at(y, 0)..][..to.width].iter_mut().zip(x) {
            let mut parts = [Lane::ZERO; 2];
            for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                *z = which.apply(x.part(part));
            }
            *out = P::of_parts(parts);
        }
    }
}
dispatch!(fn activate_plane<P> = activate_body(which: Activation, from: Shape, x: &[P], to: Shape, out: &mut [P]));

/// `out = activation(x)`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn activate<P: Pixel>(which: Activation, x: &Blocked<P>, out: &mut Blocked<P>) {
    each(x, out, |from, x, to, out| {
        activate_plane(which, from, x, to, out);
    });
}

#[inline(always)]
fn slope_body<P: Pixel>(which: Activation, from: Shape, x: &[P], to: Shape, gradient: &mut [P]) {
    for y in 0..from.height {
        let x = &x[from.at(y, 0)..][..from.width];
        for (g, x) in gradient[to.at(y, 0)..][..to.width].iter_mut().zip(x) {
            let mut parts = [Lane::ZERO; 2];
            for (part, z) in parts.iter_mut().enumerate().take(P::PARTS) {
                let (slope, g) = (which.slope(x.part(part)), g.part(part));
                for i in 0..LANES {
                    z.0[i] = g.0[i] * slope.0[i];
                }
            }
            *g = P::of_parts(parts);
        }
    }
}
dispatch!(fn slope_plane<P> = slope_body(which: Activation, from: Shape, x: &[P], to: Shape, gradient: &mut [P]));

/// Turns the derivative by the activation's result into the one by its input `x`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn activate_gradient<P: Pixel>(which: Activation, x: &Blocked<P>, gradient: &mut Blocked<P>) {
    each(x, gradient, |from, x, to, g| {
        slope_plane(which, from, x, to, g);
    });
}

#[inline(always)]
fn scale_body<P: Pixel>(factors: &[f32], shape: Shape, channels: usize, plane: &mut [P]) {
    let area = shape.height * shape.width;
    for (channel, factors) in factors.chunks_exact(area).enumerate().take(channels) {
        for (y, factors) in factors.chunks_exact(shape.width).enumerate() {
            for (v, f) in plane[shape.at(y, 0)..].iter_mut().zip(factors) {
                v.set(channel, v.get(channel) * f);
            }
        }
    }
}

/// Multiplies by `[image, channel, row, column]`.
///
/// # Panics
/// When the number of factors is not that of the values.
pub fn scale<P: Pixel>(factors: &[f32], values: &mut Blocked<P>) {
    let (shape, blocks) = (values.shape(), values.blocks());
    let area = shape.height * shape.width;
    let count = shape.images * shape.channels * area;
    assert_eq!(factors.len(), count, "factors of {shape:?}");
    each_plane(values.values_mut(), shape.plane(), |index, plane| {
        let (image, first) = (index / blocks, index % blocks * P::CHANNELS);
        let channels = P::CHANNELS.min(shape.channels - first);
        let factors = &factors[(image * shape.channels + first) * area..];
        scale_body(factors, shape, channels, plane);
    });
}

/// `out = x`, stored otherwise.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn convert<P: Pixel, Q: Pixel>(x: &Blocked<P>, out: &mut Blocked<Q>) {
    let (from, to) = (x.shape(), out.shape());
    same(from, to);
    let blocks = out.blocks();
    each_plane(out.values_mut(), to.plane(), |index, out| {
        let (image, first) = (index / blocks, index % blocks * Q::CHANNELS);
        for channel in (0..Q::CHANNELS.min(from.channels - first)).step_by(LANES) {
            let block = (first + channel) / P::CHANNELS;
            let of = (first + channel) % P::CHANNELS;
            convert_plane(from, x.plane(image, block), of, to, out, channel);
        }
    });
}

/// [`LANES`] channels, from `of` on, to those from `channel` on.
fn convert_plane<P: Pixel, Q: Pixel>(
    from: Shape,
    x: &[P],
    of: usize,
    to: Shape,
    out: &mut [Q],
    channel: usize,
) {
    for y in 0..from.height {
        let x = &x[from.at(y, 0)..][..from.width];
        for (out, x) in out[to.at(y, 0)..][..to.width].iter_mut().zip(x) {
            for i in 0..LANES {
                out.set(channel + i, x.get(of + i));
            }
        }
    }
}

fn each<P: Pixel>(
    x: &Blocked<P>,
    out: &mut Blocked<P>,
    f: impl Fn(Shape, &[P], Shape, &mut [P]) + Sync,
) {
    let (from, to) = (x.shape(), out.shape());
    same(from, to);
    let plane = from.plane();
    each_plane(out.values_mut(), to.plane(), |index, out| {
        f(
            from,
            &x.values()[index * plane..(index + 1) * plane],
            to,
            out,
        );
    });
}
