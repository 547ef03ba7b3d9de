//! Pixels of 32 channels turned into rows of one channel, and into pairs of pixels.

use super::Bf16x32;
use super::product::COLUMNS;

/// A matrix that several threads write to, each its own columns.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    first: *mut u16,
    /// Numbers of all rows.
    length: usize,
    /// Numbers of a row.
    row: usize,
}

// SAFETY: a pointer to numbers that outlive it; who writes vouches for columns of its own.
unsafe impl Send for Matrix {}
// SAFETY: as above.
unsafe impl Sync for Matrix {}

impl Matrix {
    /// Of rows of `row` numbers each.
    pub(super) fn new(values: &mut [u16], row: usize) -> Self {
        Self {
            first: values.as_mut_ptr(),
            length: values.len(),
            row,
        }
    }

    /// Where a row has its column `column`, with room for `count` numbers from there on.
    ///
    /// # Safety
    /// The values that the matrix was made of are alive, and these places nobody else uses.
    unsafe fn place(&self, row: usize, column: usize, count: usize) -> *mut u16 {
        let at = row * self.row + column;
        assert!(
            column + count <= self.row && at + count <= self.length,
            "columns of a matrix"
        );
        // SAFETY: it lies within the values.
        unsafe { self.first.add(at) }
    }

    /// Writes a part of a row.
    ///
    /// # Safety
    /// As for [`Matrix::transpose`].
    pub(super) unsafe fn write(&self, row: usize, column: usize, values: &[u16]) {
        // SAFETY: the place has room and is the caller's alone.
        unsafe {
            let to = self.place(row, column, values.len());
            to.copy_from_nonoverlapping(values.as_ptr(), values.len());
        }
    }

    /// Writes pixels as columns, from `column` of 32 rows from `row` on.
    ///
    /// # Safety
    /// The values that the matrix was made of are alive, and nobody else uses the places written to meanwhile.
    pub(super) unsafe fn transpose(&self, row: usize, column: usize, pixels: &[Bf16x32]) {
        for (index, pixels) in pixels.chunks(COLUMNS).enumerate() {
            let column = column + index * COLUMNS;
            #[cfg(target_arch = "x86_64")]
            if crate::Isa::best() == crate::Isa::Avx512 {
                // SAFETY: the processor has AVX-512; the last row's place has room, and with it that of the others.
                unsafe {
                    self.place(row + COLUMNS - 1, column, pixels.len());
                    let to = self.place(row, column, pixels.len());
                    vectors::transpose(pixels, to, self.row);
                }
                continue;
            }
            for channel in 0..COLUMNS {
                let mut line = [0; COLUMNS];
                for (to, pixel) in line.iter_mut().zip(pixels) {
                    *to = pixel.numbers()[channel];
                }
                // SAFETY: the caller's.
                unsafe { self.write(row + channel, column, &line[..pixels.len()]) };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    use super::{Bf16x32, COLUMNS};
    use std::arch::x86_64::*;

    /// At most 32 pixels to columns of 32 rows `row` numbers apart.
    ///
    /// # Safety
    /// The processor must have AVX-512 (F, BW); each row must have room for the pixels.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn transpose(pixels: &[Bf16x32], to: *mut u16, row: usize) {
        let mask = u32::MAX >> (COLUMNS - pixels.len().clamp(1, COLUMNS));
        let zero = _mm512_setzero_si512();
        let (mut low, mut high) = ([zero; 16], [zero; 16]);
        for (pair, pixels) in pixels.chunks(2).enumerate() {
            // SAFETY: a pixel is 64 bytes.
            let load =
                |pixel: &Bf16x32| unsafe { _mm512_loadu_si512(pixel.numbers().as_ptr().cast()) };
            let first = load(&pixels[0]);
            let second = pixels.get(1).map_or(zero, load);
            low[pair] = _mm512_unpacklo_epi16(first, second);
            high[pair] = _mm512_unpackhi_epi16(first, second);
        }
        // Of every eight channels the first four pairs are in `low`, the others in `high`.
        for (half, pairs) in [low, high].into_iter().enumerate() {
            for (index, line) in turn(pairs).into_iter().enumerate() {
                let channel = index / 4 * 8 + half * 4 + index % 4;
                // SAFETY: the caller vouches for room in every row.
                unsafe { _mm512_mask_storeu_epi16(to.add(channel * row).cast(), mask, line) };
            }
        }
    }

    /// Sixteen vectors of sixteen pairs, rows to columns.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn turn(rows: [__m512i; 16]) -> [__m512i; 16] {
        let zero = _mm512_setzero_si512();
        let (mut twos, mut fours, mut out) = ([zero; 16], [zero; 16], [zero; 16]);
        for i in 0..8 {
            twos[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
            twos[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
        }
        for i in 0..4 {
            let two = &twos[4 * i..4 * i + 4];
            fours[4 * i] = _mm512_unpacklo_epi64(two[0], two[2]);
            fours[4 * i + 1] = _mm512_unpackhi_epi64(two[0], two[2]);
            fours[4 * i + 2] = _mm512_unpacklo_epi64(two[1], two[3]);
            fours[4 * i + 3] = _mm512_unpackhi_epi64(two[1], two[3]);
        }
        // Quarter q of fours[4 i + c] holds rows 4 i to 4 i + 3 of column 4 q + c.
        for c in 0..4 {
            let even = _mm512_shuffle_i32x4::<0x88>(fours[c], fours[4 + c]);
            let odd = _mm512_shuffle_i32x4::<0xdd>(fours[c], fours[4 + c]);
            let even_more = _mm512_shuffle_i32x4::<0x88>(fours[8 + c], fours[12 + c]);
            let odd_more = _mm512_shuffle_i32x4::<0xdd>(fours[8 + c], fours[12 + c]);
            out[c] = _mm512_shuffle_i32x4::<0x88>(even, even_more);
            out[8 + c] = _mm512_shuffle_i32x4::<0xdd>(even, even_more);
            out[4 + c] = _mm512_shuffle_i32x4::<0x88>(odd, odd_more);
            out[12 + c] = _mm512_shuffle_i32x4::<0xdd>(odd, odd_more);
        }
        out
    }
}
