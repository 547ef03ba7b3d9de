//! What `zune-jpeg` does not read, or not as libjpeg does, by the own decoder of sequential JPEG.

use super::{
    Channels, DecodeError, Frame, Samples, Stored, check_dimensions, orientation, stored,
    unsupported,
};
use crate::format::dicom::codec::{Coded, jpeg};
use crate::limits::Limits;

/// Widest picture whose colour, of half the resolution, libjpeg repeats instead of smoothing.
const UNSMOOTHED: u16 = 4;

/// Sequential, Huffman coded; of 12 bits, or colour of a few pixels.
pub(super) fn reads(frame: &Frame) -> bool {
    let small = frame.width <= UNSMOOTHED && frame.components == 3;
    matches!(frame.sof, 0xC0 | 0xC1) && (frame.precision == 12 || small)
}

pub(super) fn decode(bytes: &[u8], frame: &Frame) -> Result<Stored, DecodeError> {
    let coded = jpeg::decode(bytes).map_err(renamed)?;
    finish(bytes, frame, coded)
}

/// A file that ends where its pixels begin; `None` for any other.
pub(super) fn without_data(bytes: &[u8], limits: &Limits) -> Result<Option<Stored>, DecodeError> {
    let Ok(header) = jpeg::header(bytes) else {
        return Ok(None);
    };
    let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let frame = Frame {
        sof: 0xC0 | header.process,
        precision: header.precision,
        height: short(header.height),
        width: short(header.width),
        components: header.components() as u8,
    };
    let bytes_a_pixel = 4 * u64::from(frame.components);
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    if check_dimensions(width, height, bytes_a_pixel, limits).is_err() {
        return Ok(None);
    }
    match jpeg::without_data(bytes) {
        Ok(Some(coded)) => {
            let mut stored = finish(bytes, &frame, coded)?;
            stored.holds_pixels = false;
            Ok(Some(stored))
        }
        _ => Ok(None),
    }
}

fn renamed(error: DecodeError) -> DecodeError {
    match error {
        DecodeError::Damaged { reason, .. } => DecodeError::damaged("jpeg", reason),
        DecodeError::Unsupported { what, .. } => DecodeError::Unsupported {
            format: "jpeg",
            what,
        },
        other => other,
    }
}

fn finish(bytes: &[u8], frame: &Frame, mut coded: Coded) -> Result<Stored, DecodeError> {
    let channels = match coded.components {
        1 => Channels::L,
        3 => Channels::Rgb,
        4 => Channels::Cmyk,
        n => return unsupported(&format!("a picture of {n} components")),
    };
    if coded.components == 3 && is_chrominance(bytes, &jpeg::header(bytes)?.identifiers()) {
        to_rgb(&mut coded);
    }
    let samples = if coded.precision > 8 {
        Samples::U16(coded.samples)
    } else {
        Samples::U8(coded.samples.iter().map(|v| *v as u8).collect())
    };
    stored(frame, channels, samples, orientation::of_exif(exif(bytes)))
}

/// The application segments of a stream: marker and body.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [0xFF, marker, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(4..2 + length).filter(|_| marker != 0xDA)?;
        rest = &rest[2 + length..];
        Some((marker, body))
    })
}

fn exif(bytes: &[u8]) -> Option<&[u8]> {
    segments(bytes)
        .find_map(|(marker, body)| body.strip_prefix(b"Exif\0\0").filter(|_| marker == 0xE1))
}

/// Whether three components are luminance and chrominance: as libjpeg tells it (jdapimin.c), by the JFIF marker, by
/// Adobe's, and by the components' names.
fn is_chrominance(bytes: &[u8], identifiers: &[u8]) -> bool {
    let adobe = segments(bytes).find_map(|(marker, body)| {
        let body = body.strip_prefix(b"Adobe").filter(|_| marker == 0xEE)?;
        body.get(6).copied()
    });
    let jfif = segments(bytes).any(|(marker, body)| marker == 0xE0 && body.starts_with(b"JFIF\0"));
    if jfif {
        true
    } else if let Some(transform) = adobe {
        transform != 0
    } else {
        identifiers != b"RGB"
    }
}

/// JFIF's conversion (ITU-R BT.601, full range).
fn to_rgb(coded: &mut Coded) {
    let middle = f64::from(1u32 << (coded.precision - 1));
    let highest = f64::from((1u32 << coded.precision) - 1);
    for pixel in coded.samples.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f64::from);
        let (cb, cr) = (cb - middle, cr - middle);
        *pixel = [
            y + 1.402 * cr,
            y - 0.114 * 1.772 / 0.587 * cb - 0.299 * 1.402 / 0.587 * cr,
            y + 1.772 * cb,
        ]
        .map(|v| (v + 0.5).floor().clamp(0.0, highest) as u16);
    }
}
