//! Names of parts and folds, as manifest.csv spells them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A part of one training run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the weights are fitted to.
    Train,
    /// What choices are made on: when to stop, temperature, operating points.
    Validation,
    /// What is read once, at the end.
    Test,
}

/// A value of the manifest's column `split`: `train`, `validation`, `test`, or `fold0`, `fold1`...
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SplitName {
    /// A part of a holdout split.
    Part(Part),
    /// A fold, counted from 0.
    Fold(usize),
}

/// A text that names no part and no fold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no split; expected train, validation, test, fold0, fold1...")]
pub struct ParseSplitError(pub String);

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

impl fmt::Display for SplitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => part.fmt(f),
            Self::Fold(i) => write!(f, "fold{i}"),
        }
    }
}

impl FromStr for SplitName {
    type Err = ParseSplitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || ParseSplitError(text.to_owned());
        match text {
            "train" => Ok(Self::Part(Part::Train)),
            "validation" => Ok(Self::Part(Part::Validation)),
            "test" => Ok(Self::Part(Part::Test)),
            _ => {
                let digits = text.strip_prefix("fold").ok_or_else(unknown)?;
                // `parse` alone would also take "+1".
                if !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(unknown());
                }
                digits.parse().map(Self::Fold).map_err(|_| unknown())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip_and_others_are_refused() {
        for text in ["train", "validation", "test", "fold0", "fold12"] {
            assert_eq!(text.parse::<SplitName>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "Train",
            "fold",
            "fold-1",
            "fold+1",
            "fold1x",
            "fold99999999999999999999999",
        ] {
            assert!(text.parse::<SplitName>().is_err(), "{text}");
        }
    }
}
