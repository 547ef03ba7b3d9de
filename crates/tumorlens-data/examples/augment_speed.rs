//! Samples a second of the augmentation with its default settings, on all threads: prepared pictures of 128 pixels in memory,
//! varied and normalised. Beside its peer: `reference/speed/augment.py`.
//!
//!     cargo run --release -p tumorlens-data --example augment_speed -- SECONDS < LIST_OF_FILES
//!
//! Prints one number.

use rayon::prelude::*;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;
use tumorlens_core::{PreprocessSpec, Seed};
use tumorlens_data::limits::Limits;
use tumorlens_data::slice::read_slice;
use tumorlens_data::transform::{AugmentConfig, prepare, to_input};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).ok_or("how many seconds?")?;
    let seconds: f64 = seconds.parse()?;
    let config = AugmentConfig::default();
    let spec = PreprocessSpec::default();
    let mut pictures = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let image = read_slice(Path::new(&line?), &Limits::default())?;
        pictures.push(prepare(&image, &spec)?.values);
    }
    let (start, mut samples) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < seconds {
        let seed = Seed(samples as u64);
        let varied: Vec<Vec<f32>> = pictures
            .par_iter()
            .enumerate()
            .map(|(i, picture)| {
                let mut values = picture.clone();
                let params = config.draw(seed.index(i as u64));
                params.apply(&mut values, None, spec.size);
                to_input(&values, &spec)
            })
            .collect();
        samples += varied.len();
    }
    let rate = samples as f64 / start.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{rate}")?;
    Ok(())
}
