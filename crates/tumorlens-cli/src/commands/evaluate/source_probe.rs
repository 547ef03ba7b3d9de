//! How well a model's features tell where an image came from: what tells the source may stand for the class.
//!
//! Among images of one class, so that the class itself says nothing, each image is given to the source whose images lie
//! nearest in the features (linear discriminant analysis), in five folds by group. The lower, the better.

use serde::Serialize;
use std::collections::BTreeMap;
use tumorlens_core::{ClassSet, Measured, Seed};
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::split::{MixedGroups, SplitItem, SplitPlan, assign};
use tumorlens_nn::bundle::Familiarity;
use tumorlens_nn::evaluate::ScoredLogits;
use tumorlens_nn::network::Features;
use tumorlens_report::terminal::Table;
use tumorlens_stats::groups::Groups;
use tumorlens_stats::intervals::share_grouped;

/// Images of a source below which it is left out.
const ENOUGH: usize = 20;
const FOLDS: usize = 5;

/// How often one source of one class is told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    pub(super) class: String,
    pub(super) source: String,
    pub(super) images: usize,
    /// Share of its images given to it.
    pub(super) told: Measured,
    /// Share that chance would give to it.
    pub(super) chance: f64,
}

/// Every source of every class of which there are several.
pub(super) fn probe(
    rows: &[ManifestRow],
    logits: &[ScoredLogits],
    classes: &ClassSet,
    seed: Seed,
) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    for class in classes.names() {
        let mut by_source: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate().filter(|(_, r)| r.label == *class) {
            by_source.entry(&row.source).or_default().push(index);
        }
        by_source.retain(|_, images| images.len() >= ENOUGH);
        if by_source.len() < 2 {
            continue;
        }
        let chance = 1.0 / by_source.len() as f64;
        let images: Vec<usize> = by_source.values().flatten().copied().collect();
        let right = judged(rows, logits, &images, seed)?;
        for (source, own) in &by_source {
            let groups: Vec<&str> = own.iter().map(|i| rows[*i].unit()).collect();
            let hits = own.iter().map(|i| right.get(i).copied());
            let share = share_grouped(&Groups::new(&groups), hits, 0.95);
            told.push(Told {
                class: class.clone(),
                source: (*source).to_owned(),
                images: own.len(),
                told: share.unwrap_or_else(|| {
                    Measured::undefined("too few images of other groups for this many features")
                }),
                chance,
            });
        }
    }
    Ok(told)
}

/// For each image that could be judged, whether its own source is the nearest.
fn judged(
    rows: &[ManifestRow],
    logits: &[ScoredLogits],
    images: &[usize],
    seed: Seed,
) -> anyhow::Result<BTreeMap<usize, bool>> {
    let items: Vec<SplitItem<'_>> = images
        .iter()
        .map(|i| SplitItem {
            group: rows[*i].unit(),
            label: &rows[*i].source,
            source: &rows[*i].source,
        })
        .collect();
    let plan = SplitPlan::KFold { k: FOLDS };
    let folds = assign(
        &items,
        plan,
        MixedGroups::Allow,
        seed.derive("source probe"),
    )?;
    let features = |i: usize| logits[i].features.clone();
    let mut right = BTreeMap::new();
    for fold in folds.iter().collect::<std::collections::BTreeSet<_>>() {
        let (test, train): (Vec<_>, Vec<_>) =
            images.iter().zip(&folds).partition(|(_, f)| *f == fold);
        let learnt: Vec<(String, Features)> = train
            .iter()
            .map(|(i, _)| (rows[**i].source.clone(), features(**i)))
            .collect();
        let seen: Vec<Features> = test.iter().map(|(i, _)| features(**i)).collect();
        // Too few images for so many features: this fold says nothing.
        let Ok(discriminant) = Familiarity::fit(&learnt, &seen, 2) else {
            continue;
        };
        for ((i, _), features) in test.iter().zip(&seen) {
            let nearest = discriminant.nearest(features);
            right.insert(
                **i,
                nearest.is_some_and(|kind| kind.name == rows[**i].source),
            );
        }
    }
    Ok(right)
}

/// As a table.
pub(super) fn table(told: &[Told]) -> String {
    let mut table = Table::new([
        "class",
        "source",
        "images",
        "told by its features",
        "chance",
    ]);
    for one in told {
        table.row([
            one.class.clone(),
            one.source.clone(),
            one.images.to_string(),
            tumorlens_report::number::measured(&one.told),
            tumorlens_report::number::number(one.chance),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::ClassIndex;

    /// Two sources of 60 tumors each; the second feature tells them, or nothing does.
    fn images(apart: f32) -> (Vec<ManifestRow>, Vec<ScoredLogits>) {
        (0..120usize)
            .map(|i| {
                let source = i % 2;
                let noise = |k: usize| ((i * 31 + k * 17) % 97) as f32 / 97.0;
                let row = ManifestRow {
                    path: format!("{i}.png"),
                    label: "tumor".to_owned(),
                    group: format!("g{i}"),
                    source: ["a", "b"][source].to_owned(),
                    ..ManifestRow::default()
                };
                let scored = ScoredLogits {
                    index: i,
                    label: ClassIndex(1),
                    logits: vec![0.0],
                    members: vec![],
                    features: vec![1.0 + noise(1), 1.0 + noise(2) + apart * source as f32].into(),
                };
                (row, scored)
            })
            .unzip()
    }

    #[test]
    fn a_feature_that_differs_by_source_tells_it_and_one_that_does_not_is_near_chance() {
        let classes = ClassSet::tumor();
        let mean = |apart| {
            let (rows, logits) = images(apart);
            let told = probe(&rows, &logits, &classes, Seed(1)).unwrap();
            assert_eq!(told.len(), 2);
            let shares = told.iter().filter_map(|t| t.told.get());
            shares.sum::<f64>() / 2.0
        };
        assert!(mean(5.0) > 0.95);
        assert!((0.3..0.7).contains(&mean(0.0)), "{}", mean(0.0));
    }

    #[test]
    fn one_source_alone_is_not_probed_and_too_few_images_say_so() {
        let classes = ClassSet::tumor();
        let (mut rows, mut logits) = images(1.0);
        logits
            .iter_mut()
            .for_each(|l| l.features = vec![1.0; 200].into());
        let told = probe(&rows, &logits, &classes, Seed(1)).unwrap();
        assert!(told[0].told.get().is_none() && table(&told).contains("too few"));
        rows.iter_mut().for_each(|r| r.source = "a".to_owned());
        assert!(probe(&rows, &logits, &classes, Seed(1)).unwrap().is_empty());
    }
}
