//! Data, split and audit.

use super::{Fact, Section};
use crate::figure::contact_sheet::ContactSheet;
use serde::{Deserialize, Serialize};
use tumorlens_core::Measured;

/// What the model was made from and tested on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataPart {
    /// Images, groups, sources, formats, hash of the content.
    pub facts: Vec<Fact>,
    /// Images and groups a part and class.
    pub split: Section<Split>,
    /// Copies, conflicts, leaks, shortcuts.
    pub audit: Section<Audit>,
    /// A few images of each class, one sheet a class.
    pub samples: Section<Vec<ContactSheet>>,
    /// What augmentation makes of a few images.
    pub augmentation: Section<Vec<ContactSheet>>,
}

/// Counts of images by part and class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Class names, in the order of [`SplitPart::images`].
    pub classes: Vec<String>,
    /// Training, validation, test, or folds.
    pub parts: Vec<SplitPart>,
    /// How the split was made, e.g. `by group, stratified, seed 1`.
    pub method: String,
}

/// One part of the split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitPart {
    /// Name of the part.
    pub name: String,
    /// Images of each class.
    pub images: Vec<u64>,
    /// Groups in this part.
    pub groups: u64,
}

/// What the audit found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Copies by how they were made.
    pub copies: Vec<Copies>,
    /// Leaks, label conflicts, skipped files and whatever else a person should know; also what was looked for and not
    /// found.
    pub findings: Vec<Finding>,
    /// How well simple things predict the label.
    pub probes: Section<Probes>,
}

/// Copies of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copies {
    /// E.g. `byte for byte`, `same pixels`, `resized or recompressed`, `mirrored`.
    pub kind: String,
    /// Pairs of images of this kind.
    pub pairs: u64,
    /// Images that are in at least one such pair.
    pub images: u64,
}

/// One thing that the audit says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// How serious it is.
    pub severity: Severity,
    /// One line, e.g. `3 test images have a copy in the training part`.
    pub title: String,
    /// What it means or what was done about it; may be empty.
    pub detail: String,
    /// Files concerned. The report shows the first few and counts the rest.
    pub files: Vec<String>,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Looked for, and not there.
    #[default]
    Clear,
    /// Worth knowing.
    Notice,
    /// It makes figures wrong.
    Problem,
}

/// Shortcut probes: labels predicted from something that is not anatomy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probes {
    /// Metric key, e.g. `accuracy`.
    pub metric: String,
    /// The probes, the majority vote first.
    pub rows: Vec<Probe>,
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Name, e.g. `metadata alone`.
    pub name: String,
    /// What it sees, e.g. `width, height, format, colour mode, mean`.
    pub sees: String,
    /// How well it predicts the label on the grouped split.
    pub measured: Measured,
}
