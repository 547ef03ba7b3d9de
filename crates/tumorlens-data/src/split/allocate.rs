//! Stratified allocation of groups to parts.
//!
//! Groups of one stratum (same labels, same sources) are visited in random order, and each is drawn into a part with a
//! probability proportional to what that part still lacks. Always filling the emptiest part, or placing large groups
//! first, would balance a little better but send the large groups to the training part as a rule; then the test part
//! would hold another kind of group. What a stratum leaves unbalanced is carried over to the next one of the same
//! label, so that many small sources do not add up to a skewed class.

use super::SplitError;
use super::groups::{Group, Groups};
use crate::draw::Draw;
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_core::Seed;

/// The part of every group, as an index into `shares`, which are above 0 and add up to 1.
pub(super) fn allocate(
    groups: &Groups<'_>,
    shares: &[f64],
    seed: Seed,
) -> Result<Vec<usize>, SplitError> {
    let groups = &groups.groups;
    refuse_small_classes(groups, shares.len())?;

    // Labels, then sources, then groups in random order. The order of a group depends on its own name and the seed
    // only, so that one more group leaves the others' order alone.
    let mut strata: BTreeMap<&BTreeSet<&str>, BTreeMap<&BTreeSet<&str>, Vec<usize>>> =
        BTreeMap::new();
    for (i, group) in groups.iter().enumerate() {
        let by_source = strata.entry(&group.labels).or_default();
        by_source.entry(&group.sources).or_default().push(i);
    }
    let mut of_group = vec![0; groups.len()];
    for by_source in strata.into_values() {
        // What each part lacks, in images; below 0 where it has too much.
        let mut lack = vec![0.0; shares.len()];
        for mut stratum in by_source.into_values() {
            let images: usize = stratum.iter().map(|i| groups[*i].images).sum();
            for (lack, share) in lack.iter_mut().zip(shares) {
                *lack += share * images as f64;
            }
            stratum.sort_by_key(|i| seed.derive(groups[*i].name).0);
            for i in stratum {
                let size = groups[i].images as f64;
                let draw = Draw::new(seed.derive(groups[i].name)).unit();
                let part = choose(&lack, size, draw);
                lack[part] -= size;
                of_group[i] = part;
            }
        }
    }
    fill_empty(groups, shares.len(), &mut of_group);
    Ok(of_group)
}

/// A part drawn in proportion to its lack, among those that lack at least half of the group; the neediest if none does.
fn choose(lack: &[f64], size: f64, draw: f64) -> usize {
    let weight = |lack: f64| if lack >= size / 2.0 { lack } else { 0.0 };
    let total: f64 = lack.iter().map(|l| weight(*l)).sum();
    let mut left = draw * total;
    let mut neediest = 0;
    for (part, &l) in lack.iter().enumerate() {
        let w = weight(l);
        if w > 0.0 && left < w {
            return part;
        }
        left -= w;
        if l > lack[neediest] {
            neediest = part;
        }
    }
    neediest
}

/// A class with fewer groups than parts cannot be in all of them.
fn refuse_small_classes(groups: &[Group<'_>], parts: usize) -> Result<(), SplitError> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for label in groups.iter().flat_map(|g| &g.labels) {
        *count.entry(label).or_default() += 1;
    }
    match count.into_iter().find(|(_, found)| *found < parts) {
        Some((label, found)) => Err(SplitError::TooFewGroups {
            label: label.to_owned(),
            found,
            needed: parts,
        }),
        None => Ok(()),
    }
}

/// Gives every part at least one group of every class, by moving the smallest group of the class from the part that has
/// most of them. Shares alone do not see to it: of three groups, 15 % are less than half a group.
fn fill_empty(groups: &[Group<'_>], parts: usize, of_group: &mut [usize]) {
    let labels: BTreeSet<&str> = groups
        .iter()
        .flat_map(|g| g.labels.iter().copied())
        .collect();
    for label in labels {
        for part in 0..parts {
            let members = |part: usize, of_group: &[usize]| -> Vec<usize> {
                let here = |i: &usize| of_group[*i] == part && groups[*i].labels.contains(label);
                (0..groups.len()).filter(here).collect()
            };
            if !members(part, of_group).is_empty() {
                continue;
            }
            let richest = (0..parts)
                .map(|p| members(p, of_group))
                .max_by_key(Vec::len)
                .unwrap_or_default();
            // A pure group first: moving a mixed one could take another class away from its part.
            let moved = richest
                .into_iter()
                .min_by_key(|i| (groups[*i].labels.len(), groups[*i].images, *i));
            if let Some(i) = moved {
                of_group[i] = part;
            }
        }
    }
}
