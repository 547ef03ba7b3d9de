//! One trial: its configuration, trained on all but one of the inner folds in turn, and judged on that one.

use super::ladder;
use super::space::{Values, configuration};
use super::study_file::{End, Event, Study, StudyFile};
use crate::config::RunConfig;
use crate::exit_code::Stopped;
use crate::learning::Learning;
use crate::training::source;
use anyhow::{Context, bail};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use tumorlens_core::{Measured, Observer};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::model::ModelError;
use tumorlens_nn::train::{EpochRecord, Outcome, Start, TrainError};

/// What all trials share.
pub(super) struct Bench<'a> {
    /// Rows of the inner folds; those of a test part are not among them.
    pub(super) dataset: &'a Dataset,
    /// Fold of each row.
    pub(super) folds: Vec<usize>,
    pub(super) base: &'a RunConfig,
    pub(super) file: &'a StudyFile,
    /// Folder of the study.
    pub(super) folder: &'a Path,
}

/// Why a fold ended before its last epoch.
enum Cut {
    /// Others were better.
    Halted,
    /// The study could not be read or written, or a figure is undefined.
    Error(anyhow::Error),
}

/// How a fold ended.
enum FoldEnd {
    Trained,
    Halted,
    Failed(String),
}

/// Folder of a trial.
pub(super) fn folder(study: &Path, number: usize) -> PathBuf {
    study.join("trials").join(number.to_string())
}

impl Bench<'_> {
    /// Trains a trial to its end, or until others turn out better. Goes on where an earlier worker stopped.
    ///
    /// # Errors
    /// [`Stopped`], and whatever is no fault of the trial: files, images, the study itself.
    pub(super) fn conduct(
        &self,
        number: usize,
        values: &Values,
        observer: &dyn Observer,
    ) -> anyhow::Result<End> {
        let config = configuration(self.base, values)?;
        let place = folder(self.folder, number);
        let study = self.file.read()?;
        let terms = &study.terms;
        let done = study.trials[number].steps.last().map_or(0, |(s, _)| *s) as usize;
        for fold in done / terms.epochs.max(1)..terms.folds {
            observer.say(&format!(
                "trial {}: fold {} of {}",
                number + 1,
                fold + 1,
                terms.folds
            ));
            let place = place.join(format!("fold-{fold}"));
            let end = self.fold(number, &study, fold, &config, &place, observer)?;
            // What is learnt is in the study; weights of a trial are never used.
            let checkpoints = place.join("checkpoints");
            if checkpoints.is_dir() {
                std::fs::remove_dir_all(&checkpoints)
                    .with_context(|| checkpoints.display().to_string())?;
            }
            match end {
                FoldEnd::Trained => {}
                FoldEnd::Halted => return Ok(End::Halted),
                FoldEnd::Failed(reason) => return Ok(End::Failed(reason)),
            }
        }
        Ok(End::Complete)
    }

    fn fold(
        &self,
        number: usize,
        study: &Study,
        fold: usize,
        config: &RunConfig,
        place: &Path,
        observer: &dyn Observer,
    ) -> anyhow::Result<FoldEnd> {
        let rows = |inside: bool| -> Vec<ManifestRow> {
            let rows = self.dataset.rows.iter().zip(&self.folds);
            rows.filter(|(_, f)| (**f == fold) == inside)
                .map(|(row, _)| row.clone())
                .collect()
        };
        let (learnt, judged) = (rows(false), rows(true));
        let validation = source(self.dataset, &judged, config, &AugmentConfig::none())?;
        let train = source(self.dataset, &learnt, config, &config.augment)?
            .with_exchange(config.exchange)?;
        let classes = &self.dataset.classes;
        let input = config.preprocess.input_shape();
        let graph = match config.model.graph(input, classes.logits()) {
            Ok(graph) => graph,
            Err(error @ ModelError::TooLarge { .. }) => {
                return Ok(FoldEnd::Failed(error.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        let begun = place.join("checkpoints").is_dir();
        let learning = Learning {
            classes,
            graph: &graph,
            train: &train,
            validation: &validation,
            config,
            teacher: None,
            folder: place,
            start: if begun { Start::Resume } else { Start::Fresh },
        };
        let cut: Mutex<Option<Cut>> = Mutex::new(None);
        let after_epoch = |history: &[EpochRecord]| match self.record(number, study, fold, history)
        {
            Ok(false) => ControlFlow::Continue(()),
            Ok(true) => cut_short(&cut, Cut::Halted),
            Err(error) => cut_short(&cut, Cut::Error(error)),
        };
        let outcome = learning.fit(observer, &after_epoch);
        match (
            cut.into_inner().unwrap_or_else(PoisonError::into_inner),
            outcome,
        ) {
            (Some(Cut::Error(error)), _) => Err(error),
            (Some(Cut::Halted), _) => Ok(FoldEnd::Halted),
            (None, Ok(Outcome::Finished(_))) => Ok(FoldEnd::Trained),
            (None, Ok(_)) => Err(Stopped.into()),
            (None, Err(error)) => match error.downcast_ref::<TrainError>() {
                Some(diverged @ TrainError::NotFinite { .. }) => {
                    Ok(FoldEnd::Failed(diverged.to_string()))
                }
                _ => Err(error),
            },
        }
    }

    /// Writes down the epochs that the study does not know yet; tells whether the trial should end.
    fn record(
        &self,
        number: usize,
        before: &Study,
        fold: usize,
        history: &[EpochRecord],
    ) -> anyhow::Result<bool> {
        let terms = &before.terms;
        let mut figures = Vec::new();
        for record in history {
            match &record.validation.auroc {
                Measured::Value { value, .. } => figures.push(*value),
                Measured::Undefined { undefined } => bail!(
                    "inner fold {}: the AUROC is undefined: {undefined}; use fewer folds",
                    fold + 1
                ),
            }
        }
        let study = self.file.change(|study| {
            let known = &study.trials[number].steps;
            let first = (fold * terms.epochs) as u64;
            // The mean of the folds before, which is the figure of their last step.
            let earlier = known.iter().find(|(step, _)| *step == first);
            let earlier = earlier.map_or(0.0, |(_, figure)| figure * fold as f64);
            let last = known.last().map_or(0, |(step, _)| *step);
            (first + 1..)
                .zip(&figures)
                .filter(|(step, _)| *step > last)
                .map(|(step, figure)| Event::Step {
                    trial: number,
                    step,
                    figure: (earlier + figure) / (fold + 1) as f64,
                })
                .collect()
        })?;
        let steps = (terms.folds * terms.epochs) as u64;
        Ok(ladder::ends(&study, &study.trials[number], steps))
    }
}

fn cut_short(place: &Mutex<Option<Cut>>, cut: Cut) -> ControlFlow<()> {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
    ControlFlow::Break(())
}
