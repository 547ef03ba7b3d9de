//! What this processor can do at most: products of all threads at once, and bytes copied.

use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;
use tumorlens_kernels::Isa;

/// Independent chains of multiply and add: more than are under way at once, no more than there are registers.
const CHAINS: usize = 12;

/// Products of so many rounds on one thread, with sixteen numbers to a vector.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(rounds: usize) -> usize {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    let (factor, term) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(1e-3));
    let mut sums = [_mm512_set1_ps(1.0); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, term);
        }
    }
    black_box(sums);
    rounds * CHAINS * 16
}

/// The same with eight.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(rounds: usize) -> usize {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    let (factor, term) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(1e-3));
    let mut sums = [_mm256_set1_ps(1.0); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, term);
        }
    }
    black_box(sums);
    rounds * CHAINS * 8
}

/// The same with four, which the compiler may or may not see; multiplied, rounded, then added as the kernels do.
fn portable(rounds: usize) -> usize {
    let (factor, term) = (black_box([0.999_f32; 4]), black_box([1e-3_f32; 4]));
    let mut sums = [[1.0f32; 4]; CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = std::array::from_fn(|i| sum[i] * factor[i] + term[i]);
        }
    }
    black_box(sums);
    rounds * CHAINS * 4
}

fn one_thread(rounds: usize) -> usize {
    match Isa::best() {
        // SAFETY: `best` answers with an instruction set that this processor has.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(rounds) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(rounds) },
        _ => portable(rounds),
    }
}

/// The best of a second: products (multiply and add) each second, all threads together.
pub(crate) fn products() -> f64 {
    let start = Instant::now();
    let mut best = 0.0f64;
    while start.elapsed().as_secs_f64() < 1.0 {
        let round = Instant::now();
        let done: usize = rayon::broadcast(|_| one_thread(1 << 20)).into_iter().sum();
        best = best.max(done as f64 / round.elapsed().as_secs_f64());
    }
    best
}

/// The best of half a second: bytes read and written each second by copies of 64 MiB, all threads together.
pub(crate) fn bytes() -> f64 {
    let from = vec![1.0f32; 1 << 24];
    let mut to = vec![0.0f32; 1 << 24];
    let start = Instant::now();
    let mut best = 0.0f64;
    while start.elapsed().as_secs_f64() < 0.5 {
        let round = Instant::now();
        let parts = to.par_chunks_mut(1 << 18).zip(from.par_chunks(1 << 18));
        parts.for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&mut to);
        best = best.max(2.0 * size_of_val(&*from) as f64 / round.elapsed().as_secs_f64());
    }
    best
}
