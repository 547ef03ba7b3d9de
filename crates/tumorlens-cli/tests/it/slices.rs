//! Single slices of a volume by their names, as manifests write them.

use crate::program::{succeed, tumorlens};
use std::fs;
use std::path::Path;

/// A ball with some texture in 40 x 40 x 40 voxels of 4 mm, as NIfTI-1.
fn volume(file: &Path) {
    const SIDE: usize = 40;
    let mut bytes = vec![0u8; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    for (i, size) in [3i16, 40, 40, 40, 1, 1, 1, 1].iter().enumerate() {
        put(40 + 2 * i, &size.to_le_bytes());
    }
    put(70, &4i16.to_le_bytes());
    put(72, &16i16.to_le_bytes());
    for (i, step) in [1f32, 4.0, 4.0, 4.0].iter().enumerate() {
        put(76 + 4 * i, &step.to_le_bytes());
    }
    put(108, &352f32.to_le_bytes());
    put(123, &[2]);
    put(254, &1i16.to_le_bytes());
    for axis in 0..3 {
        put(280 + 16 * axis + 4 * axis, &4f32.to_le_bytes());
    }
    put(344, b"n+1\0");
    for index in 0..SIDE * SIDE * SIDE {
        let at = |n: usize| (index / n % SIDE) as f32 - 19.5;
        let (x, y, z) = (at(1), at(SIDE), at(SIDE * SIDE));
        let inside = x * x + y * y + z * z < 17.0 * 17.0;
        let value = if inside {
            400 + (index % 7 * 20) as i16
        } else {
            0
        };
        bytes.extend(value.to_le_bytes());
    }
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_slice_is_judged_and_explained_alone_by_the_name_that_manifests_give_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    volume(&at.join("v.nii"));
    let all = succeed(
        at,
        &[
            "predict",
            "--csv",
            "--no-guard",
            "--plane",
            "axial",
            "v.nii",
        ],
    );
    let of_slice = all.lines().find(|l| l.contains("v.nii@axial:20,")).unwrap();
    let probability = |line: &str| line.split(',').nth(1).unwrap().to_owned();
    let one = succeed(at, &["predict", "--csv", "--no-guard", "v.nii@axial:20"]);
    assert_eq!(one.lines().count(), 2, "{one}");
    assert_eq!(
        probability(one.lines().nth(1).unwrap()),
        probability(of_slice)
    );
    succeed(
        at,
        &[
            "explain",
            "v.nii@axial:20",
            "--method",
            "grad-cam",
            "--out",
            "e",
        ],
    );
    assert!(fs::read_dir(at.join("e")).unwrap().count() > 0);
    let outside = tumorlens(at, &["predict", "v.nii@axial:99"]);
    assert_eq!(outside.status.code(), Some(3), "no such slice");
    let nowhere = tumorlens(at, &["predict", "w.nii@axial:3"]);
    assert_eq!(nowhere.status.code(), Some(3), "no such file");
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("w.nii@axial:3: "));
}
