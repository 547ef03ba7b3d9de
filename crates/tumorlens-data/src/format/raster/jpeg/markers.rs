//! The chain of markers of a JPEG file (ISO/IEC 10918-1, annex B), walked without decoding.

use crate::format::error::DecodeError;

/// What the frame header says (B.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Second byte of the marker, 0xC0 to 0xCF: which process.
    pub(super) sof: u8,
    /// Bits a sample.
    pub(super) precision: u8,
    /// Rows.
    pub(super) height: u16,
    /// Columns.
    pub(super) width: u16,
    /// Components, 1 to 4 in practice.
    pub(super) components: u8,
}

const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// Walks from the first marker to the end of the image and returns the frame header.
///
/// # Errors
/// When the file ends before its end-of-image marker, or has no frame or no scan: it was cut.
pub(super) fn read_frame(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let mut frame = None;
    let mut scans = 0u32;
    let mut at = 2; // after SOI, which the signature has shown
    loop {
        let (marker, after) = next_marker(bytes, at).ok_or_else(cut)?;
        at = after;
        match marker {
            EOI => break,
            // Markers without a segment: TEM, RST0 to RST7, another SOI.
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([byte(bytes, at)?, byte(bytes, at + 1)?]));
        if is_sof(marker) && frame.is_none() {
            frame = Some(Frame {
                sof: marker,
                precision: byte(bytes, at + 2)?,
                height: u16::from_be_bytes([byte(bytes, at + 3)?, byte(bytes, at + 4)?]),
                width: u16::from_be_bytes([byte(bytes, at + 5)?, byte(bytes, at + 6)?]),
                components: byte(bytes, at + 7)?,
            });
        }
        scans += u32::from(marker == SOS);
        at += length.max(2);
    }
    match frame {
        Some(frame) if scans > 0 => Ok(frame),
        _ => Err(DecodeError::damaged(
            "jpeg",
            "there is no picture between its start and end markers",
        )),
    }
}

/// SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC).
fn is_sof(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

/// The next marker at or after `at`, and the place behind it. Skips entropy-coded data, in which 0xFF is followed by
/// 0x00, and fill bytes.
fn next_marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut i = at;
    while i + 1 < bytes.len() {
        if bytes[i] == 0xFF && bytes[i + 1] != 0x00 && bytes[i + 1] != 0xFF {
            return Some((bytes[i + 1], i + 2));
        }
        i += 1;
    }
    None
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, DecodeError> {
    bytes.get(at).copied().ok_or_else(cut)
}

fn cut() -> DecodeError {
    DecodeError::damaged("jpeg", "the file ends before its end-of-image marker")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] =
        b"\xFF\xD8\xFF\xC0\0\x08\x08\0\x05\0\x07\x01\xFF\xDA\0\x02abc\xFF\0de\xFF\xFF\xD9tail";

    #[test]
    fn the_frame_is_found_and_stuffed_and_fill_bytes_are_passed() {
        let frame = read_frame(WHOLE).unwrap();
        assert_eq!(
            frame,
            Frame {
                sof: 0xC0,
                precision: 8,
                height: 5,
                width: 7,
                components: 1
            }
        );
    }

    #[test]
    fn every_shorter_file_is_cut() {
        let end = WHOLE.len() - b"tail".len();
        for length in 2..end {
            assert!(
                read_frame(&WHOLE[..length]).is_err(),
                "accepted the first {length} bytes"
            );
        }
        assert!(read_frame(&WHOLE[..end]).is_ok());
    }
}
