//! Leaks of a split that somebody made.

use super::report::Leak;
use crate::group::CopyGroups;
use crate::manifest::ManifestRow;
use crate::split::{Part, SplitName};
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_core::Measured;
use tumorlens_stats::intervals::{GroupTally, wilson_grouped};

/// A column of the manifest that names a split.
struct Column {
    name: &'static str,
    of: fn(&ManifestRow) -> &str,
}

const COLUMNS: [Column; 2] = [
    Column {
        name: "split",
        of: |row| &row.split,
    },
    Column {
        name: "official_split",
        of: |row| &row.official_split,
    },
];

/// The leaks of every split that the rows name, part by part.
pub(super) fn all(rows: &[&ManifestRow], copies: &CopyGroups) -> Vec<Leak> {
    let plain = copies.kin_without_mirrored();
    COLUMNS
        .iter()
        .flat_map(|column| of_column(rows, copies, &plain, column))
        .collect()
}

fn of_column(
    rows: &[&ManifestRow],
    copies: &CopyGroups,
    plain: &[usize],
    column: &Column,
) -> Vec<Leak> {
    // A name that is no split is nobody's part; the manifest's own rules refuse it.
    let parts: Vec<Option<SplitName>> = rows
        .iter()
        .map(|row| (column.of)(row).parse().ok())
        .collect();
    let of_set = |sets: &[usize]| Sides::of(sets.iter().copied().zip(&parts));
    let (copied, copied_plain) = (of_set(&copies.kin), of_set(plain));
    let units = rows.iter().map(|row| row.unit());
    let grouped = Sides::of(units.zip(&parts));

    let judges = [
        ("validation", SplitName::Part(Part::Validation)),
        ("test", SplitName::Part(Part::Test)),
        ("folds", SplitName::Fold(0)),
    ];
    let mut leaks = Vec::new();
    for (name, judge) in judges {
        let judged = |part: &SplitName| match judge {
            SplitName::Fold(_) => matches!(part, SplitName::Fold(_)),
            SplitName::Part(_) => *part == judge,
        };
        let mut leak = Leak {
            split: column.name.to_owned(),
            part: name.to_owned(),
            images: 0,
            copied: 0,
            copied_plain: 0,
            grouped: 0,
            share: Measured::undefined("no image in this part"),
            files: Vec::new(),
        };
        let mut slices: BTreeMap<usize, GroupTally> = BTreeMap::new();
        for (i, row) in rows.iter().enumerate() {
            let Some(part) = parts[i].filter(|part| judged(part)) else {
                continue;
            };
            let has_copy = copied.trains(copies.kin[i], part);
            let has_unit = !row.unit().is_empty() && grouped.trains(row.unit(), part);
            leak.images += 1;
            leak.copied += usize::from(has_copy);
            leak.copied_plain += usize::from(copied_plain.trains(plain[i], part));
            leak.grouped += usize::from(has_unit);
            let tally = slices.entry(copies.kin[i]).or_default();
            tally.trials += 1;
            tally.successes += u64::from(has_copy);
            if has_copy || has_unit {
                leak.files.push(row.path.clone());
            }
        }
        if leak.images > 0 {
            leak.share = share(leak.copied, leak.images, &slices);
            leaks.push(leak);
        }
    }
    leaks
}

fn share(copied: usize, images: usize, slices: &BTreeMap<usize, GroupTally>) -> Measured {
    let tallies: Vec<GroupTally> = slices.values().copied().collect();
    let value = copied as f64 / images as f64;
    wilson_grouped(&tallies, 0.95).map_or(Measured::value(value), |interval| {
        Measured::with_interval(value, interval)
    })
}

/// The parts in which each set has images.
struct Sides<K>(BTreeMap<K, BTreeSet<SplitName>>);

impl<K: Ord> Sides<K> {
    fn of<'a>(members: impl Iterator<Item = (K, &'a Option<SplitName>)>) -> Self {
        let mut sides: BTreeMap<K, BTreeSet<SplitName>> = BTreeMap::new();
        for (set, part) in members {
            sides.entry(set).or_default().extend(part);
        }
        Self(sides)
    }

    /// Whether the set has images in what trains when `part` judges: the training part, or another fold.
    fn trains(&self, set: K, part: SplitName) -> bool {
        self.0.get(&set).is_some_and(|sides| match part {
            SplitName::Part(_) => sides.contains(&SplitName::Part(Part::Train)),
            SplitName::Fold(_) => sides.iter().any(|side| *side != part),
        })
    }
}
