//! Every kernel against its plain definition, over random shapes, on every instruction set of the processor.
//!
//! Under Miri shapes are small and few: CONTRIBUTING.md says how to run it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod activation;
mod bf16;
mod conv;
mod depthwise;
mod norm;
mod plain;
mod pool;
mod pooled;
mod refusal;
mod stored;

use proptest::test_runner::{Config, RngSeed};
use tumorlens_kernels::conv::Start;
use tumorlens_kernels::{Lane, Shape};

/// Random cases from a fixed seed; other seeds are the fuzz target's.
fn cases(count: u32) -> Config {
    Config {
        cases: if cfg!(miri) { 3 } else { count },
        rng_seed: RngSeed::Fixed(0x7055),
        failure_persistence: None,
        ..Config::default()
    }
}

/// A bound of sizes, lower where every step is slow.
const fn below(most: usize) -> usize {
    if cfg!(miri) && most > 3 { 3 } else { most }
}

/// Numbers of channels on either side of whole blocks.
fn channels() -> impl proptest::strategy::Strategy<Value = usize> {
    let most = if cfg!(miri) { 3 } else { 8 };
    proptest::sample::select(&[1, 17, 3, 16, 2, 33, 48, 31][..most])
}

/// The choice is made once a process, so each instruction set runs the other tests in one of its own.
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn every_instruction_set_of_this_processor_agrees_with_the_definitions() {
    use tumorlens_kernels::Isa;
    if std::env::var_os("TUMORLENS_ISA").is_some() {
        return;
    }
    for isa in Isa::available() {
        if isa == Isa::best() {
            continue; // the other tests of this process
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .env("TUMORLENS_ISA", isa.name())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{isa:?}: {said}");
    }
}

/// What comes out with so many threads.
fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(run)
}

/// What an output begins with: nothing (0), what it holds (1), or a bias.
fn start_of(start: usize, bias: &[Lane]) -> Start<'_> {
    match start {
        0 => Start::Zero,
        1 => Start::Output,
        _ => Start::Bias(bias),
    }
}

/// The planar values of an output, turned into what [`start_of`] begins with.
fn begun(start: usize, shape: Shape, bias: &[f32], values: &mut [f64]) {
    let area = (shape.height * shape.width).max(1);
    for (at, value) in values.iter_mut().enumerate() {
        match start {
            0 => *value = 0.0,
            1 => {}
            _ => *value = f64::from(bias[at / area % shape.channels]),
        }
    }
}
