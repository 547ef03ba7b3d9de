//! TIFF 6.0 and BigTIFF, through `tiff`: grey, palette and colour, 1 to 16 bits, strips, tiles and planes. What that
//! crate leaves out of a picture is read strip by strip.

mod planes;
mod strips;

use super::super::clock::Timed;
use super::sniff::Format;
use super::stored::{Channels, Samples, Stored};
use super::{DecodeError, check_dimensions};
use crate::limits::Limits;
use ::tiff::ColorType;
use ::tiff::decoder::{Decoder, DecodingResult};
use ::tiff::tags::Tag;
use std::io::Cursor;
use tumorlens_core::Size;

/// What is decoded.
type Bytes<'a> = Timed<Cursor<&'a [u8]>>;

fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("tiff", reason)
}

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, DecodeError> {
    let mut tiff_limits = ::tiff::decoder::Limits::default();
    tiff_limits.decoding_buffer_size = limits.max_alloc();
    tiff_limits.intermediate_buffer_size = limits.max_alloc();
    let mut decoder = Decoder::new(Timed(Cursor::new(bytes)))
        .map_err(damaged)?
        .with_limits(tiff_limits);
    let (width, height) = decoder.dimensions().map_err(damaged)?;
    let mut layout = Layout::of(decoder.colortype().map_err(damaged)?)?;
    let by_hand = strips::by_hand(&mut decoder, &mut layout)?;
    let size = check_dimensions(width, height, layout.bytes_a_pixel(), limits)?;
    let orientation = orientation(&mut decoder);
    let palette = if layout.palette {
        Some(palette(&mut decoder, layout.bits)?)
    } else {
        None
    };

    let reversed = reversed_bits(&mut decoder)?;
    let planes = decoder.image_buffer_layout().map_err(damaged)?.planes;
    let samples = if by_hand {
        strips::read(&mut decoder, bytes, size, &layout)?
    } else if planes > 1 {
        planes::read(&mut decoder, size, planes)?
    } else {
        eight_or_sixteen(decoder.read_image().map_err(damaged)?)?
    };
    let samples = if reversed {
        turn_bits(samples)
    } else {
        samples
    };
    let samples = if layout.bits < 8 {
        spread(&samples, size, &layout)
    } else {
        samples
    };
    let (channels, samples) = match palette {
        Some(colours) => (Channels::Rgb, look_up(&samples, &colours)?),
        None => (layout.channels, samples),
    };
    let mode = if layout.palette { "P" } else { channels.name() };
    Stored {
        format: Format::Tiff,
        size,
        channels,
        samples,
        mode,
        bits: layout.bits,
        orientation,
        holds_pixels: true,
    }
    .check()
}

fn eight_or_sixteen(result: DecodingResult) -> Result<Samples, DecodeError> {
    match result {
        DecodingResult::U8(v) => Ok(Samples::U8(v)),
        DecodingResult::U16(v) => Ok(Samples::U16(v)),
        other => unsupported(format!("samples of kind {}", kind(&other))),
    }
}

fn unsupported<T>(what: String) -> Result<T, DecodeError> {
    Err(DecodeError::Unsupported {
        format: "tiff",
        what,
    })
}

fn kind(result: &DecodingResult) -> &'static str {
    match result {
        DecodingResult::U8(_) => "u8",
        DecodingResult::U16(_) => "u16",
        DecodingResult::U32(_) => "u32",
        DecodingResult::U64(_) => "u64",
        DecodingResult::F16(_) | DecodingResult::F32(_) | DecodingResult::F64(_) => {
            "floating point"
        }
        _ => "signed integer",
    }
}

/// How a pixel is stored.
struct Layout {
    channels: Channels,
    bits: u8,
    palette: bool,
}

impl Layout {
    fn of(colour: ColorType) -> Result<Self, DecodeError> {
        let layout = |channels, bits, palette| {
            Ok(Self {
                channels,
                bits,
                palette,
            })
        };
        match colour {
            ColorType::Gray(bits @ (1 | 2 | 4 | 8 | 16)) => layout(Channels::L, bits, false),
            ColorType::Palette(bits @ (1 | 2 | 4 | 8)) => layout(Channels::L, bits, true),
            ColorType::GrayA(bits @ (8 | 16)) => layout(Channels::La, bits, false),
            ColorType::RGB(bits @ (8 | 16)) => layout(Channels::Rgb, bits, false),
            ColorType::RGBA(bits @ (8 | 16)) => layout(Channels::Rgba, bits, false),
            // Without a declared meaning a second channel beside grey, or a fourth beside colour, is taken as alpha.
            ColorType::Multiband {
                bit_depth: bits @ (8 | 16),
                num_samples: 2,
            } => layout(Channels::La, bits, false),
            other => unsupported(format!("colour type {other:?}")),
        }
    }

    fn bytes_a_pixel(&self) -> u64 {
        let channels = if self.palette {
            3
        } else {
            self.channels.count() as u64
        };
        channels * if self.bits > 8 { 2 } else { 1 }
    }
}

/// The orientation tag; 1 where it is absent or illegal.
fn orientation(decoder: &mut Decoder<Bytes<'_>>) -> u8 {
    let tag = decoder
        .find_tag_unsigned::<u16>(Tag::Orientation)
        .ok()
        .flatten();
    tag.and_then(|v| u8::try_from(v).ok())
        .filter(|v| (1..=8).contains(v))
        .unwrap_or(1)
}

/// Whether the bits of each byte are stored in reverse (FillOrder 2), which the decoder does not know of. It is read
/// where no compression stands between.
fn reversed_bits(decoder: &mut Decoder<Bytes<'_>>) -> Result<bool, DecodeError> {
    let mut tag = |tag| {
        decoder
            .find_tag_unsigned::<u16>(tag)
            .map(|v| v.unwrap_or(1))
            .map_err(damaged)
    };
    match (tag(Tag::FillOrder)?, tag(Tag::Compression)?) {
        (1, _) => Ok(false),
        (2, 1) => Ok(true),
        (order, compression) => {
            unsupported(format!("fill order {order} with compression {compression}"))
        }
    }
}

fn turn_bits(samples: Samples) -> Samples {
    match samples {
        Samples::U8(v) => Samples::U8(v.into_iter().map(u8::reverse_bits).collect()),
        Samples::U16(v) => Samples::U16(
            v.into_iter()
                .map(|v| v.reverse_bits().swap_bytes())
                .collect(),
        ),
    }
}

/// Unpacks 1, 2 or 4 bits a pixel, most significant first, each row starting at a byte. Grey is spread over 0 to 255,
/// palette indices stay.
fn spread(samples: &Samples, size: Size, layout: &Layout) -> Samples {
    let Samples::U8(packed) = samples else {
        return samples.clone();
    };
    let bits = usize::from(layout.bits);
    let top = (1u8 << bits) - 1;
    let scale = if layout.palette { 1 } else { 255 / top };
    let mut values = Vec::with_capacity(size.area());
    for row in packed
        .chunks((size.width * bits).div_ceil(8))
        .take(size.height)
    {
        let pixels = row
            .iter()
            .flat_map(|&byte| (1..=8 / bits).map(move |k| (byte >> (8 - k * bits)) & top));
        values.extend(pixels.take(size.width).map(|v| v * scale));
    }
    Samples::U8(values)
}

/// The colour map as 8-bit red, green, blue triples; it is stored as 16 bits, all reds first (TIFF 6.0, section 5).
fn palette(decoder: &mut Decoder<Bytes<'_>>, bits: u8) -> Result<Vec<[u8; 3]>, DecodeError> {
    let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(damaged)?;
    let entries = 1usize << bits;
    if map.len() < 3 * entries {
        return Err(damaged("its colour map is too short"));
    }
    let high = |v: u16| (v >> 8) as u8;
    Ok((0..entries)
        .map(|i| {
            [
                high(map[i]),
                high(map[entries + i]),
                high(map[2 * entries + i]),
            ]
        })
        .collect())
}

fn look_up(samples: &Samples, colours: &[[u8; 3]]) -> Result<Samples, DecodeError> {
    let Samples::U8(indices) = samples else {
        return Err(damaged("a palette index has more than 8 bits"));
    };
    let colour = |&i: &u8| {
        colours
            .get(usize::from(i))
            .copied()
            .ok_or_else(|| damaged("a colour outside its map"))
    };
    let pixels: Result<Vec<[u8; 3]>, _> = indices.iter().map(colour).collect();
    Ok(Samples::U8(pixels?.into_flattened()))
}
