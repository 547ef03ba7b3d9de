//! The classes of a dataset, and which of them is the positive one.

use super::{PrepareError, PrepareOptions};
use crate::dataset::Dataset;
use crate::label_table::{NO_TUMOR, TUMOR};
use crate::manifest::ManifestRow;
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_core::ClassSet;

/// Below this number of groups a class cannot fill three parts with anything to measure on.
const FEW_GROUPS: usize = 10;

/// Classes in order: `no_tumor` first, the others by name. The positive one is that which was asked for, else
/// `tumor`, else the other one beside `no_tumor`; anything else must be said. `set_aside` images are no longer there.
pub(super) fn of(
    rows: &[ManifestRow],
    set_aside: usize,
    options: &PrepareOptions,
) -> Result<ClassSet, PrepareError> {
    let found = rows.iter().map(|row| &row.label).chain(&options.classes);
    let found: BTreeSet<&String> = found.collect();
    let mut names: Vec<String> = found.into_iter().cloned().collect();
    names.sort_by_key(|name| name != NO_TUMOR);
    let classes = names.join(", ");
    if names.len() < 2 {
        return Err(PrepareError::OneClass {
            class: names.pop().unwrap_or_else(|| "none".to_owned()),
            images: rows.len(),
            aside: match set_aside {
                0 => String::new(),
                n => format!(", and {n} set aside, for copies of them carry another label"),
            },
        });
    }
    let positive = match &options.positive {
        Some(asked) => asked.clone(),
        None if names.iter().any(|name| name == TUMOR) => TUMOR.to_owned(),
        None if names.len() == 2 && names[0] == NO_TUMOR => names[1].clone(),
        None => return Err(PrepareError::NoPositive { classes }),
    };
    ClassSet::new(names, &positive).map_err(|_| PrepareError::UnknownPositive { positive, classes })
}

/// Warns of classes too small to learn or to measure.
pub(super) fn notes(dataset: &Dataset) -> Vec<String> {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &dataset.rows {
        groups.entry(&row.label).or_default().insert(row.unit());
    }
    let few = groups
        .iter()
        .filter(|(_, groups)| groups.len() < FEW_GROUPS);
    few.map(|(class, groups)| {
        format!(
            "class '{class}' has only {} groups of images: too few to train or to measure on",
            groups.len()
        )
    })
    .collect()
}
