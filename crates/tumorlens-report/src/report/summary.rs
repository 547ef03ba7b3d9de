//! The first screen: a few figures, what they mean, and how far they carry.

use serde::{Deserialize, Serialize};
use tumorlens_core::Measured;

/// The first screen. Sentences in plain words are added by the report itself from the evaluation and the audit
/// (see [`crate::plain_words`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Summary {
    /// Three to five figures, shown large.
    pub key_figures: Vec<KeyFigure>,
    /// How many images the test part had.
    pub test: Option<TestPart>,
    /// The model beside the simple rules that it must beat, in one metric.
    pub comparison: Option<Comparison>,
    /// Sentences of the caller's own, shown after those made by the report.
    pub remarks: Vec<String>,
    /// How far the figures carry: what they do not say. One sentence each.
    pub limits: Vec<String>,
}

/// A figure shown large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFigure {
    /// Metric key as in [`crate::glossary`] (`auroc`), or any other name, shown as it is.
    pub name: String,
    /// The figure.
    pub measured: Measured,
}

/// Size of the part that the figures were measured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestPart {
    /// Images.
    pub images: u64,
    /// Groups (subjects, or sets of copies of one slice).
    pub groups: u64,
}

/// The model beside simple rules, all measured in the same way on the same images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Metric key, e.g. `accuracy`.
    pub metric: String,
    /// The model's figure.
    pub model: NamedMeasure,
    /// The rules: majority vote, metadata alone, one nearest neighbour, ...
    pub rules: Vec<NamedMeasure>,
}

/// A figure with the name of what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedMeasure {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub measured: Measured,
}

impl NamedMeasure {
    /// A named figure.
    #[must_use]
    pub fn new(name: impl Into<String>, measured: Measured) -> Self {
        Self {
            name: name.into(),
            measured,
        }
    }
}

impl Default for NamedMeasure {
    fn default() -> Self {
        Self::new("", Measured::undefined("not measured"))
    }
}
