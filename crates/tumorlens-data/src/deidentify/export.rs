//! Folders of DICOM files to a folder of de-identified ones: DIR/subject/study/series/object.dcm, in new names alone.

use super::Deidentifier;
use crate::atomic_write::atomic_write;
use crate::format::dicom;
use crate::format::error::DecodeError;
use crate::format::file::{read_file, read_head};
use crate::limits::Limits;
use crate::scan::path_text::to_text;
use crate::scan::walk::walk;
use crate::scan::{Ignored, Skipped};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tumorlens_core::Observer;

/// Files that are read and treated together.
const AT_ONCE: usize = 8;

/// What became of the files.
#[derive(Clone, Debug, Default)]
pub struct ExportReport {
    /// Files written.
    pub written: usize,
    /// Files that lay there already, byte for byte.
    pub present: usize,
    /// New names of the patients.
    pub subjects: BTreeSet<String>,
    /// Left, with the reason.
    pub skipped: Vec<Skipped>,
    /// Files that are no DICOM files, counted.
    pub ignored: Ignored,
}

/// Nothing can be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// An input does not exist or may not be read.
    #[error("{}: {error}", to_text(path))]
    Input {
        /// The input.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No input holds a DICOM file.
    #[error("{}: holds no DICOM file", to_text(.0))]
    NoDicom(PathBuf),
    /// The folder cannot be used.
    #[error("{}: {reason}", to_text(path))]
    Out {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{}: {error}", to_text(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The observer asked to stop; files written so far are whole.
    #[error("stopped")]
    Stopped,
}

/// Exports every image object among the inputs, files and folders. An existing file is never replaced.
///
/// # Errors
/// When an input does not exist, nothing in them is DICOM, `out` is not empty and the key would not last, inputs and `out` lie
/// within each other, or a file cannot be written. Files that are refused are no errors: they are in the report.
pub fn export(
    inputs: &[PathBuf],
    out: &Path,
    deidentifier: &Deidentifier,
    observer: &dyn Observer,
) -> Result<ExportReport, ExportError> {
    let mut report = ExportReport::default();
    let files = find(inputs, &mut report)?;
    usable(out, inputs, deidentifier)?;
    if let (true, true, Some(first)) = (files.is_empty(), report.skipped.is_empty(), inputs.first())
    {
        return Err(ExportError::NoDicom(first.clone()));
    }
    let limits = Limits::default();
    observer.begin("deidentify", Some(files.len() as u64));
    // Few at once: each may take several times its length of memory.
    let mut done = 0;
    for chunk in files.chunks(AT_ONCE) {
        if observer.should_stop() {
            return Err(ExportError::Stopped);
        }
        let clean: Vec<_> = chunk
            .par_iter()
            .map(|path| {
                let bytes = read_file(path, &limits).map_err(|e| e.to_string())?;
                deidentifier
                    .file(&bytes, &limits)
                    .map_err(|e| e.to_string())
            })
            .collect();
        for (path, clean) in chunk.iter().zip(clean) {
            let stored = match clean {
                Ok(clean) => {
                    let file = place(out, &clean.subject, &clean.uids);
                    let stored = store(&file, &clean.bytes)?;
                    if !matches!(stored, Stored::Other) {
                        report.subjects.insert(clean.subject);
                    }
                    stored
                }
                Err(reason) => {
                    report.skipped.push(Skipped::new(path, reason));
                    continue;
                }
            };
            match stored {
                Stored::Written => report.written += 1,
                Stored::Present => report.present += 1,
                Stored::Other => report.skipped.push(Skipped::new(
                    path,
                    "has the identifiers of another object that was exported",
                )),
            }
        }
        done += chunk.len();
        observer.advance(done as u64, "");
    }
    observer.end();
    Ok(report)
}

/// DICOM files, each once, in the order of the inputs and their paths.
fn find(inputs: &[PathBuf], report: &mut ExportReport) -> Result<Vec<PathBuf>, ExportError> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for input in inputs {
        let real = std::fs::canonicalize(input).map_err(|error| ExportError::Input {
            path: input.clone(),
            error,
        })?;
        let found = if real.is_dir() {
            let walk = walk(&real);
            report.skipped.extend(walk.skipped);
            for (reason, n) in walk.ignored.0 {
                *report.ignored.0.entry(reason).or_insert(0) += n;
            }
            let (scans, others): (Vec<PathBuf>, Vec<PathBuf>) = walk
                .files
                .into_iter()
                .map(|(path, _)| path)
                .partition(|path| is_dicom(path));
            if !others.is_empty() {
                *report
                    .ignored
                    .0
                    .entry("no DICOM file".to_owned())
                    .or_insert(0) += others.len();
            }
            scans
        } else if is_dicom(&real) {
            vec![real]
        } else {
            report
                .skipped
                .push(Skipped::new(input, DecodeError::UnknownFormat.to_string()));
            continue;
        };
        let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        files.extend(found.into_iter().filter(|path| seen.insert(real(path))));
    }
    Ok(files)
}

fn is_dicom(path: &Path) -> bool {
    dicom::sniff(&read_head(path)).is_some()
}

/// Checks the folder before anything is written.
fn usable(out: &Path, inputs: &[PathBuf], deidentifier: &Deidentifier) -> Result<(), ExportError> {
    let refuse = |reason: String| {
        Err(ExportError::Out {
            path: out.to_owned(),
            reason,
        })
    };
    let real = match real_place(out) {
        Ok(real) => real,
        Err(error) => return refuse(error.to_string()),
    };
    for input in inputs {
        let Ok(input) = std::fs::canonicalize(input) else {
            continue;
        };
        if real.starts_with(&input) || input.starts_with(&real) {
            return refuse("lies in an input, or an input in it".to_owned());
        }
    }
    match std::fs::read_dir(out).map(Iterator::count) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => refuse(error.to_string()),
        Ok(entries) if deidentifier.lasting || entries == 0 => Ok(()),
        Ok(_) => refuse(
            "is not empty, and without the key of its files (--subject-key) none can be added"
                .to_owned(),
        ),
    }
}

/// Where a folder lies, or will lie.
fn real_place(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let missing = || path.ancestors().take_while(|p| !p.exists());
    let existing = path.ancestors().nth(missing().count()).unwrap_or(&path);
    let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
    Ok(std::fs::canonicalize(existing)?.join(rest))
}

fn place(out: &Path, subject: &str, uids: &[String; 3]) -> PathBuf {
    let [study, series, object] = uids;
    let named = |uid: &str, absent: &str| {
        if uid.is_empty() {
            absent.to_owned()
        } else {
            uid.to_owned()
        }
    };
    out.join(subject)
        .join(named(study, "study"))
        .join(named(series, "series"))
        .join(format!("{object}.dcm"))
}

enum Stored {
    Written,
    Present,
    Other,
}

fn store(path: &Path, bytes: &[u8]) -> Result<Stored, ExportError> {
    let failed = |error| ExportError::Write {
        path: path.to_owned(),
        error,
    };
    match std::fs::read(path) {
        Ok(present) if present == bytes => Ok(Stored::Present),
        Ok(_) => Ok(Stored::Other),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            atomic_write(path, bytes).map_err(failed)?;
            Ok(Stored::Written)
        }
        Err(e) => Err(failed(e)),
    }
}
