//! JPEG-LS frames (ITU-T T.87): lossless and near-lossless, one component, or several that are not interleaved or
//! interleaved by line. Sample interleaving, mapping tables, restart intervals and point transforms are refused.

mod context;
mod line;
mod parameters;

use super::Coded;
use super::bits::{Bits, Stuffing};
use super::jpeg::Segments;
use crate::format::error::DecodeError;
use line::{Line, Lines};
use parameters::{Parameters, Presets};

/// Most samples of a frame that is decoded by itself; callers check the size that they expect before.
const MAX_SAMPLES: usize = 1 << 28;

fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("dicom", format!("JPEG-LS frame: {reason}"))
}

fn byte(body: &[u8], at: usize) -> Result<u8, DecodeError> {
    body.get(at)
        .copied()
        .ok_or_else(|| damaged("it ends inside a segment"))
}

fn short(body: &[u8], at: usize) -> Result<u16, DecodeError> {
    Ok(u16::from_be_bytes([byte(body, at)?, byte(body, at + 1)?]))
}

/// The frame header (C.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Bits of a sample, 2 to 16.
    pub precision: u8,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Component identifiers.
    components: Vec<u8>,
}

impl Frame {
    /// Number of components.
    #[must_use]
    pub fn components(&self) -> usize {
        self.components.len()
    }

    fn read(body: &[u8]) -> Result<Self, DecodeError> {
        let count = usize::from(byte(body, 5)?);
        let frame = Self {
            precision: byte(body, 0)?,
            height: usize::from(short(body, 1)?),
            width: usize::from(short(body, 3)?),
            components: (0..count)
                .map(|i| byte(body, 6 + 3 * i))
                .collect::<Result<_, _>>()?,
        };
        let samples = frame.width * frame.height * count;
        if samples == 0 || samples > MAX_SAMPLES || !(2..=16).contains(&frame.precision) {
            return Err(damaged("its frame header names no picture"));
        }
        Ok(frame)
    }
}

/// The frame header alone.
///
/// # Errors
/// When there is none or it is damaged.
pub fn header(data: &[u8]) -> Result<Frame, DecodeError> {
    let mut segments = Segments::new(data)?;
    while let Some((marker, body)) = segments.next()? {
        if marker == 0xF7 {
            return Frame::read(body);
        }
    }
    Err(damaged("it has no frame header"))
}

/// Decodes a frame.
///
/// # Errors
/// When it is of a kind that is not read, or is damaged.
pub fn decode(data: &[u8]) -> Result<Coded, DecodeError> {
    let mut segments = Segments::new(data)?;
    let mut presets = Presets::default();
    let mut current: Option<Frame> = None;
    let mut samples = Vec::new();
    let mut done = 0;
    while let Some((marker, body)) = segments.next()? {
        match marker {
            0xF7 => {
                let found = Frame::read(body)?;
                if current.replace(found).is_some() {
                    return Err(damaged("it has two frame headers"));
                }
            }
            0xF8 => presets = Presets::read(body)?,
            0xDD if body.iter().any(|b| *b != 0) => {
                return DecodeError::unsupported("dicom", "JPEG-LS with restart intervals");
            }
            0xDA => {
                let frame = current
                    .as_ref()
                    .ok_or_else(|| damaged("a scan comes before the frame header"))?;
                let components = scan_components(body, frame, done)?;
                let parameters = Parameters::new(frame.precision, scan_near(body)?, &presets)?;
                if samples.is_empty() {
                    // Runs may give a line a bit; nothing is reserved far beyond what the data can fill.
                    let data = segments.rest().len().saturating_mul(8);
                    if frame.height > data {
                        return Err(damaged("it ends before its last pixel"));
                    }
                    samples = vec![0; frame.width * frame.height * frame.components()];
                }
                let used = scan(
                    frame,
                    components.clone(),
                    &parameters,
                    segments.rest(),
                    &mut samples,
                )?;
                done = components.end;
                segments.skip(used);
            }
            _ => {}
        }
    }
    let frame = current.ok_or_else(|| damaged("it has no frame header"))?;
    if done != frame.components() {
        return Err(damaged("a component has no scan"));
    }
    Ok(Coded {
        width: frame.width,
        height: frame.height,
        components: frame.components(),
        precision: frame.precision,
        signed: false,
        samples,
    })
}

/// Which components a scan holds: the next one, or all of them interleaved by line.
fn scan_components(
    body: &[u8],
    frame: &Frame,
    done: usize,
) -> Result<std::ops::Range<usize>, DecodeError> {
    let count = usize::from(byte(body, 0)?);
    let tail = 1 + 2 * count;
    for i in 0..count {
        if byte(body, 2 + 2 * i)? != 0 {
            return DecodeError::unsupported("dicom", "JPEG-LS with a mapping table");
        }
        if frame.components.get(done + i) != Some(&byte(body, 1 + 2 * i)?) {
            return Err(damaged("a scan names a component out of order"));
        }
    }
    if byte(body, tail + 2)? & 15 != 0 {
        return DecodeError::unsupported("dicom", "JPEG-LS with a point transform");
    }
    match (byte(body, tail + 1)?, count) {
        (0 | 1, 1) => {}
        (1, _) if count > 1 => {}
        (2, _) => {
            return DecodeError::unsupported("dicom", "JPEG-LS interleaved by sample");
        }
        _ => return Err(damaged("its scan header contradicts itself")),
    }
    Ok(done..done + count)
}

fn scan_near(body: &[u8]) -> Result<i32, DecodeError> {
    let tail = 1 + 2 * usize::from(byte(body, 0)?);
    Ok(i32::from(byte(body, tail)?))
}

fn scan(
    frame: &Frame,
    components: std::ops::Range<usize>,
    parameters: &Parameters,
    data: &[u8],
    samples: &mut [u16],
) -> Result<usize, DecodeError> {
    let stride = frame.components();
    let mut bits = Bits::new(data, Stuffing::Bit);
    let mut decoder = Line::new(parameters);
    let mut lines: Vec<Lines> = components
        .clone()
        .map(|_| Lines::new(frame.width))
        .collect();
    for y in 0..frame.height {
        for (c, pair) in components.clone().zip(&mut lines) {
            decoder.decode(pair, &mut bits)?;
            let row = &mut samples[y * frame.width * stride..][..frame.width * stride];
            for (target, value) in row[c..].iter_mut().step_by(stride).zip(pair.current()) {
                *target = *value as u16;
            }
            pair.turn();
        }
        if bits.overdrawn() {
            return Err(damaged("it ends before its last pixel"));
        }
    }
    Ok(bits.end())
}
