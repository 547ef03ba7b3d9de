//! JPEG 2000 frames (ITU-T T.800, ISO/IEC 15444-1): all of part 1 whose components have as many samples as the picture.
//! What else there is goes to another decoder.
//!
//! Strict: a stream that ends early, a packet or code block that contradicts itself is an error. The bits of a code block
//! may end before its passes do, which the standard allows.

mod arithmetic;
mod block;
mod boxes;
mod codestream;
mod context;
mod layout;
mod modes;
mod other;
mod packet;
mod picture;
mod raw;
mod room;
mod segments;
mod tag_tree;
mod wavelet;

use super::Coded;
use crate::format::error::DecodeError;

fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("dicom", format!("JPEG 2000 frame: {reason}"))
}

fn unsupported(what: &str) -> DecodeError {
    DecodeError::Unsupported {
        format: "dicom",
        what: what.to_owned(),
    }
}

/// What the SIZ segment says (A.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Components.
    pub components: usize,
    /// Bits of a sample of the first component.
    pub precision: u8,
    /// Whether samples are signed.
    pub signed: bool,
}

/// The size segment, of a bare code stream or inside a JP2 file.
///
/// # Errors
/// When there is none.
pub fn header(data: &[u8]) -> Result<Frame, DecodeError> {
    let start = data
        .windows(4)
        .position(|w| w == [0xFF, 0x4F, 0xFF, 0x51])
        .ok_or_else(|| damaged("it has no size segment"))?;
    let body = &data[start + 4..];
    let cut = || damaged("it ends inside its size segment");
    let word = |at: usize| -> Result<u32, DecodeError> {
        let bytes = body.get(at..at + 4).ok_or_else(cut)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    let side = |end: u32, start: u32| end.checked_sub(start).ok_or_else(cut).map(|n| n as usize);
    // Lsiz and Rsiz take two bytes each, the tile sizes and offsets lie between.
    let components = body.get(36..38).ok_or_else(cut)?;
    let depth = *body.get(38).ok_or_else(cut)?;
    Ok(Frame {
        width: side(word(4)?, word(12)?)?,
        height: side(word(8)?, word(16)?)?,
        components: usize::from(u16::from_be_bytes([components[0], components[1]])),
        precision: (depth & 0x7F) + 1,
        signed: depth & 0x80 != 0,
    })
}

/// Decodes a frame whose header the caller has compared with what it expects.
///
/// # Errors
/// When it is damaged, or has more than 16 bits a sample.
pub fn decode(data: &[u8]) -> Result<Coded, DecodeError> {
    let frame = header(data)?;
    if frame.precision > 16 {
        return DecodeError::unsupported("dicom", "JPEG 2000 of more than 16 bits a sample");
    }
    let samples = match own(data, &frame) {
        Err(DecodeError::Unsupported { .. }) => other::decode(data, &frame)?,
        found => found?,
    };
    Ok(Coded {
        width: frame.width,
        height: frame.height,
        components: frame.components,
        precision: frame.precision,
        signed: frame.signed,
        samples,
    })
}

/// Samples of all that the own decoder covers.
fn own(data: &[u8], frame: &Frame) -> Result<Vec<u16>, DecodeError> {
    let data = boxes::codestream(data)?;
    let stream = codestream::read(data, frame.components)?;
    let picture = stream.size.picture;
    if (picture.width(), picture.height()) != (frame.width, frame.height)
        || stream
            .size
            .samples
            .iter()
            .any(|s| *s != (frame.precision, frame.signed))
    {
        return Err(damaged("its components do not fill the picture"));
    }
    let mut samples = vec![0; frame.width * frame.height * frame.components];
    picture::decode(&stream, data.len(), &mut samples)?;
    Ok(samples)
}
