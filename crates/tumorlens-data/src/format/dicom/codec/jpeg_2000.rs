//! JPEG 2000 frames (ISO/IEC 15444-1), decoded by hayro-jpeg2000 in safe Rust.
//!
//! That crate decodes a signed component as if it were unsigned, half the range higher; the sign is read here from the
//! code stream's own header and taken back.

use super::Coded;
use crate::format::error::DecodeError;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("dicom", format!("JPEG 2000 frame: {reason}"))
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
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        strict: true,
        target_resolution: None,
    };
    let image = Image::new(data, &settings).map_err(damaged)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;
    let components = decoded.components();
    let pixels = frame.width * frame.height;
    if components.len() != frame.components
        || components
            .iter()
            .any(|c| c.samples().len() != pixels || c.bit_depth() != frame.precision)
    {
        return Err(damaged("its components do not fill the picture"));
    }
    let highest = ((1u32 << frame.precision) - 1) as f32;
    let half = if frame.signed {
        1u16 << (frame.precision - 1)
    } else {
        0
    };
    let mask = highest as u16;
    let mut samples = vec![0; pixels * frame.components];
    for (c, component) in components.iter().enumerate() {
        let targets = samples[c..].iter_mut().step_by(frame.components);
        for (target, value) in targets.zip(component.samples()) {
            let unsigned = value.round().clamp(0.0, highest) as u16;
            *target = unsigned.wrapping_sub(half) & mask;
        }
    }
    Ok(Coded {
        width: frame.width,
        height: frame.height,
        components: frame.components,
        precision: frame.precision,
        signed: frame.signed,
        samples,
    })
}
