//! Colour spaces (DICOM PS3.3 C.7.6.3.1.2): luminance and chrominance to red, green and blue, and colour to grey.

use super::data_set::damaged;
use super::header::Header;
use crate::format::error::DecodeError;
use crate::format::values::Values;

/// Luminance and chrominance of native, run-length and JPEG coded pixels become red, green and blue; others stay.
pub(super) fn to_rgb(values: Values, header: &Header) -> Result<Values, DecodeError> {
    if !matches!(header.photometric.as_str(), "YBR_FULL" | "YBR_FULL_422") || header.samples != 3 {
        return Ok(values);
    }
    match values {
        Values::U8(mut bytes) => {
            for pixel in bytes.as_chunks_mut::<3>().0 {
                *pixel = rgb(*pixel);
            }
            Ok(Values::U8(bytes))
        }
        _ => DecodeError::unsupported("dicom", "luminance and chrominance of more than 8 bits"),
    }
}

/// Two pixels share their chrominance: Y, Y, Cb, Cr.
pub(super) fn from_422(bytes: &[u8], header: &Header) -> Result<Values, DecodeError> {
    if header.allocated != 8 || !header.columns.is_multiple_of(2) {
        return Err(damaged("its subsampled colour does not fit its columns"));
    }
    let pairs = bytes.as_chunks::<4>().0;
    Ok(Values::U8(
        pairs
            .iter()
            .flat_map(|&[first, second, cb, cr]| [rgb([first, cb, cr]), rgb([second, cb, cr])])
            .flatten()
            .collect(),
    ))
}

fn rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
    [
        y + 1.402 * cr,
        y - 0.114 * 1.772 / 0.587 * cb - 0.299 * 1.402 / 0.587 * cr,
        y + 1.772 * cb,
    ]
    .map(|v| (v + 0.5) as u8) // rounds down and stays within 0 to 255
}
