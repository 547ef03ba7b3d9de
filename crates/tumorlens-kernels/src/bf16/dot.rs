//! Dot products of pairs in vectors (AVX512_BF16): on processors without a matrix unit.

use super::product::{DEPTH, Product, STEP};
use crate::LANES;
use std::arch::x86_64::*;

/// A product.
///
/// # Safety
/// The processor must have AVX-512 with BF16; memory as `product::run` asks.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) unsafe fn run(of: &Product<'_>, rows: usize) {
    for tile in 0..of.tiles() {
        let mut row = 0;
        while row < rows {
            // SAFETY: the caller's; so many rows are left.
            row += unsafe {
                match rows - row {
                    8.. => group::<8>(of, tile, row),
                    4.. => group::<4>(of, tile, row),
                    2.. => group::<2>(of, tile, row),
                    _ => group::<1>(of, tile, row),
                }
            };
        }
    }
}

/// So many rows of a tile.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn group<const N: usize>(of: &Product<'_>, tile: usize, row: usize) -> usize {
    // SAFETY: all rows of the tile, steps and sums are there, for which the caller vouches.
    unsafe {
        let places = (*of.sums).0[tile].as_mut_ptr().add(row);
        let mut sums = [[_mm512_setzero_ps(); 2]; N];
        if of.more {
            for (n, sums) in sums.iter_mut().enumerate() {
                for (half, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm512_loadu_ps(places.add(n).cast::<f32>().add(half * LANES));
                }
            }
        }
        let mut right = of.right;
        for step in of.steps {
            let left = of.left[tile].add(row * of.row + step);
            for pair in 0..DEPTH / 2 {
                let from = right.add(pair * 64);
                let columns = [
                    as_pairs(_mm512_loadu_si512(from.cast())),
                    as_pairs(_mm512_loadu_si512(from.add(32).cast())),
                ];
                for (n, sums) in sums.iter_mut().enumerate() {
                    let value = left.add(n * of.row + pair * 4).cast::<i32>();
                    let value = as_pairs(_mm512_set1_epi32(value.read_unaligned()));
                    sums[0] = _mm512_dpbf16_ps(sums[0], value, columns[0]);
                    sums[1] = _mm512_dpbf16_ps(sums[1], value, columns[1]);
                }
            }
            right = right.add(STEP);
        }
        for (n, sums) in sums.iter().enumerate() {
            for (half, sum) in sums.iter().enumerate() {
                _mm512_storeu_ps(places.add(n).cast::<f32>().add(half * LANES), *sum);
            }
        }
    }
    N
}

/// The same bits as numbers of 16 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn as_pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes of plain bits.
    unsafe { std::mem::transmute(bits) }
}

/// Sums side by side: more than the latency of a product on two units asks for.
const SUMS: usize = 12;

/// Products of registers alone; gives their operations.
///
/// # Safety
/// The processor must have AVX-512 with BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) unsafe fn chains(turns: usize) -> usize {
    let value = std::hint::black_box([0u16; 2 * LANES]);
    // SAFETY: the array is 64 bytes.
    let value = as_pairs(unsafe { _mm512_loadu_si512(value.as_ptr().cast()) });
    let mut sums = [_mm512_setzero_ps(); SUMS];
    for _ in 0..turns {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, value, value);
        }
    }
    std::hint::black_box(sums);
    turns * SUMS * LANES * 4
}
