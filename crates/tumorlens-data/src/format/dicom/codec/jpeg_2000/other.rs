//! What the own decoder does not cover, by the crate hayro-jpeg2000: components of fewer samples, files with a palette
//! or a colour space of their own, more than 30 bit planes.
//!
//! That crate decodes a signed component as if it were unsigned, half the range higher; the sign is read from the code
//! stream's own header and taken back.

use super::{Frame, damaged};
use crate::format::error::DecodeError;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// Decodes a frame whose header says `frame`.
pub(super) fn decode(data: &[u8], frame: &Frame) -> Result<Vec<u16>, DecodeError> {
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
    Ok(samples)
}
