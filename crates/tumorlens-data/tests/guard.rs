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
use tumorlens_core::{GreyImage, Size};
use tumorlens_data::guard::{check, check_grey};
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::{ScanOptions, scan};
use tumorlens_data::slice::Volumes;

/// How many pictures of a collection there are, how many of them are refused, and how many of their grey values in a black
/// frame of an eighth of each side.
fn refused(folder: &Path) -> [usize; 3] {
    let options = ScanOptions {
        labelled: false,
        ..ScanOptions::default()
    };
    let found = scan(&[folder.to_owned()], &options).unwrap().images;
    let volumes = Volumes::default();
    let each = found.par_iter().map(|image| {
        let Ok(slice) = volumes.read(&image.path, &Limits::default()) else {
            return [1, 1, 1];
        };
        let in_frame = check_grey(&framed(&slice.image)).is_err();
        [
            1,
            usize::from(check(&slice).is_err()),
            usize::from(in_frame),
        ]
    });
    each.reduce(|| [0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]])
}

fn framed(image: &GreyImage) -> GreyImage {
    let (width, height) = (image.width(), image.height());
    let (left, top) = (width / 8, height / 8);
    let size = Size {
        width: width + 2 * left,
        height: height + 2 * top,
    };
    let darkest = image.range().map_or(0.0, |(darkest, _)| darkest);
    GreyImage::from_fn(size, |x, y| {
        let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
        if inside {
            image.clamped((x - left) as isize, (y - top) as isize)
        } else {
            darkest
        }
    })
}

#[test]
fn pictures_that_are_no_brain_mri_are_refused_and_next_to_no_real_ones_with_or_without_a_frame() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("TUMORLENS_DATA").map_or(default, PathBuf::from);
    if !data.join("ood").is_dir() {
        println!("SKIPPED: no collections (TUMORLENS_DATA)");
        return;
    }
    let [all, found, in_frame] = refused(&data.join("ood"));
    println!("no brain MRI: {found} of {all} refused, grey and in a frame {in_frame}");
    assert!(found * 100 >= all * 95);
    assert!(in_frame * 100 >= all * 75);
    for set in ["navoneel", "br35h", "figshare", "healthy_slices"] {
        let [all, found, in_frame] = refused(&data.join(set));
        println!("{set}: {found} of {all} refused, in a frame {in_frame}");
        assert!(found * 100 <= all, "{set}: {found} of {all}");
        assert!(in_frame * 100 <= all, "{set}: {in_frame} of {all}");
    }
}
