//! Which images must stay together, and which copies contradict each other.

use super::Image;
use crate::dataset::CopyCounts;
use crate::fingerprint::Fingerprint;
use crate::group::{CopyGroups, CopyKind, find_copies};
use std::collections::{BTreeMap, BTreeSet};

/// Shortest group name: `g` and this many digits.
const NAME_DIGITS: usize = 10;

/// Sets of images.
pub(super) struct Groups {
    /// Copies, whatever the subject.
    copies: CopyGroups,
    /// For each image the name of its group: copies, and slices of one subject, share it.
    names: Vec<String>,
}

impl Groups {
    /// Finds copies and joins them with subjects.
    pub(super) fn find(images: &[Image], fingerprints: &[Fingerprint]) -> Self {
        let copies = find_copies(fingerprints);
        let mut groups = Sets::new(images.len());
        groups.join_alike(&copies.group);
        // Subject numbers begin anew in each study, so that they are told apart by source. An image without subject
        // is nobody's.
        let subject = |(i, image): (usize, &Image)| match image.found.subject.as_str() {
            "" => (None, i.to_string()),
            subject => (Some(image.found.source.clone()), subject.to_owned()),
        };
        groups.join_alike(images.iter().enumerate().map(subject));
        let names = names(&groups.numbers(), images);
        Self { copies, names }
    }

    /// Name of the group of image `i`.
    pub(super) fn name(&self, i: usize) -> &str {
        &self.names[i]
    }

    /// Copies of one slice with different labels, each set in the order of the images.
    pub(super) fn conflicts(&self, images: &[Image]) -> Vec<Vec<usize>> {
        let mut slices: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, &slice) in self.copies.group.iter().enumerate() {
            slices.entry(slice).or_default().push(i);
        }
        let contradict = |set: &Vec<usize>| {
            set.iter()
                .any(|&i| images[i].label() != images[set[0]].label())
        };
        slices.into_values().filter(contradict).collect()
    }

    /// Counts among the images that are kept.
    pub(super) fn counts(&self, images: &[Image], kept: &[usize]) -> CopyCounts {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for &i in kept {
            *sizes.entry(self.name(i)).or_insert(0) += 1;
        }
        let files: BTreeSet<&str> = kept
            .iter()
            .map(|&i| images[i].read.sha256.as_str())
            .collect();
        let slices: BTreeSet<usize> = kept.iter().map(|&i| self.copies.group[i]).collect();
        let inside: BTreeSet<usize> = kept.iter().copied().collect();
        let pairs = |kind| {
            let of_kind = self.copies.pairs.iter().filter(|pair| pair.kind == kind);
            of_kind
                .filter(|pair| inside.contains(&pair.a) && inside.contains(&pair.b))
                .count()
        };
        CopyCounts {
            images: kept.len(),
            distinct_files: files.len(),
            distinct_slices: slices.len(),
            groups: sizes.len(),
            largest_group: sizes.values().copied().max().unwrap_or(0),
            identical_pairs: pairs(CopyKind::IdenticalPixels),
            same_slice_pairs: pairs(CopyKind::SameSlice),
            mirrored_pairs: pairs(CopyKind::Mirrored),
        }
    }
}

/// `g` and the first digits of the smallest hash among the members: the name stays when other images come or go.
/// Ten digits, or as many more as keep all names apart.
fn names(groups: &[usize], images: &[Image]) -> Vec<String> {
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
            .map(|hash| format!("g{}", hash.get(..digits).unwrap_or(hash)))
    };
    groups
        .iter()
        .map(|group| name(group).unwrap_or_default())
        .collect()
}

/// Disjoint sets of the numbers below n (union by smallest member, path halving).
struct Sets(Vec<usize>);

impl Sets {
    fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    /// Joins all members that have the same key; one key a member, in order.
    fn join_alike<K: Ord>(&mut self, keys: impl IntoIterator<Item = K>) {
        let mut first = BTreeMap::new();
        for (i, key) in keys.into_iter().enumerate().take(self.0.len()) {
            let other = *first.entry(key).or_insert(i);
            let (a, b) = (self.root(i), self.root(other));
            self.0[a.max(b)] = a.min(b);
        }
    }

    /// For each member the smallest of its set.
    fn numbers(mut self) -> Vec<usize> {
        (0..self.0.len()).map(|i| self.root(i)).collect()
    }
}
