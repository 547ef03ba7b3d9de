//! DICOM files to stored values, exactly or with a reason.
//!
//! | rule | what holds |
//! | --- | --- |
//! | file | with preamble and `DICM`, or beginning with the file meta information |
//! | elements | implicit and explicit little endian, explicit big endian, deflated |
//! | pixels | native, RLE, JPEG (8 and 12 bits, lossless), JPEG-LS, JPEG 2000 |
//! | stored value | the bits that count, shifted down, sign-extended; 1, 8, 16 or 32 bits, or floating point |
//! | length | pixel data holds what its header describes, to the byte; more or less is another picture |
//! | damage | an error, never a picture with an invented part |
//!
//! No value of an element enters an error text: it could name a person. Nothing is allocated by a length that a file
//! declares before the bytes that it stands for were read.
//!
//! The reader is our own and not that of the crate dicom: see ADR 6.

pub mod about;
pub mod codec;
mod colour;
mod csa;
pub mod data_set;
pub mod facts;
mod frames;
mod grey;
pub mod groups;
pub mod header;
pub mod lut;
pub mod mosaic;
mod pixels;
pub mod place;
pub mod syntax;
pub mod tag;
mod value;
pub mod voi;

use super::clock::Timed;
use super::error::DecodeError;
use super::guard;
use super::values::Values;
use crate::limits::Limits;
use data_set::{DataSet, damaged};
use groups::Groups;
use header::Header;
use lut::{Lut, Modality};
use mosaic::Mosaic;
use place::Place;
use std::borrow::Cow;
use std::io::Read;
use syntax::{Form, Syntax};
use tag::Tag;
use voi::Display;

/// A decoded image object.
#[derive(Clone, Debug)]
pub struct Dicom {
    /// Transfer syntax.
    pub syntax: Syntax,
    /// The image pixel module.
    pub header: Header,
    /// Stored values.
    pub values: Values,
    /// From stored values to the modality's own: one rule for all frames, or one for each.
    pub rescale: Vec<Modality>,
    /// Red, green and blue of PALETTE COLOR.
    pub palette: Option<[Lut; 3]>,
    /// Stored values from the first to the second, both included, are no picture.
    pub padding: Option<(f64, f64)>,
    /// How the file proposes to show its values.
    pub display: Option<Display>,
    /// Slices that lie side by side in the only frame.
    pub mosaic: Option<Mosaic>,
    /// Place of each frame, where the file states it; of a mosaic that of the whole picture.
    pub places: Vec<Option<Place>>,
}

/// Where a DICOM file's data elements begin; `None` when the bytes are no DICOM file.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<usize> {
    if bytes.get(128..132) == Some(b"DICM") {
        return Some(132);
    }
    // A file without preamble begins with the length or version of the file meta information.
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    (starts(b"\x02\0\0\0UL\x04\0")
        || starts(b"\x02\0\x01\0OB")
        || starts(b"\x02\0\x02\0UI")
        || starts(b"\x02\0\x10\0UI"))
    .then_some(0)
}

/// A file's data set, still in memory as read.
pub struct File<'a> {
    syntax: Syntax,
    body: Cow<'a, [u8]>,
}

impl<'a> File<'a> {
    /// Reads the file meta information, and inflates a deflated data set.
    ///
    /// # Errors
    /// When the bytes are no DICOM file, the transfer syntax is unknown, or the file is damaged.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let start = sniff(bytes).ok_or(DecodeError::UnknownFormat)?;
        let body = &bytes[start..];
        let explicit = Form {
            big: false,
            explicit: true,
        };
        let (meta, end) = DataSet::read_while(body, explicit, |t: Tag| t.0 == 2)?;
        let uid = meta
            .text(tag::TRANSFER_SYNTAX_UID)
            .ok_or_else(|| damaged("its file meta information names no transfer syntax"))?;
        let syntax = syntax::find(&uid)?;
        let rest = &body[end..];
        let body = if syntax.deflated {
            Cow::Owned(inflate(rest, limits)?)
        } else {
            Cow::Borrowed(rest)
        };
        Ok(Self { syntax, body })
    }

    /// The transfer syntax.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The data set.
    ///
    /// # Errors
    /// When an element is damaged.
    pub fn data_set(&self) -> Result<DataSet<'_>, DecodeError> {
        DataSet::read(&self.body, self.syntax.form)
    }
}

/// A deflated data set (PS3.5 annex A.5), to its end.
fn inflate(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    let limit = limits.max_alloc_bytes / 2;
    let mut inflated = Vec::with_capacity(bytes.len().saturating_mul(2));
    flate2::bufread::DeflateDecoder::new(Timed(bytes))
        .take(limit + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| damaged("its deflated data set is damaged"))?;
    if inflated.len() as u64 > limit {
        return Err(DecodeError::Memory { limit });
    }
    Ok(inflated)
}

/// Whether a data set holds pixels of any kind.
pub(crate) fn has_pixels(set: &DataSet<'_>) -> bool {
    [
        tag::PIXEL_DATA,
        tag::FLOAT_PIXEL_DATA,
        tag::DOUBLE_FLOAT_PIXEL_DATA,
    ]
    .iter()
    .any(|t| set.has(*t))
}

/// Decodes an image object.
///
/// # Errors
/// When it is no DICOM file, holds no image, is damaged, exceeds a limit or is of a kind that is not read.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Dicom, DecodeError> {
    guard::without_panic("dicom", limits.max_time, || {
        let file = File::open(bytes, limits)?;
        let set = file.data_set()?;
        if !has_pixels(&set) {
            return Err(damaged("it has no pixel data"));
        }
        let header = Header::read(&set, limits)?;
        let groups = Groups::read(&set)?;
        let rescale = rescale(&set, &groups, &header)?;
        let places = (0..header.frames)
            .map(|frame| Place::read(&set, &groups, frame))
            .collect::<Result<_, _>>()?;
        let values = pixels::decode(&set, &header, &file.syntax)?;
        if values.len() != header.len() {
            return Err(damaged("its pixel data does not fill its frames"));
        }
        Ok(Dicom {
            syntax: file.syntax,
            values,
            rescale,
            palette: palette(&set, &header)?,
            padding: padding(&set, &header),
            display: Display::read(&set, &groups, header.signed),
            mosaic: Mosaic::read(&set, &header),
            places,
            header,
        })
    })
}

fn rescale(
    set: &DataSet<'_>,
    groups: &Groups<'_>,
    header: &Header,
) -> Result<Vec<Modality>, DecodeError> {
    let general = Modality::read(set, header.signed)?;
    let of = |frame| match groups.get(frame, tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE)? {
        Some(item) => Modality::read(&item, header.signed),
        None => Ok(general.clone()),
    };
    if groups.by_frame() {
        (0..header.frames).map(of).collect()
    } else {
        Ok(vec![of(0)?])
    }
}

fn palette(set: &DataSet<'_>, header: &Header) -> Result<Option<[Lut; 3]>, DecodeError> {
    if header.photometric != "PALETTE COLOR" || !set.has(tag::RED_PALETTE_DATA) {
        return Ok(None);
    }
    let read = |descriptor, data| Lut::read(set, descriptor, data, header.signed);
    Ok(Some([
        read(tag::RED_PALETTE_DESCRIPTOR, tag::RED_PALETTE_DATA)?,
        read(tag::GREEN_PALETTE_DESCRIPTOR, tag::GREEN_PALETTE_DATA)?,
        read(tag::BLUE_PALETTE_DESCRIPTOR, tag::BLUE_PALETTE_DATA)?,
    ]))
}

/// PixelPaddingValue, and PixelPaddingRangeLimit where there is one.
fn padding(set: &DataSet<'_>, header: &Header) -> Option<(f64, f64)> {
    let value = |tag| {
        let raw = *set.shorts(tag).first()?;
        Some(if header.signed {
            f64::from(raw as i16)
        } else {
            f64::from(raw)
        })
    };
    let first = value(tag::PIXEL_PADDING_VALUE)?;
    let last = value(tag::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(first);
    Some((first.min(last), first.max(last)))
}

impl Dicom {
    /// Number of slices: frames, or tiles of a mosaic.
    #[must_use]
    pub fn slices(&self) -> usize {
        self.mosaic.map_or(self.header.frames, |m| m.slices)
    }

    /// The rule of a frame.
    #[must_use]
    pub fn rescale_of(&self, frame: usize) -> &Modality {
        self.rescale
            .get(frame)
            .or(self.rescale.first())
            .unwrap_or(&Modality::Stored)
    }
}
