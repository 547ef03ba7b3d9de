//! JPEG frames of DICOM files (ITU-T T.81): sequential Huffman-coded DCT of 8 and 12 bits (processes 1, 2 and 4) and
//! lossless of 2 to 16 bits (process 14). Colour stays as it is coded: what YCbCr means is for the caller to know.
//! Progressive, hierarchical and arithmetic coding are refused.
//!
//! Strict: a scan that ends early, a marker out of place or a table that is missing is an error, never a picture with
//! an invented part.

mod huffman;
mod idct;
mod lossless;
mod plane;
mod scan;
mod sequential;

use super::Coded;
use crate::format::error::DecodeError;
use huffman::Huffman;
use plane::Plane;
use scan::Scan;
use sequential::Extent;

/// Most pixels of a frame that is decoded by itself; callers check the size that they expect before.
const MAX_PIXELS: usize = 1 << 28;

fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("dicom", format!("JPEG frame: {reason}"))
}

/// The frame header (B.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 0 baseline, 1 extended, 3 lossless: the low nibble of the marker.
    pub process: u8,
    /// Bits of a sample.
    pub precision: u8,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Component identifiers, sampling factors and quantization tables.
    components: Vec<Component>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Component {
    id: u8,
    sampling: (u8, u8),
    quantization: u8,
}

impl Frame {
    /// Number of components.
    #[must_use]
    pub fn components(&self) -> usize {
        self.components.len()
    }

    /// Identifiers of the components, by which colour is told where nothing else tells it.
    #[must_use]
    pub fn identifiers(&self) -> Vec<u8> {
        self.components.iter().map(|c| c.id).collect()
    }

    /// Whether a component has fewer samples than another.
    #[must_use]
    pub fn is_subsampled(&self) -> bool {
        self.components
            .iter()
            .any(|c| c.factors() != (self.most()[0], self.most()[1]))
    }

    /// Largest sampling factors, across and down.
    fn most(&self) -> [usize; 2] {
        let factors = || self.components.iter().map(|c| c.factors());
        [
            factors().map(|f| f.0).max().unwrap_or(1).max(1),
            factors().map(|f| f.1).max().unwrap_or(1).max(1),
        ]
    }

    /// Units of an interleaved scan, across and down.
    fn units(&self) -> [usize; 2] {
        let [h, v] = self.most();
        [self.width.div_ceil(8 * h), self.height.div_ceil(8 * v)]
    }

    fn planes(&self, kept: bool) -> Result<Vec<Plane>, DecodeError> {
        if self.components.len() > 4 {
            return DecodeError::unsupported("dicom", "a JPEG frame of more than four components");
        }
        (0..self.components.len())
            .map(|index| Plane::new(self, index, kept))
            .collect::<Option<_>>()
            .ok_or(DecodeError::Unsupported {
                format: "dicom",
                what: "a JPEG frame of broken sampling factors".to_owned(),
            })
    }

    /// Brings all components onto the picture's grid.
    fn join(&self, planes: &[Plane]) -> Coded {
        let count = planes.len();
        if let [plane] = planes
            && let Some(rows) = plane.rows()
        {
            let rows: Vec<&[u16]> = rows.collect();
            return self.coded(1, rows.concat());
        }
        let mut samples = vec![0u16; self.width * self.height * count];
        let length = (self.width * count).max(1);
        let mut lines = vec![Vec::new(); count];
        for (y, row) in samples.chunks_exact_mut(length).enumerate() {
            for (plane, line) in planes.iter().zip(&mut lines) {
                plane.picture_row(y, line);
            }
            if let [a, b, c] = lines.as_slice() {
                let values = a.iter().zip(b).zip(c);
                for (pixel, ((a, b), c)) in row.as_chunks_mut::<3>().0.iter_mut().zip(values) {
                    *pixel = [*a, *b, *c];
                }
                continue;
            }
            for (c, line) in lines.iter().enumerate() {
                for (pixel, value) in row.chunks_exact_mut(count).zip(line) {
                    pixel[c] = *value;
                }
            }
        }
        self.coded(count, samples)
    }

    fn coded(&self, components: usize, samples: Vec<u16>) -> Coded {
        Coded {
            width: self.width,
            height: self.height,
            components,
            precision: self.precision,
            signed: false,
            samples,
        }
    }
}

impl Component {
    /// Sampling factors, across and down.
    fn factors(self) -> (usize, usize) {
        (usize::from(self.sampling.0), usize::from(self.sampling.1))
    }
}

/// Tables as they stand at a scan.
#[derive(Default)]
struct Tables {
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    /// In zigzag order.
    quantization: [Option<[u16; 64]>; 4],
    restart: usize,
}

/// The frame header alone.
///
/// # Errors
/// When there is none or it is damaged.
pub fn header(data: &[u8]) -> Result<Frame, DecodeError> {
    let mut segments = Segments::new(data)?;
    while let Some((marker, body)) = segments.next()? {
        if is_frame(marker) {
            return frame(marker, body);
        }
    }
    Err(damaged("it has no frame header"))
}

/// Decodes a frame whose header says `frame`.
///
/// # Errors
/// When the frame is of a process that is not read, or is damaged.
pub fn decode(data: &[u8]) -> Result<Coded, DecodeError> {
    read(data, Extent::Whole)
}

/// Whether a sequential stream holds a block that no samples can give, on which decoders disagree: a sign of damage
/// that lenient decoders pass over. What else is wrong with it is not looked for.
#[must_use]
pub fn is_beyond_range(data: &[u8]) -> bool {
    let found = read(data, Extent::Codes);
    matches!(found, Err(DecodeError::Damaged { reason, .. }) if reason.ends_with(sequential::BEYOND))
}

fn read(data: &[u8], extent: Extent) -> Result<Coded, DecodeError> {
    let mut segments = Segments::new(data)?;
    let mut tables = Tables::default();
    let mut current: Option<Frame> = None;
    let mut decoded: Option<Coded> = None;
    let mut planes: Vec<Plane> = Vec::new();
    let mut seen: Vec<bool> = Vec::new();
    while let Some((marker, body)) = segments.next()? {
        match marker {
            0xC4 => huffman_tables(body, &mut tables)?,
            0xDB => quantization_tables(body, &mut tables)?,
            0xDD => tables.restart = usize::from(short(body, 0)?),
            0xDA => {
                let frame = current
                    .as_ref()
                    .ok_or_else(|| damaged("a scan comes before the frame header"))?;
                let scan = Scan::read(body, frame)?;
                let used = match frame.process {
                    0 | 1 => {
                        if planes.is_empty() {
                            planes = frame.planes(extent != Extent::Codes)?;
                            seen = vec![false; planes.len()];
                        }
                        for (index, ..) in &scan.components {
                            if std::mem::replace(&mut seen[*index], true) {
                                return Err(damaged("a component comes twice"));
                            }
                        }
                        sequential::decode(
                            frame,
                            &scan,
                            &tables,
                            segments.rest(),
                            &mut planes,
                            extent,
                        )?
                    }
                    3 if decoded.is_none() && scan.components.len() == frame.components.len() => {
                        let (coded, used) =
                            lossless::decode(frame, &scan, &tables, segments.rest())?;
                        decoded = Some(coded);
                        used
                    }
                    3 => {
                        return DecodeError::unsupported(
                            "dicom",
                            "a lossless JPEG of several scans",
                        );
                    }
                    n => {
                        return DecodeError::unsupported(
                            "dicom",
                            format!("JPEG process of marker SOF{n}"),
                        );
                    }
                };
                segments.skip(used);
            }
            _ if is_frame(marker) => {
                let found = frame(marker, body)?;
                if current.replace(found).is_some() {
                    return Err(damaged("it has two frame headers"));
                }
            }
            _ => {}
        }
    }
    if let (Some(frame), false) = (&current, seen.is_empty()) {
        if seen.contains(&false) {
            return Err(damaged("a component is missing"));
        }
        decoded = Some(match extent {
            Extent::Codes => frame.join(&[]),
            _ => frame.join(&planes),
        });
    }
    decoded.ok_or_else(|| damaged("it has no scan"))
}

/// A stream that was cut behind the header of its first scan: the picture in which libjpeg decodes what follows from no
/// data, its first unit, and leaves the rest at middle grey. `None` when the stream is another.
///
/// # Errors
/// When its headers are damaged.
pub fn without_data(data: &[u8]) -> Result<Option<Coded>, DecodeError> {
    let mut segments = Segments::new(data)?;
    let mut tables = Tables::default();
    let mut current: Option<Frame> = None;
    while let Ok(Some((marker, body))) = segments.next() {
        match (marker, &current) {
            (0xC4, _) => huffman_tables(body, &mut tables)?,
            (0xDB, _) => quantization_tables(body, &mut tables)?,
            (0xDA, Some(frame)) if segments.rest().len() < 2 && frame.process < 2 => {
                let scan = Scan::read(body, frame)?;
                let mut planes = frame.planes(true)?;
                sequential::decode(
                    frame,
                    &scan,
                    &tables,
                    segments.rest(),
                    &mut planes,
                    Extent::FirstUnit,
                )?;
                return Ok(Some(frame.join(&planes)));
            }
            (0xDA, _) => return Ok(None),
            _ if is_frame(marker) => {
                let found = frame(marker, body)?;
                current = Some(found);
            }
            _ => {}
        }
    }
    Ok(None)
}

/// SOF0 to SOF15 but the table and arithmetic markers between them.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

fn byte(body: &[u8], at: usize) -> Result<u8, DecodeError> {
    body.get(at)
        .copied()
        .ok_or_else(|| damaged("it ends inside a segment"))
}

fn short(body: &[u8], at: usize) -> Result<u16, DecodeError> {
    Ok(u16::from_be_bytes([byte(body, at)?, byte(body, at + 1)?]))
}

fn frame(marker: u8, body: &[u8]) -> Result<Frame, DecodeError> {
    let count = usize::from(byte(body, 5)?);
    let components = (0..count)
        .map(|i| {
            let at = 6 + 3 * i;
            let sampling = byte(body, at + 1)?;
            Ok(Component {
                id: byte(body, at)?,
                sampling: (sampling >> 4, sampling & 15),
                quantization: byte(body, at + 2)?,
            })
        })
        .collect::<Result<Vec<_>, DecodeError>>()?;
    let frame = Frame {
        process: marker & 15,
        precision: byte(body, 0)?,
        height: usize::from(short(body, 1)?),
        width: usize::from(short(body, 3)?),
        components,
    };
    if frame.width == 0 || frame.height == 0 || frame.components.is_empty() {
        return Err(damaged("its frame header names no pixels"));
    }
    if frame.width * frame.height > MAX_PIXELS {
        return Err(damaged("it has too many pixels"));
    }
    Ok(frame)
}

fn huffman_tables(mut body: &[u8], tables: &mut Tables) -> Result<(), DecodeError> {
    while let Some((&class, rest)) = body.split_first() {
        let (table, used) = Huffman::read(rest)?;
        let slot = usize::from(class & 15);
        let set = if class >> 4 == 0 {
            &mut tables.dc
        } else {
            &mut tables.ac
        };
        *set.get_mut(slot)
            .ok_or_else(|| damaged("it defines a fifth Huffman table"))? = Some(table);
        body = &rest[used..];
    }
    Ok(())
}

fn quantization_tables(mut body: &[u8], tables: &mut Tables) -> Result<(), DecodeError> {
    while let Some((&first, rest)) = body.split_first() {
        let wide = first >> 4 != 0;
        let length = if wide { 128 } else { 64 };
        let values = rest
            .get(..length)
            .ok_or_else(|| damaged("it ends inside a quantization table"))?;
        let mut table = [0; 64];
        for (i, value) in table.iter_mut().enumerate() {
            *value = if wide {
                u16::from_be_bytes([values[2 * i], values[2 * i + 1]])
            } else {
                u16::from(values[i])
            };
        }
        *tables
            .quantization
            .get_mut(usize::from(first & 15))
            .ok_or_else(|| damaged("it defines a fifth quantization table"))? = Some(table);
        body = &rest[length..];
    }
    Ok(())
}

/// The marker segments of a stream, in order.
pub(super) struct Segments<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// Begins behind the start-of-image marker.
    pub(super) fn new(data: &'a [u8]) -> Result<Self, DecodeError> {
        if data.starts_with(&[0xFF, 0xD8]) {
            Ok(Self { data, at: 2 })
        } else {
            Err(damaged("it does not begin with the start-of-image marker"))
        }
    }

    /// The next segment; `None` at the end of the image. A stream without that end was cut.
    pub(super) fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, DecodeError> {
        let cut = || damaged("it ends before the end-of-image marker");
        if self.data.get(self.at) != Some(&0xFF) {
            return Err(if self.at >= self.data.len() {
                cut()
            } else {
                damaged("a marker is missing")
            });
        }
        while self.data.get(self.at) == Some(&0xFF) {
            self.at += 1;
        }
        let marker = *self.data.get(self.at).ok_or_else(cut)?;
        self.at += 1;
        match marker {
            0xD9 => Ok(None),
            0x01 | 0xD0..=0xD7 => Ok(Some((marker, &[]))),
            _ => {
                let length = usize::from(short(self.data, self.at).map_err(|_| cut())?);
                let body = self
                    .data
                    .get(self.at + 2..self.at + length.max(2))
                    .ok_or_else(cut)?;
                self.at += length.max(2);
                Ok(Some((marker, body)))
            }
        }
    }

    /// What follows the last segment: after a scan header the entropy-coded data.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.data[self.at..]
    }

    /// Goes to the marker behind `bytes` bytes of entropy-coded data; an encoder may have padded it a little.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.data.len());
        let padding = self.data[self.at..]
            .windows(2)
            .take(8)
            .position(|w| w[0] == 0xFF && w[1] >= 0x80);
        self.at += padding.unwrap_or(0);
    }
}
