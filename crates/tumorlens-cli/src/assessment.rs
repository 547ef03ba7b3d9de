//! From logits to `evaluation.json` and `predictions.csv`.

use anyhow::Context;
use serde::Serialize;
use std::path::Path;
use tumorlens_core::{ClassSet, Seed, Verdict};
use tumorlens_data::atomic_write::atomic_write;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_nn::bundle::{Decision, Familiarity};
use tumorlens_nn::evaluate::ScoredLogits;
use tumorlens_stats::calibration::Temperature;
use tumorlens_stats::evaluation::{
    Evaluation, EvaluationSettings, Scored, TriageFigures, evaluate,
};

/// Logits with what the manifest says of their images. Those that a decision or a familiarity doubts are marked.
pub(crate) fn scored(
    rows: &[ManifestRow],
    logits: &[ScoredLogits],
    classes: &ClassSet,
    decision: &Decision,
    familiarity: Option<&Familiarity>,
) -> anyhow::Result<Vec<Scored>> {
    logits
        .iter()
        .map(|one| {
            let row = rows
                .get(one.index)
                .context("a prediction without an image")?;
            let probabilities = decision
                .probabilities(classes, &one.logits)
                .with_context(|| format!("{}: not a finite logit", row.path))?;
            Ok(Scored {
                path: row.path.clone(),
                group: row.unit().to_owned(),
                source: row.source.clone(),
                label: one.label,
                probabilities,
                tags: Default::default(),
                doubt: decision.doubt(classes, familiarity, &one.members, &one.features),
            })
        })
        .collect()
}

/// The positive class's probability of each image had nothing been calibrated, in the order of the logits.
pub(crate) fn uncalibrated(
    logits: &[ScoredLogits],
    classes: &ClassSet,
    decision: &Decision,
) -> Vec<f64> {
    let plain = Decision {
        temperature: Temperature::ONE,
        shift: 0.0,
        ..decision.clone()
    };
    let positive = classes.positive().0;
    logits
        .iter()
        .filter_map(|one| {
            Some(
                plain
                    .probabilities(classes, &one.logits)?
                    .get(positive)?
                    .get(),
            )
        })
        .collect()
}

/// Every figure with its interval, at the operating points of the decision.
pub(crate) fn assess(
    images: &[Scored],
    classes: &ClassSet,
    decision: &Decision,
    seed: Seed,
) -> anyhow::Result<Evaluation> {
    let settings = EvaluationSettings::seeded(seed.derive("evaluation"));
    let mut evaluation = evaluate(classes, images, &decision.operating_points, &settings)?;
    evaluation.triage = decision
        .triage
        .filter(|_| classes.is_binary())
        .map(|t| TriageFigures::of(classes, images, (t.low, t.high), settings.resampling.level));
    Ok(evaluation)
}

/// One row of `predictions.csv`.
#[derive(Serialize)]
struct PredictionRow<'a> {
    path: &'a str,
    part: &'a str,
    group: &'a str,
    source: &'a str,
    label: &'a str,
    positive: &'a str,
    probability: f64,
    threshold: f64,
    call: String,
    probabilities: String,
    verdict: Verdict,
    reason: String,
}

/// Writes `predictions.csv`: images by part, with their calibrated probabilities.
pub(crate) fn write_predictions(
    file: &Path,
    parts: &[(&str, &[Scored])],
    classes: &ClassSet,
    decision: &Decision,
) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let positive = classes.positive();
    let threshold = decision.threshold();
    for (part, images) in parts {
        for image in *images {
            let p = &image.probabilities;
            let call = decision
                .call(classes, p.clone(), image.doubt.clone())
                .with_context(|| format!("{}: too few probabilities", image.path))?;
            writer.serialize(PredictionRow {
                path: &image.path,
                part,
                group: &image.group,
                source: &image.source,
                label: classes.name(image.label),
                positive: classes.name(positive),
                probability: p[positive.0].get(),
                threshold: threshold.get(),
                call: call.label,
                probabilities: p
                    .iter()
                    .map(|p| p.get().to_string())
                    .collect::<Vec<_>>()
                    .join(" "),
                verdict: call.verdict,
                reason: call.reason.unwrap_or_default(),
            })?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| e.into_error())?;
    atomic_write(file, &bytes).with_context(|| file.display().to_string())
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(file: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    atomic_write(file, text.as_bytes()).with_context(|| file.display().to_string())
}
