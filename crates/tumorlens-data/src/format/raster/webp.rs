//! WebP, through `image`.

use super::super::clock::Timed;
use super::sniff::Format;
use super::stored::Stored;
use super::{DecodeError, check_dimensions, orientation, png};
use crate::limits::Limits;
use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    check_length(bytes)?;
    let damaged = |e| DecodeError::damaged("webp", e);
    let mut decoder = WebPDecoder::new(Timed(Cursor::new(bytes))).map_err(damaged)?;
    if decoder.has_animation() {
        return Err(DecodeError::Unsupported {
            format: "webp",
            what: "animation".to_owned(),
        });
    }
    let (width, height) = decoder.dimensions();
    let size = check_dimensions(
        width,
        height,
        u64::from(decoder.color_type().bytes_per_pixel()),
        limits,
    )?;
    let exif = decoder.exif_metadata().map_err(damaged)?;
    let orientation = orientation::of_exif(exif.as_deref());
    let (channels, samples) = png::samples(decoder, Format::WebP)?;
    Stored {
        format: Format::WebP,
        size,
        channels,
        samples,
        mode: channels.name(),
        bits: 8,
        orientation,
        holds_pixels: true,
    }
    .check()
}

/// The RIFF header says how long the file is; a shorter file was cut.
fn check_length(bytes: &[u8]) -> Result<(), DecodeError> {
    let declared = bytes
        .get(4..8)
        .and_then(|b| b.try_into().ok())
        .map(u32::from_le_bytes);
    match declared {
        Some(n) if u64::from(n) + 8 <= bytes.len() as u64 + 1 => Ok(()), // a missing last padding byte does no harm
        _ => Err(DecodeError::damaged(
            "webp",
            "the file is shorter than its header says",
        )),
    }
}
