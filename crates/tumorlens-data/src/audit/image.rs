//! One image of an audit: what is read of it, and what is kept.

use super::features::{border, metadata, thumbnail48};
use crate::fingerprint::Fingerprint;
use crate::format::file::read_file;
use crate::format::raster::PictureInfo;
use crate::limits::Limits;
use crate::slice::{self, Opened};
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
    let (file, part) = slice::split(path);
    let bytes = read_file(&file, limits).map_err(|e| e.to_string())?;
    let opened = slice::open_bytes(&file, &bytes, limits).map_err(|e| e.to_string())?;
    let image = opened.slice(part).map_err(|e| e.to_string())?;
    let (image, info) = match opened {
        Opened::Picture(picture) => (image, picture.info),
        Opened::Dicom(_) => as_picture(image, "dicom"),
        Opened::Volume(_) => as_picture(image, "nifti"),
    };
    Ok(AuditImage {
        image,
        info,
        bytes: bytes.len() as u64,
        sha256: crate::hex(&Sha256::digest(&bytes)),
    })
}

/// A slice of a scan, spread over 16 bits as a picture would hold it.
fn as_picture(mut image: GreyImage, format: &'static str) -> (GreyImage, PictureInfo) {
    if let Some((low, high)) = image.range().filter(|(low, high)| high > low) {
        let scale = 65535.0 / (high - low);
        for value in image.values_mut() {
            *value = (*value - low) * scale;
        }
    }
    let info = PictureInfo {
        format,
        stored: image.size(),
        mode: "L".to_owned(),
        bits: 16,
        orientation: 1,
    };
    (image, info)
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
