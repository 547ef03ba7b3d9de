//! A CSV file that lists images; the columns are in the docs of [`super`].

use super::path_text::{from_text, to_text};
use super::{Found, ScanError, ScanOptions, Skipped};
use crate::acquisition::Acquisition;
use crate::format::sequence::Sequence;
use crate::label_table::{LabelTable, Meaning, split_part};
use crate::slice::Part;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const SUBJECT: [&str; 5] = [
    "subject",
    "subject_id",
    "patient",
    "patient_id",
    "participant_id",
];
const MASK: [&str; 2] = ["mask", "mask_path"];
const SPLIT: [&str; 3] = ["official_split", "source_split", "split"];

/// What a table gave.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) images: Vec<Found>,
    pub(super) skipped: Vec<Skipped>,
    /// Rows of the classes that are left out.
    pub(super) left_out: usize,
    pub(super) notes: Vec<String>,
}

/// True when the file is a CSV with the columns that a table needs.
pub(super) fn is_table(path: &Path) -> bool {
    let headers = csv::Reader::from_path(path).and_then(|mut r| r.headers().cloned());
    headers.is_ok_and(|h| {
        ["path", "label"]
            .iter()
            .all(|n| h.iter().any(|c| c.trim().eq_ignore_ascii_case(n)))
    })
}

/// Reads a table; `source` names it in the manifest.
pub(super) fn read(
    file: &Path,
    source: &str,
    options: &ScanOptions,
    labels: &LabelTable,
) -> Result<Table, ScanError> {
    let wrong = |line: u64, reason: String| ScanError::Row {
        file: file.to_owned(),
        line,
        reason,
    };
    let mut reader = csv::Reader::from_path(file).map_err(|e| wrong(1, e.to_string()))?;
    let headers = reader
        .headers()
        .map_err(|e| wrong(1, e.to_string()))?
        .clone();
    let columns = Columns::find(file, &headers, options)?;
    let folder = file.parent().unwrap_or(Path::new(""));

    let mut table = Table {
        notes: columns.notes(file, &headers),
        ..Table::default()
    };
    let mut unknown: BTreeSet<String> = BTreeSet::new();
    let mut lines: BTreeMap<PathBuf, (u64, Option<String>)> = BTreeMap::new();
    for record in reader.records() {
        let record = record
            .map_err(|e| wrong(e.position().map_or(0, csv::Position::line), e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: Option<usize>| column.and_then(|c| record.get(c)).unwrap_or("").trim();
        if field(Some(columns.path)).is_empty() {
            return Err(wrong(line, "the path is empty".to_owned()));
        }
        let path = resolve(folder, field(Some(columns.path)));
        let label = match labels.look_up(field(Some(columns.label))) {
            Meaning::Class(class) => Some(class),
            Meaning::Unknown => {
                let named = field(Some(columns.label));
                if !named.is_empty() {
                    unknown.insert(named.to_owned());
                }
                Some(named.to_owned()).filter(|l| !l.is_empty())
            }
            Meaning::LeftOut => {
                table.left_out += 1;
                continue;
            }
        };
        match lines.get(&path) {
            Some((first, before)) if *before != label => {
                let both = format!(
                    "'{}' has another label than in line {first}",
                    to_text(&path)
                );
                return Err(wrong(line, both));
            }
            Some((first, _)) => {
                table.skipped.push(Skipped::new(
                    &path,
                    format!("is listed twice, first in line {first}"),
                ));
                continue;
            }
            None => lines.insert(path.clone(), (line, label.clone())),
        };
        if label.is_none() && options.labelled {
            table
                .skipped
                .push(Skipped::new(&path, format!("has no label in line {line}")));
            continue;
        }
        let (on_disk, part) = crate::slice::split(&path);
        if let Err(e) = std::fs::metadata(&on_disk) {
            table.skipped.push(Skipped::new(
                &path,
                format!("is listed in line {line}, but: {e}"),
            ));
            continue;
        }
        let mask = field(columns.mask);
        let [plane, sequence, contrast] =
            [columns.plane, columns.sequence, columns.contrast].map(field);
        let said = Acquisition::of_table(plane, sequence, contrast);
        table.images.push(Found {
            path,
            source: source.to_owned(),
            label,
            subject: field(columns.subject).to_owned(),
            mask: (!mask.is_empty()).then(|| resolve(folder, mask)),
            official_split: split_part(field(columns.split))
                .unwrap_or_default()
                .to_owned(),
            acquisition: acquisition(part, &on_disk, said),
            scan: None,
        });
    }
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.into_iter().collect();
        table.notes.push(format!(
            "{}: taken as classes of their own, for the label table does not know them: {}",
            to_text(file),
            names.join(", ")
        ));
    }
    Ok(table)
}

/// How a slice was taken: as its own name says, else as the table says. Other parts of files tell it when they are read.
fn acquisition(part: Part, file: &Path, said: Acquisition) -> Acquisition {
    match part.plane() {
        Some(plane) => Acquisition::of_scan(Some(plane.name()), Sequence::of_file(file)).or(&said),
        None => said,
    }
}

/// The file that a field names: as written, else with our escapes undone, else with Windows separators.
fn resolve(folder: &Path, text: &str) -> PathBuf {
    let literal = folder.join(text);
    let others = [
        folder.join(from_text(text)),
        folder.join(text.replace('\\', "/")),
    ];
    if literal.exists() {
        literal
    } else {
        others.into_iter().find(|p| p.exists()).unwrap_or(literal)
    }
}

/// Positions of the columns.
struct Columns {
    path: usize,
    label: usize,
    subject: Option<usize>,
    mask: Option<usize>,
    split: Option<usize>,
    plane: Option<usize>,
    sequence: Option<usize>,
    contrast: Option<usize>,
}

impl Columns {
    fn find(
        file: &Path,
        headers: &csv::StringRecord,
        options: &ScanOptions,
    ) -> Result<Self, ScanError> {
        let position = |name: &str| {
            headers
                .iter()
                .position(|h| h.trim().eq_ignore_ascii_case(name))
        };
        let first = |names: &[&str]| names.iter().find_map(|n| position(n));
        let needed = |name: &str| {
            position(name).ok_or_else(|| ScanError::Column {
                file: file.to_owned(),
                column: name.to_owned(),
                found: headers.iter().collect::<Vec<_>>().join("', '"),
            })
        };
        Ok(Self {
            path: needed("path")?,
            label: needed(options.label_column.as_deref().unwrap_or("label"))?,
            subject: match &options.subject_column {
                Some(name) => Some(needed(name)?),
                None => first(&SUBJECT),
            },
            mask: first(&MASK),
            split: first(&SPLIT),
            plane: position("plane"),
            sequence: position("sequence"),
            contrast: position("contrast"),
        })
    }

    fn notes(&self, file: &Path, headers: &csv::StringRecord) -> Vec<String> {
        let used = [
            Some(self.path),
            Some(self.label),
            self.subject,
            self.mask,
            self.split,
            self.plane,
            self.sequence,
            self.contrast,
        ];
        let unused = headers
            .iter()
            .enumerate()
            .filter(|(i, _)| !used.contains(&Some(*i)));
        let names: Vec<&str> = unused.map(|(_, name)| name).collect();
        if names.is_empty() {
            return Vec::new();
        }
        vec![format!(
            "{}: columns not used: {}",
            to_text(file),
            names.join(", ")
        )]
    }
}
