//! manifest.csv: one row an image; a person can read and edit it.
//!
//! Comma-separated, UTF-8, with a header line. Rules, checked at every reading:
//!
//! - the columns are those of [`ManifestRow`], in any order; `unit` and those from `official_split` on may be absent. Any other column is
//!   refused, for a misspelt `split` or `mask` would otherwise quietly lose its meaning;
//! - `path`, `label` and `group` are filled in, no path stands twice;
//! - `split` is empty, `train`, `validation`, `test` or `fold` and a number, in all rows or in none;
//! - `sha256` is 64 lower-case hexadecimal digits;
//! - no field holds a control character: paths are escaped as [`crate::scan::path_text`] says.

use crate::acquisition::Acquisition;
use crate::atomic_write::atomic_write;
use crate::split::SplitName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One image of a dataset. Empty strings stand for "not known".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRow {
    /// Path of the image, relative to the dataset folder where possible.
    pub path: String,
    /// Class name.
    pub label: String,
    /// Subject (patient), where known.
    pub subject: String,
    /// Group: one subject, or the copies of one slice; never on two sides of a split.
    pub group: String,
    /// Unit: what a split keeps together, one group or several that show one slice; empty when it is the group alone.
    /// Read it with [`ManifestRow::unit`].
    #[serde(default)]
    pub unit: String,
    /// `train`, `validation`, `test`, or `fold0`, `fold1`...; empty before a split.
    pub split: String,
    /// Path of the outline, like `path`; empty when not known.
    pub mask: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Where the image came from: the name of the folder or CSV that was prepared.
    pub source: String,
    /// The part of a split that somebody else made (`train`, `validation`, `test`), as a folder or a CSV column said;
    /// empty when not known. Only the audit and `prepare` with the official split look at it.
    #[serde(default)]
    pub official_split: String,
    /// `axial`, `coronal` or `sagittal`; empty when not known.
    #[serde(default)]
    pub plane: String,
    /// Sequence as BIDS names it; empty when not known.
    #[serde(default)]
    pub sequence: String,
    /// Contrast agent: `yes` or `no`; empty when not known.
    #[serde(default)]
    pub contrast: String,
}

impl ManifestRow {
    /// What must stay on one side of a split, and counts as one when figures get their intervals: the unit, or the group
    /// where no unit is given.
    #[must_use]
    pub fn unit(&self) -> &str {
        if self.unit.is_empty() {
            &self.group
        } else {
            &self.unit
        }
    }

    /// How the image was taken.
    #[must_use]
    pub fn acquisition(&self) -> Acquisition {
        Acquisition {
            plane: self.plane.clone(),
            sequence: self.sequence.clone(),
            contrast: self.contrast.clone(),
        }
    }
}

/// Columns in the order in which they are written.
pub const COLUMNS: [&str; 13] = [
    "path",
    "label",
    "subject",
    "group",
    "unit",
    "split",
    "mask",
    "sha256",
    "source",
    "official_split",
    "plane",
    "sequence",
    "contrast",
];

/// The columns that may be absent.
const OPTIONAL: [&str; 5] = ["unit", "official_split", "plane", "sequence", "contrast"];

/// A manifest cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// No such file, or not readable.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A column is absent.
    #[error("{path}: column '{column}' is missing (are the columns separated by commas?)")]
    MissingColumn {
        /// The file.
        path: String,
        /// The column.
        column: &'static str,
    },
    /// A column that has no meaning, or stands twice.
    #[error(
        "{path}: column '{column}' is {problem}; a manifest has path, label, subject, group, unit, split, mask, sha256, source, official_split, plane, sequence, contrast"
    )]
    Column {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// `not known` or `there twice`.
        problem: &'static str,
    },
    /// A row breaks a rule.
    #[error("{path}: line {line}: {reason}")]
    Row {
        /// The file.
        path: String,
        /// Line in the file, from 1; the header is line 1.
        line: u64,
        /// The rule.
        reason: String,
    },
}

/// Reads and checks a manifest.
///
/// # Errors
/// Names the file, the line and the first rule that is broken.
pub fn read(path: &Path) -> Result<Vec<ManifestRow>, ManifestError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| ManifestError::Read {
        path: name.clone(),
        error,
    })?;
    parse(&bytes, &name)
}

/// Checks and parses the bytes of a manifest; `name` stands in messages.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Vec<ManifestRow>, ManifestError> {
    let row_error = |line, reason: String| ManifestError::Row {
        path: name.to_owned(),
        line,
        reason,
    };
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader
        .headers()
        .map_err(|e| row_error(1, e.to_string()))?
        .clone();
    check_columns(&headers, name)?;
    let mut rows: Vec<ManifestRow> = Vec::new();
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for record in reader.records() {
        let record = record
            .map_err(|e| row_error(e.position().map_or(0, csv::Position::line), e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row: ManifestRow = record
            .deserialize(Some(&headers))
            .map_err(|e| row_error(line, e.to_string()))?;
        check_row(&row).map_err(|reason| row_error(line, reason))?;
        if rows
            .first()
            .is_some_and(|first| first.split.is_empty() != row.split.is_empty())
        {
            return Err(row_error(
                line,
                "the split is filled in for some images only".to_owned(),
            ));
        }
        if let Some(before) = lines.insert(row.path.clone(), line) {
            return Err(row_error(
                line,
                format!("path '{}' stands already in line {before}", row.path),
            ));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn check_columns(headers: &csv::StringRecord, name: &str) -> Result<(), ManifestError> {
    let wrong = |column: &str, problem| ManifestError::Column {
        path: name.to_owned(),
        column: column.escape_debug().to_string(),
        problem,
    };
    for (i, header) in headers.iter().enumerate() {
        if !COLUMNS.contains(&header) {
            return Err(wrong(header, "not known"));
        }
        if headers.iter().take(i).any(|h| h == header) {
            return Err(wrong(header, "there twice"));
        }
    }
    match COLUMNS
        .iter()
        .find(|c| !OPTIONAL.contains(c) && !headers.iter().any(|h| h == **c))
    {
        Some(column) => Err(ManifestError::MissingColumn {
            path: name.to_owned(),
            column,
        }),
        None => Ok(()),
    }
}

fn check_row(row: &ManifestRow) -> Result<(), String> {
    let fields = [
        &row.path,
        &row.label,
        &row.subject,
        &row.group,
        &row.unit,
        &row.split,
        &row.mask,
        &row.sha256,
        &row.source,
        &row.official_split,
        &row.plane,
        &row.sequence,
        &row.contrast,
    ];
    for (column, value) in COLUMNS.iter().zip(fields) {
        if value.chars().any(char::is_control) {
            return Err(format!(
                "{column} holds a control character: '{}'",
                value.escape_debug()
            ));
        }
        if ["path", "label", "group"].contains(column) && value.trim().is_empty() {
            return Err(format!("{column} is empty"));
        }
    }
    if !row.split.is_empty() && row.split.parse::<SplitName>().is_err() {
        return Err(format!(
            "split is '{}', expected train, validation, test, fold0, fold1... or nothing",
            row.split
        ));
    }
    if !["", "train", "validation", "test"].contains(&row.official_split.as_str()) {
        return Err(format!(
            "official_split is '{}', expected train, validation, test or nothing",
            row.official_split
        ));
    }
    row.acquisition().check()?;
    if row.sha256.len() != 64
        || !row
            .sha256
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(format!(
            "sha256 is '{}', expected 64 hexadecimal digits in lower case",
            row.sha256
        ));
    }
    Ok(())
}

/// The bytes of a manifest with these rows.
///
/// # Errors
/// When a field cannot be written as CSV.
pub fn to_bytes(rows: &[ManifestRow]) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.serialize(row)?;
    }
    writer
        .into_inner()
        .map_err(|e| std::io::Error::other(e.to_string()))
}

/// Writes a manifest atomically.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, rows: &[ManifestRow]) -> std::io::Result<()> {
    atomic_write(path, &to_bytes(rows)?)
}

#[cfg(test)]
mod tests;
