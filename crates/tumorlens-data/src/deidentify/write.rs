//! Data elements to bytes (PS3.5 section 7), in the form of the file that they come from.

use crate::format::dicom::data_set::{ITEM, SEQUENCE_END, UNDEFINED, damaged, is_long};
use crate::format::dicom::syntax::Form;
use crate::format::dicom::tag::Tag;
use crate::format::error::DecodeError;
use std::borrow::Cow;

/// Explicit little endian: the form of file meta information.
pub(super) const EXPLICIT: Form = Form {
    big: false,
    explicit: true,
};

/// One element, ready to be written; a value that stays is not copied.
pub(super) struct Piece<'a> {
    pub(super) tag: Tag,
    head: Vec<u8>,
    body: Cow<'a, [u8]>,
    tail: Vec<u8>,
}

/// An item of a sequence: its elements and how they are written.
pub(super) struct Item<'a> {
    pub(super) form: Form,
    pub(super) pieces: Vec<Piece<'a>>,
}

impl<'a> Piece<'a> {
    /// An element with a value.
    pub(super) fn value(
        tag: Tag,
        vr: [u8; 2],
        form: Form,
        value: impl Into<Cow<'a, [u8]>>,
    ) -> Result<Self, DecodeError> {
        let body = value.into();
        Ok(Self {
            tag,
            head: head(tag, vr, length(body.len())?, form)?,
            body,
            tail: Vec::new(),
        })
    }

    /// Encapsulated pixel data.
    pub(super) fn fragments(
        tag: Tag,
        vr: [u8; 2],
        form: Form,
        items: &'a [u8],
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            tag,
            head: head(tag, vr, UNDEFINED, form)?,
            body: Cow::Borrowed(items),
            tail: marker(SEQUENCE_END, 0, form),
        })
    }

    /// A sequence of defined length. Where the value representation of its element is not known its items are implicit
    /// little endian, and only an undefined length says that it is a sequence (PS3.5 section 6.2.2).
    pub(super) fn sequence(
        tag: Tag,
        form: Form,
        items: &[Item<'_>],
        unknown: bool,
    ) -> Result<Self, DecodeError> {
        let mut body = Vec::new();
        for item in items {
            let inside: usize = item.pieces.iter().map(Piece::len).sum();
            body.extend(marker(ITEM, length(inside)?, item.form));
            item.pieces.iter().for_each(|p| p.append(&mut body));
        }
        if unknown {
            let implicit = Form {
                big: false,
                explicit: false,
            };
            return Ok(Self {
                tag,
                head: head(tag, *b"UN", UNDEFINED, form)?,
                body: body.into(),
                tail: marker(SEQUENCE_END, 0, implicit),
            });
        }
        Self::value(tag, *b"SQ", form, body)
    }

    /// Bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.body.len() + self.tail.len()
    }

    /// Writes it.
    pub(super) fn append(&self, out: &mut Vec<u8>) {
        out.extend(&self.head);
        out.extend(self.body.as_ref());
        out.extend(&self.tail);
    }
}

fn length(bytes: usize) -> Result<u32, DecodeError> {
    u32::try_from(bytes)
        .ok()
        .filter(|n| *n != UNDEFINED)
        .ok_or_else(|| damaged("an element would be longer than 4 GiB"))
}

fn head(tag: Tag, vr: [u8; 2], length: u32, form: Form) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = tag_bytes(tag, form);
    if form.explicit {
        bytes.extend(vr);
        if !is_long(vr) {
            let short = u16::try_from(length)
                .map_err(|_| damaged(format!("element {tag} is too long for its kind of value")))?;
            bytes.extend(if form.big {
                short.to_be_bytes()
            } else {
                short.to_le_bytes()
            });
            return Ok(bytes);
        }
        bytes.extend([0, 0]);
    }
    bytes.extend(length_bytes(length, form));
    Ok(bytes)
}

/// An item or delimiter, which has no value representation.
fn marker(tag: Tag, length: u32, form: Form) -> Vec<u8> {
    let mut bytes = tag_bytes(tag, form);
    bytes.extend(length_bytes(length, form));
    bytes
}

fn tag_bytes(tag: Tag, form: Form) -> Vec<u8> {
    let number = |n: u16| {
        if form.big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    [number(tag.0), number(tag.1)].concat()
}

fn length_bytes(length: u32, form: Form) -> [u8; 4] {
    if form.big {
        length.to_be_bytes()
    } else {
        length.to_le_bytes()
    }
}
