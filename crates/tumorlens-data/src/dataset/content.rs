//! What a dataset holds, wherever it lies.

use super::Dataset;
use crate::manifest::{self, ManifestRow};
use sha2::{Digest, Sha256};

impl Dataset {
    /// SHA-256 of the manifest with names of files in place of paths: the name of exactly these images, labels, groups and
    /// splits in this order, the same in every folder and on every computer. It is what a bundle says it was trained on.
    ///
    /// Files count by the hashes in the manifest, outlines by their names alone.
    ///
    /// # Errors
    /// When a field cannot be written as CSV.
    pub fn content_sha256(&self) -> std::io::Result<String> {
        let rows: Vec<ManifestRow> = self.rows.iter().map(without_folders).collect();
        Ok(crate::hex(&Sha256::digest(manifest::to_bytes(&rows)?)))
    }
}

fn without_folders(row: &ManifestRow) -> ManifestRow {
    ManifestRow {
        path: name(&row.path),
        mask: name(&row.mask),
        ..row.clone()
    }
}

/// What follows the last separator of any system: a dataset prepared on one is read on another.
fn name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}
