//! Preamble and file meta information (PS3.10 section 7.1), made anew: nothing of the old one is carried over.

use super::rewrite::text;
use super::write::{EXPLICIT, Piece};
use crate::format::dicom::tag::{self, Tag};
use crate::format::error::DecodeError;

/// This program, as an identifier of the form of PS3.5 B.2.
const IMPLEMENTATION: &str = "2.25.199033749104785735282006761502397724923";

/// At most 16 characters.
const VERSION_NAME: &str = concat!(
    "TUMORLENS_",
    env!("CARGO_PKG_VERSION_MAJOR"),
    "_",
    env!("CARGO_PKG_VERSION_MINOR")
);

/// The bytes before the data set.
pub(super) fn before(class: &str, instance: &str, syntax: &str) -> Result<Vec<u8>, DecodeError> {
    let uid = |tag: Tag, uid: &str| text(tag, *b"UI", EXPLICIT, uid);
    let elements = [
        Piece::value(Tag(2, 1), *b"OB", EXPLICIT, &[0u8, 1][..])?,
        uid(Tag(2, 2), class)?,
        uid(Tag(2, 3), instance)?,
        uid(tag::TRANSFER_SYNTAX_UID, syntax)?,
        uid(Tag(2, 0x12), IMPLEMENTATION)?,
        text(Tag(2, 0x13), *b"SH", EXPLICIT, VERSION_NAME)?,
    ];
    let length: usize = elements.iter().map(Piece::len).sum();
    let length = (length as u32).to_le_bytes();
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    Piece::value(Tag(2, 0), *b"UL", EXPLICIT, &length[..])?.append(&mut bytes);
    elements.iter().for_each(|e| e.append(&mut bytes));
    Ok(bytes)
}
