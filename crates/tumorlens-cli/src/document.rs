//! From results to the report's value: one file for each of its parts.

mod audit;
mod data;
pub(crate) mod evaluation;
mod explanation;
mod summary;
mod training;

use crate::environment::Environment;
use crate::explanation::Explained;
use crate::study::{Results, Study};
use crate::texture::Opinion;
use tumorlens_nn::bundle::Bundle;
use tumorlens_report::report::provenance::Provenance;
use tumorlens_report::{Fact, Report, Section};

/// Everything that a report is made of.
pub(crate) struct Findings<'a> {
    pub(crate) study: &'a Study<'a>,
    pub(crate) results: &'a Results,
    pub(crate) explained: Explained,
    pub(crate) texture: Result<Opinion, String>,
    pub(crate) environment: &'a Environment,
    pub(crate) bundle: &'a Bundle,
}

/// The report of a study.
pub(crate) fn report(findings: Findings<'_>) -> anyhow::Result<Report> {
    let Findings {
        study,
        results,
        explained,
        texture,
        environment,
        bundle,
    } = findings;
    let decision = &results.model.decision;
    let context = evaluation::Context {
        images: &results.test,
        uncalibrated: &results.uncalibrated,
        default: &decision.default,
        triage: decision.triage,
        calibration: &decision.calibration,
    };
    Ok(Report {
        title: format!("Brain tumor on MRI: {}", names(study)),
        subtitle: format!(
            "{}, {} px, seed {}",
            study.config.architecture(),
            study.config.preprocess.size,
            study.config.train.seed.0
        ),
        summary: summary::part(study, results),
        data: Section::Given(data::part(study, results)?),
        training: Section::Given(training::part(study, results)),
        evaluation: Section::Given(evaluation::part(&results.evaluation, &context)),
        explanation: Section::Given(explanation::part(study, results, explained, texture)?),
        provenance: Section::Given(Provenance {
            command: study.command.clone(),
            config: study.config.to_toml()?,
            environment: environment.facts(),
            files: vec![
                Fact::new("manifest.csv", study.dataset.manifest_sha256()?),
                Fact::new(crate::model::BUNDLE, bundle.identity()?),
            ],
        }),
        card: Section::Given(bundle.card.clone()),
        ..Report::default()
    })
}

fn names(study: &Study<'_>) -> String {
    let names: Vec<&str> = study
        .dataset
        .record
        .sources
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    if names.is_empty() {
        "dataset".to_owned()
    } else {
        names.join(", ")
    }
}
