//! PNG, JPEG, TIFF, BMP and WebP to one grey slice.
//!
//! | rule | what holds |
//! | --- | --- |
//! | format | by content, never by name |
//! | depth | 8 bit gives 0 to 255, 16 bit gives 0 to 65535; 1, 2 and 4 bit are spread over 0 to 255 |
//! | colour | ITU-R BT.601 luma, weights 19595, 38470 and 7471 of 65536, rounded: a grey pixel stays exactly what it was |
//! | palette | looked up, then as colour |
//! | alpha | composited over black, the background of MRI |
//! | orientation | the EXIF or TIFF tag is applied; a value outside 1 to 8 counts as 1 |
//! | several pages or frames | the first one; an animated WebP is refused |
//! | damage | an error, never a picture with an invented part |
//! | not read | CMYK, JPEG of 12 bits, floating point, more than 16 bits: an error that says so |
//!
//! Decoding never panics and never allocates beyond [`Limits`]: length, width and height are checked first.

mod bmp;
pub mod facts;
mod grey;
mod jpeg;
pub mod mask;
mod orientation;
mod png;
pub mod sniff;
pub mod stored;
mod tiff;
mod webp;

use super::error::DecodeError;
use super::file::read_file;
use super::guard;
use crate::limits::Limits;
use sniff::{Format, sniff};
use std::path::Path;
use stored::Stored;
use tumorlens_core::{GreyImage, Size};

/// A decoded picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Grey values in stored units (0 to 255 or 0 to 65535), turned upright after EXIF orientation.
    pub image: GreyImage,
    /// Facts about the file.
    pub info: PictureInfo,
    /// Share of the pixels that are coloured: channels further apart than 30 of 255.
    pub coloured: f32,
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

/// Decodes a file.
///
/// # Errors
/// When it cannot be read, is no picture of a known format, is damaged or exceeds a limit.
pub fn decode_file(path: &Path, limits: &Limits) -> Result<Picture, DecodeError> {
    decode(&read_file(path, limits)?, limits)
}

/// Decodes bytes.
///
/// # Errors
/// When they are no picture of a known format, are damaged or exceed a limit.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, DecodeError> {
    let stored = decode_stored(bytes, limits)?;
    let info = stored.info();
    let coloured = grey::coloured(&stored);
    let upright = orientation::upright(grey::grey(stored)?, info.orientation);
    Ok(Picture {
        image: upright,
        info,
        coloured,
    })
}

/// Decodes bytes to the samples as stored: no grey, no turning.
///
/// # Errors
/// As [`decode`].
pub fn decode_stored(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let format = sniff(bytes).ok_or(DecodeError::UnknownFormat)?;
    guard::without_panic(format.name(), limits.max_time, || match format {
        Format::Png => png::decode(bytes, limits),
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Tiff => tiff::decode(bytes, limits),
        Format::Bmp => bmp::decode(bytes, limits),
        Format::WebP => webp::decode(bytes, limits),
    })
}

/// Checks declared dimensions and the bytes that the decoded samples take, before anything is allocated for them.
fn check_dimensions(
    width: u32,
    height: u32,
    bytes_a_pixel: u64,
    limits: &Limits,
) -> Result<Size, DecodeError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > limits.max_pixels {
        let (width, height) = (u64::from(width), u64::from(height));
        return Err(DecodeError::Dimensions {
            width,
            height,
            limit: limits.max_pixels,
        });
    }
    if pixels.saturating_mul(bytes_a_pixel) > limits.max_alloc_bytes {
        return Err(DecodeError::Memory {
            limit: limits.max_alloc_bytes,
        });
    }
    Ok(Size {
        width: width as usize,
        height: height as usize,
    })
}
