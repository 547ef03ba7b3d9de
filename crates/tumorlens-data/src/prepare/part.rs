//! The split of a new dataset.

use super::PrepareError;
use crate::dataset::Dataset;
use serde::{Deserialize, Serialize};

/// How to split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitChoice {
    /// Not at all: for cross-validation, which makes its own folds.
    #[default]
    None,
    /// As somebody else did: the official split of every image.
    Official,
}

impl SplitChoice {
    /// Fills in the split of every row.
    pub(super) fn apply(&self, dataset: &mut Dataset) -> Result<(), PrepareError> {
        match self {
            Self::None => Ok(()),
            Self::Official => official(dataset),
        }
    }
}

fn official(dataset: &mut Dataset) -> Result<(), PrepareError> {
    let mut without = dataset.rows.iter().filter(|row| row.official_split.is_empty());
    if let Some(first) = without.next() {
        return Err(PrepareError::NoOfficialSplit { count: 1 + without.count(), path: first.path.clone() });
    }
    for row in &mut dataset.rows {
        row.split.clone_from(&row.official_split);
    }
    Ok(())
}
