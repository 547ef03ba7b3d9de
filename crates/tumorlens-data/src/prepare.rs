//! From folders and CSV files to a dataset: scan, read, group copies, set conflicts aside, split, write.
//!
//! Images are read in parallel, one decoded picture a thread at a time; what is kept of each is its hash and its
//! fingerprint. The result depends on the files and the options only, not on threads or on the order in which a disk
//! lists a folder.

mod classes;
mod groups;
mod options;
mod part;
mod place;
mod read;

pub use options::{OnConflict, PrepareOptions};
pub use part::SplitChoice;

use crate::dataset::{CopyCounts, Dataset, DatasetError, DatasetRecord, MANIFEST, RECORD};
use crate::fingerprint::Fingerprint;
use crate::manifest::ManifestRow;
use crate::scan::{Found, Ignored, Scan, ScanError, Skipped, scan};
use crate::split::SplitError;
use groups::Groups;
use read::ReadImage;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tumorlens_core::Observer;

/// What `prepare` did, for the terminal and for tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PrepareReport {
    /// Images in the dataset.
    pub images: usize,
    /// Images by class, in the order of the classes.
    pub classes: Vec<(String, usize)>,
    /// Images with an outline.
    pub masks: usize,
    /// Images by part of the split; empty without a split.
    pub splits: BTreeMap<String, usize>,
    /// Counts about copies.
    pub copies: CopyCounts,
    /// Images set aside because copies of one slice carry different labels.
    pub set_aside: usize,
    /// Files left with a reason.
    pub skipped: Vec<Skipped>,
    /// Files that nobody expects to be images, counted.
    pub ignored: Ignored,
    /// What the user should read.
    pub notes: Vec<String>,
}

/// Preparing failed; nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// An input cannot be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// Nothing to make a dataset of.
    #[error("no usable image in {inputs} ({skipped} skipped{first})")]
    NoImages {
        /// The inputs.
        inputs: String,
        /// Files skipped.
        skipped: usize,
        /// The first of them with its reason.
        first: String,
    },
    /// One class only.
    #[error(
        "a classifier needs two classes, found only '{class}' ({images} images{aside}): give a second folder, or map \
         names with --label NAME=CLASS"
    )]
    OneClass {
        /// The class.
        class: String,
        /// Its images.
        images: usize,
        /// What setting conflicts aside took away; empty where it took nothing.
        aside: String,
    },
    /// The positive class does not follow from the names.
    #[error("which class is the positive one? Say --positive NAME; the classes are {classes}")]
    NoPositive {
        /// Classes.
        classes: String,
    },
    /// The positive class that was asked for does not exist.
    #[error("the positive class '{positive}' is not one of the classes ({classes})")]
    UnknownPositive {
        /// Asked for.
        positive: String,
        /// Classes.
        classes: String,
    },
    /// Copies of one slice carry different labels, and the user wants that to be an error.
    #[error(
        "{count} groups hold copies of one slice with different labels, the first: {files}; correct the labels, or choose --on-conflict exclude or keep"
    )]
    Conflict {
        /// Groups.
        count: usize,
        /// Images of the first with their labels.
        files: String,
    },
    /// The official split was asked for and an image has none.
    #[error(
        "{count} images have no official split, the first: {path}; it is read from folders called train, validation and test, or from a CSV column"
    )]
    NoOfficialSplit {
        /// Images.
        count: usize,
        /// The first.
        path: String,
    },
    /// The images cannot be split as asked.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The output folder holds a manifest.csv that is not ours.
    #[error("{}: holds a {MANIFEST} but no {RECORD}: it is no dataset of ours and is not overwritten; choose another folder", .0.display())]
    NotOurs(PathBuf),
    /// The output folder cannot be made.
    #[error("{}: {error}", path.display())]
    Output {
        /// Folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The dataset would break a rule.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The user asked to stop.
    #[error("stopped; nothing was written")]
    Stopped,
}

/// Prepares a dataset in the folder `out`, which is made when it does not exist. A dataset that is already there is
/// replaced; any other manifest.csv is left alone.
///
/// # Errors
/// When an input cannot be scanned, there are not two classes, labels contradict each other and that is to be an
/// error, the split is impossible, or the folder cannot be written. A damaged image is no error: it is skipped and
/// reported.
pub fn prepare(
    inputs: &[PathBuf],
    options: &PrepareOptions,
    out: &Path,
    observer: &dyn Observer,
) -> Result<(Dataset, PrepareReport), PrepareError> {
    let dir = place::output(out)?;
    observer.begin("scan", None);
    let mut scan = scan(inputs, &options.scan)?;
    observer.end();

    let (images, fingerprints) = read_all(&mut scan, options, observer)?;
    if images.is_empty() {
        return Err(no_images(inputs, &scan.skipped));
    }
    observer.begin("find copies", None);
    let groups = Groups::find(&images, &fingerprints);
    observer.end();
    drop(fingerprints);

    let (dataset, notes) = assemble(&dir, images, groups, options, scan)?;
    if observer.should_stop() {
        return Err(PrepareError::Stopped);
    }
    dataset.check()?;
    dataset
        .save()
        .map_err(|error| PrepareError::Output { path: dir, error })?;
    let report = report(&dataset, notes);
    Ok((dataset, report))
}

/// One image that was read.
struct Image {
    found: Found,
    read: ReadImage,
}

impl Image {
    fn label(&self) -> &str {
        self.found.label.as_deref().unwrap_or_default()
    }
}

/// Reads all images in parallel; files that cannot be used move to `scan.skipped`.
fn read_all(
    scan: &mut Scan,
    options: &PrepareOptions,
    observer: &dyn Observer,
) -> Result<(Vec<Image>, Vec<Fingerprint>), PrepareError> {
    let found = std::mem::take(&mut scan.images);
    let read = read::all(&found, &options.limits, observer).ok_or(PrepareError::Stopped)?;
    let (mut images, mut fingerprints) = (
        Vec::with_capacity(found.len()),
        Vec::with_capacity(found.len()),
    );
    for (found, read) in found.into_iter().zip(read) {
        match read {
            Ok((read, fingerprint)) => {
                scan.skipped.extend(read.mask_problem.clone());
                images.push(Image { found, read });
                fingerprints.push(fingerprint);
            }
            Err(reason) => scan.skipped.push(Skipped::new(&found.path, reason)),
        }
    }
    Ok((images, fingerprints))
}

fn no_images(inputs: &[PathBuf], skipped: &[Skipped]) -> PrepareError {
    let inputs: Vec<String> = inputs.iter().map(|p| p.display().to_string()).collect();
    let first = skipped
        .first()
        .map(|s| format!(", the first: {}: {}", s.path, s.reason))
        .unwrap_or_default();
    PrepareError::NoImages {
        inputs: inputs.join(", "),
        skipped: skipped.len(),
        first,
    }
}

/// Conflicts, classes, rows and split.
fn assemble(
    dir: &Path,
    images: Vec<Image>,
    groups: Groups,
    options: &PrepareOptions,
    scan: Scan,
) -> Result<(Dataset, Vec<String>), PrepareError> {
    let conflicts = groups.conflicts(&images);
    let labelled = |i: &usize| {
        let image = &images[*i];
        format!("{} ({})", image.found.path.display(), image.label())
    };
    let kin_conflicts: Vec<String> = groups
        .kin_conflicts(&images)
        .iter()
        .map(|set| set.iter().map(labelled).collect::<Vec<_>>().join(", "))
        .collect();
    if options.on_conflict == OnConflict::Error && !conflicts.is_empty() {
        let files = conflicts[0].iter().map(labelled);
        return Err(PrepareError::Conflict {
            count: conflicts.len(),
            files: files.collect::<Vec<_>>().join(", "),
        });
    }
    let mut record = DatasetRecord {
        tumorlens_version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: options.clone(),
        ..DatasetRecord::default()
    };
    let row = |i: usize| row(dir, &images[i], groups.group(i), groups.unit(i));
    let mut aside = vec![false; images.len()];
    for &i in conflicts.iter().flatten() {
        if options.on_conflict == OnConflict::Exclude {
            aside[i] = true;
            record.set_aside.push(row(i).into());
        } else {
            record.kept_conflicts.push(groups.group(i).to_owned());
        }
    }
    record.kept_conflicts.sort();
    record.kept_conflicts.dedup();

    let kept: Vec<usize> = (0..images.len()).filter(|&i| !aside[i]).collect();
    let rows: Vec<ManifestRow> = kept.iter().map(|&i| row(i)).collect();
    let classes = classes::of(&rows, record.set_aside.len(), options)?;
    record.copies = groups.counts(&images, &kept);
    (record.sources, record.skipped, record.ignored) = (scan.sources, scan.skipped, scan.ignored);

    let mut dataset = Dataset {
        dir: dir.to_owned(),
        classes,
        rows,
        record,
    };
    options.split.apply(&mut dataset)?;
    let mut notes = scan.notes;
    notes.extend(classes::notes(&dataset));
    notes.extend(kin_note(&kin_conflicts));
    Ok((dataset, notes))
}

/// What the user should read about kin with different labels. They stay: that they show one slice is less certain than
/// for copies, and a split keeps them together either way.
fn kin_note(conflicts: &[String]) -> Option<String> {
    let first = conflicts.first()?;
    Some(format!(
        "images of one slice that are altered too much to count as copies have different labels ({} slices): check them, the first: {first}",
        conflicts.len()
    ))
}

fn row(dir: &Path, image: &Image, group: &str, unit: &str) -> ManifestRow {
    let mask = image
        .found
        .mask
        .as_ref()
        .filter(|_| image.read.mask_problem.is_none());
    ManifestRow {
        path: place::relative(dir, &image.found.path),
        label: image.label().to_owned(),
        subject: image.found.subject.clone(),
        group: group.to_owned(),
        unit: unit.to_owned(),
        split: String::new(),
        mask: mask.map(|m| place::relative(dir, m)).unwrap_or_default(),
        sha256: image.read.sha256.clone(),
        source: image.found.source.clone(),
        official_split: image.found.official_split.clone(),
        plane: image.found.acquisition.plane.clone(),
        sequence: image.found.acquisition.sequence.clone(),
        contrast: image.found.acquisition.contrast.clone(),
    }
}

fn report(dataset: &Dataset, mut notes: Vec<String>) -> PrepareReport {
    let count = |class: &String| {
        dataset
            .rows
            .iter()
            .filter(|row| row.label == *class)
            .count()
    };
    let mut splits = BTreeMap::new();
    for row in dataset.rows.iter().filter(|row| !row.split.is_empty()) {
        *splits.entry(row.split.clone()).or_insert(0) += 1;
    }
    let record = &dataset.record;
    if let Some(first) = record.skipped.first() {
        notes.push(format!(
            "{} files were skipped, the first: {}: {}",
            record.skipped.len(),
            first.path,
            first.reason
        ));
    }
    if let Some(first) = record.set_aside.first() {
        let n = record.set_aside.len();
        notes.push(format!(
            "{n} images were set aside, for copies of them carry another label; the first: {}",
            first.path
        ));
    }
    PrepareReport {
        images: dataset.rows.len(),
        classes: dataset
            .classes
            .names()
            .iter()
            .map(|name| (name.clone(), count(name)))
            .collect(),
        masks: dataset
            .rows
            .iter()
            .filter(|row| !row.mask.is_empty())
            .count(),
        splits,
        copies: record.copies,
        set_aside: record.set_aside.len(),
        skipped: record.skipped.clone(),
        ignored: record.ignored.clone(),
        notes,
    }
}
