//! A data set without what the profile takes out, at every level of its sequences.

use super::profile::{Step, step};
use super::write::{Item, Piece};
use super::{dummy, uid};
use crate::format::dicom::data_set::{Content, DataSet, Entry, MAX_DEPTH, damaged};
use crate::format::dicom::syntax::Form;
use crate::format::dicom::tag::{self, Tag};
use crate::format::error::DecodeError;
use crate::scan::SubjectKey;

/// Treats data sets of one object.
pub(super) struct Rewriter<'k> {
    pub(super) key: &'k SubjectKey,
}

impl Rewriter<'_> {
    /// The elements that are left, by ascending tag.
    ///
    /// # Errors
    /// When a sequence is damaged or nested too deeply, or an element stands twice.
    pub(super) fn pieces<'d>(
        &self,
        set: &DataSet<'d>,
        depth: u32,
    ) -> Result<Vec<Piece<'d>>, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(damaged(format!(
                "its sequences are nested deeper than {MAX_DEPTH}"
            )));
        }
        let mut pieces = Vec::with_capacity(set.len());
        for entry in set.entries()? {
            // A patient inside a sequence may be another one, with a name of its own.
            if entry.tag == tag::PATIENT_ID {
                let name = set.text(tag::PATIENT_ID).map(|id| self.key.name(&id));
                pieces.push(text(
                    entry.tag,
                    *b"LO",
                    set.form(),
                    &name.unwrap_or_default(),
                )?);
                continue;
            }
            pieces.extend(self.piece(entry, set.form(), depth)?);
        }
        pieces.sort_by_key(|p| p.tag);
        if let Some(twice) = pieces.windows(2).find(|p| p[0].tag == p[1].tag) {
            return Err(damaged(format!("element {} stands twice", twice[0].tag)));
        }
        Ok(pieces)
    }

    fn piece<'d>(
        &self,
        entry: Entry<'d>,
        form: Form,
        depth: u32,
    ) -> Result<Option<Piece<'d>>, DecodeError> {
        let Entry { tag, vr, content } = entry;
        let (sequence, empty) = match &content {
            Content::Items(items, _) => (true, items.is_empty()),
            Content::Value(bytes) => (&vr == b"SQ", bytes.iter().all(|b| matches!(b, 0 | b' '))),
            Content::Fragments(_) => (false, false),
        };
        let step = step(tag, vr, sequence, empty);
        Ok(match (step, content) {
            (Step::Remove, _) => None,
            (Step::Empty, _) => Some(Piece::value(tag, vr, form, &b""[..])?),
            (Step::Dummy(known), _) => Some(dummy_of(tag, vr, known, form, self.key)?),
            (Step::Uid, Content::Value(bytes)) => {
                let value = uid::value(self.key, bytes);
                Some(Piece::value(tag, *b"UI", form, value)?)
            }
            (Step::Uid, _) => None,
            (Step::Keep, Content::Value(bytes)) => Some(Piece::value(tag, vr, form, bytes)?),
            (Step::Keep, Content::Fragments(bytes)) => {
                Some(Piece::fragments(tag, vr, form, bytes)?)
            }
            (Step::Keep, Content::Items(items, inner)) => {
                let unknown = &vr == b"UN" && !inner.explicit;
                let items = items
                    .iter()
                    .map(|item| {
                        Ok(Item {
                            form: inner,
                            pieces: self.pieces(item, depth + 1)?,
                        })
                    })
                    .collect::<Result<Vec<_>, DecodeError>>()?;
                Some(Piece::sequence(tag, form, &items, unknown)?)
            }
        })
    }
}

/// Text with its padding.
pub(super) fn text<'d>(
    tag: Tag,
    vr: [u8; 2],
    form: Form,
    text: &str,
) -> Result<Piece<'d>, DecodeError> {
    let mut value = text.as_bytes().to_vec();
    let padding = if &vr == b"UI" { 0 } else { b' ' };
    value.resize(value.len().next_multiple_of(2), padding);
    Piece::value(tag, vr, form, value)
}

/// A value representation for which there is a dummy; `UN` and what the standard does not know are none.
fn known(vr: [u8; 2]) -> Option<[u8; 2]> {
    (&vr != b"UN" && dummy::value(vr).is_some()).then_some(vr)
}

fn dummy_of<'d>(
    tag: Tag,
    vr: [u8; 2],
    by_table: [u8; 2],
    form: Form,
    key: &SubjectKey,
) -> Result<Piece<'d>, DecodeError> {
    let vr = known(vr).unwrap_or(by_table);
    match (&vr, dummy::value(vr)) {
        (_, Some(value)) => Piece::value(tag, vr, form, value),
        (b"SQ", _) => Piece::sequence(
            tag,
            form,
            &[Item {
                form,
                pieces: Vec::new(),
            }],
            false,
        ),
        // An identifier that stands for nothing.
        _ => text(tag, *b"UI", form, &uid::remapped(key, "")),
    }
}
