//! Windows bitmaps, through `image`.

use super::super::clock::Timed;
use super::sniff::Format;
use super::stored::{Channels, Samples, Stored};
use super::{DecodeError, check_dimensions, png};
use crate::limits::Limits;
use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;
use std::borrow::Cow;
use std::io::Cursor;
use tumorlens_core::Size;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    let bytes = without_os2_fields(bytes);
    let decoder =
        BmpDecoder::new(Timed(Cursor::new(&bytes))).map_err(|e| DecodeError::damaged("bmp", e))?;
    let (width, height) = decoder.dimensions();
    let size = check_dimensions(
        width,
        height,
        u64::from(decoder.color_type().bytes_per_pixel()),
        limits,
    )?;
    if leaves_out(&bytes, size) == Some(true) {
        return Err(DecodeError::Unsupported {
            format: "bmp",
            what: "run-length coding that leaves pixels out".to_owned(),
        });
    }
    let (channels, samples) = png::samples(decoder, Format::Bmp)?;
    let bits = bits_a_pixel(&bytes).unwrap_or(24);
    let (channels, samples) = match (bits, samples) {
        (16, Samples::U8(values)) => (
            Channels::Rgb,
            Samples::U8(rounded_down(&values, channels, &bytes)),
        ),
        (_, samples) => (channels, samples),
    };
    let mode = if bits <= 8 { "P" } else { channels.name() };
    Stored {
        format: Format::Bmp,
        size,
        channels,
        samples,
        mode,
        bits: 8,
        orientation: 1,
        holds_pixels: true,
    }
    .check()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// `biBitCount`, or `bcBitCount` of the old 12-byte header.
fn bits_a_pixel(bytes: &[u8]) -> Option<u16> {
    u16_at(bytes, if u32_at(bytes, 14)? == 12 { 24 } else { 28 })
}

/// Whether a run-length coded bitmap (compression 1 or 2) skips pixels: nothing says what colour they have. `None` for
/// other bitmaps and where the codes end early, which the decoder reports.
fn leaves_out(bytes: &[u8], size: Size) -> Option<bool> {
    let packed = match u32_at(bytes, 30).filter(|_| u32_at(bytes, 14).is_some_and(|h| h >= 40))? {
        1 => 1,
        2 => 2,
        _ => return None,
    };
    let mut at = u32_at(bytes, 10)? as usize;
    let (mut column, mut row) = (0, 0);
    loop {
        let (count, value) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        at += 2;
        match (count, value) {
            (0, 0) => {
                if column < size.width {
                    return Some(true);
                }
                (column, row) = (0, row + 1);
            }
            (0, 1) => {
                let last = row + usize::from(column >= size.width);
                return Some(last < size.height);
            }
            (0, 2) => return Some(true),
            (0, pixels) => {
                column += usize::from(pixels);
                at += usize::from(pixels).div_ceil(packed).next_multiple_of(2);
            }
            (run, _) => column += usize::from(run),
        }
    }
}

/// The 64-byte header of OS/2 2.x begins like the 40-byte one of Windows and adds print settings: they are cut out.
fn without_os2_fields(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (Some(64), Some(offset), Some(compression)) =
        (u32_at(bytes, 14), u32_at(bytes, 10), u32_at(bytes, 30))
    else {
        return Cow::Borrowed(bytes);
    };
    // 3 and 4 mean other things there than in a Windows header.
    if compression > 2 || offset < 14 + 64 || bytes.len() < 14 + 64 {
        return Cow::Borrowed(bytes);
    }
    let mut windows = [&bytes[..14 + 40], &bytes[14 + 64..]].concat();
    windows[10..14].copy_from_slice(&(offset - 24).to_le_bytes());
    windows[14..18].copy_from_slice(&40u32.to_le_bytes());
    Cow::Owned(windows)
}

/// Colours of 16 bits a pixel: 5 or 6 bits are spread over 0 to 255 rounding down, as other readers do, where `image`
/// rounds to nearest. The one bit of alpha that some files declare is dropped: many writers leave it 0 everywhere.
fn rounded_down(values: &[u8], channels: Channels, bytes: &[u8]) -> Vec<u8> {
    const BITFIELDS: u32 = 3;
    let masks = u32_at(bytes, 30) == Some(BITFIELDS);
    let top = |channel: usize| match u32_at(bytes, 54 + 4 * channel)
        .filter(|_| masks)
        .map_or(5, u32::count_ones)
    {
        bits @ 1..=8 => (1u32 << bits) - 1,
        _ => 255,
    };
    let tops = [top(0), top(1), top(2)];
    let down = |value: u8, top: u32| {
        let level = (u32::from(value) * top + 127) / 255;
        u8::try_from(level * 255 / top).unwrap_or(u8::MAX)
    };
    let pixels = values
        .chunks_exact(channels.count())
        .filter(|p| p.len() >= 3);
    pixels
        .flat_map(|p| [0, 1, 2].map(|c| down(p[c], tops[c])))
        .collect()
}
