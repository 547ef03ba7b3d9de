//! Counting copies, and labels and groups that contradict them.

use super::image::Seen;
use super::report::{ClassCount, Conflict, CopyCount, Evidence};
use crate::group::{CopyGroups, CopyKind};
use crate::manifest::ManifestRow;
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_core::Measured;

/// Members of each group, in order.
fn members(group: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, &g) in group.iter().enumerate() {
        members.entry(g).or_default().push(i);
    }
    members
}

pub(super) fn largest(group: &[usize]) -> usize {
    members(group).values().map(Vec::len).max().unwrap_or(0)
}

pub(super) fn classes(rows: &[&ManifestRow], group: &[usize]) -> Vec<ClassCount> {
    let mut classes: BTreeMap<&str, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for (row, &slice) in rows.iter().zip(group) {
        let (images, slices) = classes.entry(&row.label).or_default();
        *images += 1;
        slices.insert(slice);
    }
    let count = |(label, (images, slices)): (&str, (usize, BTreeSet<usize>))| ClassCount {
        label: label.to_owned(),
        images,
        slices: slices.len(),
    };
    classes.into_iter().map(count).collect()
}

/// Proven pairs by kind. A pair of images stands for all pairs of images that are pixel by pixel the same as they.
pub(super) fn counts(seen: &[Seen], copies: &CopyGroups) -> Vec<CopyCount> {
    let mut alike: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, image) in seen.iter().enumerate() {
        alike.entry(&image.fingerprint.pixels).or_default().push(i);
    }
    let twins = |i: usize| &alike[seen[i].fingerprint.pixels.as_str()];
    let mut found: BTreeMap<Evidence, (usize, BTreeSet<usize>)> = BTreeMap::new();
    let mut add = |evidence, a: usize, b: usize| {
        let (pairs, images) = found.entry(evidence).or_default();
        *pairs += 1;
        images.extend([a, b]);
    };
    for set in alike.values() {
        for (n, &a) in set.iter().enumerate() {
            for &b in &set[n + 1..] {
                let same = seen[a].sha256 == seen[b].sha256;
                add(
                    if same {
                        Evidence::SameBytes
                    } else {
                        Evidence::SamePixels
                    },
                    a,
                    b,
                );
            }
        }
    }
    for pair in &copies.pairs {
        let evidence = match pair.kind {
            CopyKind::IdenticalPixels => continue,
            _ if !pair.close => Evidence::Kin,
            CopyKind::SameSlice => Evidence::SameSlice,
            CopyKind::Mirrored => Evidence::Mirrored,
        };
        for &a in twins(pair.a) {
            for &b in twins(pair.b) {
                add(evidence, a, b);
            }
        }
    }
    [
        Evidence::SameBytes,
        Evidence::SamePixels,
        Evidence::SameSlice,
        Evidence::Mirrored,
        Evidence::Kin,
    ]
    .into_iter()
    .map(|evidence| {
        let (pairs, images) = found.remove(&evidence).unwrap_or_default();
        CopyCount {
            evidence,
            pairs,
            images: images.len(),
        }
    })
    .collect()
}

/// Expected share of test images with a copy in training when each image is drawn for training with probability 0.8: of
/// s copies, the s - 1 others all go elsewhere with probability 0.2^(s - 1).
pub(super) fn random_leak(group: &[usize]) -> Measured {
    let leaking: f64 = members(group)
        .values()
        .map(|set| {
            set.len() as f64 * (1.0 - 0.2f64.powi(i32::try_from(set.len() - 1).unwrap_or(i32::MAX)))
        })
        .sum();
    Measured::value(leaking / group.len() as f64)
}

pub(super) fn conflicts(rows: &[&ManifestRow], group: &[usize]) -> Vec<Conflict> {
    members(group)
        .into_values()
        .filter(|set| set.iter().any(|&i| rows[i].label != rows[set[0]].label))
        .map(|set| Conflict {
            files: set
                .iter()
                .map(|&i| (rows[i].path.clone(), rows[i].label.clone()))
                .collect(),
        })
        .collect()
}

/// Slices whose images the manifest has in different units.
pub(super) fn torn(rows: &[&ManifestRow], kin: &[usize]) -> Vec<Vec<String>> {
    let named = |set: &Vec<usize>| set.iter().all(|&i| !rows[i].unit().is_empty());
    let differ = |set: &Vec<usize>| set.iter().any(|&i| rows[i].unit() != rows[set[0]].unit());
    members(kin)
        .into_values()
        .filter(|set| named(set) && differ(set))
        .map(|set| set.iter().map(|&i| rows[i].path.clone()).collect())
        .collect()
}
