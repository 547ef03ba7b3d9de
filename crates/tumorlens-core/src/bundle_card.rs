//! The model card of a bundle: what it was made from, how well it does, where it must not be used.

use crate::{ClassSet, Measured};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Model card (after Mitchell et al. 2019; items of CLAIM 2024 where they apply).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BundleCard {
    /// Name of the model.
    pub name: String,
    /// Version of tumorlens that made it.
    pub tumorlens_version: String,
    /// Classes in order and the positive one.
    pub classes: ClassSet,
    /// Architecture in one line.
    pub architecture: String,
    /// Number of learned values.
    pub parameters: u64,
    /// What it is for.
    pub intended_use: String,
    /// What it must not be used for, and known weaknesses.
    pub limits: Vec<String>,
    /// Sources of training data with counts and licences as stated there.
    pub data: Vec<DataSource>,
    /// SHA-256 of what it was trained on: the manifest without the folders in which the files lay.
    pub dataset_sha256: String,
    /// Figures on the held-out part, by name.
    pub figures: BTreeMap<String, Measured>,
    /// Seed of the run.
    pub seed: u64,
}

/// One source of training data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// Name of the source.
    pub name: String,
    /// Images used.
    pub images: usize,
    /// Groups used.
    pub groups: usize,
    /// Licence as its source states it, or that it is not known.
    pub licence: String,
}

/// The sentence on every page and in every machine-readable answer's documentation.
pub const RESEARCH_USE_ONLY: &str = "For research use only. Not a medical device.";
