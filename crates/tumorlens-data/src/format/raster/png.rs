//! PNG, through `image`.

use super::super::clock::Timed;
use super::sniff::Format;
use super::stored::{Channels, Samples, Stored};
use super::{DecodeError, check_dimensions, orientation};
use crate::limits::Limits;
use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder};
use std::borrow::Cow;
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    let damaged = |e| DecodeError::damaged("png", e);
    let header = Header::read(bytes)?;
    // 8 bytes a pixel is the most that expansion can give; checked before the decoder sees the file.
    check_dimensions(header.width, header.height, 1, limits)?;
    let bytes = &*with_fitting_transparency(bytes, &header);
    let mut image_limits = image::Limits::no_limits();
    image_limits.max_alloc = Some(limits.max_alloc_bytes);
    let mut decoder =
        PngDecoder::with_limits(Timed(Cursor::new(bytes)), image_limits).map_err(damaged)?;
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
        holds_pixels: true,
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

/// Of a transparent colour (tRNS of a grey or RGB picture) only as many low bits count as a sample has (PNG, 11.3.2.1);
/// decoders that look at all 16 find no pixel of that colour.
fn with_fitting_transparency<'a>(bytes: &'a [u8], header: &Header) -> Cow<'a, [u8]> {
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        if &head[4..] == b"tRNS" && !header.palette && header.bits < 16 {
            let mask = ((1u32 << header.bits) - 1) as u16;
            let fits = |v: &[u8]| u16::from_be_bytes([v[0], v[1]]) & !mask == 0;
            let Some(body) = bytes.get(at + 8..end) else {
                break;
            };
            if body.chunks_exact(2).all(fits) || bytes.len() < end + 4 {
                break;
            }
            let mut mended = bytes.to_vec();
            for value in mended[at + 8..end].chunks_exact_mut(2) {
                let low = u16::from_be_bytes([value[0], value[1]]) & mask;
                value.copy_from_slice(&low.to_be_bytes());
            }
            let mut sum = flate2::Crc::new();
            sum.update(&mended[at + 4..end]);
            mended[end..end + 4].copy_from_slice(&sum.sum().to_be_bytes());
            return Cow::Owned(mended);
        }
        if &head[4..] == b"IDAT" {
            break;
        }
        at = end.saturating_add(4);
    }
    Cow::Borrowed(bytes)
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
