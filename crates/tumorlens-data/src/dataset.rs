//! A dataset on disk: a folder with manifest.csv and dataset.json. The images stay where they are.
//!
//! manifest.csv may be edited by hand; every reading checks it anew. What would change a result is an error that says
//! what to do: a group, a unit or a subject on two sides of a split, a group in two units, two labels for one slice, a class that is not known, and,
//! in [`Dataset::verify_files`], a file that changed or is gone.

mod check;
mod content;
mod held_out;
mod record;
mod verify;

pub use held_out::{HeldOut, HeldOutError};
pub use record::{CopyCounts, DatasetRecord, SCHEMA, SetAside};

use crate::atomic_write::atomic_write;
use crate::manifest::{self, ManifestError, ManifestRow};
use crate::scan::path_text::from_text;
use crate::split::Part;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tumorlens_core::{ClassIndex, ClassSet};

/// Name of the table of images.
pub const MANIFEST: &str = "manifest.csv";
/// Name of the record.
pub const RECORD: &str = "dataset.json";

/// Images with classes, groups and splits, and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Its folder.
    pub dir: PathBuf,
    /// Classes, with the positive one.
    pub classes: ClassSet,
    /// Images, one a row of manifest.csv.
    pub rows: Vec<ManifestRow>,
    /// The rest of dataset.json.
    pub record: DatasetRecord,
}

/// A dataset cannot be read, or must not be used as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The folder holds no dataset, or it is not readable.
    #[error("{}: {error}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// dataset.json is not what it should be.
    #[error("{}: {reason}", path.display())]
    Record {
        /// File.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Made by a version with another layout.
    #[error("{}: schema version {found}, this program reads {SCHEMA}: run `tumorlens prepare` again", path.display())]
    Schema {
        /// File.
        path: PathBuf,
        /// Version found.
        found: u32,
    },
    /// manifest.csv breaks a rule.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// No images.
    #[error("{}: the dataset has no images", .0.display())]
    Empty(PathBuf),
    /// A label that is no class.
    #[error(
        "label '{label}' of {path} is not one of the classes ({classes}): correct the label, or add the class in {RECORD}"
    )]
    UnknownClass {
        /// Image.
        path: String,
        /// Its label.
        label: String,
        /// Classes.
        classes: String,
    },
    /// Images that belong together lie on two sides of a split.
    #[error(
        "{what} '{name}' lies on two sides of the split: {files}; give all of them one split, or run `tumorlens prepare` again"
    )]
    Leak {
        /// `group`, `unit`, `file` or `subject`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Images of both sides.
        files: String,
    },
    /// Images that belong together lie in two units.
    #[error(
        "{what} '{name}' lies in two units: {files}; give all its rows one unit, or run `tumorlens prepare` again"
    )]
    Torn {
        /// `group`, `file` or `subject`.
        what: &'static str,
        /// Its name.
        name: String,
        /// An image of each of two units, with the unit.
        files: String,
    },
    /// Copies of one slice with different labels.
    #[error(
        "group '{group}' holds copies of one slice with different labels: {files}; correct the labels or remove the rows, or prepare with --on-conflict keep"
    )]
    Conflict {
        /// Group.
        group: String,
        /// Images with their labels.
        files: String,
    },
    /// Files are gone.
    #[error(
        "{count} files of the dataset are gone: {files}; put them back, or run `tumorlens prepare` again"
    )]
    Missing {
        /// How many.
        count: usize,
        /// The first of them.
        files: String,
    },
    /// Files are not what they were.
    #[error(
        "{count} files of the dataset have changed since it was prepared: {files}; run `tumorlens prepare` again"
    )]
    Changed {
        /// How many.
        count: usize,
        /// The first of them.
        files: String,
    },
    /// The user asked to stop.
    #[error("stopped")]
    Stopped,
}

impl Dataset {
    /// Reads and checks the dataset in a folder. Does not open the images: see [`Dataset::verify_files`].
    ///
    /// # Errors
    /// When a file is absent or damaged, or a rule is broken.
    pub fn load(dir: &Path) -> Result<Self, DatasetError> {
        let (classes, record) = record::read(&dir.join(RECORD))?;
        let rows = manifest::read(&dir.join(MANIFEST))?;
        let dataset = Self {
            dir: dir.to_owned(),
            classes,
            rows,
            record,
        };
        dataset.check()?;
        Ok(dataset)
    }

    /// Writes manifest.csv and dataset.json, each atomically. A killed save leaves a dataset that loads, or one that
    /// says what is missing.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self) -> std::io::Result<()> {
        manifest::write(&self.dir.join(MANIFEST), &self.rows)?;
        atomic_write(
            &self.dir.join(RECORD),
            &record::to_bytes(&self.classes, &self.record)?,
        )
    }

    /// True when the folder holds a dataset.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        dir.join(RECORD).is_file() && dir.join(MANIFEST).is_file()
    }

    /// Checks all rules that need no image file.
    ///
    /// # Errors
    /// Names the first rule that is broken.
    pub fn check(&self) -> Result<(), DatasetError> {
        check::check(self)
    }

    /// The file of a row.
    #[must_use]
    pub fn file(&self, row: &ManifestRow) -> PathBuf {
        self.dir.join(from_text(&row.path))
    }

    /// The outline of a row, where one is known.
    #[must_use]
    pub fn mask_file(&self, row: &ManifestRow) -> Option<PathBuf> {
        (!row.mask.is_empty()).then(|| self.dir.join(from_text(&row.mask)))
    }

    /// The class of a row; `None` only for a row that [`Dataset::check`] refuses.
    #[must_use]
    pub fn class(&self, row: &ManifestRow) -> Option<ClassIndex> {
        self.classes.find(&row.label)
    }

    /// The rows of one part of the split, e.g. `train`, in the order of the manifest.
    pub fn part<'a>(&'a self, split: &'a str) -> impl Iterator<Item = &'a ManifestRow> {
        self.rows.iter().filter(move |row| row.split == split)
    }

    /// The dataset without its test part: what a choice may be made on.
    #[must_use]
    pub fn without_test(&self) -> Self {
        let test = Part::Test.to_string();
        let rows = self.rows.iter().filter(|row| row.split != test);
        Self {
            dir: self.dir.clone(),
            classes: self.classes.clone(),
            rows: rows.cloned().collect(),
            record: self.record.clone(),
        }
    }

    /// The manifest as it would be written.
    ///
    /// # Errors
    /// When a field cannot be written as CSV.
    pub fn manifest(&self) -> std::io::Result<Vec<u8>> {
        manifest::to_bytes(&self.rows)
    }

    /// SHA-256 of [`Dataset::manifest`]: the name of this file; [`Dataset::content_sha256`] is that of what it lists.
    ///
    /// # Errors
    /// When a field cannot be written as CSV.
    pub fn manifest_sha256(&self) -> std::io::Result<String> {
        Ok(crate::hex(&Sha256::digest(self.manifest()?)))
    }
}

/// At most five names, and how many more there are.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
