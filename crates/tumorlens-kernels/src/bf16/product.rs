//! The product that all convolutions are made of: rows of pixels (or channels) times 32 columns.

use crate::LANES;
use crate::isa::dispatch;

/// Columns of a product, which are the channels of a block.
pub(super) const COLUMNS: usize = 2 * LANES;
/// Numbers of one row that a step takes.
pub(super) const DEPTH: usize = 32;
/// Rows of a tile at most.
pub(super) const ROWS: usize = 16;
/// Numbers of the right-hand side that a step takes: `[pair of depths][column][2]`.
pub(super) const STEP: usize = DEPTH * COLUMNS;

/// The sums of a product, `[tile][row][column]`; a tile has room for [`ROWS`] rows.
#[repr(C, align(64))]
pub(super) struct Sums(pub(super) [[[f32; COLUMNS]; ROWS]; 2]);

impl Sums {
    pub(super) const ZERO: Self = Self([[[0.0; COLUMNS]; ROWS]; 2]);

    pub(super) fn add(&mut self, more: &Self) {
        let more = more.0.as_flattened().as_flattened();
        for (sum, more) in self
            .0
            .as_flattened_mut()
            .as_flattened_mut()
            .iter_mut()
            .zip(more)
        {
            *sum += more;
        }
    }
}

/// `sums[tile][row][column] = (sum over steps and depths) left[tile + step + row][depth] right[step][depth][column]`.
pub(super) struct Product<'a> {
    /// Where the rows of each tile begin; the second is null where there is one tile.
    pub(super) left: [*const u8; 2],
    /// Bytes from one row to the next.
    pub(super) row: usize,
    /// Bytes from the beginning of a tile to where each step reads it.
    pub(super) steps: &'a [usize],
    /// [`STEP`] numbers for each step.
    pub(super) right: *const u16,
    /// One or two tiles of sums.
    pub(super) sums: *mut Sums,
    /// Whether the sums are added to.
    pub(super) more: bool,
}

impl Product<'_> {
    /// Tiles of rows.
    #[inline(always)]
    pub(super) fn tiles(&self) -> usize {
        if self.left[1].is_null() { 1 } else { 2 }
    }
}

#[inline(always)]
fn widened_body(left: &[u16], right: &[u16], sums: &mut [f32; COLUMNS]) {
    for (pair, right) in left.chunks_exact(2).zip(right.chunks_exact(2 * COLUMNS)) {
        let (a, b) = (super::widen(pair[0]), super::widen(pair[1]));
        for (sum, pair) in sums.iter_mut().zip(right.chunks_exact(2)) {
            *sum += a * super::widen(pair[0]);
            *sum += b * super::widen(pair[1]);
        }
    }
}
dispatch!(fn widened = widened_body(left: &[u16], right: &[u16], sums: &mut [f32; COLUMNS]));

/// A product by widened numbers.
///
/// # Safety
/// The left side must be readable for the rows of each tile and for all steps, 64 bytes each; the right side for all steps;
/// the sums be writable.
pub(super) unsafe fn run(of: &Product<'_>, rows: usize) {
    for tile in 0..of.tiles() {
        for row in 0..rows {
            // SAFETY: the caller's; numbers of 16 bits are read one by one, wherever they lie.
            unsafe {
                let sums = &mut (*of.sums).0[tile][row];
                if !of.more {
                    *sums = [0.0; COLUMNS];
                }
                for (index, step) in of.steps.iter().enumerate() {
                    let left = of.left[tile].add(row * of.row + step);
                    let left = left.cast::<[u16; DEPTH]>().read_unaligned();
                    let right = std::slice::from_raw_parts(of.right.add(index * STEP), STEP);
                    widened(&left, right, sums);
                }
            }
        }
    }
}
