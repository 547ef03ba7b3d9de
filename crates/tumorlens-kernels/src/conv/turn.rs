//! Sixteen rows of weights turned into vectors over the rows.

use crate::{LANES, Lane};

/// Column by column: `vectors[place]` becomes the column for which `places` gives that place.
///
/// # Panics
/// When rows are not of one length, or a place lies beyond the vectors.
pub(super) fn turn(
    rows: [&[f32]; LANES],
    places: impl Iterator<Item = usize>,
    vectors: &mut [Lane],
) {
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "rows");
    #[cfg(target_arch = "x86_64")]
    if matches!(crate::Isa::best(), crate::Isa::Avx2 | crate::Isa::Avx512) {
        // SAFETY: the processor has AVX2, and rows are of one length.
        unsafe { by_eight::turn(rows, places, vectors) };
        return;
    }
    plain(rows, 0, places, vectors);
}

/// From a column on, one at a time.
#[inline(always)]
fn plain(
    rows: [&[f32]; LANES],
    first: usize,
    places: impl Iterator<Item = usize>,
    vectors: &mut [Lane],
) {
    for (column, place) in (first..rows[0].len()).zip(places) {
        vectors[place] = Lane(std::array::from_fn(|row| rows[row][column]));
    }
}

#[cfg(target_arch = "x86_64")]
mod by_eight {
    use super::{LANES, Lane, plain};
    use std::arch::x86_64::*;

    const EIGHT: usize = LANES / 2;

    /// As [`super::turn`].
    ///
    /// # Safety
    /// The processor must have AVX2; the rows must be of one length.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn turn(
        rows: [&[f32]; LANES],
        mut places: impl Iterator<Item = usize>,
        vectors: &mut [Lane],
    ) {
        let whole = rows[0].len() / EIGHT * EIGHT;
        for first in (0..whole).step_by(EIGHT) {
            // SAFETY: every row has eight numbers from there on.
            let half = |half: usize| unsafe {
                square(std::array::from_fn(|row| {
                    _mm256_loadu_ps(rows[half * EIGHT + row].as_ptr().add(first))
                }))
            };
            let (low, high) = (half(0), half(1));
            for (column, place) in (0..EIGHT).zip(&mut places) {
                let to = vectors[place].0.as_mut_ptr();
                // SAFETY: a vector has room for both halves.
                unsafe {
                    _mm256_storeu_ps(to, low[column]);
                    _mm256_storeu_ps(to.add(EIGHT), high[column]);
                }
            }
        }
        plain(rows, whole, places, vectors);
    }

    /// Eight vectors of eight numbers, rows to columns.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn square(rows: [__m256; EIGHT]) -> [__m256; EIGHT] {
        let zero = _mm256_setzero_ps();
        let (mut twos, mut fours, mut out) = ([zero; EIGHT], [zero; EIGHT], [zero; EIGHT]);
        for i in 0..4 {
            twos[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
            twos[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
        }
        // Half h of fours[4 i + c] holds rows 4 i to 4 i + 3 of column 4 h + c.
        for i in 0..2 {
            let two = &twos[4 * i..4 * i + 4];
            fours[4 * i] = _mm256_shuffle_ps::<0x44>(two[0], two[2]);
            fours[4 * i + 1] = _mm256_shuffle_ps::<0xee>(two[0], two[2]);
            fours[4 * i + 2] = _mm256_shuffle_ps::<0x44>(two[1], two[3]);
            fours[4 * i + 3] = _mm256_shuffle_ps::<0xee>(two[1], two[3]);
        }
        for c in 0..4 {
            out[c] = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
            out[4 + c] = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_any_number_come_to_their_places() {
        for length in [0, 1, 7, 8, 9, 16, 25, 144] {
            let number = |row: usize, column: usize| (row * 1000 + column) as f32;
            let rows: Vec<Vec<f32>> = (0..LANES)
                .map(|row| (0..length).map(|column| number(row, column)).collect())
                .collect();
            let mut vectors = vec![Lane::ZERO; length + 1];
            let backwards = (1..=length).rev();
            turn(
                std::array::from_fn(|row| rows[row].as_slice()),
                backwards,
                &mut vectors,
            );
            assert_eq!(vectors[0], Lane::ZERO);
            for (column, vector) in vectors.iter().skip(1).rev().enumerate() {
                let wanted = Lane(std::array::from_fn(|row| number(row, column)));
                assert_eq!(*vector, wanted, "{length} columns");
            }
        }
    }
}
