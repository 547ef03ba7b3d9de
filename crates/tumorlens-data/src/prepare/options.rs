//! How to prepare a dataset.

use super::part::SplitChoice;
use crate::limits::Limits;
use crate::scan::ScanOptions;
use serde::{Deserialize, Serialize};

/// Options of [`super::prepare`]; they are written into dataset.json.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareOptions {
    /// Labels, columns, class mode.
    pub scan: ScanOptions,
    /// Classes that exist whether or not an image carries them, such as those of a model that is to be evaluated on
    /// images of one class. Default: none.
    #[serde(default)]
    pub classes: Vec<String>,
    /// The positive class. Default: `tumor`, or the only class beside `no_tumor`.
    pub positive: Option<String>,
    /// What to do with copies of one slice that carry different labels. Default: set them aside.
    pub on_conflict: OnConflict,
    /// How to split. Default: anew by group, 0.7 / 0.15 / 0.15.
    pub split: SplitChoice,
    /// Limits for each file.
    #[serde(skip)]
    pub limits: Limits,
}

/// What to do with copies of one slice that carry different labels: one of the labels is wrong, and nothing tells which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Leave all copies out of the dataset and list them.
    #[default]
    Exclude,
    /// Stop with an error.
    Error,
    /// Keep them with the labels they have; dataset.json names the groups.
    Keep,
}
