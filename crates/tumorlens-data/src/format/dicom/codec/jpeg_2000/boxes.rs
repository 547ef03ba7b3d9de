//! The JP2 file format around a code stream (T.800 annex I).

use super::{damaged, unsupported};
use crate::format::error::DecodeError;

/// How a JP2 file begins.
const SIGNATURE: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n";

/// The code stream: the data itself, or what lies in a JP2 file. Files whose boxes would change the samples are not
/// supported.
pub(super) fn codestream(data: &[u8]) -> Result<&[u8], DecodeError> {
    if !data.starts_with(SIGNATURE) {
        return Ok(data);
    }
    let mut rest = data;
    let (mut found, mut header) = (None, false);
    while !rest.is_empty() {
        let (kind, body, behind) = split(rest)?;
        rest = behind;
        match kind {
            b"jp2h" => {
                header = true;
                plain(body)?;
            }
            b"jp2c" => found = Some(body),
            _ => {}
        }
    }
    match found {
        Some(found) if header => Ok(found),
        _ => Err(damaged("a box of its file is missing")),
    }
}

/// Refuses a header whose boxes say that samples are not what they seem: other colour spaces, channels in another order.
fn plain(mut rest: &[u8]) -> Result<(), DecodeError> {
    while !rest.is_empty() {
        let (kind, body, behind) = split(rest)?;
        rest = behind;
        let is_plain = match kind {
            // Enumerated: sRGB or grey; others by profile.
            b"colr" => {
                body.first() != Some(&1) || matches!(body.get(3..7), Some([0, 0, 0, 16 | 17]))
            }
            b"pclr" | b"cmap" | b"cdef" => false,
            _ => true,
        };
        if !is_plain {
            return Err(unsupported("JPEG 2000 with colour of its own"));
        }
    }
    Ok(())
}

/// A box: its kind, its body and what follows.
type Split<'a> = (&'a [u8; 4], &'a [u8], &'a [u8]);

/// The first box.
fn split(data: &[u8]) -> Result<Split<'_>, DecodeError> {
    let cut = || damaged("it ends inside a box of its file");
    let (length, rest) = data.split_first_chunk::<4>().ok_or_else(cut)?;
    let (kind, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let (size, rest) = match u32::from_be_bytes(*length) {
        0 => (rest.len() as u64, rest),
        1 => {
            let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
            let size = u64::from_be_bytes(*length).checked_sub(16);
            (size.ok_or_else(cut)?, rest)
        }
        n => (u64::from(n).checked_sub(8).ok_or_else(cut)?, rest),
    };
    let size = usize::try_from(size).map_err(|_| cut())?;
    let (body, behind) = rest.split_at_checked(size).ok_or_else(cut)?;
    Ok((kind, body, behind))
}
