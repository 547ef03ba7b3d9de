//! JPEG: Huffman-coded baseline, extended and progressive by `zune-jpeg`, lossless by `jpeg-decoder`; 12 bits and the
//! smallest pictures by the decoder of DICOM frames.
//!
//! A file that was cut has no end-of-image marker and is refused, and so is one whose scan ends in the middle of a code.
//! What cannot be told is a file that was cut and then closed again: such files decode to what is left.

mod markers;
mod sequential;

use super::sniff::Format;
use super::stored::{Channels, Samples, Stored};
use super::{DecodeError, check_dimensions, orientation};
use crate::format::dicom::codec::jpeg as codec;
use crate::limits::Limits;
use markers::{Frame, read_frame};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

/// Lossless, Huffman coding (ISO/IEC 10918-1, table B.1).
const SOF3: u8 = 0xC3;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    // The own walk over the markers finds a file that was cut, which a lenient decoder fills with grey. A file without any
    // pixel is described as libjpeg has it, and refused where a picture is wanted.
    let frame = match read_frame(bytes) {
        Ok(frame) => frame,
        Err(cut) => return sequential::without_data(bytes, limits)?.ok_or(cut),
    };
    // A progressive picture is held as 16-bit coefficients: three bytes a component with its samples.
    let bytes_a_pixel = 3 * u64::from(frame.components);
    check_dimensions(
        u32::from(frame.width),
        u32::from(frame.height),
        bytes_a_pixel,
        limits,
    )?;
    match frame.components {
        1 | 3 => {}
        4 if frame.precision > 8 => {}
        4 => return unsupported("CMYK colour"),
        n => return unsupported(&format!("a picture of {n} components")),
    }
    if frame.sof == SOF3 {
        lossless(bytes, &frame, limits)
    } else if sequential::reads(&frame) {
        sequential::decode(bytes, &frame)
    } else {
        lossy(bytes, &frame)
    }
}

fn unsupported<T>(what: &str) -> Result<T, DecodeError> {
    Err(DecodeError::Unsupported {
        format: "jpeg",
        what: what.to_owned(),
    })
}

fn lossy(bytes: &[u8], frame: &Frame) -> Result<Stored, DecodeError> {
    if frame.precision != 8 {
        return unsupported(&format!("a lossy picture of {} bits", frame.precision));
    }
    if matches!(frame.sof, 0xC0 | 0xC1) && codec::is_beyond_range(bytes) {
        return Err(DecodeError::damaged(
            "jpeg",
            "a block is brighter than its samples can be",
        ));
    }
    let damaged = |e| DecodeError::damaged("jpeg", e);
    let (channels, colour) = if frame.components == 1 {
        (Channels::L, ColorSpace::Luma)
    } else {
        (Channels::Rgb, ColorSpace::RGB)
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(frame.width))
        .set_max_height(usize::from(frame.height))
        .jpeg_set_out_colorspace(colour);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let samples = decoder.decode().map_err(damaged)?;
    let orientation = orientation::of_exif(decoder.exif().map(Vec::as_slice));
    stored(frame, channels, Samples::U8(samples), orientation)
}

fn lossless(bytes: &[u8], frame: &Frame, limits: &Limits) -> Result<Stored, DecodeError> {
    let damaged = |e| DecodeError::damaged("jpeg", e);
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(limits.max_alloc());
    let samples = decoder.decode().map_err(damaged)?;
    let (channels, samples) = match decoder.info().map(|i| i.pixel_format) {
        Some(jpeg_decoder::PixelFormat::L8) => (Channels::L, Samples::U8(samples)),
        Some(jpeg_decoder::PixelFormat::RGB24) => (Channels::Rgb, Samples::U8(samples)),
        Some(jpeg_decoder::PixelFormat::L16) => {
            let pairs = samples
                .chunks_exact(2)
                .map(|b| u16::from_ne_bytes([b[0], b[1]]))
                .collect();
            (Channels::L, Samples::U16(pairs))
        }
        _ => return unsupported("lossless CMYK colour"),
    };
    stored(
        frame,
        channels,
        samples,
        orientation::of_exif(decoder.exif_data()),
    )
}

fn stored(
    frame: &Frame,
    channels: Channels,
    samples: Samples,
    orientation: u8,
) -> Result<Stored, DecodeError> {
    let size = tumorlens_core::Size {
        width: usize::from(frame.width),
        height: usize::from(frame.height),
    };
    let (mode, bits) = (channels.name(), frame.precision);
    Stored {
        format: Format::Jpeg,
        size,
        channels,
        samples,
        mode,
        bits,
        orientation,
        holds_pixels: true,
    }
    .check()
}
