//! What a report is made from: one plain value, filled by the caller, that can be written down.
//!
//! Every part is a [`Section`]: given, missing with a reason that the report prints, or left out. All types have
//! defaults, so a caller fills what it has.

pub mod data;
pub mod evaluation;
pub mod explanation;
pub mod provenance;
pub mod summary;
pub mod training;

use data::DataPart;
use evaluation::Evaluation;
use explanation::Explanation;
use provenance::Provenance;
use serde::{Deserialize, Serialize};
use summary::Summary;
use training::Training;
use tumorlens_core::BundleCard;

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Heading and window title, e.g. `Brain tumor on MRI: br35h`.
    pub title: String,
    /// One line below it, e.g. `resnet18, 128 px, seed 1`.
    pub subtitle: String,
    /// Colours; by default those of the reader's system.
    pub theme: Theme,
    /// The first screen.
    pub summary: Summary,
    /// Data, split and audit.
    pub data: Section<DataPart>,
    /// How the training went.
    pub training: Section<Training>,
    /// Figures on the test part.
    pub evaluation: Section<Evaluation>,
    /// What the calls rest on.
    pub explanation: Section<Explanation>,
    /// Configuration, environment, files.
    pub provenance: Section<Provenance>,
    /// The model card.
    pub card: Section<BundleCard>,
}

/// Colours of the page. Paper is always light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the reader's system asks.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark on a screen.
    Dark,
}

/// A part of the report that may not exist. Written as the value itself, as `{"missing": reason}` or as `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Section<T> {
    /// Not there, and the reader is told why, e.g. "no outlines in this dataset".
    Missing {
        /// The reason.
        missing: String,
    },
    /// There.
    Given(T),
    /// Not there, and nobody would look for it.
    #[default]
    LeftOut,
}

impl<T> Section<T> {
    /// Not there for this reason.
    #[must_use]
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::Missing {
            missing: reason.into(),
        }
    }

    /// The value, where given.
    #[must_use]
    pub fn given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing { .. } | Self::LeftOut => None,
        }
    }

    /// True when the report shows nothing, not even a reason.
    #[must_use]
    pub fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut)
    }
}

impl<T> From<T> for Section<T> {
    fn from(value: T) -> Self {
        Self::Given(value)
    }
}

/// A named text, one row of a two-column table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What.
    pub name: String,
    /// Its value, already as text.
    pub value: String,
}

impl Fact {
    /// A named text.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_written_as_its_value_its_reason_or_null() {
        for (section, json) in [
            (Section::Given(vec![1, 2]), "[1,2]"),
            (
                Section::missing("no outlines"),
                r#"{"missing":"no outlines"}"#,
            ),
            (Section::LeftOut, "null"),
        ] {
            assert_eq!(serde_json::to_string(&section).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<Section<Vec<i32>>>(json).unwrap(),
                section
            );
        }
    }
}
