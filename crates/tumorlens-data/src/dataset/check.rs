//! The rules of a dataset that need no image file.

use super::{Dataset, DatasetError, some_of};
use crate::manifest::ManifestRow;
use crate::scan::path_text::from_text;
use crate::slice::{Part, split};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(dataset: &Dataset) -> Result<(), DatasetError> {
    if dataset.rows.is_empty() {
        return Err(DatasetError::Empty(dataset.dir.clone()));
    }
    for row in &dataset.rows {
        if dataset.classes.find(&row.label).is_none() {
            return Err(DatasetError::UnknownClass {
                path: row.path.clone(),
                label: row.label.clone(),
                classes: dataset.classes.names().join(", "),
            });
        }
    }
    let kept: BTreeSet<&str> = dataset
        .record
        .kept_conflicts
        .iter()
        .map(String::as_str)
        .collect();
    for (group, rows) in together(&dataset.rows, |row| row.group.clone()) {
        one_side("group", &group, &rows)?;
        one_unit("group", &group, &rows)?;
        if !kept.contains(group.as_str()) {
            one_label(&group, &rows)?;
        }
    }
    for (unit, rows) in together(&dataset.rows, |row| row.unit().to_owned()) {
        one_side("unit", &unit, &rows)?;
    }
    // The same file listed twice, and the same subject, are one whatever a hand-edited group says.
    for (sha256, rows) in together(&dataset.rows, |row| row.sha256.clone()) {
        let name = &sha256[..sha256.len().min(10)];
        one_side("file", name, &rows)?;
        one_unit("file", name, &rows)?;
    }
    for ((source, subject), rows) in together(&dataset.rows, |row| {
        (row.source.clone(), row.subject.clone())
    }) {
        if !subject.is_empty() {
            let name = format!("{source}/{subject}");
            one_side("subject", &name, &rows)?;
            one_unit("subject", &name, &rows)?;
        }
    }
    Ok(())
}

fn together<K: Ord>(
    rows: &[ManifestRow],
    key: impl Fn(&ManifestRow) -> K,
) -> BTreeMap<K, Vec<&ManifestRow>> {
    let mut sets: BTreeMap<K, Vec<&ManifestRow>> = BTreeMap::new();
    for row in rows {
        sets.entry(key(row)).or_default().push(row);
    }
    sets
}

fn one_side(what: &'static str, name: &str, rows: &[&ManifestRow]) -> Result<(), DatasetError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let Some(other) = rows.iter().find(|row| row.split != first.split) else {
        return Ok(());
    };
    let mut named = vec![first, other];
    named.extend(
        rows.iter()
            .filter(|row| row.path != first.path && row.path != other.path),
    );
    let files: Vec<String> = named
        .iter()
        .map(|row| format!("{} ({})", row.path, row.split))
        .collect();
    Err(DatasetError::Leak {
        what,
        name: name.to_owned(),
        files: some_of(&files),
    })
}

/// A unit is made of whole groups and subjects: the next split would tear them apart otherwise.
fn one_unit(what: &'static str, name: &str, rows: &[&ManifestRow]) -> Result<(), DatasetError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let Some(other) = rows.iter().find(|row| row.unit() != first.unit()) else {
        return Ok(());
    };
    let files: Vec<String> = [first, other]
        .iter()
        .map(|row| format!("{} ({})", row.path, row.unit()))
        .collect();
    Err(DatasetError::Torn {
        what,
        name: name.to_owned(),
        files: files.join(", "),
    })
}

/// Copies carry one label. A subject may have slices with and without a tumor, so that rows are only compared when
/// they are certainly copies: the same slice of the same bytes, or a group that no subject and no volume made.
fn one_label(group: &str, rows: &[&ManifestRow]) -> Result<(), DatasetError> {
    let mut of_bytes: BTreeMap<(&str, Part), &ManifestRow> = BTreeMap::new();
    let mut without_subject: Option<&ManifestRow> = None;
    let mut pairs = Vec::new();
    for &row in rows {
        let (_, part) = split(&from_text(&row.path));
        let same = of_bytes.insert((&row.sha256, part), row);
        pairs.extend(same.map(|other| (other, row)));
        if row.subject.is_empty() && part == Part::Whole {
            pairs.extend(without_subject.replace(row).map(|other| (other, row)));
        }
    }
    let Some((a, b)) = pairs.iter().find(|(a, b)| a.label != b.label) else {
        return Ok(());
    };
    let mut named = vec![*a, *b];
    named.extend(
        rows.iter()
            .filter(|row| row.path != a.path && row.path != b.path),
    );
    let files: Vec<String> = named
        .iter()
        .map(|row| format!("{} ({})", row.path, row.label))
        .collect();
    Err(DatasetError::Conflict {
        group: group.to_owned(),
        files: some_of(&files),
    })
}
