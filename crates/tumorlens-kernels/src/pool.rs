//! Pooling and upsampling, plane by plane.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over the lanes of several arrays at once are what the compiler turns into vectors"
)]

use crate::blocked::each_plane;
use crate::isa::dispatch;
use crate::{Blocked, LANES, Lane, Pixel, Shape};
use std::ops::Range;

/// Geometry of a maximum over square windows; padding never wins, and what is not a number always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Side of the window.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Padding.
    pub padding: usize,
}

impl MaxPool {
    /// Pixels of a window along one axis.
    #[inline(always)]
    pub(crate) fn window(&self, at: usize, side: usize) -> Range<usize> {
        let start = at * self.stride;
        let low = start.saturating_sub(self.padding);
        low..(start + self.kernel).saturating_sub(self.padding).min(side)
    }

    /// Whether windows are 2x2, side by side, and all whole in a map of this shape.
    pub(crate) fn halves(&self, shape: Shape) -> bool {
        let whole = shape.height.is_multiple_of(2) && shape.width.is_multiple_of(2);
        (self.kernel, self.stride, self.padding) == (2, 2, 0) && whole
    }

    /// Panics unless every window sees a pixel.
    pub(crate) fn check(&self, from: Shape, to: Shape) {
        alike(from, to);
        for (side, outputs) in [(from.height, to.height), (from.width, to.width)] {
            let seen = |at: usize| !self.window(at, side).is_empty();
            assert!(
                outputs == 0 || seen(0) && seen(outputs - 1),
                "{self:?} of {from:?} to {to:?}"
            );
        }
    }
}

/// Runs `f` on every plane of `out` with its image and block.
fn planes<P: Pixel>(out: &mut Blocked<P>, f: impl Fn(usize, usize, &mut [P]) + Sync) {
    let (shape, blocks) = (out.shape(), out.blocks());
    each_plane(out.values_mut(), shape.plane(), |index, plane| {
        f(index / blocks, index % blocks, plane);
    });
}

/// Panics unless images and channels are the same.
pub(crate) fn alike(a: Shape, b: Shape) {
    let facts = |s: Shape| (s.images, s.channels);
    assert_eq!(facts(a), facts(b), "images and channels");
}

/// Rows of a plane's pixels: the batch's shape, the first row, and the pixels from that row's border on.
pub(crate) type Rows<'a, P> = (Shape, usize, &'a [P]);

#[inline(always)]
fn max_body<P: Pixel>(
    pool: MaxPool,
    (from, first, x): Rows<'_, P>,
    to: Shape,
    rows_out: Range<usize>,
    out: &mut [P],
) {
    for (y, out) in rows_out.zip(out.chunks_mut(to.row())) {
        let rows = pool.window(y, from.height);
        let rows = rows.start - first..rows.end - first;
        for column in 0..to.width {
            let columns = pool.window(column, from.width);
            let mut most = [Lane([f32::NEG_INFINITY; LANES]); 2];
            for row in rows.clone() {
                let start = row * from.row() + from.border;
                for pixel in &x[start + columns.start..start + columns.end] {
                    for (part, most) in most.iter_mut().enumerate().take(P::PARTS) {
                        let lane = pixel.part(part);
                        for i in 0..LANES {
                            let wins = lane.0[i] > most.0[i] || lane.0[i].is_nan();
                            most.0[i] = if wins { lane.0[i] } else { most.0[i] };
                        }
                    }
                }
            }
            out[to.border + column] = P::of_parts(most);
        }
    }
}
dispatch! {
    /// The largest values of the windows of some rows; `out` is those rows, border and all. All that the windows see must
    /// be among the rows given.
    pub(crate) fn max_rows<P> = max_body(
        pool: MaxPool, x: Rows<'_, P>, to: Shape, rows_out: Range<usize>, out: &mut [P],
    )
}

fn max_plane<P: Pixel>(pool: MaxPool, from: Shape, x: &[P], to: Shape, out: &mut [P]) {
    let inner = |shape: Shape| shape.border * shape.row();
    let x = (from, 0, &x[inner(from)..]);
    max_rows(pool, x, to, 0..to.height, &mut out[inner(to)..]);
}

/// The largest value of every window.
///
/// # Panics
/// When images or channels differ, or a window lies outside.
pub fn max<P: Pixel>(pool: MaxPool, x: &Blocked<P>, out: &mut Blocked<P>) {
    let (from, to) = (x.shape(), out.shape());
    pool.check(from, to);
    planes(out, |image, block, out| {
        max_plane(pool, from, x.plane(image, block), to, out);
    });
}

/// As [`max`], for one plane of a batch of shape `from` and one of a batch of shape `to`.
///
/// # Panics
/// When images or channels differ, a window sees no pixel, or a plane is another's.
pub fn max_of_plane<P: Pixel>(pool: MaxPool, from: Shape, x: &[P], to: Shape, out: &mut [P]) {
    pool.check(from, to);
    assert!(x.len() == from.plane() && out.len() == to.plane(), "planes");
    max_plane(pool, from, x, to, out);
}

#[inline(always)]
fn max_gradient_body<P: Pixel>(
    pool: MaxPool,
    from: Shape,
    x: &[P],
    to: Shape,
    g: &[P],
    by_x: &mut [P],
    of: Shape,
) {
    for y in 0..to.height {
        let rows = pool.window(y, from.height);
        for column in 0..to.width {
            let columns = pool.window(column, from.width);
            for part in 0..P::PARTS {
                let mut most = Lane([f32::NEG_INFINITY; LANES]);
                let mut place = [0u32; LANES];
                let mut index = 0;
                for row in rows.clone() {
                    for pixel in &x[from.at(row, columns.start)..from.at(row, columns.end)] {
                        let lane = pixel.part(part);
                        for i in 0..LANES {
                            let wins = lane.0[i] > most.0[i];
                            most.0[i] = if wins { lane.0[i] } else { most.0[i] };
                            place[i] = if wins { index } else { place[i] };
                        }
                        index += 1;
                    }
                }
                let gradient = g[to.at(y, column)].part(part);
                let mut index = 0;
                for row in rows.clone() {
                    for pixel in &mut by_x[of.at(row, columns.start)..of.at(row, columns.end)] {
                        let mut lane = pixel.part(part);
                        for i in 0..LANES {
                            let wins = place[i] == index;
                            lane.0[i] += if wins { gradient.0[i] } else { 0.0 };
                        }
                        pixel.set_part(part, lane);
                        index += 1;
                    }
                }
            }
        }
    }
}
dispatch!(fn max_gradient_plane<P> = max_gradient_body(
    pool: MaxPool, from: Shape, x: &[P], to: Shape, g: &[P], by_x: &mut [P], of: Shape,
));

/// Adds to `by_x` the derivative by the input: all of it to the first of the largest values of each window.
///
/// # Panics
/// When images or channels differ, or a window lies outside.
pub fn max_gradient<P: Pixel>(
    pool: MaxPool,
    x: &Blocked<P>,
    gradient: &Blocked<P>,
    by_x: &mut Blocked<P>,
) {
    let (from, to, of) = (x.shape(), gradient.shape(), by_x.shape());
    pool.check(from, to);
    crate::norm::same(from, of);
    planes(by_x, |image, block, out| {
        let (x, g) = (x.plane(image, block), gradient.plane(image, block));
        max_gradient_plane(pool, from, x, to, g, out, of);
    });
}

/// Rows (or columns) of a cell of an adaptive mean, as PyTorch's adaptive_avg_pool2d.
fn cell(at: usize, cells: usize, side: usize) -> Range<usize> {
    at * side / cells..((at + 1) * side).div_ceil(cells)
}

/// The mean of every cell of a grid; `out` has the grid's size.
///
/// # Panics
/// When images or channels differ.
pub fn mean<P: Pixel>(x: &Blocked<P>, out: &mut Blocked<P>) {
    let (from, to) = (x.shape(), out.shape());
    alike(from, to);
    planes(out, |image, block, out| {
        let x = x.plane(image, block);
        for (y, column) in cells(to) {
            let rows = cell(y, to.height, from.height);
            let columns = cell(column, to.width, from.width);
            let share = 1.0 / (rows.len() * columns.len()) as f32;
            for part in 0..P::PARTS {
                let mut sum = Lane::ZERO;
                for row in rows.clone() {
                    for pixel in &x[from.at(row, columns.start)..from.at(row, columns.end)] {
                        let lane = pixel.part(part);
                        for i in 0..LANES {
                            sum.0[i] += lane.0[i];
                        }
                    }
                }
                for v in &mut sum.0 {
                    *v *= share;
                }
                out[to.at(y, column)].set_part(part, sum);
            }
        }
    });
}

/// Adds to `by_x` the derivative by the input of [`mean`].
///
/// # Panics
/// When images or channels differ.
pub fn mean_gradient<P: Pixel>(gradient: &Blocked<P>, by_x: &mut Blocked<P>) {
    let (to, of) = (gradient.shape(), by_x.shape());
    alike(to, of);
    planes(by_x, |image, block, out| {
        let g = gradient.plane(image, block);
        for (y, column) in cells(to) {
            let rows = cell(y, to.height, of.height);
            let columns = cell(column, to.width, of.width);
            let share = 1.0 / (rows.len() * columns.len()) as f32;
            let g = g[to.at(y, column)];
            for row in rows {
                for pixel in &mut out[of.at(row, columns.start)..of.at(row, columns.end)] {
                    for part in 0..P::PARTS {
                        let (mut lane, g) = (pixel.part(part), g.part(part));
                        for i in 0..LANES {
                            lane.0[i] += share * g.0[i];
                        }
                        pixel.set_part(part, lane);
                    }
                }
            }
        }
    });
}

fn cells(shape: Shape) -> impl Iterator<Item = (usize, usize)> {
    (0..shape.height).flat_map(move |y| (0..shape.width).map(move |x| (y, x)))
}

/// For every output position the lower input position, the upper one and the upper one's share: bilinear with
/// half-pixel centres, the border repeated, as PyTorch's interpolate without align_corners.
#[inline(always)]
fn between(from: usize, to: usize) -> impl Iterator<Item = (usize, usize, f32)> {
    let ratio = from as f64 / to as f64;
    (0..to).map(move |output| {
        let position = ((output as f64 + 0.5) * ratio - 0.5).max(0.0);
        let low = (position as usize).min(from - 1);
        let share = (position - low as f64) as f32;
        (low, (low + 1).min(from - 1), share)
    })
}

/// Bilinear resize to the size of `out`.
///
/// # Panics
/// When images or channels differ.
pub fn upsample<P: Pixel>(x: &Blocked<P>, out: &mut Blocked<P>) {
    let (from, to) = (x.shape(), out.shape());
    alike(from, to);
    planes(out, |image, block, out| {
        let x = x.plane(image, block);
        for (y, (top, bottom, v)) in between(from.height, to.height).enumerate() {
            for (column, (left, right, u)) in between(from.width, to.width).enumerate() {
                let corners = [
                    (x[from.at(top, left)], (1.0 - v) * (1.0 - u)),
                    (x[from.at(top, right)], (1.0 - v) * u),
                    (x[from.at(bottom, left)], v * (1.0 - u)),
                    (x[from.at(bottom, right)], v * u),
                ];
                let mut sums = [Lane::ZERO; 2];
                for (pixel, share) in &corners {
                    for (part, sum) in sums.iter_mut().enumerate().take(P::PARTS) {
                        let lane = pixel.part(part);
                        for i in 0..LANES {
                            sum.0[i] += share * lane.0[i];
                        }
                    }
                }
                out[to.at(y, column)] = P::of_parts(sums);
            }
        }
    });
}

/// Adds to `by_x` the derivative by the input of [`upsample`].
///
/// # Panics
/// When images or channels differ.
pub fn upsample_gradient<P: Pixel>(gradient: &Blocked<P>, by_x: &mut Blocked<P>) {
    let (to, of) = (gradient.shape(), by_x.shape());
    alike(to, of);
    planes(by_x, |image, block, out| {
        let g = gradient.plane(image, block);
        for (y, (top, bottom, v)) in between(of.height, to.height).enumerate() {
            for (column, (left, right, u)) in between(of.width, to.width).enumerate() {
                let g = g[to.at(y, column)];
                let corners = [
                    (of.at(top, left), (1.0 - v) * (1.0 - u)),
                    (of.at(top, right), (1.0 - v) * u),
                    (of.at(bottom, left), v * (1.0 - u)),
                    (of.at(bottom, right), v * u),
                ];
                for (at, share) in corners {
                    for part in 0..P::PARTS {
                        let (mut lane, g) = (out[at].part(part), g.part(part));
                        for i in 0..LANES {
                            lane.0[i] += share * g.0[i];
                        }
                        out[at].set_part(part, lane);
                    }
                }
            }
        }
    });
}
