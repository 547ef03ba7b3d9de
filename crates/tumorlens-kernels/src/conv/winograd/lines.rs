//! The one-dimensional transforms of F(4, 3): four outputs of a filter of three taps from six inputs (Lavin and Gray
//! 2016, arXiv:1509.09308, section 4.3). Each is applied to the columns of a tile and then to its rows.
//!
//! The points of interpolation are 0, the square roots of 1/2 and 2 with both signs, and infinity. They are as good as
//! inverse to each other, so that numbers grow less on the way than with 1 and 2: a third of the rounding.

use crate::lanes::Lanes;
use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// The smaller point, and its powers.
const A: [f32; 4] = [1.0, FRAC_1_SQRT_2, 0.5, 0.5 * FRAC_1_SQRT_2];
/// The larger point, and its powers.
const B: [f32; 4] = [1.0, SQRT_2, 2.0, 2.0 * SQRT_2];
/// What filters are divided by at each point: the product of its distances to the others.
const OF_A: f32 = -1.0 / 1.5;
const OF_B: f32 = 1.0 / 6.0;

/// A number in every lane.
#[inline(always)]
unsafe fn number<L: Lanes>(value: f32) -> L {
    // SAFETY: the caller vouches for the instruction set; the reference is to one number.
    unsafe { L::splat(&value) }
}

/// Product.
#[inline(always)]
unsafe fn times<L: Lanes>(factor: f32, value: L) -> L {
    // SAFETY: the caller vouches for the instruction set.
    unsafe { L::zero().add_product(number(factor), value) }
}

/// `x + factor y`.
#[inline(always)]
unsafe fn plus<L: Lanes>(x: L, factor: f32, y: L) -> L {
    // SAFETY: the caller vouches for the instruction set.
    unsafe { x.add_product(number(factor), y) }
}

/// Six inputs of a tile: `B^T d`.
#[inline(always)]
pub(super) unsafe fn input<L: Lanes>(d: [L; 6]) -> [L; 6] {
    // SAFETY: the caller vouches for the instruction set.
    unsafe {
        let (even_a, odd_a) = (plus(d[4], -B[2], d[2]), plus(d[3], -B[2], d[1]));
        let (even_b, odd_b) = (plus(d[4], -A[2], d[2]), plus(d[3], -A[2], d[1]));
        [
            plus(d[0].plus(d[4]), -A[2] - B[2], d[2]),
            plus(even_a, A[1], odd_a),
            plus(even_a, -A[1], odd_a),
            plus(even_b, B[1], odd_b),
            plus(even_b, -B[1], odd_b),
            plus(d[1].plus(d[5]), -A[2] - B[2], d[3]),
        ]
    }
}

/// Three taps of a filter: `G g`.
#[inline(always)]
pub(super) unsafe fn filter<L: Lanes>(g: [L; 3]) -> [L; 6] {
    // SAFETY: the caller vouches for the instruction set.
    unsafe {
        let even_a = times(OF_A, plus(g[0], A[2], g[2]));
        let even_b = times(OF_B, plus(g[0], B[2], g[2]));
        [
            g[0],
            plus(even_a, OF_A * A[1], g[1]),
            plus(even_a, -OF_A * A[1], g[1]),
            plus(even_b, OF_B * B[1], g[1]),
            plus(even_b, -OF_B * B[1], g[1]),
            g[2],
        ]
    }
}

/// Six products to four outputs: `A^T m`.
#[inline(always)]
pub(super) unsafe fn output<L: Lanes>(m: [L; 6]) -> [L; 4] {
    // SAFETY: the caller vouches for the instruction set.
    unsafe {
        let (sum_a, difference_a) = (m[1].plus(m[2]), m[1].minus(m[2]));
        let (sum_b, difference_b) = (m[3].plus(m[4]), m[3].minus(m[4]));
        [
            m[0].plus(sum_a).plus(sum_b),
            plus(times(A[1], difference_a), B[1], difference_b),
            plus(times(A[2], sum_a), B[2], sum_b),
            plus(plus(m[5], A[3], difference_a), B[3], difference_b),
        ]
    }
}

/// The adjoint of [`output`]: `A y`.
#[inline(always)]
pub(super) unsafe fn output_adjoint<L: Lanes>(y: [L; 4]) -> [L; 6] {
    // SAFETY: the caller vouches for the instruction set.
    unsafe {
        let even_a = plus(y[0], A[2], y[2]);
        let odd_a = plus(times(A[1], y[1]), A[3], y[3]);
        let even_b = plus(y[0], B[2], y[2]);
        let odd_b = plus(times(B[1], y[1]), B[3], y[3]);
        [
            y[0],
            even_a.plus(odd_a),
            even_a.minus(odd_a),
            even_b.plus(odd_b),
            even_b.minus(odd_b),
            y[3],
        ]
    }
}

/// The adjoint of [`filter`]: `G^T u`.
#[inline(always)]
pub(super) unsafe fn filter_adjoint<L: Lanes>(u: [L; 6]) -> [L; 3] {
    // SAFETY: the caller vouches for the instruction set.
    unsafe {
        let (sum_a, difference_a) = (u[1].plus(u[2]), u[1].minus(u[2]));
        let (sum_b, difference_b) = (u[3].plus(u[4]), u[3].minus(u[4]));
        [
            plus(plus(u[0], OF_A, sum_a), OF_B, sum_b),
            plus(times(OF_A * A[1], difference_a), OF_B * B[1], difference_b),
            plus(plus(u[5], OF_A * A[2], sum_a), OF_B * B[2], sum_b),
        ]
    }
}
