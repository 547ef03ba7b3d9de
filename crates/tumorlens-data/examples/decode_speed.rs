//! How long each scan file takes to decode: the best of several times, from bytes in memory to values. Beside its
//! peers: `reference/scans/speed.py`.
//!
//!     cargo run --release -p tumorlens-data --example decode_speed < LIST_OF_FILES

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;
use tumorlens_data::format::{dicom, nifti};
use tumorlens_data::limits::Limits;

const TIMES: usize = 5;

fn main() -> std::io::Result<()> {
    let limits = Limits::default();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let path = line?;
        let bytes = std::fs::read(Path::new(&path))?;
        let is_dicom = dicom::sniff(&bytes).is_some();
        let mut best = f64::INFINITY;
        for _ in 0..TIMES {
            let start = Instant::now();
            let done = if is_dicom {
                dicom::decode(&bytes, &limits).is_ok()
            } else {
                nifti::decode(&bytes, &limits).is_ok()
            };
            if done {
                best = best.min(start.elapsed().as_secs_f64());
            }
        }
        writeln!(out, "{path}\t{best}")?;
    }
    Ok(())
}
