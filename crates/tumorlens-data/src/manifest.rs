//! manifest.csv: one row an image; a person can read and edit it.

use serde::{Deserialize, Serialize};

/// One image of a dataset. Empty strings stand for "not known".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRow {
    /// Path of the image, relative to the dataset folder where possible.
    pub path: String,
    /// Class name.
    pub label: String,
    /// Subject (patient), where known.
    pub subject: String,
    /// Group: one subject, or the copies of one slice; never on two sides of a split.
    pub group: String,
    /// `train`, `validation`, `test`, or `fold0`, `fold1`...; empty before a split.
    pub split: String,
    /// Path of the outline, like `path`; empty when not known.
    pub mask: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Where the image came from: the name of the folder or CSV that was prepared.
    pub source: String,
    /// The part of a split that somebody else made (`train`, `validation`, `test`), as a folder or a CSV column said;
    /// empty when not known. Only the audit and `prepare` with the official split look at it.
    #[serde(default)]
    pub official_split: String,
}
