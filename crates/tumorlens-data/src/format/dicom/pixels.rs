//! Pixel data to stored values (DICOM PS3.5 section 8).

use super::codec::{Coded, jpeg, jpeg_2000, jpeg_ls, rle};
use super::colour;
use super::data_set::{DataSet, damaged};
use super::frames::frames;
use super::header::Header;
use super::syntax::{Coding, Syntax};
use super::tag;
use crate::format::clock;
use crate::format::error::DecodeError;
use crate::format::guard;
use crate::format::values::Values;
use rayon::prelude::*;

/// Stored values, masked to the bits that count and sign-extended: `([frames,] rows, columns[, samples])`.
pub(super) fn decode(
    set: &DataSet<'_>,
    header: &Header,
    syntax: &Syntax,
) -> Result<Values, DecodeError> {
    let coding = syntax.coding.ok_or_else(|| DecodeError::Unsupported {
        format: "dicom",
        what: format!("transfer syntax {} ({})", syntax.name, syntax.uid),
    })?;
    if header.signed && header.samples > 1 {
        return Err(damaged("colour cannot be signed"));
    }
    match coding {
        Coding::Native => native(set, header),
        Coding::Rle => run_length(set, header),
        Coding::Jpeg | Coding::JpegLs | Coding::Jpeg2000 => coded(set, header, coding),
    }
}

fn native(set: &DataSet<'_>, header: &Header) -> Result<Values, DecodeError> {
    for (tag, bits) in [
        (tag::FLOAT_PIXEL_DATA, 32),
        (tag::DOUBLE_FLOAT_PIXEL_DATA, 64),
    ] {
        if set.has(tag) {
            let bytes = set
                .value(tag)
                .filter(|_| header.allocated == bits)
                .ok_or_else(|| damaged("its floating point pixels contradict BitsAllocated"))?;
            return floats(bytes, header, set.form().big);
        }
    }
    let bytes = set.value(tag::PIXEL_DATA).ok_or_else(|| {
        if set.has(tag::PIXEL_DATA) {
            damaged("its pixel data is encapsulated although its transfer syntax is not")
        } else {
            damaged("it has no pixel data")
        }
    })?;
    if header.photometric == "YBR_FULL_422" {
        return colour::from_422(exact(bytes, header.len() / 3 * 2, header)?, header);
    }
    if header.allocated == 1 {
        return one_bit(bytes, header);
    }
    let (big, whole) = (set.form().big, bytes);
    let bytes = exact(
        bytes,
        header.len() * usize::from(header.allocated / 8),
        header,
    )?;
    let values = match header.allocated {
        8 if big
            && set
                .typed(tag::PIXEL_DATA)
                .is_some_and(|(vr, _)| &vr == b"OW") =>
        {
            // PS3.5 section 8.1.2: bytes travel in words, whose order is the file's; the last one may be padding.
            let swapped: Vec<u32> = (0..header.len())
                .map(|i| u32::from(whole.get(i ^ 1).copied().unwrap_or(0)))
                .collect();
            keep(swapped, header)
        }
        8 => keep(bytes.iter().map(|b| u32::from(*b)).collect(), header),
        16 => {
            let read = if big {
                u16::from_be_bytes
            } else {
                u16::from_le_bytes
            };
            keep_short(bytes.as_chunks::<2>().0.iter().map(|b| read(*b)), header)
        }
        32 => {
            let read = if big {
                u32::from_be_bytes
            } else {
                u32::from_le_bytes
            };
            keep(
                bytes.as_chunks::<4>().0.iter().map(|b| read(*b)).collect(),
                header,
            )
        }
        _ => return DecodeError::unsupported("dicom", "integers of 64 bits"),
    };
    colour::to_rgb(by_pixel(values, header)?, header)
}

/// `expected` bytes, behind which nothing but zeros shorter than a frame may lie: some writers pad. What is longer or
/// shorter belongs to another picture than the header describes.
fn exact<'a>(bytes: &'a [u8], expected: usize, header: &Header) -> Result<&'a [u8], DecodeError> {
    if let Some((used, padding)) = bytes.split_at_checked(expected)
        && (padding.len() <= 1
            || padding.len() < expected / header.frames && padding.iter().all(|b| *b == 0))
    {
        return Ok(used);
    }
    Err(damaged(format!(
        "its pixel data holds {} bytes, its header describes {expected}",
        bytes.len()
    )))
}

fn floats(bytes: &[u8], header: &Header, big: bool) -> Result<Values, DecodeError> {
    let bytes = exact(
        bytes,
        header.len() * usize::from(header.allocated / 8),
        header,
    )?;
    Ok(if header.allocated == 32 {
        let read = if big {
            f32::from_be_bytes
        } else {
            f32::from_le_bytes
        };
        Values::F32(bytes.as_chunks::<4>().0.iter().map(|b| read(*b)).collect())
    } else {
        let read = if big {
            f64::from_be_bytes
        } else {
            f64::from_le_bytes
        };
        Values::F64(bytes.as_chunks::<8>().0.iter().map(|b| read(*b)).collect())
    })
}

/// Eight pixels a byte, the first in the lowest bit; frames follow each other without padding (PS3.5 section 8.1.1).
fn one_bit(bytes: &[u8], header: &Header) -> Result<Values, DecodeError> {
    if header.samples != 1 || header.signed {
        return Err(damaged("pixels of one bit cannot be signed or coloured"));
    }
    let bytes = exact(bytes, header.len().div_ceil(8), header)?;
    Ok(Values::U8(
        (0..header.len())
            .map(|i| bytes[i / 8] >> (i % 8) & 1)
            .collect(),
    ))
}

/// The bits that count of a sample, as the sample's own type.
fn keep(raw: Vec<u32>, header: &Header) -> Values {
    let drop = header.high + 1 - header.stored;
    let up = 32 - u32::from(header.stored);
    let unsigned = move |v: u32| (v >> drop) << up >> up;
    let signed = move |v: u32| ((v >> drop) << up) as i32 >> up;
    match (header.allocated, header.signed) {
        (..=8, false) => Values::U8(raw.into_iter().map(|v| unsigned(v) as u8).collect()),
        (..=8, true) => Values::I8(raw.into_iter().map(|v| signed(v) as i8).collect()),
        (16, false) => Values::U16(raw.into_iter().map(|v| unsigned(v) as u16).collect()),
        (16, true) => Values::I16(raw.into_iter().map(|v| signed(v) as i16).collect()),
        (_, false) => Values::U32(raw.into_iter().map(unsigned).collect()),
        (_, true) => Values::I32(raw.into_iter().map(signed).collect()),
    }
}

/// [`keep`] for the common 16 bits, without a copy in between.
fn keep_short(raw: impl Iterator<Item = u16>, header: &Header) -> Values {
    let drop = header.high + 1 - header.stored;
    let up = 16 - header.stored;
    if header.signed {
        Values::I16(raw.map(|v| ((v >> drop) << up) as i16 >> up).collect())
    } else {
        Values::U16(raw.map(|v| (v >> drop) << up >> up).collect())
    }
}

/// [`keep`] for samples of up to 16 bits.
fn keep_narrow(raw: Vec<u16>, header: &Header) -> Values {
    if header.allocated > 8 {
        return keep_short(raw.into_iter(), header);
    }
    let drop = header.high + 1 - header.stored;
    let up = 16 - header.stored;
    if header.signed {
        let signed = move |v: u16| (((v >> drop) << up) as i16 >> up) as i8;
        Values::I8(raw.into_iter().map(signed).collect())
    } else {
        let unsigned = move |v: u16| ((v >> drop) << up >> up) as u8;
        Values::U8(raw.into_iter().map(unsigned).collect())
    }
}

/// Colour by plane becomes colour by pixel.
fn by_pixel(values: Values, header: &Header) -> Result<Values, DecodeError> {
    if header.samples == 1 || !header.planar {
        return Ok(values);
    }
    let plane = header.rows * header.columns;
    let order = (0..header.len()).map(|i| {
        let (frame, rest) = (i / header.frame_len(), i % header.frame_len());
        frame * header.frame_len() + rest % header.samples * plane + rest / header.samples
    });
    Ok(match values {
        Values::U8(v) => Values::U8(order.map(|i| v[i]).collect()),
        Values::U16(v) => Values::U16(order.map(|i| v[i]).collect()),
        Values::U32(v) => Values::U32(order.map(|i| v[i]).collect()),
        _ => return Err(damaged("colour cannot be signed")),
    })
}

fn run_length(set: &DataSet<'_>, header: &Header) -> Result<Values, DecodeError> {
    if header.allocated == 1 || header.allocated == 64 {
        return DecodeError::unsupported("dicom", "RLE of one or 64 bits a pixel");
    }
    let bytes = usize::from(header.allocated / 8);
    let pixels = header.rows * header.columns;
    let (mut raw, mut wide) = (Vec::new(), Vec::new());
    for frame in frames(set, header.frames, Coding::Rle)? {
        clock::check()?;
        let planes = rle::decode(&frame, pixels, header.samples, bytes)?;
        let samples = planes.chunks_exact(bytes);
        if bytes > 2 {
            wide.extend((0..pixels).flat_map(|i| {
                let sample = samples.clone();
                sample.map(move |s| s.iter().fold(0, |v, plane| v << 8 | u32::from(plane[i])))
            }));
            continue;
        }
        let start = raw.len();
        raw.resize(start + pixels * header.samples, 0);
        for (c, sample) in samples.enumerate() {
            let targets = raw[start + c..].iter_mut().step_by(header.samples);
            match sample {
                [high, low] => {
                    for (target, (high, low)) in targets.zip(high.iter().zip(low)) {
                        *target = u16::from_be_bytes([*high, *low]);
                    }
                }
                _ => {
                    for (target, value) in targets.zip(sample.iter().flatten()) {
                        *target = u16::from(*value);
                    }
                }
            }
        }
    }
    let values = if bytes > 2 {
        keep(wide, header)
    } else {
        keep_narrow(raw, header)
    };
    colour::to_rgb(values, header)
}

fn coded(set: &DataSet<'_>, header: &Header, coding: Coding) -> Result<Values, DecodeError> {
    if !matches!(header.allocated, 1 | 8 | 16) {
        return Err(damaged("its compressed samples have more than 16 bits"));
    }
    let frames = frames(set, header.frames, coding)?;
    let mut raw: Vec<u16> = Vec::new();
    // A few frames a thread side by side: their samples wait to be put in order.
    for some in frames.chunks(4 * rayon::current_num_threads()) {
        clock::check()?;
        let time = clock::left();
        let decoded: Vec<_> = match some {
            [one] => vec![frame(one, header, coding)],
            many => many
                .par_iter()
                .map(|one| guard::without_panic("dicom", time, || frame(one, header, coding)))
                .collect(),
        };
        for samples in decoded {
            let samples = samples?;
            if raw.is_empty() {
                raw = samples;
                raw.reserve_exact(raw.len() * (frames.len() - 1));
            } else {
                raw.extend(samples);
            }
        }
    }
    // A JPEG stream holds the colour space that the header names; the other codecs undo theirs.
    match coding {
        Coding::Jpeg => colour::to_rgb(keep_narrow(raw, header), header),
        _ => Ok(keep_narrow(raw, header)),
    }
}

/// The samples of one frame.
fn frame(data: &[u8], header: &Header, coding: Coding) -> Result<Vec<u16>, DecodeError> {
    let coded = match coding {
        Coding::JpegLs => {
            let found = jpeg_ls::header(data)?;
            fits(header, found.width, found.height, found.components())?;
            jpeg_ls::decode(data)?
        }
        Coding::Jpeg2000 => {
            let found = jpeg_2000::header(data)?;
            fits(header, found.width, found.height, found.components)?;
            jpeg_2000::decode(data)?
        }
        _ => {
            let found = jpeg::header(data)?;
            fits(header, found.width, found.height, found.components())?;
            jpeg::decode(data)?
        }
    };
    stored(coded, header)
}

/// The code stream must describe the frame that the header describes.
fn fits(
    header: &Header,
    width: usize,
    height: usize,
    components: usize,
) -> Result<(), DecodeError> {
    if (width, height, components) == (header.columns, header.rows, header.samples) {
        return Ok(());
    }
    Err(damaged(format!(
        "a frame of {width}x{height} pixels of {components} samples stands where the header describes {}x{} of {}",
        header.columns, header.rows, header.samples
    )))
}

/// Samples in the place of the bits that count. A signed stream of fewer bits than are stored is sign-extended.
fn stored(coded: Coded, header: &Header) -> Result<Vec<u16>, DecodeError> {
    if u16::from(coded.precision) > header.allocated.max(8) {
        return Err(damaged(format!(
            "its compressed samples have {} bits, BitsAllocated is {}",
            coded.precision, header.allocated
        )));
    }
    let mut samples = coded.samples;
    let up = 16 - u32::from(coded.precision);
    let shift = header.high + 1 - header.stored;
    if coded.signed && up > 0 {
        for value in &mut samples {
            *value = ((*value << up) as i16 >> up) as u16;
        }
    }
    if shift > 0 {
        samples.iter_mut().for_each(|value| *value <<= shift);
    }
    Ok(samples)
}
