//! What is seen of a dataset before anything is chosen.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::limits::Limits;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::slice::Volumes;

/// Images whose size is looked at.
const SAMPLED: usize = 60;

/// What a plan looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Fingerprint {
    /// Images that would be learnt from.
    pub(crate) images: usize,
    /// Units among them: what counts as one.
    pub(crate) units: usize,
    /// Images of each class.
    pub(crate) classes: BTreeMap<String, usize>,
    /// Images of each source.
    pub(crate) sources: BTreeMap<String, usize>,
    /// Sources that bring one class only.
    pub(crate) one_class: Vec<String>,
    /// Images with outline.
    pub(crate) outlined: usize,
    /// Images of each plane; `unknown` for the others.
    pub(crate) planes: BTreeMap<String, usize>,
    /// Whether subjects are known.
    pub(crate) subjects: bool,
    /// Median of the shorter side over some images, px; none where none could be read.
    pub(crate) median_side: Option<usize>,
}

impl Fingerprint {
    /// Looks at a dataset: at its training part, or at all of it where it has none.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        let mut rows: Vec<&ManifestRow> = dataset.part("train").collect();
        if rows.is_empty() {
            // Folds: nearly all images train in turn.
            rows = dataset.rows.iter().collect();
        }
        let count = |of: &dyn Fn(&ManifestRow) -> String| {
            let mut counts = BTreeMap::new();
            for row in &rows {
                *counts.entry(of(row)).or_insert(0) += 1;
            }
            counts
        };
        let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &rows {
            labels.entry(&row.source).or_default().insert(&row.label);
        }
        Self {
            images: rows.len(),
            units: rows.iter().map(|r| r.unit()).collect::<BTreeSet<_>>().len(),
            classes: count(&|r| r.label.clone()),
            sources: count(&|r| r.source.clone()),
            one_class: labels
                .into_iter()
                .filter(|(_, labels)| labels.len() == 1)
                .map(|(source, _)| source.to_owned())
                .collect(),
            outlined: rows.iter().filter(|r| !r.mask.is_empty()).count(),
            planes: count(&|r| match r.plane.as_str() {
                "" => "unknown".to_owned(),
                plane => plane.to_owned(),
            }),
            subjects: rows.iter().any(|r| !r.subject.is_empty()),
            median_side: median_side(dataset, &rows),
        }
    }
}

fn median_side(dataset: &Dataset, rows: &[&ManifestRow]) -> Option<usize> {
    let step = rows.len().div_ceil(SAMPLED).max(1);
    let (volumes, limits) = (Volumes::default(), Limits::default());
    let mut sides: Vec<usize> = rows
        .iter()
        .step_by(step)
        .filter_map(|row| volumes.read(&dataset.file(row), &limits).ok())
        .map(|slice| slice.image.width().min(slice.image.height()))
        .collect();
    sides.sort_unstable();
    sides.get(sides.len() / 2).copied()
}
