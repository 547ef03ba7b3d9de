//! Whether the files of a dataset are still those that were prepared.

use super::{Dataset, DatasetError, some_of};
use crate::manifest::ManifestRow;
use crate::slice::split;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tumorlens_core::Observer;

enum State {
    Same,
    Changed,
    Missing,
    NotLooked,
}

impl Dataset {
    /// Hashes every image in parallel and compares with the manifest; outlines must exist.
    ///
    /// # Errors
    /// Lists the files that are gone, else those that changed.
    pub fn verify_files(&self, observer: &dyn Observer) -> Result<(), DatasetError> {
        observer.begin("verify files", Some(self.rows.len() as u64));
        let done = AtomicU64::new(0);
        let look = |row: &ManifestRow| {
            if observer.should_stop() {
                return State::NotLooked;
            }
            let state = self.state(row);
            observer.advance(done.fetch_add(1, Ordering::Relaxed) + 1, "");
            state
        };
        let states: Vec<State> = self.rows.par_iter().map(look).collect();
        observer.end();
        if states.iter().any(|s| matches!(s, State::NotLooked)) {
            return Err(DatasetError::Stopped);
        }
        let of = |wanted: fn(&State) -> bool| -> Vec<String> {
            let rows = self
                .rows
                .iter()
                .zip(&states)
                .filter(|(_, state)| wanted(state));
            rows.map(|(row, _)| row.path.clone()).collect()
        };
        let missing = of(|s| matches!(s, State::Missing));
        let changed = of(|s| matches!(s, State::Changed));
        if !missing.is_empty() {
            Err(DatasetError::Missing {
                count: missing.len(),
                files: some_of(&missing),
            })
        } else if !changed.is_empty() {
            Err(DatasetError::Changed {
                count: changed.len(),
                files: some_of(&changed),
            })
        } else {
            Ok(())
        }
    }

    fn state(&self, row: &ManifestRow) -> State {
        if self
            .mask_file(row)
            .is_some_and(|mask| !split(&mask).0.is_file())
        {
            return State::Missing;
        }
        match sha256_of_file(&split(&self.file(row)).0) {
            Err(_) => State::Missing,
            Ok(sha256) if sha256 == row.sha256 => State::Same,
            Ok(_) => State::Changed,
        }
    }
}

fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(crate::hex(&hasher.finalize())),
            n => hasher.update(&block[..n]),
        }
    }
}
