//! From folds or sources to the three parts of one run.

use super::allocate::allocate;
use super::groups::Groups;
use super::plan::check_validation;
use super::{MixedGroups, Part, SplitError, SplitItem, SplitName};
use std::collections::BTreeSet;
use tumorlens_core::Seed;

/// The parts of the run in which fold `test` judges: its images are the test part; of the others, the share `validation`
/// (by group, stratified) is set aside, the rest trains.
///
/// `folds` are the names that [`super::assign`] gave, or the manifest's.
///
/// # Errors
/// When a name is not a fold, no image is in fold `test`, or the training folds have too few groups of a class.
pub fn rotate(
    items: &[SplitItem<'_>],
    folds: &[SplitName],
    test: usize,
    validation: f64,
    mixed: MixedGroups,
    seed: Seed,
) -> Result<Vec<Part>, SplitError> {
    let mut known = BTreeSet::new();
    for name in folds {
        match name {
            SplitName::Fold(i) => known.insert(*i),
            SplitName::Part(_) => {
                return Err(SplitError::NotFolds {
                    found: name.to_string(),
                });
            }
        };
    }
    if !known.contains(&test) {
        let known: Vec<_> = known.iter().map(ToString::to_string).collect();
        return Err(SplitError::Unknown {
            what: "fold",
            name: test.to_string(),
            known: known.join(", "),
        });
    }
    let held_out = |i: usize| folds.get(i) == Some(&SplitName::Fold(test));
    let seed = seed.derive("rotation").index(test as u64);
    let kept: Vec<usize> = (0..items.len()).filter(|i| !held_out(*i)).collect();
    let inner = inner_parts(items, &kept, validation, mixed, seed)?;
    let mut parts = vec![Part::Test; items.len()];
    for (i, part) in kept.into_iter().zip(inner) {
        parts[i] = part;
    }
    Ok(parts)
}

/// The parts of the run in which one source judges. Its images are the test part. Images of other sources whose group
/// also has images of that source are `None`: they are copies of test images and must neither train nor choose. Of the
/// rest, the share `validation` is set aside by group.
///
/// # Errors
/// When there is no such source, or the other sources have too few groups of a class.
pub fn leave_source_out(
    items: &[SplitItem<'_>],
    source: &str,
    validation: f64,
    mixed: MixedGroups,
    seed: Seed,
) -> Result<Vec<Option<Part>>, SplitError> {
    if !items.iter().any(|item| item.source == source) {
        let known: BTreeSet<&str> = items.iter().map(|item| item.source).collect();
        return Err(SplitError::Unknown {
            what: "source",
            name: source.to_owned(),
            known: known.into_iter().collect::<Vec<_>>().join(", "),
        });
    }
    let groups = Groups::collect(items, mixed)?;
    let touches: Vec<bool> = groups
        .groups
        .iter()
        .map(|g| g.sources.contains(source))
        .collect();
    let touched: Vec<bool> = groups.per_item(&touches).collect();
    let kept: Vec<usize> = (0..items.len()).filter(|i| !touched[*i]).collect();
    let seed = seed.derive("leave_source_out").derive(source);
    let inner = inner_parts(items, &kept, validation, mixed, seed)?;
    let mut parts: Vec<Option<Part>> = items
        .iter()
        .map(|item| (item.source == source).then_some(Part::Test))
        .collect();
    for (i, part) in kept.into_iter().zip(inner) {
        parts[i] = Some(part);
    }
    Ok(parts)
}

/// Training and validation among the items at the positions `kept`.
fn inner_parts(
    items: &[SplitItem<'_>],
    kept: &[usize],
    validation: f64,
    mixed: MixedGroups,
    seed: Seed,
) -> Result<Vec<Part>, SplitError> {
    check_validation(validation)?;
    let kept: Vec<SplitItem<'_>> = kept.iter().map(|i| items[*i]).collect();
    let groups = Groups::collect(&kept, mixed)?;
    if validation == 0.0 {
        return Ok(vec![Part::Train; kept.len()]);
    }
    let of_group = allocate(&groups, &[1.0 - validation, validation], seed)?;
    Ok(groups
        .per_item(&of_group)
        .map(|part| [Part::Train, Part::Validation][part])
        .collect())
}

/// One fold a source, in the order of their names.
pub(super) fn source_folds(
    items: &[SplitItem<'_>],
    groups: &Groups<'_>,
) -> Result<Vec<SplitName>, SplitError> {
    let sources: BTreeSet<&str> = items.iter().map(|item| item.source).collect();
    if sources.len() < 2 {
        return Err(SplitError::TooFewSources {
            found: sources.len(),
        });
    }
    let spanning: Vec<_> = groups
        .groups
        .iter()
        .filter(|g| g.sources.len() > 1)
        .collect();
    if let Some(group) = spanning.first() {
        let mut names = group.sources.iter().map(|s| (*s).to_owned());
        return Err(SplitError::SpansSources {
            group: group.name.to_owned(),
            count: spanning.len(),
            first: names.next().unwrap_or_default(),
            second: names.next().unwrap_or_default(),
        });
    }
    let fold = |source: &str| sources.iter().take_while(|s| **s < source).count();
    Ok(items
        .iter()
        .map(|item| SplitName::Fold(fold(item.source)))
        .collect())
}
