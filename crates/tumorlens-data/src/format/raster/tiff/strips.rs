//! Strips that the crate `tiff` does not read whole: LZMA compression (34925, of libtiff), and a fourth sample without
//! stated meaning beside colour (ExtraSamples 0), which it drops. 8 bits a sample, all samples of a pixel together.

use super::{Bytes, Channels, Layout, Samples, damaged, unsupported};
use crate::format::error::DecodeError;
use ::tiff::decoder::Decoder;
use ::tiff::tags::Tag;
use std::io::Read;
use tumorlens_core::Size;

const UNCOMPRESSED: u32 = 1;
const LZMA: u32 = 34925;
/// Horizontal differencing (TIFF 6.0, section 14).
const DIFFERENCES: u32 = 2;
/// Memory that a dictionary may take, KiB; libtiff's own presets stay below.
const DICTIONARY_KIB: u32 = 128 << 10;

fn number(decoder: &mut Decoder<Bytes<'_>>, tag: Tag, default: u32) -> Result<u32, DecodeError> {
    let found = decoder.find_tag_unsigned::<u32>(tag).map_err(damaged)?;
    Ok(found.unwrap_or(default))
}

/// Whether the strips must be read here; the layout then says what is in them.
pub(super) fn by_hand(
    decoder: &mut Decoder<Bytes<'_>>,
    layout: &mut Layout,
) -> Result<bool, DecodeError> {
    let compression = number(decoder, Tag::Compression, UNCOMPRESSED)?;
    let samples = number(decoder, Tag::SamplesPerPixel, 1)?;
    let extra = compression == UNCOMPRESSED
        && samples == 4
        && layout.channels == Channels::Rgb
        && layout.bits == 8;
    if extra {
        layout.channels = Channels::RgbX;
    }
    Ok(extra || compression == LZMA)
}

pub(super) fn read(
    decoder: &mut Decoder<Bytes<'_>>,
    bytes: &[u8],
    size: Size,
    layout: &Layout,
) -> Result<Samples, DecodeError> {
    let planar = number(decoder, Tag::PlanarConfiguration, 1)?;
    if layout.bits != 8 || layout.palette || planar != 1 {
        return unsupported("such strips of other than 8 bits and one plane".to_owned());
    }
    let compression = number(decoder, Tag::Compression, UNCOMPRESSED)?;
    let differences = number(decoder, Tag::Predictor, 1)? == DIFFERENCES;
    let rows = number(decoder, Tag::RowsPerStrip, u32::MAX)?.max(1) as usize;
    let offsets = decoder
        .get_tag_u64_vec(Tag::StripOffsets)
        .map_err(damaged)?;
    let lengths = decoder
        .get_tag_u64_vec(Tag::StripByteCounts)
        .map_err(damaged)?;
    let row = size.width * layout.channels.count();
    let mut samples = Vec::new();
    for (strip, (offset, length)) in offsets.iter().zip(&lengths).enumerate() {
        let here = size
            .height
            .saturating_sub(strip.saturating_mul(rows))
            .min(rows);
        let end = offset.saturating_add(*length);
        let range = usize::try_from(*offset).ok().zip(usize::try_from(end).ok());
        let coded = range
            .and_then(|(from, to)| bytes.get(from..to))
            .ok_or_else(|| damaged("a strip lies outside the file"))?;
        let mut strip = Vec::new();
        let wanted = (here * row) as u64;
        if compression == LZMA {
            lzma_rust2::XzReader::new_mem_limit(coded, false, DICTIONARY_KIB)
                .take(wanted)
                .read_to_end(&mut strip)
                .map_err(damaged)?;
        } else {
            coded
                .take(wanted)
                .read_to_end(&mut strip)
                .map_err(damaged)?;
        }
        if strip.len() != here * row {
            return Err(damaged("a strip ends before its last row"));
        }
        if differences {
            let step = layout.channels.count();
            for line in strip.chunks_exact_mut(row) {
                for i in step..line.len() {
                    line[i] = line[i].wrapping_add(line[i - step]);
                }
            }
        }
        samples.append(&mut strip);
    }
    Ok(Samples::U8(samples))
}
