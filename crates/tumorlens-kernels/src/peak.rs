//! What the processor can do at most: multiply-adds on registers, and values that stream from memory and back. The two
//! roofs of a roofline (Williams, Waterman and Patterson 2009).
//!
//! Both are the best of many short rounds, so that other work on the machine lowers them least.

use crate::isa::dispatch;
use crate::lanes::Lanes;
use crate::{Isa, LANES, Lane};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Multiply-adds of one sum in a round: a quarter of a millisecond or so.
const ROUND: usize = 1 << 17;
/// What a step adds of a sum to it.
const DECAY: f32 = -1.0 / ROUND as f32;

/// Operations a second (a multiply-add is two) of all threads of the current pool together on the instruction set in use
/// ([`Isa::best`]), none of them waiting for memory; each thread's best round within about `time`. Threads that have no
/// core of their own do not count.
#[must_use]
pub fn multiply_add_peak(time: Duration) -> f64 {
    best_of_rounds(time, multiply_add)
}

/// As [`multiply_add_peak`], of products of numbers of 16 bits summed in single precision, on the unit in use
/// ([`crate::bf16::Unit::best`]).
#[must_use]
pub fn multiply_add_peak_of_bf16(time: Duration) -> f64 {
    best_of_rounds(time, || {
        crate::bf16::peak::round().unwrap_or_else(multiply_add)
    })
}

fn best_of_rounds(time: Duration, operations: impl Fn() -> usize + Sync) -> f64 {
    let each = rayon::broadcast(|_| {
        let (begun, mut best) = (Instant::now(), 0.0f64);
        loop {
            let round = Instant::now();
            let operations = operations() as f64;
            best = best.max(operations / round.elapsed().as_secs_f64());
            if begun.elapsed() >= time {
                return best;
            }
        }
    });
    let cores = std::thread::available_parallelism().map_or(each.len(), usize::from);
    let share = cores.min(each.len()) as f64 / each.len().max(1) as f64;
    each.iter().sum::<f64>() * share
}

/// A round on one thread; gives its operations.
fn multiply_add() -> usize {
    let start = black_box([Lane([0.5; LANES]), Lane([DECAY; LANES])]);
    let (end, sums) = match Isa::best() {
        // SAFETY: the processor has the instruction set.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(&start) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(&start) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { neon(&start) },
        // SAFETY: plain Rust runs everywhere.
        _ => unsafe { chains::<crate::lanes::Portable, 2>(&start) },
    };
    black_box(end);
    2 * sums * LANES * ROUND
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma,avx2")]
unsafe fn avx512(start: &[Lane; 2]) -> (Lane, usize) {
    // SAFETY: the caller's.
    unsafe { chains::<crate::lanes::Avx512, 12>(start) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(start: &[Lane; 2]) -> (Lane, usize) {
    // SAFETY: the caller's.
    unsafe { chains::<crate::lanes::Avx2, 6>(start) }
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn neon(start: &[Lane; 2]) -> (Lane, usize) {
    // SAFETY: the caller's.
    unsafe { chains::<crate::lanes::Neon, 6>(start) }
}

/// `sum = sum + sum b`, again and again: no step can be left out, every instruction set does it in place, and for a `b` of
/// [`DECAY`] the sums end near `a / e`. Gives the sums added up, times `a`, and how many they are.
///
/// `N` sums are added up side by side, each a vector of [`LANES`]: more than the latency of a multiply-add on two units (on
/// four, with NEON) asks for, and no more than there are registers.
#[inline(always)]
unsafe fn chains<L: Lanes, const N: usize>([a, b]: &[Lane; 2]) -> (Lane, usize) {
    // SAFETY: the caller vouches for the instruction set; the memory is that of whole lanes.
    unsafe {
        let (a, b) = (L::load(a.0.as_ptr()), L::load(b.0.as_ptr()));
        let mut sums = [a; N];
        for _ in 0..ROUND {
            for sum in &mut sums {
                *sum = sum.add_product(*sum, b);
            }
        }
        let mut total = L::zero();
        for sum in sums {
            total = total.add_product(sum, a);
        }
        let mut end = Lane::ZERO;
        total.store(end.0.as_mut_ptr());
        (end, N)
    }
}

/// Pixels that a thread takes at a time.
const PIECE: usize = 1 << 12;
/// Rounds at least.
const ROUNDS: usize = 5;

#[inline(always)]
fn triad_body(out: &mut [Lane], x: &[Lane], y: &[Lane], factor: f32) {
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        for i in 0..LANES {
            out.0[i] = x.0[i] + factor * y.0[i];
        }
    }
}
dispatch!(fn triad_piece = triad_body(out: &mut [Lane], x: &[Lane], y: &[Lane], factor: f32));

/// Bytes a second, read and written by all threads of the current pool: `out = x + factor y` on three buffers that take
/// `bytes` together (McCalpin's STREAM triad 1995), two values read for one written; measured for about `time`.
///
/// `bytes` far above the caches measures memory. What a processor reads of a line that it is about to overwrite is not
/// counted, here or where the bytes of a layer are.
#[must_use]
pub fn stream(bytes: usize, time: Duration) -> f64 {
    let length = (bytes / 3 / size_of::<Lane>()).max(1);
    // Written to, and by the threads: a page of zeros that nobody wrote to is no memory.
    let buffer = |value: f32| -> Vec<Lane> {
        let lanes = (0..length).into_par_iter().with_min_len(PIECE);
        lanes.map(|_| Lane([value; LANES])).collect()
    };
    let (mut out, x, y) = (buffer(0.0), buffer(1.0), buffer(2.0));
    let moved = (3 * length * size_of::<Lane>()) as f64;
    let (begun, mut best, mut rounds) = (Instant::now(), 0.0f64, 0);
    while rounds < ROUNDS || begun.elapsed() < time {
        let round = Instant::now();
        out.par_chunks_mut(PIECE)
            .zip(x.par_chunks(PIECE).zip(y.par_chunks(PIECE)))
            .for_each(|(out, (x, y))| triad_piece(out, x, y, 0.5));
        best = best.max(moved / round.elapsed().as_secs_f64());
        black_box(&mut out);
        rounds += 1;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn the_chains_end_where_the_arithmetic_says() {
        let start = [Lane([0.5; LANES]), Lane([DECAY; LANES])];
        // SAFETY: plain Rust runs everywhere.
        let (end, sums) = unsafe { chains::<crate::lanes::Portable, 2>(&start) };
        // Two sums of 0.5 / e, times 0.5. A step takes at least 128 units of the last place away and rounds by half of one.
        let right = 0.5 / std::f32::consts::E;
        assert!(sums == 2 && end.0.iter().all(|v| (v - right).abs() < right / 256.0));
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn a_processor_multiplies_and_moves_something_and_not_everything() {
        let operations = multiply_add_peak(Duration::ZERO);
        assert!((1e6..1e17).contains(&operations), "{operations}");
        let of_bf16 = multiply_add_peak_of_bf16(Duration::ZERO);
        assert!((1e6..1e17).contains(&of_bf16), "{of_bf16}");
        let bytes = stream(1 << 20, Duration::ZERO);
        assert!((1e5..1e15).contains(&bytes), "{bytes}");
    }
}
