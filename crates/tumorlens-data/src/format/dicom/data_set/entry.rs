//! Every element of a data set, for one who writes them again: nothing is left out, and what cannot be read to its last
//! byte is refused.

use super::{DataSet, Element, ITEM, Kind, Reader, SEQUENCE_END, UNDEFINED, damaged};
use crate::format::dicom::syntax::Form;
use crate::format::dicom::tag::Tag;
use crate::format::error::DecodeError;

const IMPLICIT: Form = Form {
    big: false,
    explicit: false,
};

/// One element.
pub(crate) struct Entry<'a> {
    pub(crate) tag: Tag,
    /// Two spaces where the file does not state it.
    pub(crate) vr: [u8; 2],
    pub(crate) content: Content<'a>,
}

/// What an element holds.
pub(crate) enum Content<'a> {
    /// A value, as it lies in the file.
    Value(&'a [u8]),
    /// The items of a sequence, and how they are written.
    Items(Vec<DataSet<'a>>, Form),
    /// Encapsulated pixel data: items of bytes, without the delimiter behind them.
    Fragments(&'a [u8]),
}

impl<'a> DataSet<'a> {
    /// All elements, in the order of the file.
    ///
    /// # Errors
    /// When a sequence is damaged.
    pub(crate) fn entries(&self) -> Result<Vec<Entry<'a>>, DecodeError> {
        self.elements
            .iter()
            .map(|element| {
                Ok(Entry {
                    tag: element.tag,
                    vr: element.vr,
                    content: self.content(element)?,
                })
            })
            .collect()
    }

    fn content(&self, element: &Element) -> Result<Content<'a>, DecodeError> {
        let value = &self.bytes[element.value.clone()];
        let items = |form| Ok(Content::Items(self.strict_items(element, form)?, form));
        match (element.kind, &element.vr) {
            (Kind::Fragments, _) => Ok(Content::Fragments(value)),
            // PS3.5 section 6.2.2: an unknown element of undefined length holds implicit little endian items.
            (Kind::Sequence, b"UN") => items(IMPLICIT),
            (Kind::Sequence, _) | (Kind::Value, b"SQ") => items(self.form),
            // Some writers leave items in the form of the file when they do not know an element.
            (Kind::Value, b"UN") if begins_item(value, IMPLICIT) => {
                items(IMPLICIT).or_else(|_| items(self.form))
            }
            // Without a value representation a sequence shows by its first item. Pixels are never a sequence.
            (Kind::Value, b"  ") if element.tag.0 != 0x7FE0 && begins_item(value, self.form) => {
                items(self.form)
            }
            (Kind::Value, _) => Ok(Content::Value(value)),
        }
    }

    /// As [`DataSet::items`], but nothing may stand between or behind the items.
    fn strict_items(&self, element: &Element, form: Form) -> Result<Vec<DataSet<'a>>, DecodeError> {
        let end = element.value.end;
        let reader = Reader {
            bytes: &self.bytes[..end],
            form,
        };
        let mut items = Vec::new();
        let mut at = element.value.start;
        while at < end {
            let (tag, length) = reader.item(at)?;
            let body = at + 8;
            if tag == SEQUENCE_END && body == end {
                break;
            }
            if tag != ITEM {
                return Err(damaged(format!("{} is no sequence of items", element.tag)));
            }
            let (stop, next) = if length == UNDEFINED {
                reader.item_end(body, 0)?
            } else {
                let stop = reader.within(body, length, tag)?;
                (stop, stop)
            };
            items.push(DataSet::read(&self.bytes[body..stop], form)?);
            at = next;
        }
        Ok(items)
    }
}

fn begins_item(value: &[u8], form: Form) -> bool {
    value.starts_with(if form.big {
        &[0xFF, 0xFE, 0xE0, 0x00]
    } else {
        &[0xFE, 0xFF, 0x00, 0xE0]
    })
}
