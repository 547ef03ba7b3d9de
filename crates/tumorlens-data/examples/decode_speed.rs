//! How long each scan file takes to decode by one thread: the best of several times, from bytes in memory to values; and
//! how long all files take side by side by all threads. Beside its peers: `reference/scans/speed.py`.
//!
//!     cargo run --release -p tumorlens-data --example decode_speed < LIST_OF_FILES
//!
//! Prints a path and its seconds a line, then `threads`, their number and the seconds of all files.

use rayon::prelude::*;
use std::io::{BufRead, Write};
use std::time::Instant;
use tumorlens_data::format::{dicom, nifti};
use tumorlens_data::limits::Limits;

const TIMES: usize = 5;

/// Whether the file decodes.
fn decode(bytes: &[u8], limits: &Limits) -> bool {
    if dicom::sniff(bytes).is_some() {
        dicom::decode(bytes, limits).is_ok()
    } else {
        nifti::decode(bytes, limits).is_ok()
    }
}

/// The best of several times, infinite where it fails.
fn best(run: impl Fn() -> bool) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..TIMES {
        let start = Instant::now();
        if run() {
            best = best.min(start.elapsed().as_secs_f64());
        }
    }
    best
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits::default();
    let mut out = std::io::stdout().lock();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut files = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let path = line?;
        let bytes = std::fs::read(&path)?;
        let seconds = one.install(|| best(|| decode(&bytes, &limits)));
        writeln!(out, "{path}\t{seconds}")?;
        if seconds.is_finite() {
            files.push(bytes);
        }
    }
    let seconds = best(|| files.par_iter().all(|bytes| decode(bytes, &limits)));
    writeln!(out, "threads\t{}\t{seconds}", rayon::current_num_threads())?;
    Ok(())
}
