//! Preparing, saving, editing and checking a dataset.

use crate::synthetic::{Folder, encode, field8, png};
use image::{DynamicImage, ImageFormat};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tumorlens_core::{Observer, Quiet};
use tumorlens_data::dataset::{Dataset, DatasetError, MANIFEST, RECORD};
use tumorlens_data::label_table::ClassMode;
use tumorlens_data::prepare::{
    OnConflict, PrepareError, PrepareOptions, PrepareReport, SplitChoice, prepare,
};
use tumorlens_data::scan::ScanOptions;

fn without_split() -> PrepareOptions {
    PrepareOptions {
        split: SplitChoice::None,
        ..PrepareOptions::default()
    }
}

fn prepared(folder: &Folder, input: &str, options: &PrepareOptions) -> (Dataset, PrepareReport) {
    prepare(&[folder.join(input)], options, &folder.join("out"), &Quiet).unwrap()
}

fn refused(folder: &Folder, input: &str, options: &PrepareOptions) -> String {
    let error = prepare(&[folder.join(input)], options, &folder.join("out"), &Quiet).unwrap_err();
    assert!(
        !folder.join("out").join(RECORD).exists(),
        "something was written"
    );
    error.to_string()
}

fn edit(folder: &Folder, change: impl Fn(&str) -> String) -> Result<Dataset, DatasetError> {
    let path = folder.join("out").join(MANIFEST);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(&text)).unwrap();
    Dataset::load(&folder.join("out"))
}

#[test]
fn a_prepared_dataset_is_loaded_as_it_was_and_two_runs_give_the_same_bytes() {
    let folder = Folder::new();
    folder.two_classes("set", 6);
    let (dataset, report) = prepared(&folder, "set", &without_split());
    assert_eq!(
        report.classes,
        [("no_tumor".to_owned(), 6), ("tumor".to_owned(), 6)]
    );
    assert_eq!(dataset.classes.name(dataset.classes.positive()), "tumor");
    assert_eq!(
        (report.copies.groups, report.copies.distinct_files),
        (12, 12)
    );
    let loaded = Dataset::load(&folder.join("out")).unwrap();
    assert_eq!(
        (&loaded.rows, &loaded.record),
        (&dataset.rows, &dataset.record)
    );
    loaded.verify_files(&Quiet).unwrap();
    let bytes = |name| std::fs::read(folder.join("out").join(name)).unwrap();
    let before = (bytes(MANIFEST), bytes(RECORD));
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap()
        .install(|| prepared(&folder, "set", &without_split()));
    assert_eq!(before, (bytes(MANIFEST), bytes(RECORD)));
}

#[test]
fn a_dataset_and_its_images_can_be_moved_together() {
    let folder = Folder::new();
    folder.two_classes("here/set", 3);
    let (dataset, _) = prepare(
        &[folder.join("here/set")],
        &without_split(),
        &folder.join("here/out"),
        &Quiet,
    )
    .unwrap();
    assert_eq!(dataset.rows[0].path, "../set/no/n0.png");
    std::fs::rename(folder.join("here"), folder.join("there")).unwrap();
    Dataset::load(&folder.join("there/out"))
        .unwrap()
        .verify_files(&Quiet)
        .unwrap();
}

#[test]
fn content_has_one_name_wherever_it_lies_and_another_once_a_row_changes() {
    let content = |images: &str, out: &str| {
        let folder = Folder::new();
        folder.two_classes(images, 3);
        let inputs = [folder.join(images)];
        let (dataset, _) = prepare(&inputs, &without_split(), &folder.join(out), &Quiet).unwrap();
        (dataset.manifest_sha256().unwrap(), dataset)
    };
    let (manifest, here) = content("set", "out");
    let (moved, there) = content("far/away/set", "other/out");
    assert_ne!(manifest, moved, "paths are part of the manifest");
    let name = here.content_sha256().unwrap();
    assert_eq!(name, there.content_sha256().unwrap());

    let changes: [fn(&mut Dataset); 6] = [
        |d| d.rows[0].label = "tumor".to_owned(),
        |d| d.rows[0].split = "test".to_owned(),
        |d| d.rows[0].sha256 = "0".repeat(64),
        |d| d.rows[0].mask = "outlines/n0.png".to_owned(),
        |d| d.rows[0].path = "../set/no/raw.nii.gz@axial:3".to_owned(),
        |d| d.rows.swap(0, 1),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = here.clone();
        change(&mut changed);
        assert_ne!(name, changed.content_sha256().unwrap(), "change {number}");
    }
}

#[test]
fn copies_share_a_group_and_subjects_join_groups() {
    let folder = Folder::new();
    folder.two_classes("set", 3);
    folder.write("set/yes/copy.png", png(1));
    let grouped = prepared(&folder, "set", &without_split()).0;
    let group = |dataset: &Dataset, end: &str| {
        dataset
            .rows
            .iter()
            .find(|r| r.path.ends_with(end))
            .unwrap()
            .group
            .clone()
    };
    assert_eq!(
        group(&grouped, "yes/copy.png"),
        group(&grouped, "yes/y0.png")
    );
    assert!(group(&grouped, "y0.png").starts_with('g') && group(&grouped, "y0.png").len() == 11);
    assert_eq!(grouped.record.copies.groups, 6);

    let mut csv = "path,label,subject\n".to_owned();
    for (path, label, subject) in [
        ("yes/y0.png", "yes", "p1"),
        ("no/n0.png", "no", "p1"),
        ("yes/copy.png", "yes", ""),
        ("yes/y1.png", "yes", "p2"),
    ] {
        csv += &format!("{path},{label},{subject}\n");
    }
    folder.write("set/manifest.csv", csv);
    let (dataset, report) = prepared(&folder, "set", &without_split());
    // p1 has a slice with and one without a tumor: no conflict, one group, and the copy of its slice belongs to it.
    assert_eq!(
        (
            report.copies.groups,
            report.set_aside,
            report.copies.largest_group
        ),
        (2, 0, 3)
    );
    assert_eq!(group(&dataset, "n0.png"), group(&dataset, "copy.png"));
    assert_ne!(group(&dataset, "n0.png"), group(&dataset, "y1.png"));
}

#[test]
fn copies_with_different_labels_are_set_aside_refused_or_kept_as_the_user_says() {
    let folder = Folder::new();
    folder.two_classes("set", 4);
    folder.write("set/no/wrong.png", png(1));
    let with = |on_conflict| PrepareOptions {
        on_conflict,
        ..without_split()
    };
    let message = refused(&folder, "set", &with(OnConflict::Error));
    assert!(
        message.contains("wrong.png (no_tumor)") && message.contains("y0.png (tumor)"),
        "{message}"
    );

    let (dataset, report) = prepared(&folder, "set", &with(OnConflict::Exclude));
    assert_eq!((report.images, report.set_aside), (7, 2));
    assert_eq!(dataset.record.set_aside[0].label, "no_tumor");

    let (kept, report) = prepared(&folder, "set", &with(OnConflict::Keep));
    assert_eq!((report.images, kept.record.kept_conflicts.len()), (9, 1));
    assert!(Dataset::load(&folder.join("out")).is_ok());
}

#[test]
fn damaged_images_and_outlines_that_do_not_fit_are_left_with_a_reason() {
    let folder = Folder::new();
    folder.two_classes("set", 3);
    folder.write("set/yes/cut.png", &png(60)[..200]);
    let mask = |w, h| {
        encode(
            &DynamicImage::ImageLuma8(field8(61, w, h)),
            ImageFormat::Png,
        )
    };
    folder.write("set/masks/y0.png", mask(96, 80));
    folder.write("set/masks/y1.png", mask(48, 40));
    folder.write("set/masks/y2.png", mask(96, 50));
    let (dataset, report) = prepared(&folder, "set", &without_split());
    let reasons: Vec<&str> = report.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(reasons[0].starts_with("damaged png: "), "{reasons:?}");
    assert_eq!(
        reasons[1],
        "outline of 96x50 does not fit the picture of 96x80"
    );
    assert_eq!((report.images, report.masks), (6, 2));
    let row = dataset
        .rows
        .iter()
        .find(|r| r.path.ends_with("y0.png"))
        .unwrap();
    assert!(dataset.mask_file(row).unwrap().ends_with("masks/y0.png"));
}

#[test]
fn what_cannot_become_a_dataset_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    folder.two_classes("set", 2);
    std::fs::create_dir(folder.join("empty")).unwrap();
    assert!(refused(&folder, "empty", &without_split()).contains("no usable image"));
    assert!(
        refused(&folder, "set/yes", &without_split()).contains("found only 'tumor' (2 images)")
    );
    folder.write("torn/yes/1.png", png(1));
    folder.write("torn/no/1.png", png(1));
    let message = refused(&folder, "torn", &without_split());
    assert!(
        message.contains("and 2 set aside, for copies of them carry another label"),
        "{message}"
    );
    let given = vec!["tumor".to_owned(), "no_tumor".to_owned()];
    let one_class = PrepareOptions {
        classes: given,
        ..without_split()
    };
    let out = folder.join("evaluate");
    let (dataset, _) = prepare(&[folder.join("set/yes")], &one_class, &out, &Quiet).unwrap();
    assert_eq!(dataset.classes, tumorlens_core::ClassSet::tumor());
    folder.write("other/cats/1.png", png(5));
    folder.write("other/dogs/2.png", png(6));
    let message = refused(&folder, "other", &without_split());
    assert!(
        message.contains("--positive NAME; the classes are cats, dogs"),
        "{message}"
    );
    let unknown = PrepareOptions {
        positive: Some("birds".to_owned()),
        ..without_split()
    };
    assert!(refused(&folder, "other", &unknown).contains("'birds' is not one of the classes"));
    let dogs = PrepareOptions {
        positive: Some("dogs".to_owned()),
        ..without_split()
    };
    assert_eq!(prepared(&folder, "other", &dogs).0.classes.positive().0, 1);
}

#[test]
fn types_stay_apart_on_request_with_a_named_positive() {
    let folder = Folder::new();
    for (i, path) in ["glioma/1.png", "meningioma/2.png", "notumor/3.png"]
        .iter()
        .enumerate()
    {
        folder.write(format!("set/{path}"), png(i as u64));
    }
    let scan = ScanOptions {
        classes: ClassMode::Types,
        ..ScanOptions::default()
    };
    let options = PrepareOptions {
        scan,
        positive: Some("glioma".to_owned()),
        ..without_split()
    };
    let (dataset, _) = prepared(&folder, "set", &options);
    assert_eq!(
        dataset.classes.names(),
        ["no_tumor", "glioma", "meningioma"]
    );
}

#[test]
fn a_manifest_of_somebody_else_is_not_overwritten() {
    let folder = Folder::new();
    folder.two_classes("set", 2);
    folder.write(
        "set/manifest.csv",
        "path,label\nyes/y0.png,yes\nno/n0.png,no\n",
    );
    let error = prepare(
        &[folder.join("set")],
        &without_split(),
        &folder.join("set"),
        &Quiet,
    )
    .unwrap_err();
    assert!(matches!(error, PrepareError::NotOurs(_)), "{error}");
    assert!(
        std::fs::read_to_string(folder.join("set/manifest.csv"))
            .unwrap()
            .starts_with("path,label\n")
    );
}

#[test]
fn an_official_split_is_kept_on_request_and_must_be_complete() {
    let folder = Folder::new();
    for (i, path) in [
        "train/yes/1.png",
        "train/no/2.png",
        "test/yes/3.png",
        "test/no/4.png",
    ]
    .iter()
    .enumerate()
    {
        folder.write(format!("set/{path}"), png(i as u64));
    }
    let official = PrepareOptions {
        split: SplitChoice::Official,
        ..without_split()
    };
    let (_, report) = prepared(&folder, "set", &official);
    assert_eq!(
        report.splits.into_iter().collect::<Vec<_>>(),
        [("test".to_owned(), 2), ("train".to_owned(), 2)]
    );
    // A copy of a training image in the test folder: the leak that the audit is there to find.
    folder.write("set/test/yes/leak.png", png(0));
    let error = prepare(
        &[folder.join("set")],
        &official,
        &folder.join("out2"),
        &Quiet,
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("lies on two sides of the split") && error.contains("leak.png (test)"),
        "{error}"
    );
    folder.write("set/yes/5.png", png(5));
    let error = prepare(
        &[folder.join("set")],
        &official,
        &folder.join("out3"),
        &Quiet,
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.starts_with("1 images have no official split"),
        "{error}"
    );
}

#[test]
fn a_manifest_may_be_edited_and_every_broken_rule_is_named() {
    let folder = Folder::new();
    folder.two_classes("set", 3);
    folder.write("set/yes/copy.png", png(1));
    prepared(&folder, "set", &without_split());
    let original = std::fs::read_to_string(folder.join("out").join(MANIFEST)).unwrap();
    let line_of = |name: &str| {
        original
            .lines()
            .find(|l| l.contains(name))
            .unwrap()
            .to_owned()
    };
    let error = |change: &dyn Fn(&str) -> String| {
        edit(&folder, |_| change(&original))
            .unwrap_err()
            .to_string()
    };

    // A legal edit: a row taken out.
    let removed = edit(&folder, |text| {
        text.replace(&format!("{}\n", line_of("y2.png")), "")
    })
    .unwrap();
    assert_eq!(removed.rows.len(), 6);

    let relabelled = line_of("copy.png").replace(",tumor,", ",no_tumor,");
    let message = error(&|text| text.replace(&line_of("copy.png"), &relabelled));
    assert!(
        message.contains("copies of one slice with different labels")
            && message.contains("copy.png (no_tumor)"),
        "{message}"
    );

    let message = error(&|text| text.replace(",tumor,", ",cancer,"));
    assert!(
        message.contains("label 'cancer'") && message.contains("no_tumor, tumor"),
        "{message}"
    );

    // A split written by hand that tears copies apart: the sixth field is the split.
    let with_split = |text: &str| {
        let row = |line: &str| {
            let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            fields[5] = if line.contains("copy.png") {
                "test"
            } else {
                "train"
            }
            .to_owned();
            fields.join(",")
        };
        text.lines()
            .enumerate()
            .map(|(i, l)| if i == 0 { l.to_owned() } else { row(l) } + "\n")
            .collect::<String>()
    };
    let message = error(&with_split);
    assert!(
        message.contains("lies on two sides of the split") && message.contains("copy.png (test)"),
        "{message}"
    );
    assert!(message.contains("give all of them one split"), "{message}");

    // A unit is made of whole groups: the copy gets another unit, the fifth field.
    let mut fields: Vec<String> = line_of("copy.png").split(',').map(str::to_owned).collect();
    fields[4] = "u1".to_owned();
    let message = error(&|text| text.replace(&line_of("copy.png"), &fields.join(",")));
    assert!(
        message.contains("lies in two units") && message.contains("give all its rows one unit"),
        "{message}"
    );
    // Two slices of one unit on two sides, although each group lies on one.
    let message = error(&|text| {
        let one_unit = |line: &str| {
            let mut fields: Vec<&str> = line.split(',').collect();
            fields[4] = "u1";
            fields[5] = if line.contains("/yes/") {
                "train"
            } else {
                "test"
            };
            fields.join(",") + "\n"
        };
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default().to_owned() + "\n";
        header + &lines.map(one_unit).collect::<String>()
    });
    assert!(
        message.starts_with("unit 'u1' lies on two sides of the split"),
        "{message}"
    );

    assert!(error(&|_| String::new()).contains("column 'path' is missing"));
    assert!(error(&|text| text.lines().take(1).collect()).contains("the dataset has no images"));
}

#[test]
fn changed_and_missing_files_are_listed_with_what_to_do() {
    let folder = Folder::new();
    folder.two_classes("set", 4);
    let (dataset, _) = prepared(&folder, "set", &without_split());
    std::fs::write(folder.join("set/yes/y1.png"), png(77)).unwrap();
    let message = dataset.verify_files(&Quiet).unwrap_err().to_string();
    assert!(
        message.starts_with("1 files of the dataset have changed") && message.contains("y1.png"),
        "{message}"
    );
    assert!(
        message.ends_with("run `tumorlens prepare` again"),
        "{message}"
    );
    std::fs::remove_file(folder.join("set/no/n2.png")).unwrap();
    let message = dataset.verify_files(&Quiet).unwrap_err().to_string();
    assert!(
        message.contains("are gone") && message.contains("n2.png"),
        "{message}"
    );
}

#[test]
fn a_record_that_is_damaged_or_of_another_version_is_refused() {
    let folder = Folder::new();
    folder.two_classes("set", 2);
    prepared(&folder, "set", &without_split());
    let path = folder.join("out").join(RECORD);
    let text = std::fs::read_to_string(&path).unwrap();
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Dataset::load(&folder.join("out")).unwrap_err().to_string()
    };
    assert!(load(&text.replace("\"schema\": 1", "\"schema\": 99")).contains("schema version 99"));
    assert!(load(&text[..text.len() / 2]).contains("dataset.json: "));
    assert!(
        load(&text.replace("\"positive\": \"tumor\"", "\"positive\": \"cancer\""))
            .contains("cancer")
    );
    assert!(Dataset::load(Path::new("/nowhere")).is_err());
}

#[cfg(unix)]
#[test]
fn names_of_any_bytes_go_through_the_manifest_and_back() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    folder.two_classes("set", 1);
    for (i, name) in [
        b"\xff\xfe.png".as_slice(),
        b"a\nb, \"c\".png",
        b"100%25.png",
    ]
    .iter()
    .enumerate()
    {
        folder.write(
            Path::new("set/yes").join(std::ffi::OsStr::from_bytes(name)),
            png(40 + i as u64),
        );
    }
    prepared(&folder, "set", &without_split());
    let loaded = Dataset::load(&folder.join("out")).unwrap();
    assert_eq!(loaded.rows.len(), 5);
    loaded.verify_files(&Quiet).unwrap();
}

/// Stops after a number of steps.
struct Impatient(AtomicU64);

impl Observer for Impatient {
    fn begin(&self, _stage: &str, _steps: Option<u64>) {}
    fn advance(&self, _done: u64, _note: &str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn end(&self) {}
    fn say(&self, _message: &str) {}
    fn should_stop(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= 3
    }
}

#[test]
fn a_user_who_stops_gets_no_half_dataset() {
    let folder = Folder::new();
    folder.two_classes("set", 20);
    let out: PathBuf = folder.join("out");
    let error = prepare(
        &[folder.join("set")],
        &without_split(),
        &out,
        &Impatient(AtomicU64::new(0)),
    )
    .unwrap_err();
    assert!(matches!(error, PrepareError::Stopped), "{error}");
    assert!(!Dataset::is_in(&out) && std::fs::read_dir(&out).unwrap().count() == 0);
}
