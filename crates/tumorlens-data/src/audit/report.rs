//! What an audit found, as a value.

use serde::{Deserialize, Serialize};
use tumorlens_core::Measured;

/// Result of [`super::audit`]; `audit.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditReport {
    /// Images that could be read.
    pub images: usize,
    /// Distinct slices that they show: images after copies are counted once.
    pub slices: usize,
    /// Units, the sets of images that must stay together: copies, kin, and images of one group or subject.
    pub units: usize,
    /// Images of the slice that is there most often.
    pub largest: usize,
    /// Files that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Images and slices by label, in the order of the labels.
    pub classes: Vec<ClassCount>,
    /// Copies by kind, one entry for each [`Evidence`], in that order.
    pub copies: Vec<CopyCount>,
    /// Share of test images that would have a copy in the training part of a split by image, 80 to 20, at random.
    pub random_leak: Measured,
    /// Slices whose copies or kin have different labels.
    pub conflicts: Vec<Conflict>,
    /// Slices whose copies or kin are in different units of the manifest, by their files.
    pub torn: Vec<Vec<String>>,
    /// Leaks of the splits that the rows name; empty where they name none.
    pub leaks: Vec<Leak>,
    /// How well simple things predict the label; the majority vote first.
    pub probes: Vec<Probe>,
    /// What follows from all this.
    pub findings: Vec<Finding>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Path as the manifest has it.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Images of one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// The label.
    pub label: String,
    /// Images.
    pub images: usize,
    /// Distinct slices among them.
    pub slices: usize,
}

/// What makes two images copies or kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The same bytes.
    SameBytes,
    /// Different bytes, the same decoded pixels.
    SamePixels,
    /// The same slice, resized, recompressed or with another contrast.
    SameSlice,
    /// The same slice, mirrored left to right.
    Mirrored,
    /// The same slice, mirrored or not, after heavy sharpening, a strong change of contrast or a crop: kin, no copy.
    Kin,
}

/// Copies of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyCount {
    /// The kind.
    pub evidence: Evidence,
    /// Proven pairs.
    pub pairs: usize,
    /// Images in at least one such pair.
    pub images: usize,
}

/// Copies of one slice with different labels: at least one label is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Files with their labels, in the order of the rows.
    pub files: Vec<(String, String)>,
}

/// How much of one part of a split was seen in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// Column that names the split: `split` or `official_split`.
    pub split: String,
    /// Part that judges: `test`, `validation`, or `folds`, each of which judges once.
    pub part: String,
    /// Images in it.
    pub images: usize,
    /// Images in it that have a copy or kin in the training part (for folds: in another fold).
    pub copied: usize,
    /// Those of them that have one that is not mirrored.
    pub copied_plain: usize,
    /// Images in it whose unit of the manifest also has images in the training part.
    pub grouped: usize,
    /// `copied` of `images`, with Wilson's interval over slices.
    pub share: Measured,
    /// Files that have a copy, kin or a unit in the training part.
    pub files: Vec<String>,
}

/// How the images were divided for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeSplit {
    /// Five folds; copies, groups and subjects stay together.
    Grouped,
    /// Five folds by image at random, as is often done and should not be.
    Random,
}

/// How well something simple predicts the label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Name.
    pub name: String,
    /// What it sees.
    pub sees: String,
    /// How the images were divided.
    pub split: ProbeSplit,
    /// Share of images whose label it names, with an interval that counts groups, not images.
    pub accuracy: Measured,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Files.
    Files,
    /// Copies.
    Copies,
    /// Labels of copies.
    Labels,
    /// A split.
    Split,
    /// Shortcuts.
    Shortcut,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Looked for, and not there.
    Clear,
    /// Worth knowing.
    Notice,
    /// It makes figures wrong.
    Problem,
}

/// One conclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub topic: Topic,
    /// How serious it is.
    pub severity: Severity,
    /// One sentence.
    pub title: String,
    /// What it means, or what to do; may be empty.
    pub detail: String,
    /// Files concerned; may be empty.
    pub files: Vec<String>,
}

impl Finding {
    /// `LEAK`, `CONFLICT`, `SHORTCUT`, ... for a problem, `note` for something worth knowing, `ok` otherwise.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.severity, self.topic) {
            (Severity::Clear, _) => "ok",
            (Severity::Notice, _) => "note",
            (Severity::Problem, Topic::Files) => "FILES",
            (Severity::Problem, Topic::Copies) => "COPIES",
            (Severity::Problem, Topic::Labels) => "CONFLICT",
            (Severity::Problem, Topic::Split) => "LEAK",
            (Severity::Problem, Topic::Shortcut) => "SHORTCUT",
        }
    }
}
