//! Shortcut probes: how well do things that are no anatomy predict the label?

use super::forest::{Forest, most};
use super::image::Seen;
use super::nearest::nearest;
use super::report::{Probe, ProbeSplit};
use crate::draw::Draw;
use crate::manifest::ManifestRow;
use crate::split::{MixedGroups, SplitItem, SplitName, SplitPlan, assign};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_core::{Measured, Seed};
use tumorlens_stats::intervals::{GroupTally, wilson_grouped};

/// Name of the majority vote, with which the others are compared.
pub(super) const MAJORITY: &str = "majority vote";
/// Name of the nearest neighbour.
pub(super) const NEAREST: &str = "nearest neighbour";

const FOLDS: usize = 5;
/// More images than this are not probed; a seeded sample of whole groups is. The nearest neighbour is quadratic.
const MOST: usize = 10_000;

/// All probes. Without two labels, or with too few groups of a label for five folds, they are undefined with the reason.
pub(super) fn all(
    rows: &[&ManifestRow],
    seen: &[Seen],
    together: &[usize],
    seed: Seed,
) -> Vec<Probe> {
    let kept = sample(together, seed.derive("sample"));
    let labels: Vec<&str> = kept.iter().map(|&i| rows[i].label.as_str()).collect();
    let groups: Vec<usize> = kept.iter().map(|&i| together[i]).collect();
    let seen: Vec<&Seen> = kept.iter().map(|&i| &seen[i]).collect();
    match Trial::new(&labels, &groups, seed) {
        Ok(trial) => trial.probes(&seen),
        Err(reason) => {
            let undefined = |(name, sees, split): &(&str, &str, ProbeSplit)| Probe {
                name: (*name).to_owned(),
                sees: (*sees).to_owned(),
                split: *split,
                accuracy: Measured::undefined(reason.clone()),
            };
            PROBES.iter().map(undefined).collect()
        }
    }
}

/// Name, what it sees, and how the images are divided, in the order of the report.
const PROBES: [(&str, &str, ProbeSplit); 5] = [
    (
        MAJORITY,
        "nothing: it names the most frequent label",
        ProbeSplit::Grouped,
    ),
    (
        "metadata alone",
        "width, height, format, mode, bits, file length, mean",
        ProbeSplit::Grouped,
    ),
    (
        "border alone",
        "the outermost 4 % of the image",
        ProbeSplit::Grouped,
    ),
    (
        NEAREST,
        "the most similar image, 48x48",
        ProbeSplit::Grouped,
    ),
    (NEAREST, "the most similar image, 48x48", ProbeSplit::Random),
];

/// Labels and folds of all probes.
struct Trial {
    labels: Vec<usize>,
    classes: usize,
    groups: Vec<usize>,
    grouped: Vec<usize>,
    random: Vec<usize>,
    seed: Seed,
}

impl Trial {
    fn new(labels: &[&str], groups: &[usize], seed: Seed) -> Result<Self, String> {
        let names: BTreeSet<&str> = labels.iter().copied().collect();
        if names.len() < 2 {
            return Err("all images have the same label".to_owned());
        }
        let number: BTreeMap<&str, usize> = names.into_iter().zip(0..).collect();
        let images: Vec<usize> = (0..labels.len()).collect();
        Ok(Self {
            labels: labels.iter().map(|label| number[label]).collect(),
            classes: number.len(),
            groups: groups.to_vec(),
            grouped: folds(labels, groups, seed.derive("grouped"))?,
            random: folds(labels, &images, seed.derive("random"))?,
            seed,
        })
    }

    fn probes(&self, seen: &[&Seen]) -> Vec<Probe> {
        let metadata = metadata(seen);
        let border: Vec<&[f32]> = seen.iter().map(|image| image.border.as_slice()).collect();
        let thumbnails: Vec<&[u8]> = seen
            .iter()
            .map(|image| image.thumbnail.as_slice())
            .collect();
        let named = [
            self.majority(),
            self.forest(
                &metadata.iter().map(Vec::as_slice).collect::<Vec<_>>(),
                "metadata",
            ),
            self.forest(&border, "border"),
            self.nearest(&thumbnails, &self.grouped),
            self.nearest(&thumbnails, &self.random),
        ];
        let probe =
            |((name, sees, split), named): (&(&str, &str, ProbeSplit), Vec<Option<usize>>)| Probe {
                name: (*name).to_owned(),
                sees: (*sees).to_owned(),
                split: *split,
                accuracy: self.accuracy(&named),
            };
        PROBES.iter().zip(named).map(probe).collect()
    }

    /// The most frequent label of the other folds.
    fn majority(&self) -> Vec<Option<usize>> {
        let of_fold = |fold: usize| {
            let mut counts = vec![0; self.classes];
            for i in self.outside(fold) {
                counts[self.labels[i]] += 1;
            }
            most(&counts)
        };
        let votes: Vec<usize> = (0..FOLDS).map(of_fold).collect();
        self.grouped.iter().map(|&fold| Some(votes[fold])).collect()
    }

    /// A forest for each fold, fitted to the others.
    fn forest(&self, features: &[&[f32]], name: &str) -> Vec<Option<usize>> {
        let seed = self.seed.derive(name);
        let of_fold = |fold: usize| {
            let (x, y): (Vec<&[f32]>, Vec<usize>) = self
                .outside(fold)
                .map(|i| (features[i], self.labels[i]))
                .unzip();
            Forest::fit(&x, &y, self.classes, seed.index(fold as u64))
        };
        let forests: Vec<Forest> = (0..FOLDS).into_par_iter().map(of_fold).collect();
        self.grouped
            .iter()
            .zip(features)
            .map(|(&fold, x)| Some(forests[fold].predict(x)))
            .collect()
    }

    fn nearest(&self, thumbnails: &[&[u8]], folds: &[usize]) -> Vec<Option<usize>> {
        nearest(thumbnails, folds)
            .into_iter()
            .map(|found| found.map(|i| self.labels[i]))
            .collect()
    }

    fn outside(&self, fold: usize) -> impl Iterator<Item = usize> {
        (0..self.labels.len()).filter(move |&i| self.grouped[i] != fold)
    }

    /// Share of images whose label was named; the interval counts groups.
    fn accuracy(&self, named: &[Option<usize>]) -> Measured {
        let mut tallies: BTreeMap<usize, GroupTally> = BTreeMap::new();
        for ((group, label), named) in self.groups.iter().zip(&self.labels).zip(named) {
            let tally = tallies.entry(*group).or_default();
            tally.trials += 1;
            tally.successes += u64::from(*named == Some(*label));
        }
        let tallies: Vec<GroupTally> = tallies.into_values().collect();
        let right: u64 = tallies.iter().map(|t| t.successes).sum();
        let value = right as f64 / named.len() as f64;
        wilson_grouped(&tallies, 0.95).map_or(Measured::value(value), |interval| {
            Measured::with_interval(value, interval)
        })
    }
}

/// All images, or a seeded sample of whole groups.
fn sample(together: &[usize], seed: Seed) -> Vec<usize> {
    if together.len() <= MOST {
        return (0..together.len()).collect();
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, &group) in together.iter().enumerate() {
        groups.entry(group).or_default().push(i);
    }
    let mut order: Vec<(u64, Vec<usize>)> = groups
        .into_iter()
        .map(|(group, set)| (Draw::new(seed.index(group as u64)).bits(), set))
        .collect();
    order.sort();
    let mut kept = Vec::new();
    for (_, set) in order {
        if kept.len() + set.len() <= MOST {
            kept.extend(set);
        }
    }
    kept.sort_unstable();
    kept
}

/// Stratified folds in which the images of a group stay together.
fn folds(labels: &[&str], groups: &[usize], seed: Seed) -> Result<Vec<usize>, String> {
    let names: Vec<String> = groups.iter().map(ToString::to_string).collect();
    let items: Vec<SplitItem<'_>> = names
        .iter()
        .zip(labels)
        .map(|(group, label)| SplitItem {
            group,
            label,
            source: "",
        })
        .collect();
    let names = assign(
        &items,
        SplitPlan::KFold { k: FOLDS },
        MixedGroups::Allow,
        seed,
    )
    .map_err(|e| e.to_string())?;
    let number = |name: SplitName| match name {
        SplitName::Fold(fold) => fold,
        SplitName::Part(_) => 0,
    };
    Ok(names.into_iter().map(number).collect())
}

/// The file's facts as numbers; formats and modes are numbered in the order of their names.
fn metadata(seen: &[&Seen]) -> Vec<Vec<f32>> {
    let number = |of: fn(&Seen) -> &str| -> Vec<f32> {
        let names: BTreeSet<&str> = seen.iter().map(|image| of(image)).collect();
        let number: BTreeMap<&str, u16> = names.into_iter().zip(0..).collect();
        seen.iter()
            .map(|image| f32::from(number[of(image)]))
            .collect()
    };
    let (formats, modes) = (number(|image| &image.format), number(|image| &image.mode));
    let row = |i: usize| {
        seen[i]
            .metadata
            .iter()
            .copied()
            .chain([formats[i], modes[i]])
            .collect()
    };
    (0..seen.len()).map(row).collect()
}
