//! What a file holds, whatever its format, by content and never by name.

use crate::format::error::DecodeError;
use crate::format::file::read_file;
use crate::format::{dicom, nifti, raster};
use crate::limits::Limits;
use serde::Serialize;
use std::path::Path;

/// Facts about a file, as one flat object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Inspection {
    /// PNG, JPEG, TIFF, BMP or WebP.
    Picture(raster::facts::Facts),
    /// DICOM.
    Dicom(Box<dicom::facts::Facts>),
    /// NIfTI.
    Nifti(Box<nifti::facts::Facts>),
}

/// Decodes a file and states its facts.
///
/// # Errors
/// When it cannot be read, is of no format that is read, is damaged or exceeds a limit.
pub fn inspect(path: &Path, limits: &Limits) -> Result<Inspection, DecodeError> {
    let bytes = read_file(path, limits)?;
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    // A DICOM file may begin with another format's signature in its preamble (PS3.10 section 7.1), not the other way.
    if dicom::sniff(&bytes).is_some() {
        return dicom::facts::facts(&bytes, limits).map(|f| Inspection::Dicom(Box::new(f)));
    }
    if raster::sniff::sniff(&bytes).is_some() {
        let stored = raster::decode_stored(&bytes, limits)?;
        return Ok(Inspection::Picture(raster::facts::facts(&stored)));
    }
    if nifti::sniff(&bytes) || nifti::is_pair(path) {
        return nifti::facts::facts(path, limits).map(|f| Inspection::Nifti(Box::new(f)));
    }
    Err(DecodeError::UnknownFormat)
}
