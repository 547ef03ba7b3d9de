//! Folders of scans: series in order, volumes cut, subjects numbered, nothing of a person written.

use crate::writer::{EXPLICIT, Writer, file, image, pixels};
use std::path::Path;
use tumorlens_core::Affine;
use tumorlens_data::format::nifti::write::encode;
use tumorlens_data::format::sequence::Weighting;
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::{Found, Scan, ScanOptions, SubjectKey, Subjects, scan};
use tumorlens_data::slice::read_slice;

/// An axial slice of 8x8 pixels at the height `z`, all of the value `z` but for one corner.
fn slice(z: u16, modality: &str, body_part: &str) -> Vec<u8> {
    described(z, modality, body_part, "t1_se_tra")
}

/// The same with a description of the series.
fn described(z: u16, modality: &str, body_part: &str, description: &str) -> Vec<u8> {
    let mut values = vec![z; 64];
    values[0] = z + 1;
    let mut body = Writer::default()
        .put((8, 0x60), "CS", modality.as_bytes())
        .put((8, 0x103E), "LO", description.as_bytes())
        .put((0x10, 0x10), "PN", b"DOE^JANE")
        .put((0x10, 0x20), "LO", b"MRN-4711")
        .put((0x18, 0x15), "CS", body_part.as_bytes())
        .put((0x20, 0xD), "UI", b"1.2.3")
        .put((0x20, 0xE), "UI", b"1.2.3.4")
        .put((0x20, 0x32), "DS", format!("0\\0\\{z}").as_bytes())
        .put((0x20, 0x37), "DS", b"1\\0\\0\\0\\1\\0")
        .put((0x28, 0x30), "DS", b"1\\1");
    body.0.extend(image(8, 8, 16, false).0);
    if description == "screenshot" {
        body = body.put((0x28, 0x301), "CS", b"YES");
    }
    body = body.put((0x7FE0, 0x10), "OW", &pixels(&values));
    file(EXPLICIT, &body.0)
}

fn found(folder: &Path, labelled: bool) -> Scan {
    let options = ScanOptions {
        labelled,
        ..ScanOptions::default()
    };
    scan(&[folder.to_owned()], &options).unwrap()
}

fn names(images: &[Found]) -> Vec<String> {
    images
        .iter()
        .map(|i| i.path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_file_that_does_not_say_where_it_lies_still_says_how_large_its_pixels_are() {
    let folder = tempfile::tempdir().unwrap();
    let placed = slice(10, "MR", "HEAD");
    std::fs::write(folder.path().join("a.dcm"), &placed).unwrap();
    let mut body = Writer::default().put((8, 0x60), "CS", b"MR");
    body = body.put((0x28, 0x30), "DS", b"0.5\\0.25");
    body.0.extend(image(8, 8, 16, false).0);
    let values: Vec<u16> = (0..64).collect();
    body = body.put((0x7FE0, 0x10), "OW", &pixels(&values));
    std::fs::write(folder.path().join("b.dcm"), file(EXPLICIT, &body.0)).unwrap();
    let found = found(folder.path(), false);
    let mut areas: Vec<_> = found
        .images
        .iter()
        .map(|i| i.scan.as_ref().unwrap())
        .map(|scan| (scan.place.is_some(), scan.pixel_mm2))
        .collect();
    areas.sort_by_key(|a| a.0);
    assert_eq!(areas, [(false, Some(0.125)), (true, Some(1.0))]);
}

#[test]
fn slices_of_a_series_stand_in_the_order_of_their_positions_and_gaps_are_said() {
    let folder = tempfile::tempdir().unwrap();
    for (name, z) in [
        ("a", 30),
        ("b", 10),
        ("c", 20),
        ("d", 60),
        ("e", 60),
        ("f", 40),
    ] {
        std::fs::write(folder.path().join(name), slice(z, "MR", "HEAD")).unwrap();
    }
    let scan = found(folder.path(), false);
    assert_eq!(names(&scan.images), ["b", "c", "a", "f", "d", "e"]);
    let note = scan.notes.join(" ");
    assert!(note.contains("1 at the place of another"), "{note}");
    assert!(
        note.contains("1 missing by the usual step of 10.00 mm"),
        "{note}"
    );
}

#[test]
fn a_subject_gets_a_number_and_nothing_of_the_person_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["yes", "no"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
    }
    std::fs::write(folder.path().join("yes/x"), slice(1, "MR", "BRAIN")).unwrap();
    std::fs::write(folder.path().join("no/y"), slice(2, "MR", "BRAIN")).unwrap();
    let scan = found(folder.path(), true);
    let subjects: Vec<&str> = scan.images.iter().map(|i| i.subject.as_str()).collect();
    assert_eq!(subjects, ["subject-0001"; 2]);
    let said = format!("{scan:?}");
    assert!(
        !said.contains("DOE") && !said.contains("4711") && !said.contains("1.2.3"),
        "{said}"
    );
}

#[test]
fn what_is_no_mri_of_the_head_by_its_tags_is_left_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ct"), slice(1, "CT", "HEAD")).unwrap();
    std::fs::write(folder.path().join("knee"), slice(1, "MR", "KNEE")).unwrap();
    std::fs::write(folder.path().join("unsaid"), slice(1, "MR", "")).unwrap();
    let scan = found(folder.path(), false);
    assert_eq!(names(&scan.images), ["unsaid"]);
    let reasons: Vec<&str> = scan.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(reasons[0].contains("modality CT"), "{reasons:?}");
    assert!(
        reasons[1].contains("another body part (KNEE)"),
        "{reasons:?}"
    );
}

/// A box of 10x10x10 mm with the spacing 1, 1 and 2 mm; voxels grow to the right, front and top, the lowest slice is empty.
fn volume(outline: bool) -> Vec<u8> {
    let (shape, affine) = (
        [10, 10, 5],
        Affine {
            rows: [
                [1.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 2.0, 0.0],
            ],
        },
    );
    let values: Vec<f32> = (0..500u16)
        .map(|i| {
            let (x, y, z) = (i % 10, i / 10 % 10, i / 100);
            let lesion = z == 2 && (2..8).contains(&x) && (2..8).contains(&y);
            let spot = z == 3 && x == 5 && y == 5;
            if outline {
                f32::from(u8::from(lesion || spot)) * 4.0
            } else if z == 0 {
                0.0
            } else {
                f32::from(x + y + 10 * z) + 1.0
            }
        })
        .collect();
    encode(shape, &affine, &values).unwrap()
}

#[test]
fn a_segmentation_labels_slices_and_small_spots_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let anat = folder.path().join("tumor");
    std::fs::create_dir_all(anat.join("masks")).unwrap();
    std::fs::write(anat.join("sub-07_T1w.nii.gz"), volume(false)).unwrap();
    std::fs::write(anat.join("masks/sub-07_T1w.nii.gz"), volume(true)).unwrap();
    let scan = found(folder.path(), true);
    assert!(scan.skipped.is_empty(), "{:?}", scan.skipped);
    let labels: Vec<(String, &str, bool)> = scan
        .images
        .iter()
        .map(|i| {
            let name = i.path.to_str().unwrap().rsplit('@').next().unwrap();
            (
                name.to_owned(),
                i.label.as_deref().unwrap(),
                i.mask.is_some(),
            )
        })
        .collect();
    let slice = |i: usize, label, mask| (format!("axial:{i}"), label, mask);
    // Slice 0 is empty, slice 3 shows a single voxel of 1 mm2.
    let expected = [
        slice(1, "no_tumor", false),
        slice(2, "tumor", true),
        slice(4, "no_tumor", false),
    ];
    assert_eq!(labels, expected);
    assert!(scan.images.iter().all(|i| i.subject == "sub-07"));
    let taken = &scan.images[0].acquisition;
    assert_eq!(
        (taken.plane.as_str(), taken.sequence.as_str()),
        ("axial", "T1w")
    );
    let mask = scan.images[1].mask.as_ref().unwrap();
    let mask =
        tumorlens_data::format::raster::mask::decode_mask_file(mask, &Limits::default()).unwrap();
    assert_eq!(mask.area(), 36);
}

#[test]
fn a_slice_is_drawn_as_a_radiologist_sees_it_with_square_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.nii.gz");
    std::fs::write(&file, volume(false)).unwrap();
    let slice = |part: &str| {
        let path = format!("{}@{part}", file.display());
        read_slice(Path::new(&path), &Limits::default())
    };
    let axial = slice("axial:2").unwrap();
    // The first pixel lies at the patient's right and front, where x and y are largest: 9 + 9 + 20 + 1.
    assert_eq!(axial.values()[0], 39.0);
    assert_eq!(axial.values()[99], 21.0);
    let coronal = slice("coronal:0").unwrap();
    assert_eq!((coronal.width(), coronal.height()), (10, 10));
    // Superior above: the largest z in the first row.
    assert!(coronal.values()[5] > coronal.values()[95]);
    assert!(slice("axial:5").is_err());
    assert!(read_slice(&file, &Limits::default()).is_err());
}

#[test]
fn only_the_sequences_that_were_asked_for_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    for (name, z, description) in [
        ("a", 10, "t1_se_tra"),
        ("b", 20, "T2 FLAIR"),
        ("c", 30, "something"),
    ] {
        std::fs::write(
            folder.path().join(name),
            described(z, "MR", "HEAD", description),
        )
        .unwrap();
    }
    let options = ScanOptions {
        labelled: false,
        sequences: vec![Weighting::Flair],
        ..ScanOptions::default()
    };
    let scan = scan(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(names(&scan.images), ["b"]);
    let reasons: Vec<&str> = scan.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(reasons[0].contains("T1w"), "{reasons:?}");
    assert!(
        reasons[1].contains("neither names nor times"),
        "{reasons:?}"
    );
}

#[test]
fn a_key_gives_a_patient_the_same_name_everywhere_and_identifiers_are_kept_only_when_asked_for() {
    let subject = |subjects: Subjects| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), slice(10, "MR", "HEAD")).unwrap();
        let options = ScanOptions {
            labelled: false,
            subjects,
            ..ScanOptions::default()
        };
        let scan = scan(&[folder.path().to_owned()], &options).unwrap();
        scan.images[0].subject.clone()
    };
    let keyed = |key: &[u8]| subject(Subjects::Keyed(SubjectKey::new(key).unwrap()));
    let name = keyed(b"a secret of this hospital");
    assert_eq!(name, keyed(b"a secret of this hospital"));
    assert_ne!(name, keyed(b"a secret of another place"));
    assert!(!name.contains("4711"), "{name}");
    assert_eq!(subject(Subjects::Kept), "MRN-4711");
}

#[test]
fn text_burned_into_pixels_is_warned_of_once() {
    let folder = tempfile::tempdir().unwrap();
    for (name, z) in [("a", 10), ("b", 20), ("c", 30)] {
        std::fs::write(
            folder.path().join(name),
            described(z, "MR", "HEAD", "screenshot"),
        )
        .unwrap();
    }
    let notes = found(folder.path(), false).notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("burned") && notes[0].contains("2 more"));
}
