//! Element by element: sums and non-linearities of whole batches.

use crate::blocked::each_plane;
use crate::isa::dispatch;
use crate::norm::same;
use crate::{Activation, Blocked, LANES, Lane, Shape};

#[inline(always)]
fn add_body(from: Shape, x: &[Lane], to: Shape, out: &mut [Lane]) {
    for y in 0..from.height {
        let x = &x[from.at(y, 0)..][..from.width];
        for (out, x) in out[to.at(y, 0)..][..to.width].iter_mut().zip(x) {
            for i in 0..LANES {
                out.0[i] += x.0[i];
            }
        }
    }
}
dispatch!(fn add_plane = add_body(from: Shape, x: &[Lane], to: Shape, out: &mut [Lane]));

/// `out += x`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn add(x: &Blocked, out: &mut Blocked) {
    each(x, out, add_plane);
}

#[inline(always)]
fn copy_body(from: Shape, x: &[Lane], to: Shape, out: &mut [Lane]) {
    for y in 0..from.height {
        out[to.at(y, 0)..][..to.width].copy_from_slice(&x[from.at(y, 0)..][..from.width]);
    }
}

/// `out = x`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn copy(x: &Blocked, out: &mut Blocked) {
    each(x, out, copy_body);
}

#[inline(always)]
fn activate_body(which: Activation, from: Shape, x: &[Lane], to: Shape, out: &mut [Lane]) {
    for y in 0..from.height {
        let x = &x[from.at(y, 0)..][..from.width];
        for (out, x) in out[to.at(y, 0)..][..to.width].iter_mut().zip(x) {
            *out = which.apply(*x);
        }
    }
}
dispatch!(fn activate_plane = activate_body(which: Activation, from: Shape, x: &[Lane], to: Shape, out: &mut [Lane]));

/// `out = activation(x)`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn activate(which: Activation, x: &Blocked, out: &mut Blocked) {
    each(x, out, |from, x, to, out| {
        activate_plane(which, from, x, to, out);
    });
}

#[inline(always)]
fn slope_body(which: Activation, from: Shape, x: &[Lane], to: Shape, gradient: &mut [Lane]) {
    for y in 0..from.height {
        let x = &x[from.at(y, 0)..][..from.width];
        for (g, x) in gradient[to.at(y, 0)..][..to.width].iter_mut().zip(x) {
            let slope = which.slope(*x);
            for i in 0..LANES {
                g.0[i] *= slope.0[i];
            }
        }
    }
}
dispatch!(fn slope_plane = slope_body(which: Activation, from: Shape, x: &[Lane], to: Shape, gradient: &mut [Lane]));

/// Turns the derivative by the activation's result into the one by its input `x`.
///
/// # Panics
/// When shapes differ in more than their borders.
pub fn activate_gradient(which: Activation, x: &Blocked, gradient: &mut Blocked) {
    each(x, gradient, |from, x, to, g| {
        slope_plane(which, from, x, to, g);
    });
}

#[inline(always)]
fn scale_body(factors: &[Lane], shape: Shape, plane: &mut [Lane]) {
    for y in 0..shape.height {
        let factors = &factors[y * shape.width..][..shape.width];
        for (v, f) in plane[shape.at(y, 0)..][..shape.width]
            .iter_mut()
            .zip(factors)
        {
            for i in 0..LANES {
                v.0[i] *= f.0[i];
            }
        }
    }
}

/// Multiplies by `[image, channel, row, column]`.
///
/// # Panics
/// When the number of factors is not that of the values.
pub fn scale(factors: &[f32], values: &mut Blocked) {
    let shape = values.shape();
    let open = Shape { border: 0, ..shape };
    let factors = Blocked::from_planar(factors, open);
    let area = open.plane();
    each_plane(values.values_mut(), shape.plane(), |index, plane| {
        scale_body(
            &factors.values()[index * area..(index + 1) * area],
            shape,
            plane,
        );
    });
}

fn each(x: &Blocked, out: &mut Blocked, f: impl Fn(Shape, &[Lane], Shape, &mut [Lane]) + Sync) {
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
