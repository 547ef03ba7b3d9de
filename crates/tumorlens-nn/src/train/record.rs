//! What is written down of every epoch.

use super::learner::StepLoss;
use super::validation::{ValidationFigures, recorded};
use serde::{Deserialize, Serialize};

/// One epoch: a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Optimiser steps taken since the run began.
    pub steps: u64,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Losses on the training images while learning from them.
    pub train: TrainFigures,
    /// Figures on the validation images after the epoch.
    pub validation: ValidationFigures,
    /// Whether this was the best epoch so far.
    pub best: bool,
}

/// Mean losses over an epoch's images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainFigures {
    /// What was minimised: the image loss and the weighted outline loss.
    pub loss: f64,
    /// Image loss.
    pub image: f64,
    /// Outline loss before its weight; absent where no image had an outline to learn from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<f64>,
}

/// Sums over the steps of an epoch so far. Held as bits, because a checkpoint must give back the very same numbers and
/// a decimal may not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    image: u64,
    outline: u64,
    images: usize,
    outlined: bool,
}

impl Sums {
    pub(super) fn add(&mut self, loss: StepLoss, images: usize) {
        let grow = |bits: &mut u64, by: f64| {
            *bits = (f64::from_bits(*bits) + by * images as f64).to_bits()
        };
        grow(&mut self.image, loss.image);
        grow(&mut self.outline, loss.outline.unwrap_or(0.0));
        self.outlined |= loss.outline.is_some();
        self.images += images;
    }

    pub(super) fn figures(self, outline_weight: f64) -> TrainFigures {
        let mean = |bits: u64| f64::from_bits(bits) / self.images.max(1) as f64;
        let (image, outline) = (mean(self.image), mean(self.outline));
        TrainFigures {
            loss: recorded(image + outline_weight * outline),
            image: recorded(image),
            outline: self.outlined.then(|| recorded(outline)),
        }
    }
}

/// The best epoch's number, from 1.
pub(super) fn best_epoch(history: &[EpochRecord]) -> Option<usize> {
    history
        .iter()
        .rev()
        .find(|record| record.best)
        .map(|record| record.epoch)
}

/// `metrics.jsonl`: one line an epoch. Nothing in it depends on the clock or the machine's speed.
pub(super) fn lines(history: &[EpochRecord]) -> String {
    // A record has nothing that JSON cannot hold: its keys are strings and its numbers finite.
    history
        .iter()
        .filter_map(|record| serde_json::to_string(record).ok())
        .map(|line| line + "\n")
        .collect()
}
