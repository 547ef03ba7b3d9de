//! Which images must stay together, and which copies contradict each other.

use super::Image;
use crate::dataset::CopyCounts;
use crate::fingerprint::Fingerprint;
use crate::group::union::Union;
use crate::group::{CopyGroups, CopyKind, CopyPair, find_copies};
use crate::slice::split;
use std::collections::{BTreeMap, BTreeSet};

/// Shortest name: a letter and this many digits.
const NAME_DIGITS: usize = 10;

/// Sets of images.
pub(super) struct Groups {
    /// Copies and kin, whatever the subject.
    copies: CopyGroups,
    /// For each image the name of its group: copies, and slices of one subject, share it.
    groups: Vec<String>,
    /// For each image the name of its unit: all groups that hold kin share it.
    units: Vec<String>,
}

impl Groups {
    /// Finds copies and kin and joins them with subjects.
    pub(super) fn find(images: &[Image], fingerprints: &[Fingerprint]) -> Self {
        let copies = find_copies(fingerprints);
        let with_subjects = |slices: &[usize]| {
            let mut union = Union::new(images.len());
            union.join_alike(slices.iter().copied().map(Some));
            union.join_alike(images.iter().map(subject));
            union.numbers()
        };
        Self {
            groups: names('g', &with_subjects(&copies.group), images),
            units: names('u', &with_subjects(&copies.kin), images),
            copies,
        }
    }

    /// Name of the group of image `i`.
    pub(super) fn group(&self, i: usize) -> &str {
        &self.groups[i]
    }

    /// Name of the unit of image `i`.
    pub(super) fn unit(&self, i: usize) -> &str {
        &self.units[i]
    }

    /// Copies of one slice with different labels, each set in the order of the images.
    pub(super) fn conflicts(&self, images: &[Image]) -> Vec<Vec<usize>> {
        contradictions(&self.copies.group, images)
    }

    /// Kin with different labels whose copies agree, each set in the order of the images.
    pub(super) fn kin_conflicts(&self, images: &[Image]) -> Vec<Vec<usize>> {
        let copies: BTreeSet<usize> = self.conflicts(images).into_iter().flatten().collect();
        let mut sets = contradictions(&self.copies.kin, images);
        sets.retain(|set| !set.iter().any(|i| copies.contains(i)));
        sets
    }

    /// Counts among the images that are kept.
    pub(super) fn counts(&self, images: &[Image], kept: &[usize]) -> CopyCounts {
        let sizes = |names: &[String]| {
            let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
            for &i in kept {
                *sizes.entry(&names[i]).or_insert(0) += 1;
            }
            (sizes.len(), sizes.values().copied().max().unwrap_or(0))
        };
        let ((groups, largest_group), (units, largest_unit)) =
            (sizes(&self.groups), sizes(&self.units));
        let files: BTreeSet<&str> = kept
            .iter()
            .map(|&i| images[i].read.sha256.as_str())
            .collect();
        let slices: BTreeSet<usize> = kept.iter().map(|&i| self.copies.group[i]).collect();
        let inside: BTreeSet<usize> = kept.iter().copied().collect();
        let pairs = |counts: &dyn Fn(&CopyPair) -> bool| {
            let counted = self.copies.pairs.iter().filter(|pair| counts(pair));
            counted
                .filter(|pair| inside.contains(&pair.a) && inside.contains(&pair.b))
                .count()
        };
        let copies = |kind| pairs(&|pair| pair.close && pair.kind == kind);
        CopyCounts {
            images: kept.len(),
            distinct_files: files.len(),
            distinct_slices: slices.len(),
            groups,
            largest_group,
            units,
            largest_unit,
            identical_pairs: copies(CopyKind::IdenticalPixels),
            same_slice_pairs: copies(CopyKind::SameSlice),
            mirrored_pairs: copies(CopyKind::Mirrored),
            kin_pairs: pairs(&|pair| !pair.close),
        }
    }
}

/// Subject numbers begin anew in each study, so that they are told apart by source. An image without subject is
/// nobody's.
fn subject(image: &Image) -> Option<(&str, &str)> {
    let subject = image.found.subject.as_str();
    (!subject.is_empty()).then_some((image.found.source.as_str(), subject))
}

/// Sets whose images have different labels. Neighbouring slices of one volume may look alike, but are no copies: a lesion
/// begins somewhere.
fn contradictions(sets: &[usize], images: &[Image]) -> Vec<Vec<usize>> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, &set) in sets.iter().enumerate() {
        members.entry(set).or_default().push(i);
    }
    let contradict = |set: &Vec<usize>| {
        let first = &images[set[0]];
        if set.iter().all(|&i| images[i].label() == first.label()) {
            return false;
        }
        let slice = |image: &'_ Image| (image.read.sha256.clone(), split(&image.found.path).1);
        let slices: Vec<_> = set
            .iter()
            .map(|&i| (slice(&images[i]), images[i].label()))
            .collect();
        slices
            .iter()
            .enumerate()
            .any(|(at, ((file, part), label))| {
                slices[at + 1..]
                    .iter()
                    .any(|((other, of), its)| label != its && (file != other || part == of))
            })
    };
    members.into_values().filter(contradict).collect()
}

/// A letter and the first digits of the smallest hash among the members: the name stays when other images come or go.
/// Ten digits, or as many more as keep all names apart.
fn names(letter: char, groups: &[usize], images: &[Image]) -> Vec<String> {
    let mut smallest: BTreeMap<usize, &str> = BTreeMap::new();
    for (&group, image) in groups.iter().zip(images) {
        let hash = image.read.sha256.as_str();
        smallest
            .entry(group)
            .and_modify(|s| *s = (*s).min(hash))
            .or_insert(hash);
    }
    let distinct = |digits: &usize| {
        let short: BTreeSet<&str> = smallest
            .values()
            .map(|hash| hash.get(..*digits).unwrap_or(hash))
            .collect();
        short.len() == smallest.len()
    };
    let digits = (NAME_DIGITS..=64).find(distinct).unwrap_or(64);
    let name = |group| {
        smallest
            .get(group)
            .map(|hash| format!("{letter}{}", hash.get(..digits).unwrap_or(hash)))
    };
    groups
        .iter()
        .map(|group| name(group).unwrap_or_default())
        .collect()
}
