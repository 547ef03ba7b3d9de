//! A second look at what was written, with the reader alone.

use super::profile::{Action, action};
use crate::format::dicom::File;
use crate::format::dicom::data_set::{Content, DataSet, MAX_DEPTH, damaged};
use crate::format::dicom::tag::{self, Tag};
use crate::format::error::DecodeError;
use crate::limits::Limits;

/// The first attribute, at any level, that the profile removes or empties and that is still there; `None` when there is
/// none.
///
/// # Errors
/// When the bytes are no DICOM file, or one that cannot be read to its last byte.
pub fn left(bytes: &[u8], limits: &Limits) -> Result<Option<Tag>, DecodeError> {
    let file = File::open(bytes, limits)?;
    look(&file.data_set()?, 0)
}

fn look(set: &DataSet<'_>, depth: u32) -> Result<Option<Tag>, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(damaged("its sequences are nested too deeply"));
    }
    for entry in set.entries()? {
        let empty = match &entry.content {
            Content::Value(bytes) => bytes.is_empty(),
            Content::Items(items, _) => items.is_empty(),
            Content::Fragments(_) => false,
        };
        let pseudonym = depth == 0 && entry.tag == tag::PATIENT_NAME;
        match action(entry.tag) {
            Some(Action::X) => return Ok(Some(entry.tag)),
            Some(Action::Z | Action::XZ) if !empty && !pseudonym => return Ok(Some(entry.tag)),
            _ => {}
        }
        if let Content::Items(items, _) = entry.content {
            for item in items {
                if let Some(found) = look(&item, depth + 1)? {
                    return Ok(Some(found));
                }
            }
        }
    }
    Ok(None)
}
