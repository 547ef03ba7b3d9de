//! What the guard refuses of pictures that are no brain MRI, and what of real ones.
//!
//! TUMORLENS_DATA names the folder of the collections (default `../shared/data` beside the workspace).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper of a test fails like the test itself"
)]

use rayon::prelude::*;
use std::path::{Path, PathBuf};
use tumorlens_data::guard::check;
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::{ScanOptions, scan};
use tumorlens_data::slice::Volumes;

/// Pictures of a collection, and how many of them are refused.
fn refused(folder: &Path) -> (usize, usize) {
    let options = ScanOptions {
        labelled: false,
        ..ScanOptions::default()
    };
    let found = scan(&[folder.to_owned()], &options).unwrap().images;
    let volumes = Volumes::default();
    let count = found
        .par_iter()
        .filter(|image| {
            let slice = volumes.read(&image.path, &Limits::default());
            slice.map_or(true, |slice| check(&slice).is_err())
        })
        .count();
    (found.len(), count)
}

#[test]
fn pictures_that_are_no_brain_mri_are_refused_and_next_to_no_real_ones() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("TUMORLENS_DATA").map_or(default, PathBuf::from);
    if !data.join("ood").is_dir() {
        println!("SKIPPED: no collections (TUMORLENS_DATA)");
        return;
    }
    let (all, found) = refused(&data.join("ood"));
    println!("no brain MRI: {found} of {all} refused");
    assert!(found * 100 >= all * 95);
    for set in ["navoneel", "br35h", "figshare", "healthy_slices"] {
        let (all, found) = refused(&data.join(set));
        println!("{set}: {found} of {all} refused");
        assert!(found * 100 <= all, "{set}: {found} of {all}");
    }
}
