//! A real series and real volumes, against pydicom and nibabel: `reference/scans`. Needs the collections
//! (TUMORLENS_DATA, default `../shared/data` beside the workspace).

use serde::Deserialize;
use std::path::{Path, PathBuf};
use tumorlens_core::Affine;
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::{ScanOptions, scan};
use tumorlens_data::slice::{Opened, open, read_slice};

#[derive(Deserialize)]
struct Golden {
    series: Series,
    volumes: Vec<Volume>,
}

#[derive(Deserialize)]
struct Series {
    order: Vec<String>,
    sum_of_values: Vec<f64>,
    step_mm: f64,
    pixel_spacing_mm: [f64; 2],
    affine: [[f64; 4]; 3],
}

#[derive(Deserialize)]
struct Volume {
    file: String,
    shape: [usize; 3],
    affine: [[f64; 4]; 3],
}

fn golden() -> Golden {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reference/scans/golden.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// The folder of the collections; says so when it is not there.
fn collections() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("TUMORLENS_DATA").map_or(default, PathBuf::from);
    if !folder.join("containers").is_dir() {
        println!("SKIPPED: no collections (TUMORLENS_DATA)");
        return None;
    }
    Some(folder)
}

/// Millimetres; positions are stored as text of limited length.
fn close(found: &Affine, expected: &[[f64; 4]; 3]) {
    for (found, expected) in found.rows.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
    }
}

#[test]
fn a_real_series_is_assembled_as_pydicom_has_it() {
    let Some(data) = collections() else { return };
    let expected = golden().series;
    let options = ScanOptions {
        labelled: false,
        ..ScanOptions::default()
    };
    let found = scan(&[data.join("containers/dicom_series_t1")], &options).unwrap();
    let names: Vec<String> = found
        .images
        .iter()
        .map(|image| {
            image
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(names, expected.order);
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    let places: Vec<_> = found
        .images
        .iter()
        .map(|image| image.scan.as_ref().unwrap().place.unwrap())
        .collect();
    for pair in places.windows(2) {
        let step = pair[1].along_normal() - pair[0].along_normal();
        assert!((step - expected.step_mm).abs() < 1e-4, "{step}");
    }
    assert_eq!(places[0].spacing, expected.pixel_spacing_mm);
    close(&places[0].affine(expected.step_mm), &expected.affine);
    for (image, sum) in found.images.iter().zip(&expected.sum_of_values) {
        let slice = read_slice(&image.path, &Limits::default()).unwrap();
        let found: f64 = slice.values().iter().map(|v| f64::from(*v)).sum();
        assert!((found - sum).abs() < 0.5, "{found} for {sum}");
    }
}

#[test]
fn real_volumes_lie_where_nibabel_says() {
    let Some(data) = collections() else { return };
    for expected in golden().volumes {
        let opened = open(&data.join(&expected.file), &Limits::default()).unwrap();
        let Opened::Volume(volume) = opened else {
            panic!("{} is no volume", expected.file);
        };
        assert_eq!(volume.shape(), expected.shape, "{}", expected.file);
        close(volume.affine(), &expected.affine);
    }
}
