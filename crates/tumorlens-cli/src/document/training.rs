//! How the training went.

use crate::study::{Results, Study};
use tumorlens_report::Fact;
use tumorlens_report::report::training::{Epoch, Training};

pub(super) fn part(study: &Study<'_>, results: &Results) -> Training {
    let model = &results.model;
    let epochs = model.history.iter().map(|record| Epoch {
        epoch: record.epoch as u64,
        train_loss: Some(record.train.loss),
        validation_loss: Some(record.validation.loss),
        validation_auroc: record.validation.auroc.get(),
        learning_rate: Some(record.learning_rate),
    });
    let steps = model.history.last().map_or(0, |r| r.steps);
    Training {
        facts: vec![
            Fact::new("network", study.config.architecture()),
            Fact::new("learned values", model.weights.learned().to_string()),
            Fact::new(
                "epochs",
                format!(
                    "{} of at most {}",
                    model.history.len(),
                    study.config.train.epochs
                ),
            ),
            Fact::new("steps", steps.to_string()),
            Fact::new("calibration", model.decision.calibration.clone()),
            Fact::new(
                "answer on a subject",
                model.decision.aggregation.chosen.clone(),
            ),
        ],
        epochs: epochs.collect(),
        chosen_epoch: Some(model.best_epoch as u64),
    }
}
