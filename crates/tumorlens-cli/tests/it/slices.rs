//! Single slices of a volume by their names, as manifests write them.

use crate::program::{succeed, tumorlens};
use std::fs;
use std::path::Path;

/// A ball with some texture.
fn volume(file: &Path) {
    write(file, |[x, y, z]| {
        let inside = x * x + y * y + z * z < 17.0 * 17.0;
        let texture = (3.0 * x + y + 2.0 * z).abs() % 7.0;
        if inside { 400.0 + 20.0 * texture } else { 0.0 }
    });
}

/// A segmentation: a small ball off the middle.
fn segmentation(file: &Path) {
    write(file, |[x, y, z]| {
        let off = (x - 5.0) * (x - 5.0) + y * y + (z - 3.0) * (z - 3.0);
        if off < 16.0 { 1.0 } else { 0.0 }
    });
}

/// 40 x 40 x 40 voxels of 4 mm, as NIfTI-1; values by voxels from the middle.
fn write(file: &Path, value: impl Fn([f32; 3]) -> f32) {
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
        let value = value([at(1), at(SIDE), at(SIDE * SIDE)]) as i16;
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

#[test]
fn regions_of_a_volume_have_an_area_and_its_maps_become_a_volume_of_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    volume(&at.join("v.nii"));
    let plain = ["predict", "--json", "--no-guard", "--plane", "coronal"];
    let lines = succeed(at, &[&plain[..], &["--maps", "m", "v.nii"]].concat());
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut slices = 0;
    for line in lines.iter().filter(|line| line["level"] == "slice") {
        slices += 1;
        // Voxels of 4 mm.
        let pixels = line["region_pixels"].as_f64().unwrap();
        assert_eq!(line["region_mm2"].as_f64().unwrap(), 16.0 * pixels);
    }
    assert!(slices > 20);
    let series = lines.last().unwrap();
    assert_eq!(
        (&series["level"], &series["slices"]),
        (&"series".into(), &slices.into())
    );
    let map = fs::read(at.join("m/v_evidence.nii.gz")).unwrap();
    assert_eq!(map[..2], [0x1F, 0x8B]);
}

#[test]
fn slices_of_one_volume_may_have_different_labels_by_its_segmentation_and_by_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let prepare = |table: &str, out: &str| {
        let args = ["prepare", table, "--out", out, "--plane", "axial"];
        tumorlens(at, &[&args[..], &["--split", "none"]].concat())
    };
    volume(&at.join("a.nii"));
    segmentation(&at.join("seg.nii"));
    let cases = "path,label,subject,mask\na.nii,tumor,a,seg.nii\n";
    fs::write(at.join("cases.csv"), cases).unwrap();
    let done = prepare("cases.csv", "d");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let manifest = fs::read_to_string(at.join("d/manifest.csv")).unwrap();
    for label in [",tumor,", ",no_tumor,"] {
        assert!(manifest.matches(label).count() > 3, "{label}: {manifest}");
    }
    succeed(at, &["plan", "d"]);

    let table = "path,label,subject\na.nii@axial:20,tumor,a\na.nii@axial:30,no_tumor,a\n";
    fs::write(at.join("slices.csv"), table).unwrap();
    assert!(prepare("slices.csv", "e").status.success());
    let manifest = fs::read_to_string(at.join("e/manifest.csv")).unwrap();
    assert_eq!(manifest.matches(",axial,").count(), 2, "{manifest}");
    succeed(at, &["plan", "e"]);

    // The same slice of another file is a copy.
    fs::copy(at.join("a.nii"), at.join("b.nii")).unwrap();
    let twice = "path,label,subject\na.nii@axial:20,tumor,a\nb.nii@axial:20,no_tumor,b\n";
    fs::write(at.join("twice.csv"), twice).unwrap();
    let same = prepare("twice.csv", "f");
    let stderr = String::from_utf8_lossy(&same.stderr).into_owned();
    assert!(
        stderr.contains("copies of them carry another label"),
        "{stderr}"
    );
}

#[test]
fn volumes_named_one_by_one_are_series_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    volume(&at.join("a.nii"));
    volume(&at.join("b.nii"));
    let said = succeed(at, &["predict", "--csv", "--no-guard", "a.nii", "b.nii"]);
    let series = said.lines().filter(|l| l.ends_with(",series"));
    let paths: Vec<&str> = series.map(|l| l.split(',').next().unwrap()).collect();
    assert_eq!(paths.len(), 2, "{said}");
    assert!(
        paths[0].ends_with("a.nii") && paths[1].ends_with("b.nii"),
        "{paths:?}"
    );
}
