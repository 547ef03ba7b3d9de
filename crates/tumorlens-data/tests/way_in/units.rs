//! Kin, one slice that is altered much, lie in groups of their own but never on two sides of a split.

use crate::head::Head;
use crate::synthetic::{Folder, encode};
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use tumorlens_core::Quiet;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::prepare::{PrepareOptions, PrepareReport, prepare};

/// The head `number`, without a share of its left side.
fn head(number: u64, cropped: f32) -> Vec<u8> {
    let whole = Head::new(number).picture(160, 0.1);
    let left = (cropped * whole.width() as f32) as u32;
    let picture = GrayImage::from_fn(160 - left, 160, |x, y| {
        Luma([whole.clamped((x + left) as isize, y as isize) as u8])
    });
    encode(&DynamicImage::ImageLuma8(picture), ImageFormat::Png)
}

/// Twelve slices of each class, each with a crop into the head, which is kin; that of one slice lies in the folder `wrong`.
fn with_kin(wrong: &str) -> (Dataset, PrepareReport) {
    let folder = Folder::new();
    for i in 0..12 {
        for (class, number) in [("yes", 100 + i), ("no", 200 + i)] {
            let other = if number == 100 { wrong } else { class };
            folder.write(format!("set/{class}/{number}.png"), head(number, 0.0));
            folder.write(format!("set/{other}/{number}-crop.png"), head(number, 0.13));
        }
    }
    let options = PrepareOptions::default();
    prepare(&[folder.join("set")], &options, &folder.join("out"), &Quiet).unwrap()
}

fn row<'a>(dataset: &'a Dataset, end: &str) -> &'a ManifestRow {
    let found = dataset.rows.iter().find(|row| row.path.ends_with(end));
    found.unwrap()
}

#[test]
fn kin_are_distinct_groups_of_one_unit_and_a_split_keeps_them_together() {
    let (dataset, report) = with_kin("yes");
    let copies = report.copies;
    assert_eq!((copies.distinct_slices, copies.groups), (48, 48));
    assert_eq!((copies.units, copies.largest_unit), (24, 2));
    assert_eq!((copies.kin_pairs, copies.same_slice_pairs), (24, 0));
    for number in 100..112 {
        let plain = row(&dataset, &format!("/{number}.png"));
        let crop = row(&dataset, &format!("/{number}-crop.png"));
        assert_ne!(plain.group, crop.group);
        assert_eq!((plain.unit(), &plain.split), (crop.unit(), &crop.split));
    }
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[test]
fn kin_with_different_labels_stay_together_and_a_note_names_them() {
    let (dataset, report) = with_kin("no");
    let (plain, crop) = (row(&dataset, "/100.png"), row(&dataset, "/100-crop.png"));
    assert_ne!(plain.label, crop.label);
    assert_eq!((plain.unit(), &plain.split), (crop.unit(), &crop.split));
    assert_eq!((report.set_aside, report.notes.len()), (0, 1));
    let note = &report.notes[0];
    assert!(
        note.contains("different labels (1 slices)") && note.contains("100-crop.png (no_tumor)"),
        "{note}"
    );
    dataset.check().unwrap();
}
