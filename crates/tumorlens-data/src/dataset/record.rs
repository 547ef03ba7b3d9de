//! dataset.json: classes, and how the dataset came about.

use super::DatasetError;
use crate::prepare::PrepareOptions;
use crate::scan::{Ignored, Skipped, Source};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tumorlens_core::ClassSet;

/// Version of the layout of dataset.json and manifest.csv.
pub const SCHEMA: u32 = 1;

/// What dataset.json holds beside the classes. It carries no date and no machine, so that the same images give the
/// same bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetRecord {
    /// Version of tumorlens that made it.
    pub tumorlens_version: String,
    /// The inputs.
    pub sources: Vec<Source>,
    /// How it was prepared.
    pub settings: PrepareOptions,
    /// What was found about copies.
    pub copies: CopyCounts,
    /// Groups in which copies with different labels were kept on the user's word; only these may hold them.
    #[serde(default)]
    pub kept_conflicts: Vec<String>,
    /// Images set aside because copies of one slice carry different labels.
    #[serde(default)]
    pub set_aside: Vec<SetAside>,
    /// Files that were left, with reasons.
    #[serde(default)]
    pub skipped: Vec<Skipped>,
    /// Files that nobody expects to be images, counted.
    #[serde(default)]
    pub ignored: Ignored,
    /// Result of the audit, when one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<serde_json::Value>,
}

/// Counts about copies among the images of a dataset, after conflicts were set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyCounts {
    /// Images.
    pub images: usize,
    /// Different files by SHA-256.
    pub distinct_files: usize,
    /// Different slices: images after copies are counted once.
    pub distinct_slices: usize,
    /// Groups, each one subject or the copies of one slice.
    pub groups: usize,
    /// Images in the largest group.
    pub largest_group: usize,
    /// Units, each the groups that hold kin: what a split keeps together.
    #[serde(default)]
    pub units: usize,
    /// Images in the largest unit.
    #[serde(default)]
    pub largest_unit: usize,
    /// Proven pairs of images that are equal pixel by pixel.
    pub identical_pairs: usize,
    /// Proven pairs of copies of one slice after resizing, recompression or a change of contrast.
    pub same_slice_pairs: usize,
    /// Proven pairs of copies of one slice and its mirror image.
    pub mirrored_pairs: usize,
    /// Proven pairs of kin that are no copies: one slice after heavy sharpening, a strong change of contrast or a crop.
    #[serde(default)]
    pub kin_pairs: usize,
}

/// An image that is no part of the dataset because its label contradicts that of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Path as the manifest would have it.
    pub path: String,
    /// Its label.
    pub label: String,
    /// The group of copies.
    pub group: String,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: u32,
    classes: ClassSet,
    record: DatasetRecord,
}

/// Only the version, so that another layout is named as such.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

pub(super) fn read(path: &Path) -> Result<(ClassSet, DatasetRecord), DatasetError> {
    let bytes = std::fs::read(path).map_err(|error| DatasetError::Read {
        path: path.to_owned(),
        error,
    })?;
    let wrong = |e: serde_json::Error| DatasetError::Record {
        path: path.to_owned(),
        reason: e.to_string(),
    };
    let Version { schema } = serde_json::from_slice(&bytes).map_err(wrong)?;
    if schema != SCHEMA {
        return Err(DatasetError::Schema {
            path: path.to_owned(),
            found: schema,
        });
    }
    let file: File = serde_json::from_slice(&bytes).map_err(wrong)?;
    Ok((file.classes, file.record))
}

pub(super) fn to_bytes(classes: &ClassSet, record: &DatasetRecord) -> std::io::Result<Vec<u8>> {
    let file = File {
        schema: SCHEMA,
        classes: classes.clone(),
        record: record.clone(),
    };
    let mut bytes = serde_json::to_vec_pretty(&file)?;
    bytes.push(b'\n');
    Ok(bytes)
}

impl From<crate::manifest::ManifestRow> for SetAside {
    fn from(row: crate::manifest::ManifestRow) -> Self {
        Self {
            path: row.path,
            label: row.label,
            group: row.group,
        }
    }
}
