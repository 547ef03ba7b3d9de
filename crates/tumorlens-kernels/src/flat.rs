//! Flat values: what an optimiser does with parameters, value by value.

use crate::isa::dispatch;
use rayon::prelude::*;

/// Values that one thread takes at a time; part of the definition of [`sum_of_squares`].
const PART: usize = 1 << 15;

/// Constants of a step of AdamW, of which every value's step is
/// `first += new_first (g - first)`, `second = second old_second + new_second g g`,
/// `value = value keep - scale first / (sqrt(second) / correction + epsilon)` (Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug)]
pub struct AdamW {
    /// Share of the gradient in its running mean.
    pub new_first: f32,
    /// Share that stays of the running mean of squares.
    pub old_second: f32,
    /// Share of the squared gradient in its running mean.
    pub new_second: f32,
    /// What is left of a value after its decay.
    pub keep: f32,
    /// Learning rate over the correction of the first mean.
    pub scale: f32,
    /// Square root of the correction of the second mean.
    pub correction: f32,
    /// Added to the root.
    pub epsilon: f32,
}

#[inline(always)]
fn adam_w_body(
    of: &AdamW,
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let moments = first.iter_mut().zip(second);
    for ((value, g), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
        *first += of.new_first * (g - *first);
        *second = *second * of.old_second + of.new_second * g * g;
        *value =
            *value * of.keep - of.scale * *first / (second.sqrt() / of.correction + of.epsilon);
    }
}
dispatch!(fn adam_w_part = adam_w_body(
    of: &AdamW, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32],
));

/// One step; all four are of one length.
pub fn adam_w(
    of: &AdamW,
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let parts = values
        .par_chunks_mut(PART)
        .zip(gradient.par_chunks(PART))
        .zip(first.par_chunks_mut(PART).zip(second.par_chunks_mut(PART)));
    parts.for_each(|((values, gradient), (first, second))| {
        adam_w_part(of, values, gradient, first, second);
    });
}

#[inline(always)]
fn squares_body(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; 16];
    let whole = values.chunks_exact(16);
    let rest = whole.remainder();
    for values in whole {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    let rest: f64 = rest.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    sums.iter().sum::<f64>() + rest
}
dispatch!(fn squares_part = squares_body(values: &[f32]) -> f64);

/// Sum of squares in double precision, in one order.
#[must_use]
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let parts: Vec<f64> = values.par_chunks(PART).map(squares_part).collect();
    parts.into_iter().sum()
}

#[inline(always)]
fn scale_body(factor: f32, values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value *= factor);
}
dispatch!(fn scale_part = scale_body(factor: f32, values: &mut [f32]));

/// Multiplies all.
pub fn scale(factor: f32, values: &mut [f32]) {
    values
        .par_chunks_mut(PART)
        .for_each(|part| scale_part(factor, part));
}
