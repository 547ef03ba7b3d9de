//! What a protocol gave.

use super::choice::Tried;
use crate::study::Results;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tumorlens_core::Measured;
use tumorlens_data::dataset::Dataset;
use tumorlens_nn::explain::scores::Scores;
use tumorlens_stats::crossval::CrossValidation;
use tumorlens_stats::evaluation::Evaluation;
use tumorlens_stats::metric::Metric;

/// Figures of one run, with the names of exactly the images that it learnt from and was tested on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    pub(super) name: String,
    /// Images and units of the training and validation parts; of all folds together.
    pub(super) learnt: [usize; 2],
    /// Images and units tested.
    pub(super) tested: [usize; 2],
    /// SHA-256 of the manifest with this protocol's split.
    pub(super) manifest_sha256: String,
    /// Named figures, in the order of [`COLUMNS`]; those that do not apply are not there.
    pub(super) figures: Vec<(String, Measured)>,
    /// Name of the configuration.
    #[serde(default)]
    pub(super) configuration: String,
    /// What it was chosen of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tried: Vec<Tried>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<String>,
}

/// Columns of the table.
pub(super) const COLUMNS: [&str; 9] = [
    "AUROC",
    "balanced accuracy",
    "sensitivity",
    "specificity",
    "ECE",
    "called",
    "right where called",
    "peak inside",
    "overlap (IoU)",
];

const METRICS: [(Metric, &str); 5] = [
    (Metric::Auroc, COLUMNS[0]),
    (Metric::BalancedAccuracy, COLUMNS[1]),
    (Metric::Sensitivity, COLUMNS[2]),
    (Metric::Specificity, COLUMNS[3]),
    (Metric::Ece, COLUMNS[4]),
];

impl Outcome {
    /// A finished one, if it is there.
    pub(super) fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        if !file.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let read = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        Ok(Some(read))
    }

    /// The figure of a column, where it applies.
    pub(super) fn figure(&self, column: &str) -> Option<&Measured> {
        let mut figures = self.figures.iter();
        figures.find(|(name, _)| name == column).map(|(_, f)| f)
    }

    pub(super) fn failed(name: String, error: &anyhow::Error) -> Self {
        Self {
            name,
            failed: Some(format!("{error:#}")),
            ..Self::default()
        }
    }

    /// `located` is how the evidence map did on every outlined test image. Of a model without one the table has the default
    /// method on those images that the report compares methods on.
    pub(super) fn of_study(
        dataset: &Dataset,
        results: &Results,
        located: Option<Scores>,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let evaluation = &results.evaluation;
        let mut figures = named(evaluation, &results.model.decision.default);
        if let Some(triage) = &evaluation.triage {
            figures.push((COLUMNS[5].to_owned(), triage.called.clone()));
            figures.push((COLUMNS[6].to_owned(), triage.right.clone()));
        }
        let located = match located {
            Some(scores) => Some(scores),
            None => compared(folder)?,
        };
        if let Some(scores) = located
            && let Some(own) = scores.rows.iter().find(|row| !row.reference)
        {
            figures.push((COLUMNS[7].to_owned(), own.pointing_game.clone()));
            figures.push((COLUMNS[8].to_owned(), own.iou.clone()));
        }
        let learnt = results.parts.train.iter().chain(&results.parts.validation);
        let units: std::collections::BTreeSet<&str> = learnt.clone().map(|r| r.unit()).collect();
        Ok(Self {
            learnt: [learnt.count(), units.len()],
            tested: [evaluation.counts.images, evaluation.counts.groups],
            manifest_sha256: dataset.manifest_sha256()?,
            figures,
            ..Self::default()
        })
    }

    /// The mean over folds would hide how few images a fold has: figures of all test images together, but the AUROC, which
    /// compares scores of one model only, as mean over folds.
    pub(super) fn of_folds(dataset: &Dataset, result: &CrossValidation) -> Self {
        let point = result.points.first().map_or("", |p| p.name.as_str());
        let mut figures = named(&result.pooled, point);
        for (name, figure) in &mut figures {
            if name == COLUMNS[0]
                && let Some(spread) = result.scores.get(&Metric::Auroc)
            {
                *figure = spread.mean.clone();
            }
        }
        let counts = [result.pooled.counts.images, result.pooled.counts.groups];
        Self {
            learnt: counts,
            tested: counts,
            manifest_sha256: dataset.manifest_sha256().unwrap_or_default(),
            figures,
            ..Self::default()
        }
    }
}

/// The methods that a run compared; none without outlines, whose file holds the reason instead.
fn compared(folder: &Path) -> anyhow::Result<Option<Scores>> {
    let file = folder.join("explanation.json");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(serde_json::from_str(&text).ok())
}

fn named(evaluation: &Evaluation, point: &str) -> Vec<(String, Measured)> {
    let figures = evaluation.key_figures(point);
    METRICS
        .iter()
        .filter_map(|(metric, name)| Some(((*name).to_owned(), figures.get(metric)?.clone())))
        .collect()
}
