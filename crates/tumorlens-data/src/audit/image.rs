//! One image of an audit: what is read of it, and what is kept.

use super::features::{border, metadata, thumbnail48};
use crate::fingerprint::Fingerprint;
use crate::format::file::read_file;
use crate::format::raster::{PictureInfo, decode};
use crate::limits::Limits;
use sha2::{Digest, Sha256};
use std::path::Path;
use tumorlens_core::GreyImage;

/// What an audit must know of an image.
#[derive(Clone, Debug)]
pub struct AuditImage {
    /// The decoded image.
    pub image: GreyImage,
    /// Facts about the file.
    pub info: PictureInfo,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

/// Reads a picture file for an audit.
///
/// # Errors
/// Says why the file cannot be read or decoded.
pub fn read_image(path: &Path, limits: &Limits) -> Result<AuditImage, String> {
    let bytes = read_file(path, limits).map_err(|e| e.to_string())?;
    let picture = decode(&bytes, limits).map_err(|e| e.to_string())?;
    let sha256 = crate::hex(&Sha256::digest(&bytes));
    Ok(AuditImage {
        image: picture.image,
        info: picture.info,
        bytes: bytes.len() as u64,
        sha256,
    })
}

/// What is kept of an image.
pub(super) struct Seen {
    pub(super) fingerprint: Fingerprint,
    pub(super) sha256: String,
    /// The file's facts; see [`metadata`].
    pub(super) metadata: Vec<f32>,
    pub(super) format: String,
    pub(super) mode: String,
    /// The outermost pixels; see [`border`].
    pub(super) border: Vec<f32>,
    /// 48x48 grey values.
    pub(super) thumbnail: Vec<u8>,
}

impl Seen {
    pub(super) fn of(image: &AuditImage) -> Self {
        let thumbnail = thumbnail48(&image.image, image.info.bits);
        Self {
            fingerprint: Fingerprint::of(&image.image),
            sha256: image.sha256.clone(),
            metadata: metadata(image),
            format: image.info.format.to_owned(),
            mode: image.info.mode.clone(),
            border: border(&thumbnail),
            thumbnail,
        }
    }
}
