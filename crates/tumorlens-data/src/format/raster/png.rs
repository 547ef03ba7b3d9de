//! PNG, through `image`.

use super::sniff::Format;
use super::stored::{Channels, Samples, Stored};
use super::{DecodeError, check_dimensions, orientation};
use crate::limits::Limits;
use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder};
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    let damaged = |e| DecodeError::damaged("png", e);
    let header = Header::read(bytes)?;
    // 8 bytes a pixel is the most that expansion can give; checked before the decoder sees the file.
    check_dimensions(header.width, header.height, 1, limits)?;
    check_transparent_colour(bytes, &header)?;
    let mut image_limits = image::Limits::no_limits();
    image_limits.max_alloc = Some(limits.max_alloc_bytes);
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), image_limits).map_err(damaged)?;
    let size = check_dimensions(
        header.width,
        header.height,
        u64::from(decoder.color_type().bytes_per_pixel()),
        limits,
    )?;
    let exif = decoder.exif_metadata().map_err(damaged)?;
    let orientation = orientation::of_exif(exif.as_deref());
    let (channels, samples) = samples(decoder, Format::Png)?;
    let mode = if header.palette { "P" } else { channels.name() };
    Stored {
        format: Format::Png,
        size,
        channels,
        samples,
        mode,
        bits: header.bits,
        orientation,
    }
    .check()
}

/// What IHDR says (ISO/IEC 15948, 11.2.2).
struct Header {
    width: u32,
    height: u32,
    bits: u8,
    palette: bool,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let word = |at: usize| {
            bytes
                .get(at..at + 4)
                .and_then(|b| b.try_into().ok())
                .map(u32::from_be_bytes)
        };
        match (word(16), word(20), bytes.get(24), bytes.get(25)) {
            (Some(width), Some(height), Some(&bits), Some(&colour)) => Ok(Self {
                width,
                height,
                bits,
                palette: colour == 3,
            }),
            _ => Err(DecodeError::damaged(
                "png",
                "the file ends inside its header",
            )),
        }
    }
}

/// A transparent colour (tRNS of a grey or RGB picture) must fit the depth. Where it does not, decoders disagree on
/// which pixels are transparent, and none of their pictures is the right one.
fn check_transparent_colour(bytes: &[u8], header: &Header) -> Result<(), DecodeError> {
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let body = bytes.get(at + 8..).unwrap_or_default();
        let body = &body[..length.min(body.len())];
        if &head[4..] == b"tRNS" && !header.palette && header.bits < 16 {
            let fits = |value: &[u8]| u16::from_be_bytes([value[0], value[1]]) >> header.bits == 0;
            if !body.chunks_exact(2).all(fits) {
                return Err(DecodeError::damaged(
                    "png",
                    "its transparent colour does not fit its depth",
                ));
            }
        }
        if &head[4..] == b"IDAT" {
            break;
        }
        at = at.saturating_add(length).saturating_add(12);
    }
    Ok(())
}

/// Decodes what `image` gives as 8 or 16 bits, with the check against limits already done.
pub(super) fn samples(
    decoder: impl ImageDecoder,
    format: Format,
) -> Result<(Channels, Samples), DecodeError> {
    let image =
        DynamicImage::from_decoder(decoder).map_err(|e| DecodeError::damaged(format.name(), e))?;
    Ok(match image {
        DynamicImage::ImageLuma8(i) => (Channels::L, Samples::U8(i.into_raw())),
        DynamicImage::ImageLumaA8(i) => (Channels::La, Samples::U8(i.into_raw())),
        DynamicImage::ImageRgb8(i) => (Channels::Rgb, Samples::U8(i.into_raw())),
        DynamicImage::ImageRgba8(i) => (Channels::Rgba, Samples::U8(i.into_raw())),
        DynamicImage::ImageLuma16(i) => (Channels::L, Samples::U16(i.into_raw())),
        DynamicImage::ImageLumaA16(i) => (Channels::La, Samples::U16(i.into_raw())),
        DynamicImage::ImageRgb16(i) => (Channels::Rgb, Samples::U16(i.into_raw())),
        DynamicImage::ImageRgba16(i) => (Channels::Rgba, Samples::U16(i.into_raw())),
        other => {
            let what = format!("colour type {:?}", other.color());
            return Err(DecodeError::Unsupported {
                format: format.name(),
                what,
            });
        }
    })
}
