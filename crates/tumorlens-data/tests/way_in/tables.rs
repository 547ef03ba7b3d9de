//! CSV files as input.

use crate::synthetic::{Folder, png};
use std::path::PathBuf;
use tumorlens_data::label_table::ClassMode;
use tumorlens_data::scan::{Scan, ScanOptions, scan};

fn with_table(csv: &str) -> (Folder, PathBuf) {
    let folder = Folder::new();
    for (i, name) in ["a.png", "b.png", "sub/c.png", "m/a.png"]
        .iter()
        .enumerate()
    {
        folder.write(format!("set/{name}"), png(i as u64));
    }
    let path = folder.write("set/manifest.csv", csv);
    (folder, path)
}

fn scanned(csv: &str, options: &ScanOptions) -> Scan {
    let (folder, path) = with_table(csv);
    let by_folder = scan(&[folder.join("set")], options).unwrap();
    let by_file = scan(&[path], options).unwrap();
    assert_eq!(by_folder.images.len(), by_file.images.len());
    by_folder
}

fn refused(csv: &str, options: &ScanOptions) -> String {
    let (_folder, path) = with_table(csv);
    scan(&[path], options).unwrap_err().to_string()
}

#[test]
fn labels_subjects_outlines_and_splits_come_from_their_columns() {
    let csv = "Path,Label,patient_id,mask_path,source_split,colour\na.png,Yes,p1,m/a.png,TRAIN,red\nsub/c.png,no,p2,,Testing,\n";
    let scan = scanned(csv, &ScanOptions::default());
    let first = &scan.images[0];
    assert_eq!(
        (first.label.as_deref(), first.subject.as_str()),
        (Some("tumor"), "p1")
    );
    assert!(first.mask.as_ref().is_some_and(|m| m.ends_with("m/a.png")));
    let splits: Vec<&str> = scan
        .images
        .iter()
        .map(|i| i.official_split.as_str())
        .collect();
    assert_eq!(splits, ["train", "test"]);
    assert!(
        scan.notes[0].ends_with("columns not used: colour"),
        "{:?}",
        scan.notes
    );
}

#[test]
fn plane_sequence_and_contrast_come_from_their_columns() {
    let csv =
        "path,label,plane,sequence,contrast\na.png,yes,Sagittal,flair,No\nb.png,no,oblique,,\n";
    let scan = scanned(csv, &ScanOptions::default());
    let known = |i: usize| -> Vec<(&str, &str)> { scan.images[i].acquisition.known().collect() };
    assert_eq!(
        known(0),
        [
            ("plane", "sagittal"),
            ("sequence", "FLAIR"),
            ("contrast", "no")
        ]
    );
    assert!(known(1).is_empty());
}

#[test]
fn a_column_of_groups_is_a_subject_only_when_it_is_named() {
    let csv = "path,label,patient_or_group\na.png,yes,g1\nb.png,no,g1\n";
    assert!(
        scanned(csv, &ScanOptions::default())
            .images
            .iter()
            .all(|i| i.subject.is_empty())
    );
    let named = ScanOptions {
        subject_column: Some("patient_or_group".to_owned()),
        ..ScanOptions::default()
    };
    assert!(
        scanned(csv, &named)
            .images
            .iter()
            .all(|i| i.subject == "g1")
    );
}

#[test]
fn the_column_of_the_label_can_be_chosen() {
    let csv = "path,label,tumor_type\na.png,tumor,Meningioma\nb.png,tumor,glioma\n";
    let column = Some("tumor_type".to_owned());
    let options = ScanOptions {
        classes: ClassMode::Types,
        label_column: column,
        ..ScanOptions::default()
    };
    let labels: Vec<_> = scanned(csv, &options)
        .images
        .into_iter()
        .filter_map(|i| i.label)
        .collect();
    assert_eq!(labels, ["meningioma", "glioma"]);
}

#[test]
fn rows_that_cannot_be_used_are_skipped_with_their_line() {
    let csv = "path,label\na.png,yes\nb.png,\ngone.png,no\na.png,yes\n";
    let scan = scanned(csv, &ScanOptions::default());
    assert_eq!(scan.images.len(), 1);
    let reasons: Vec<&str> = scan.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert_eq!(reasons[0], "has no label in line 3");
    assert!(
        reasons[1].starts_with("is listed in line 4, but: "),
        "{reasons:?}"
    );
    assert_eq!(reasons[2], "is listed twice, first in line 2");
}

#[test]
fn tables_that_contradict_themselves_are_refused_with_line_and_reason() {
    let options = ScanOptions::default();
    let cases = [
        ("path,label\na.png,yes\na.png,no\n", "line 3: '"),
        ("path,label\n,yes\n", "line 2: the path is empty"),
        ("path,label\na.png\n", "line 2: CSV error"),
        (
            "path;label\na.png;yes\n",
            "has no column 'path' (columns: 'path;label'; are they separated by commas?)",
        ),
        ("", "has no column 'path'"),
    ];
    for (csv, expected) in cases {
        let found = refused(csv, &options);
        assert!(found.contains(expected), "{found}\nexpected {expected}");
    }
    let missing = ScanOptions {
        subject_column: Some("who".to_owned()),
        ..options
    };
    assert!(refused("path,label\na.png,yes\n", &missing).contains("has no column 'who'"));
}
