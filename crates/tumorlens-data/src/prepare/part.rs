//! The split of a new dataset.

use super::PrepareError;
use crate::dataset::Dataset;
use crate::split::{MixedGroups, SplitItem, SplitPlan, assign};
use serde::{Deserialize, Serialize};
use tumorlens_core::Seed;

/// How to split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitChoice {
    /// Anew, by unit.
    New {
        /// Shares or folds.
        plan: SplitPlan,
        /// Seed; the same seed and images give the same split.
        seed: Seed,
    },
    /// As somebody else did: the official split of every image.
    Official,
    /// Not at all.
    None,
}

impl Default for SplitChoice {
    /// 70 % training, 15 % validation, 15 % test, seed 0.
    fn default() -> Self {
        Self::New {
            plan: SplitPlan::default(),
            seed: Seed(0),
        }
    }
}

impl SplitChoice {
    /// Fills in the split of every row.
    pub(super) fn apply(&self, dataset: &mut Dataset) -> Result<(), PrepareError> {
        match *self {
            Self::New { plan, seed } => anew(dataset, plan, seed),
            Self::Official => official(dataset),
            Self::None => Ok(()),
        }
    }
}

fn anew(dataset: &mut Dataset, plan: SplitPlan, seed: Seed) -> Result<(), PrepareError> {
    let rows = dataset.rows.iter();
    let items: Vec<SplitItem<'_>> = rows
        .map(|row| SplitItem {
            group: row.unit(),
            label: &row.label,
            source: &row.source,
        })
        .collect();
    // Contradicting copies have been dealt with; what is mixed now is a subject with and without a lesion, or was
    // kept on the user's word.
    let names = assign(&items, plan, MixedGroups::Allow, seed)?;
    for (row, name) in dataset.rows.iter_mut().zip(names) {
        row.split = name.to_string();
    }
    Ok(())
}

fn official(dataset: &mut Dataset) -> Result<(), PrepareError> {
    let mut without = dataset
        .rows
        .iter()
        .filter(|row| row.official_split.is_empty());
    if let Some(first) = without.next() {
        return Err(PrepareError::NoOfficialSplit {
            count: 1 + without.count(),
            path: first.path.clone(),
        });
    }
    for row in &mut dataset.rows {
        row.split.clone_from(&row.official_split);
    }
    Ok(())
}
