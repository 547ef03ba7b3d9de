//! What lies in a folder or a CSV: images with their classes, and what was left with its reason.
//!
//! Each input is a source, named by its last component. A folder that holds a `manifest.csv` with the columns `path`
//! and `label` is read through that table; any other folder is walked and its folder names give the classes (see
//! [`crate::label_table`]). The order of the result is the order of the inputs, then of the paths.
//!
//! # Columns of a table
//!
//! | column | names (any case) | meaning |
//! | --- | --- | --- |
//! | path | `path` | relative to the CSV's folder, or absolute |
//! | label | `label`, or the one that the user names | class, through the label table |
//! | subject | `subject`, `subject_id`, `patient`, `patient_id`, `participant_id`, or the one that the user names | images that must stay together |
//! | outline | `mask`, `mask_path` | like `path` |
//! | split | `official_split`, `source_split`, `split` | train, validation or test as somebody else chose |
//! | plane, sequence, contrast | `plane`, `sequence`, `contrast` | how it was taken; a scan's own file comes first |
//!
//! Other columns are not used; the notes of the scan name them. No other column is ever taken for a subject by itself:
//! a column of groups that somebody computed would replace our own search for copies without anyone noticing.
//!
//! # Folders
//!
//! Links are followed, and each place is taken once, so that links in circles end; pipes, sockets and devices are never
//! opened. Hidden files and what operating systems leave behind (Thumbs.db, `__MACOSX`...) are counted, files that
//! promise a picture and hold none are named. A picture in a folder called masks, or called `x_mask` beside `x`, is an
//! outline.
//!
//! # DICOM and NIfTI
//!
//! A multi-frame object and a volume become one image a slice ([`crate::slice`] says how its path names it). The
//! subject comes from the column of a table, from `sub-XX` in a BIDS path, or from the patient of a DICOM file under a
//! number of its own (`subject-0001`). An outline that is a NIfTI volume labels each slice: one that shows 20 mm2 of it
//! or more keeps the label, one without is negative, one between is left out.

mod expand;
mod outline;
pub mod path_text;
mod place;
mod pseudonym;
mod table;
pub(crate) mod walk;

pub use expand::ScanOf;
pub use pseudonym::{ShortKey, SubjectKey, Subjects};

use crate::acquisition::Acquisition;
use crate::format::sequence::Weighting;
use crate::label_table::{ClassMode, LabelTable, MappingError};
use path_text::to_text;
use place::Label;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tumorlens_core::Plane;

/// Name of the table that a folder may hold.
const TABLE_NAME: &str = "manifest.csv";

/// How to scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanOptions {
    /// Two classes, or tumor types apart. Default: two.
    pub classes: ClassMode,
    /// Mappings (folder name or CSV entry, class) that come before the label table. Default: none.
    pub labels: Vec<(String, String)>,
    /// Column of a CSV that names the class. Default: `label`.
    pub label_column: Option<String>,
    /// Column of a CSV that names the subject. Default: the names in the module's table of columns.
    pub subject_column: Option<String>,
    /// Whether an image without a label is left out, as for a dataset (default), or taken, as for prediction.
    pub labelled: bool,
    /// Planes in which volumes are cut; none (default) means the one in which each volume is finest.
    #[serde(default)]
    pub planes: Vec<Plane>,
    /// Sequences that are looked at, of DICOM and NIfTI scans; none (default) means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<Weighting>,
    /// How the patients of DICOM files are named. Default: numbered. Not written down, since it may hold a key.
    #[serde(skip)]
    pub subjects: Subjects,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            classes: ClassMode::Binary,
            labels: Vec::new(),
            label_column: None,
            subject_column: None,
            labelled: true,
            planes: Vec::new(),
            sequences: Vec::new(),
            subjects: Subjects::default(),
        }
    }
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Last component of the path; with a number where two inputs end alike.
    pub name: String,
    /// The path as text.
    pub path: String,
    /// Images taken from it.
    pub images: usize,
}

/// One image.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// Name of its [`Source`].
    pub source: String,
    /// Class; none only when scanning for prediction.
    pub label: Option<String>,
    /// Subject; empty when not known.
    pub subject: String,
    /// Outline, where one is named or found.
    pub mask: Option<PathBuf>,
    /// `train`, `validation` or `test` as somebody else chose; empty when not known.
    pub official_split: String,
    /// How it was taken, as its file or a table says.
    pub acquisition: Acquisition,
    /// What a DICOM or NIfTI file says of it; none for a picture.
    pub scan: Option<ScanOf>,
}

/// A file that should have been an image, and why it was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The path as text.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Skipped {
    /// A file, and why it is skipped.
    pub fn new(path: &Path, reason: impl Into<String>) -> Self {
        Self {
            path: to_text(path),
            reason: reason.into(),
        }
    }
}

/// Files that nobody expects to be images, counted by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ignored(pub BTreeMap<String, usize>);

impl Ignored {
    fn count(&mut self, reason: &str) {
        self.add(reason, 1);
    }

    fn add(&mut self, reason: &str, n: usize) {
        if n > 0 {
            *self.0.entry(reason.to_owned()).or_insert(0) += n;
        }
    }
}

/// Result of a scan.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Inputs.
    pub sources: Vec<Source>,
    /// Images, by source and path.
    pub images: Vec<Found>,
    /// Left with a reason.
    pub skipped: Vec<Skipped>,
    /// Counted only.
    pub ignored: Ignored,
    /// What the user should read: folders that became classes of their own, columns that were not used.
    pub notes: Vec<String>,
}

/// An input cannot be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// It does not exist or may not be read.
    #[error("{}: {error}", to_text(path))]
    Input {
        /// The input.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file that is no CSV, where labels are needed.
    #[error("{}: is neither a folder nor a CSV with the columns path and label", to_text(.0))]
    NoTable(PathBuf),
    /// A CSV without a needed column.
    #[error(
        "{}: has no column '{column}' (columns: '{found}'; are they separated by commas?)",
        to_text(file)
    )]
    Column {
        /// The CSV.
        file: PathBuf,
        /// The column.
        column: String,
        /// What it has.
        found: String,
    },
    /// A row of a CSV that cannot be used.
    #[error("{}: line {line}: {reason}", to_text(file))]
    Row {
        /// The CSV.
        file: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A label mapping is wrong.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Scans folders and CSV files; with `labelled` off also single pictures.
///
/// # Errors
/// When an input does not exist, a CSV lacks a column or contradicts itself, or a label mapping is wrong. Single files
/// that cannot be used are no errors: they are in the result with their reasons.
pub fn scan(inputs: &[PathBuf], options: &ScanOptions) -> Result<Scan, ScanError> {
    let labels = LabelTable::new(options.classes, &options.labels)?;
    let mut scan = Scan::default();
    let mut names = BTreeSet::new();
    let mut taken = BTreeSet::new();
    let mut series = BTreeMap::new();
    for input in inputs {
        let error = |error| ScanError::Input {
            path: input.clone(),
            error,
        };
        let real = std::fs::canonicalize(input).map_err(error)?;
        let name = unique(&mut names, &real);
        let before = scan.images.len();
        let table = real.join(TABLE_NAME);
        if !real.is_dir() {
            file(&mut scan, &real, &name, options, &labels)?;
        } else if options.labelled && table::is_table(&table) {
            read_table(&mut scan, &table, &name, options, &labels)?;
        } else {
            folder(&mut scan, &real, &name, options, &labels);
        }
        // An input inside another one, or the same one twice: each file counts once.
        let (new, skipped, notes) =
            expand::all(scan.images.split_off(before), options, &mut series);
        scan.skipped.extend(skipped);
        scan.notes.extend(notes);
        let found = new.len();
        scan.images.extend(
            new.into_iter()
                .filter(|image| taken.insert(image.path.clone())),
        );
        let images = scan.images.len() - before;
        scan.ignored
            .add("already found in another input", found - images);
        scan.sources.push(Source {
            name,
            path: to_text(&real),
            images,
        });
    }
    Ok(scan)
}

/// The last component of a path, with a number when it is taken.
fn unique(names: &mut BTreeSet<String>, path: &Path) -> String {
    let last = path
        .file_name()
        .map_or_else(|| "root".to_owned(), |n| to_text(Path::new(n)));
    let numbered = (2usize..).map(|n| format!("{last}-{n}"));
    let free = std::iter::once(last.clone())
        .chain(numbered)
        .find(|name| !names.contains(name))
        .unwrap_or(last);
    names.insert(free.clone());
    free
}

fn file(
    scan: &mut Scan,
    path: &Path,
    name: &str,
    options: &ScanOptions,
    labels: &LabelTable,
) -> Result<(), ScanError> {
    if options.labelled {
        if table::is_table(path)
            || path
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
        {
            return read_table(scan, path, name, options, labels);
        }
        return Err(ScanError::NoTable(path.to_owned()));
    }
    scan.images.push(Found {
        path: path.to_owned(),
        source: name.to_owned(),
        label: None,
        subject: String::new(),
        mask: None,
        official_split: String::new(),
        acquisition: Acquisition::default(),
        scan: None,
    });
    Ok(())
}

fn read_table(
    scan: &mut Scan,
    path: &Path,
    name: &str,
    options: &ScanOptions,
    labels: &LabelTable,
) -> Result<(), ScanError> {
    let table = table::read(path, name, options, labels)?;
    scan.images.extend(table.images);
    scan.skipped.extend(table.skipped);
    scan.ignored.add("listed as without label", table.left_out);
    scan.notes.extend(table.notes);
    Ok(())
}

fn folder(scan: &mut Scan, root: &Path, name: &str, options: &ScanOptions, labels: &LabelTable) {
    let walk = walk::walk(root);
    scan.skipped.extend(walk.skipped);
    for (reason, n) in walk.ignored.0 {
        scan.ignored.add(&reason, n);
    }
    let outlines = outline::join(walk.files);
    scan.skipped.extend(
        outlines
            .unmatched
            .iter()
            .map(|path| Skipped::new(path, "outline of no image, or of several")),
    );
    let relative = outlines
        .images
        .iter()
        .map(|(_, relative, _)| relative.as_path());
    let root_name = root
        .file_name()
        .map(|n| to_text(Path::new(n)))
        .unwrap_or_default();
    let places = place::places(relative, &root_name, labels);
    for ((path, _, mask), (label, split)) in outlines.images.into_iter().zip(places.of) {
        let label = match label {
            _ if !options.labelled => None,
            Label::Class(class) => Some(class),
            Label::LeftOut => {
                scan.ignored.count("in a folder for images without label");
                continue;
            }
            Label::Missing => {
                scan.skipped.push(Skipped::new(
                    &path,
                    "lies in no folder that names its class",
                ));
                continue;
            }
        };
        let (source, official_split) = (name.to_owned(), split.to_owned());
        scan.images.push(Found {
            path,
            source,
            label,
            subject: String::new(),
            mask,
            official_split,
            acquisition: Acquisition::default(),
            scan: None,
        });
    }
    if options.labelled {
        let note = |(class, n): (&String, &usize)| {
            format!(
                "{name}: folder '{class}' ({n} images) is not in the label table and became a class of its own"
            )
        };
        scan.notes.extend(places.own.iter().map(note));
    }
}
