//! One study: train on a dataset's training part, choose on validation, open the test part once, explain, report.

use crate::assessment::{assess, scored, uncalibrated, write_json, write_predictions};
use crate::config::RunConfig;
use crate::document::{self, Findings};
use crate::environment::Environment;
use crate::model::BUNDLE;
use crate::tags;
use crate::texture::second_opinion;
use crate::training::{self, Parts};
use crate::{explanation, training::Model};
use anyhow::{Context, bail};
use std::path::Path;
use tumorlens_core::{Measured, Observer};
use tumorlens_data::atomic_write::atomic_write;
use tumorlens_data::audit::AuditReport;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::slice::Volumes;
use tumorlens_data::split::Part;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::evaluate::Reading;
use tumorlens_nn::train::Start;
use tumorlens_stats::evaluation::{Evaluation, Scored};

/// What a study leaves in its folder, beside the bundle and the report.
pub(crate) struct Study<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) config: &'a RunConfig,
    pub(crate) audit: Option<&'a AuditReport>,
    /// Folder of the run.
    pub(crate) folder: &'a Path,
    /// The command that repeats it.
    pub(crate) command: String,
}

/// Results on the images that took no part in training.
pub(crate) struct Results {
    pub(crate) model: Model,
    pub(crate) parts: Parts,
    pub(crate) test_rows: Vec<ManifestRow>,
    pub(crate) test: Vec<Scored>,
    /// Probability of the positive class of each test image before calibration.
    pub(crate) uncalibrated: Vec<f64>,
    pub(crate) evaluation: Evaluation,
}

impl Study<'_> {
    /// Conducts the study; with `resume` goes on where it ended.
    pub(crate) fn conduct(&self, start: Start, observer: &dyn Observer) -> anyhow::Result<Results> {
        self.dataset.verify_files(observer)?;
        let (parts, test_rows) = self.parts()?;
        std::fs::create_dir_all(self.folder).with_context(|| self.folder.display().to_string())?;
        self.write("config.toml", self.config.to_toml()?.as_bytes())?;
        let environment = Environment::here(self.config);
        write_json(&self.folder.join("environment.json"), &environment)?;

        let model = training::fit(
            self.dataset,
            &parts,
            self.config,
            self.folder,
            start,
            observer,
        )?;
        let classes = &self.dataset.classes;
        let validation = scored(
            &parts.validation,
            &model.validation,
            classes,
            &model.decision,
            model.familiarity.as_ref(),
        )?;

        // The test part is opened here, once, after every choice was made.
        let source = training::source(
            self.dataset,
            &test_rows,
            self.config,
            &AugmentConfig::none(),
        )?;
        let logits = training::logits(
            &model.graph,
            &model.weights,
            &source,
            self.config,
            Reading::default(),
            observer,
        )?;
        let familiarity = model.familiarity.as_ref();
        let mut test = scored(&test_rows, &logits, classes, &model.decision, familiarity)?;
        let volumes = Volumes::default();
        for (image, row) in test.iter_mut().zip(&test_rows) {
            image.tags = tags::of(self.dataset, row, &volumes);
        }
        let evaluation = assess(&test, classes, &model.decision, self.config.train.seed)?;
        write_json(&self.folder.join("evaluation.json"), &evaluation)?;
        let predictions = [
            ("validation", validation.as_slice()),
            ("test", test.as_slice()),
        ];
        write_predictions(
            &self.folder.join("predictions.csv"),
            &predictions,
            classes,
            &model.decision,
        )?;

        let uncalibrated = uncalibrated(&logits, classes, &model.decision);
        let mut results = Results {
            model,
            parts,
            test_rows,
            uncalibrated,
            test,
            evaluation,
        };
        let explained = explanation::explain(self, &mut results, observer)?;
        let figures = results
            .evaluation
            .key_figures(&results.model.decision.default);
        let figures = figures
            .into_iter()
            .map(|(m, v)| (document::evaluation::key(m), v))
            .collect();
        let bundle = results
            .model
            .bundle(self.dataset, &results.parts, self.config, figures)?;
        bundle.save(&self.folder.join(BUNDLE))?;
        match &explained.scores {
            Ok(scores) => write_json(&self.folder.join("explanation.json"), scores)?,
            Err(reason) => write_json(
                &self.folder.join("explanation.json"),
                &Measured::undefined(reason.as_str()),
            )?,
        }

        let texture = second_opinion(self, &results, observer)?;
        match &texture {
            Ok(opinion) => write_json(&self.folder.join("texture.json"), opinion)?,
            Err(reason) => observer.say(reason),
        }

        let findings = Findings {
            study: self,
            results: &results,
            explained,
            texture,
            environment: &environment,
            bundle: &bundle,
        };
        let report = document::report(findings)?;
        write_json(&self.folder.join("report.json"), &report)?;
        self.write("report.html", tumorlens_report::render(&report)?.as_bytes())?;
        Ok(results)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let file = self.folder.join(name);
        atomic_write(&file, bytes).with_context(|| file.display().to_string())
    }

    /// Training and validation rows, and the test rows.
    fn parts(&self) -> anyhow::Result<(Parts, Vec<ManifestRow>)> {
        let part = |part: Part| -> Vec<ManifestRow> {
            self.dataset.part(&part.to_string()).cloned().collect()
        };
        let parts = Parts {
            train: part(Part::Train),
            validation: part(Part::Validation),
        };
        let test = part(Part::Test);
        if parts.train.is_empty() || parts.validation.is_empty() || test.is_empty() {
            bail!(
                "{}: training, validation and test images are needed, found {}, {} and {}; run `tumorlens prepare` with a holdout split",
                self.dataset.dir.display(),
                parts.train.len(),
                parts.validation.len(),
                test.len()
            );
        }
        Ok((parts, test))
    }
}
