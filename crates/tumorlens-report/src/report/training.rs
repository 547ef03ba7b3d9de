//! How the training went.

use super::Fact;
use serde::{Deserialize, Serialize};

/// The training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Architecture, learned values, epochs, duration, images a second, why it stopped.
    pub facts: Vec<Fact>,
    /// One row an epoch, ascending.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept.
    pub chosen_epoch: Option<u64>,
}

/// Figures of one epoch. What was not measured is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Mean loss on the training part, with augmentation.
    pub train_loss: Option<f64>,
    /// Mean loss on the validation part.
    pub validation_loss: Option<f64>,
    /// AUROC on the validation part.
    pub validation_auroc: Option<f64>,
    /// Learning rate at the end of the epoch.
    pub learning_rate: Option<f64>,
}
