//! Class folders as people have them.

use crate::synthetic::{Folder, png};
use tumorlens_data::label_table::ClassMode;
use tumorlens_data::scan::{Scan, ScanOptions, scan};

fn scanned(folder: &Folder, name: &str, options: &ScanOptions) -> Scan {
    scan(&[folder.join(name)], options).unwrap()
}

/// `file label split` of each image.
fn table(scan: &Scan) -> Vec<String> {
    let line = |image: &tumorlens_data::scan::Found| {
        let file = image.path.file_name().unwrap().to_string_lossy();
        format!(
            "{file} {} {}",
            image.label.as_deref().unwrap_or("-"),
            image.official_split
        )
        .trim()
        .to_owned()
    };
    scan.images.iter().map(line).collect()
}

#[test]
fn training_and_testing_folders_of_four_classes_become_two_classes_with_an_official_split() {
    let folder = Folder::new();
    for (i, path) in [
        "Training/glioma_tumor/a.png",
        "Training/no_tumor/b.png",
        "Testing/pituitary_tumor/c.png",
    ]
    .iter()
    .enumerate()
    {
        folder.write(format!("sartaj/{path}"), png(i as u64));
    }
    let two = scanned(&folder, "sartaj", &ScanOptions::default());
    assert_eq!(
        table(&two),
        [
            "c.png tumor test",
            "a.png tumor train",
            "b.png no_tumor train"
        ]
    );
    let types = ScanOptions {
        classes: ClassMode::Types,
        ..ScanOptions::default()
    };
    let types = scanned(&folder, "sartaj", &types);
    assert_eq!(
        table(&types),
        [
            "c.png pituitary test",
            "a.png glioma train",
            "b.png no_tumor train"
        ]
    );
}

#[test]
fn given_mappings_and_unknown_folders_work_together() {
    let folder = Folder::new();
    for (i, path) in ["1/a.png", "2/b.png", "3/c.png", "pred/d.png"]
        .iter()
        .enumerate()
    {
        folder.write(format!("set/{path}"), png(i as u64));
    }
    let labels = vec![
        ("1".to_owned(), "tumor".to_owned()),
        ("2".to_owned(), "no_tumor".to_owned()),
    ];
    let scan = scanned(
        &folder,
        "set",
        &ScanOptions {
            labels,
            ..ScanOptions::default()
        },
    );
    assert_eq!(table(&scan), ["a.png tumor", "b.png no_tumor", "c.png 3"]);
    assert!(
        scan.notes[0].contains("folder '3' (1 images)"),
        "{:?}",
        scan.notes
    );
    assert_eq!(scan.ignored.0["in a folder for images without label"], 1);
}

#[test]
fn two_class_folders_given_one_by_one_are_two_sources() {
    let folder = Folder::new();
    folder.two_classes("set", 2);
    let scan = scan(
        &[
            folder.join("set/yes"),
            folder.join("set/no"),
            folder.join("set/yes"),
        ],
        &ScanOptions::default(),
    );
    let scan = scan.unwrap();
    assert_eq!(
        table(&scan),
        [
            "y0.png tumor",
            "y1.png tumor",
            "n0.png no_tumor",
            "n1.png no_tumor"
        ]
    );
    let names: Vec<&str> = scan.sources.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["yes", "no", "yes-2"]);
    assert_eq!(scan.ignored.0["already found in another input"], 2);
}

#[test]
fn masks_are_outlines_and_no_images() {
    let folder = Folder::new();
    folder.two_classes("set", 2);
    folder.write("set/masks/y0.png", png(50));
    folder.write("set/masks/other.png", png(51));
    let scan = scanned(&folder, "set", &ScanOptions::default());
    assert_eq!(scan.images.len(), 4);
    let with: Vec<_> = scan
        .images
        .iter()
        .filter(|i| i.mask.is_some())
        .map(|i| i.path.file_name().unwrap())
        .collect();
    assert_eq!(with, ["y0.png"]);
    assert_eq!(scan.skipped[0].reason, "outline of no image, or of several");
}

#[test]
fn a_folder_without_labels_can_be_scanned_for_prediction_and_a_single_file_too() {
    let folder = Folder::new();
    folder.write("new/a.png", png(1));
    folder.write("new/patient/b.png", png(2));
    let options = ScanOptions {
        labelled: false,
        ..ScanOptions::default()
    };
    assert_eq!(
        table(&scanned(&folder, "new", &options)),
        ["a.png -", "b.png -"]
    );
    assert_eq!(table(&scanned(&folder, "new/a.png", &options)), ["a.png -"]);
    let refused = scan(&[folder.join("new/a.png")], &ScanOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        refused.ends_with("is neither a folder nor a CSV with the columns path and label"),
        "{refused}"
    );
    let missing = scan(&[folder.join("nowhere")], &options)
        .unwrap_err()
        .to_string();
    assert!(missing.contains("nowhere"), "{missing}");
}
