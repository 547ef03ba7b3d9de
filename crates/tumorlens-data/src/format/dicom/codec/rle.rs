//! RLE Lossless (DICOM PS3.5 annex G): PackBits by byte plane, the most significant plane first.

use crate::format::error::DecodeError;

fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("dicom", format!("RLE frame: {reason}"))
}

/// Decodes one frame of `samples` samples a pixel and `bytes` bytes a sample into `planes[sample][byte][pixel]`,
/// the most significant byte first.
///
/// # Errors
/// When the header, an offset or a run does not fit, or a plane has too few or too many bytes.
pub fn decode(
    data: &[u8],
    pixels: usize,
    samples: usize,
    bytes: usize,
) -> Result<Vec<Vec<u8>>, DecodeError> {
    let word = |i: usize| -> Result<usize, DecodeError> {
        data.get(4 * i..4 * i + 4)
            .and_then(|b| b.try_into().ok())
            .map(|b| u32::from_le_bytes(b) as usize)
            .ok_or_else(|| damaged("it ends inside its header"))
    };
    let segments = word(0)?;
    if segments != samples * bytes {
        return Err(damaged(format!(
            "{segments} segments where {} are needed",
            samples * bytes
        )));
    }
    if data.len() < 64 {
        return Err(damaged("it ends inside its header"));
    }
    (0..segments)
        .map(|i| {
            let start = word(1 + i)?;
            let end = if i + 1 < segments {
                word(2 + i)?
            } else {
                data.len()
            };
            if start < 64 || start > end || end > data.len() {
                return Err(damaged("a segment lies outside the frame"));
            }
            unpack(&data[start..end], pixels)
        })
        .collect()
}

/// PackBits (G.3.1). Padding behind the last pixel is allowed.
fn unpack(data: &[u8], pixels: usize) -> Result<Vec<u8>, DecodeError> {
    // A run of two bytes gives at most 128: nothing is reserved that the data cannot fill.
    let mut plane = Vec::with_capacity(pixels.min(data.len().saturating_mul(64)));
    let mut rest = data;
    while plane.len() < pixels {
        let (&control, tail) = rest
            .split_first()
            .ok_or_else(|| damaged("a segment ends before its last pixel"))?;
        rest = tail;
        match control {
            0..=127 => {
                let count = usize::from(control) + 1;
                let (literal, tail) = rest
                    .split_at_checked(count)
                    .ok_or_else(|| damaged("a segment ends inside a run"))?;
                plane.extend_from_slice(literal);
                rest = tail;
            }
            128 => {}
            129..=255 => {
                let (&value, tail) = rest
                    .split_first()
                    .ok_or_else(|| damaged("a segment ends inside a run"))?;
                plane.resize(plane.len() + 257 - usize::from(control), value);
                rest = tail;
            }
        }
    }
    if plane.len() > pixels {
        return Err(damaged("a segment holds more than its pixels"));
    }
    Ok(plane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_and_repeated_runs_are_unpacked() {
        // Two literals, a pause, three times 7.
        assert_eq!(unpack(&[1, 5, 6, 128, 254, 7], 5).unwrap(), [5, 6, 7, 7, 7]);
    }

    #[test]
    fn too_few_and_too_many_pixels_are_refused() {
        assert!(unpack(&[1, 5, 6], 3).is_err());
        assert!(unpack(&[1, 5, 6], 1).is_err());
        assert!(unpack(&[3, 5], 4).is_err());
    }
}
