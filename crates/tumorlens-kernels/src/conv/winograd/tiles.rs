//! Tiles of planes to transformed points and back.

use super::{POINTS, lines};
use crate::isa::on_lanes;
use crate::lanes::Lanes;
use crate::{Blocked, LANES, Lane, Shape};
use std::ops::Range;

/// Side of a tile of outputs.
pub(super) const SIDE: usize = 4;
/// Side of a tile of inputs.
const REACH: usize = 6;

/// How tiles cover the outputs; tiles of all images are counted row by row, image after image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    rows: usize,
    columns: usize,
}

impl Tiling {
    pub(super) fn of(output: Shape) -> Self {
        Self {
            rows: output.height.div_ceil(SIDE),
            columns: output.width.div_ceil(SIDE),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Tiles of an image.
    pub(super) fn count(&self) -> usize {
        self.rows * self.columns
    }

    /// Image, and first row and column of its outputs.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let within = tile % self.count();
        (
            tile / self.count(),
            within / self.columns * SIDE,
            within % self.columns * SIDE,
        )
    }
}

/// A one-dimensional transform of `A` numbers to `B`.
trait Line<const A: usize, const B: usize> {
    /// # Safety
    /// The processor must have the instruction set.
    unsafe fn line<L: Lanes>(from: [L; A]) -> [L; B];
}

/// A grid of vectors in memory; distances in numbers.
struct Grid<P> {
    first: P,
    row: usize,
    column: usize,
}

type From = Grid<*const f32>;
type To = Grid<*mut f32>;

/// Columns, then rows, of a tile. No closures: code in them would not be compiled for the instruction set.
#[inline(always)]
unsafe fn both<L: Lanes, T: Line<A, B>, const A: usize, const B: usize>(from: &From, to: &To) {
    // SAFETY: the caller vouches for the instruction set and for both grids.
    unsafe {
        let mut columns = [[L::zero(); A]; B];
        for x in 0..A {
            let mut column = [L::zero(); A];
            for (y, value) in column.iter_mut().enumerate() {
                *value = L::load(from.first.add(y * from.row + x * from.column));
            }
            for (row, value) in columns.iter_mut().zip(T::line(column)) {
                row[x] = value;
            }
        }
        for (y, row) in columns.into_iter().enumerate() {
            for (x, value) in T::line(row).into_iter().enumerate() {
                value.store(to.first.add(y * to.row + x * to.column));
            }
        }
    }
}

/// Defines a transform of tiles from one of lines.
macro_rules! transform {
    ($name:ident, $body:ident, $line:ident, $f:path, $a:literal, $b:literal) => {
        struct $line;
        impl Line<$a, $b> for $line {
            #[inline(always)]
            unsafe fn line<L: Lanes>(from: [L; $a]) -> [L; $b] {
                // SAFETY: the caller's.
                unsafe { $f(from) }
            }
        }
        #[inline(always)]
        unsafe fn $body<L: Lanes>(from: &From, to: &To) {
            // SAFETY: the caller's.
            unsafe { both::<L, $line, $a, $b>(from, to) }
        }
        on_lanes!(unsafe fn $name = $body(from: &From, to: &To));
    };
}
transform!(input_tile, input_body, Input, lines::input, 6, 6);
transform!(
    gradient_tile,
    gradient_body,
    Adjoint,
    lines::output_adjoint,
    4,
    6
);
transform!(output_tile, output_body, Output, lines::output, 6, 4);
transform!(filter_tile, filter_body, Filter, lines::filter, 3, 6);
transform!(back_tile, back_body, Back, lines::filter_adjoint, 6, 3);

/// A tile whose pixels lie side by side, rows `row` numbers apart.
fn pixels<P>(first: P, row: usize) -> Grid<P> {
    Grid {
        first,
        row,
        column: LANES,
    }
}

/// 36 points, `stride` vectors apart.
fn points_at<P>(first: P, stride: usize) -> Grid<P> {
    Grid {
        first,
        row: REACH * stride * LANES,
        column: stride * LANES,
    }
}

/// Nine taps to 36 points, `stride` vectors apart.
pub(super) fn filter(taps: &[Lane; 9], points: &mut [Lane], stride: usize) {
    assert!(points.len() > (POINTS - 1) * stride);
    // SAFETY: nine vectors are read; the last of 36 points lies within the slice.
    unsafe {
        filter_tile(
            &pixels(taps.as_ptr().cast(), 3 * LANES),
            &points_at(points.as_mut_ptr().cast(), stride),
        );
    }
}

/// 36 points, `stride` vectors apart, to nine taps: the adjoint of [`filter`].
pub(super) fn filter_adjoint(points: &[Lane], stride: usize) -> [Lane; 9] {
    assert!(points.len() > (POINTS - 1) * stride);
    let mut taps = [Lane::ZERO; 9];
    // SAFETY: the last of 36 points lies within the slice; nine vectors are written.
    unsafe {
        back_tile(
            &points_at(points.as_ptr().cast(), stride),
            &pixels(taps.as_mut_ptr().cast(), 3 * LANES),
        );
    }
    taps
}

/// A block of inputs of some tiles to points, `[point][tile]`, points `stride` vectors apart. A tile begins `edge` pixels
/// inside the border.
pub(super) fn input(
    input: &Blocked,
    block: usize,
    edge: usize,
    tiling: Tiling,
    tiles: Range<usize>,
    points: &mut [Lane],
    stride: usize,
) {
    let shape = input.shape();
    let rows = shape.height + 2 * shape.border;
    for (index, tile) in tiles.enumerate() {
        let (image, y, x) = tiling.place(tile);
        let corner = [y + edge, x + edge];
        let sides = [rows, shape.row()];
        let plane = input.plane(image, block);
        let points = &mut points[index..];
        assert!(points.len() > (POINTS - 1) * stride);
        with_tile::<REACH, { REACH * REACH }>(plane, sides, corner, |from, row| {
            // SAFETY: `with_tile` gives a whole tile; the last of 36 points lies within the slice.
            unsafe {
                input_tile(
                    &pixels(from, row),
                    &points_at(points.as_mut_ptr().cast(), stride),
                );
            }
        });
    }
}

/// A block of gradients of outputs of some tiles to points, as [`input`].
pub(super) fn gradient(
    gradient: &Blocked,
    block: usize,
    tiling: Tiling,
    tiles: Range<usize>,
    points: &mut [Lane],
    stride: usize,
) {
    let shape = gradient.shape();
    for (index, tile) in tiles.enumerate() {
        let (image, y, x) = tiling.place(tile);
        let corner = [y + shape.border, x + shape.border];
        // What lies outside the outputs, in the border, is zero or nobody's.
        let sides = [shape.height + shape.border, shape.width + shape.border];
        let plane = gradient.plane(image, block);
        let points = &mut points[index..];
        assert!(points.len() > (POINTS - 1) * stride);
        with_rows::<SIDE, { SIDE * SIDE }>(plane, shape.row(), sides, corner, |from, row| {
            // SAFETY: `with_rows` gives a whole tile; the last of 36 points lies within the slice.
            unsafe {
                gradient_tile(
                    &pixels(from, row),
                    &points_at(points.as_mut_ptr().cast(), stride),
                );
            }
        });
    }
}

/// Calls `f` with a tile of `N` rows of `N` vectors: where it lies if it is inside the plane, else a copy with zeros for
/// what is outside. `f` gets the first number, and the numbers from row to row.
#[inline]
fn with_tile<const N: usize, const ALL: usize>(
    plane: &[Lane],
    sides: [usize; 2],
    corner: [usize; 2],
    f: impl FnOnce(*const f32, usize),
) {
    with_rows::<N, ALL>(plane, sides[1], sides, corner, f);
}

/// As [`with_tile`] for rows that are longer than what counts of them.
#[inline]
fn with_rows<const N: usize, const ALL: usize>(
    plane: &[Lane],
    row: usize,
    [height, width]: [usize; 2],
    [y, x]: [usize; 2],
    f: impl FnOnce(*const f32, usize),
) {
    if y + N <= height && x + N <= width {
        let tile = &plane[y * row + x..(y + N - 1) * row + x + N];
        f(tile.as_ptr().cast(), row * LANES);
        return;
    }
    let mut copy = [Lane::ZERO; ALL];
    let columns = width.saturating_sub(x).min(N);
    for (index, copy) in copy.chunks_exact_mut(N).enumerate() {
        if y + index < height {
            let start = (y + index) * row + x;
            copy[..columns].copy_from_slice(&plane[start..start + columns]);
        }
    }
    f(copy.as_ptr().cast(), N * LANES);
}

/// Products of some tiles of one image, and the plane that they become a part of.
pub(super) struct Scatter<'a> {
    /// `[point][tile]`.
    pub(super) products: &'a [Lane],
    /// Vectors from point to point.
    pub(super) stride: usize,
    pub(super) tiling: Tiling,
    /// First tile, within the image.
    pub(super) first: usize,
    pub(super) tiles: usize,
    pub(super) to: Shape,
    pub(super) bias: Option<&'a Lane>,
    /// Whether what the plane holds is added.
    pub(super) add: bool,
    /// Pixels of the plane before those of `plane`.
    pub(super) skipped: usize,
    /// A plane, or some rows of it.
    pub(super) plane: &'a mut [Lane],
}

/// Transforms back and writes.
pub(super) fn output(of: &mut Scatter<'_>) {
    assert!(of.tiles == 0 || of.products.len() >= (POINTS - 1) * of.stride + of.tiles);
    let bias = of.bias.copied().unwrap_or(Lane::ZERO);
    for index in 0..of.tiles {
        let (_, y, x) = of.tiling.place(of.first + index);
        let mut tile = [Lane::ZERO; SIDE * SIDE];
        // SAFETY: the last of 36 points lies within the slice; sixteen vectors are written.
        unsafe {
            output_tile(
                &points_at(of.products[index..].as_ptr().cast(), of.stride),
                &pixels(tile.as_mut_ptr().cast(), SIDE * LANES),
            );
        }
        let rows = (of.to.height - y).min(SIDE);
        let columns = (of.to.width - x).min(SIDE);
        for (row, tile) in tile.chunks_exact(SIDE).take(rows).enumerate() {
            let start = of.to.at(y + row, x) - of.skipped;
            let out = &mut of.plane[start..start + columns];
            write(out, tile, &bias, of.add);
        }
    }
}

#[inline(always)]
fn write_body(out: &mut [Lane], tile: &[Lane], bias: &Lane, add: bool) {
    for (out, tile) in out.iter_mut().zip(tile) {
        let before = if add { *out } else { *bias };
        for i in 0..LANES {
            out.0[i] = tile.0[i] + before.0[i];
        }
    }
}
crate::isa::dispatch!(fn write = write_body(out: &mut [Lane], tile: &[Lane], bias: &Lane, add: bool));
