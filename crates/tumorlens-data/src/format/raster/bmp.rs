//! Windows bitmaps, through `image`.

use super::sniff::Format;
use super::stored::Stored;
use super::{DecodeError, check_dimensions, png};
use crate::limits::Limits;
use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(|e| DecodeError::damaged("bmp", e))?;
    let (width, height) = decoder.dimensions();
    let size = check_dimensions(width, height, u64::from(decoder.color_type().bytes_per_pixel()), limits)?;
    let (channels, samples) = png::samples(decoder, Format::Bmp)?;
    let palette = bits_a_pixel(bytes).is_some_and(|bits| bits <= 8);
    let mode = if palette { "P" } else { channels.name() };
    Stored { format: Format::Bmp, size, channels, samples, mode, bits: 8, orientation: 1 }.check()
}

/// `biBitCount`, or `bcBitCount` of the old 12-byte header.
fn bits_a_pixel(bytes: &[u8]) -> Option<u16> {
    let at = if bytes.get(14..18)? == 12u32.to_le_bytes() { 24 } else { 28 };
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}
