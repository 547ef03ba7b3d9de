//! Data elements (DICOM PS3.5 section 7) of a data set held in memory.
//!
//! Nothing is copied and nothing is allocated by a length that the file declares: an element is a range of the bytes
//! that were really read. Sequences of defined length are read when asked for; those of undefined length are walked
//! to their end, to a bounded depth.

mod entry;

pub(crate) use entry::{Content, Entry};

use super::syntax::Form;
use super::tag::{PIXEL_DATA, Tag};
use crate::format::error::DecodeError;
use std::ops::Range;

pub(crate) const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub(crate) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
pub(crate) const UNDEFINED: u32 = u32::MAX;
/// Deeper than any real object; bounds the stack.
pub(crate) const MAX_DEPTH: u32 = 32;

/// Whether the length of an element is written in 32 bits beside this value representation (PS3.5 section 7.1.2).
pub(crate) fn is_long(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"SQ"
            | b"SV"
            | b"UC"
            | b"UN"
            | b"UR"
            | b"UT"
            | b"UV"
    )
}

/// What lies behind an element's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A value, or a sequence of defined length.
    Value,
    /// A sequence of undefined length, without its delimiter.
    Sequence,
    /// Encapsulated pixel data: items of bytes, without the delimiter.
    Fragments,
}

#[derive(Clone, Debug)]
struct Element {
    tag: Tag,
    vr: [u8; 2],
    value: Range<usize>,
    kind: Kind,
}

/// The elements of one data set or item.
#[derive(Clone, Debug)]
pub struct DataSet<'a> {
    bytes: &'a [u8],
    form: Form,
    elements: Vec<Element>,
}

pub(crate) fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("dicom", reason)
}

impl<'a> DataSet<'a> {
    /// Reads every element header of `bytes`.
    ///
    /// # Errors
    /// When an element runs past the end or its header is no header.
    pub fn read(bytes: &'a [u8], form: Form) -> Result<Self, DecodeError> {
        Self::read_while(bytes, form, |_| true).map(|(set, _)| set)
    }

    /// Reads elements as long as `wanted` holds for the tag; also returns where the first unwanted one begins.
    pub(super) fn read_while(
        bytes: &'a [u8],
        form: Form,
        wanted: impl Fn(Tag) -> bool,
    ) -> Result<(Self, usize), DecodeError> {
        let mut elements = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            // Some writers pad a file with zeros; zeros are no element.
            if bytes[at] == 0 && bytes[at..].iter().all(|b| *b == 0) {
                at = bytes.len();
                break;
            }
            let reader = Reader { bytes, form };
            if !wanted(reader.tag(at)?) {
                break;
            }
            let (element, next) = reader.element(at, 0)?;
            elements.push(element);
            at = next;
        }
        let set = Self {
            bytes,
            form,
            elements,
        };
        Ok((set, at))
    }

    /// Byte order and style of this data set.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Number of elements, those inside sequences not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// True without elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    fn find(&self, tag: Tag) -> Option<&Element> {
        self.elements.iter().find(|e| e.tag == tag)
    }

    /// Whether the element exists, with or without a value.
    #[must_use]
    pub fn has(&self, tag: Tag) -> bool {
        self.find(tag).is_some()
    }

    /// The bytes of a value; `None` when the element is missing or is a sequence.
    #[must_use]
    pub fn value(&self, tag: Tag) -> Option<&'a [u8]> {
        self.find(tag)
            .filter(|e| e.kind == Kind::Value)
            .map(|e| &self.bytes[e.value.clone()])
    }

    /// Value representation and bytes.
    pub(super) fn typed(&self, tag: Tag) -> Option<([u8; 2], &'a [u8])> {
        self.find(tag)
            .filter(|e| e.kind == Kind::Value)
            .map(|e| (e.vr, &self.bytes[e.value.clone()]))
    }

    /// The items of a sequence, in order; empty when it is missing.
    ///
    /// # Errors
    /// When an item is damaged.
    pub fn items(&self, tag: Tag) -> Result<Vec<DataSet<'a>>, DecodeError> {
        let Some(element) = self.find(tag) else {
            return Ok(Vec::new());
        };
        let mut form = self.form;
        // PS3.5 section 6.2.2: an unknown element of undefined length holds implicit little endian items.
        if &element.vr == b"UN" {
            form = Form {
                big: false,
                explicit: false,
            };
        }
        let reader = Reader {
            bytes: &self.bytes[..element.value.end],
            form,
        };
        let mut items = Vec::new();
        let mut at = element.value.start;
        while at < element.value.end {
            let (tag, length) = reader.item(at)?;
            if tag == SEQUENCE_END {
                break;
            }
            let body = at + 8;
            let (end, next) = if length == UNDEFINED {
                reader.item_end(body, 0)?
            } else {
                let end = reader.within(body, length, tag)?;
                (end, end)
            };
            items.push(DataSet::read(&self.bytes[body..end], form)?);
            at = next;
        }
        Ok(items)
    }

    /// The fragments of encapsulated pixel data, the offset table first; `None` when pixel data is native or missing.
    ///
    /// # Errors
    /// When an item is damaged.
    pub fn fragments(&self) -> Result<Option<Vec<&'a [u8]>>, DecodeError> {
        let Some(element) = self.find(PIXEL_DATA).filter(|e| e.kind == Kind::Fragments) else {
            return Ok(None);
        };
        let reader = Reader {
            bytes: &self.bytes[..element.value.end],
            form: self.form,
        };
        let mut parts = Vec::new();
        let mut at = element.value.start;
        while at < element.value.end {
            let (tag, length) = reader.item(at)?;
            let end = reader.within(at + 8, length, tag)?;
            parts.push(&self.bytes[at + 8..end]);
            at = end;
        }
        Ok(Some(parts))
    }
}

/// Bytes and how to read them.
struct Reader<'a> {
    bytes: &'a [u8],
    form: Form,
}

impl Reader<'_> {
    fn take<const N: usize>(&self, at: usize) -> Result<[u8; N], DecodeError> {
        self.bytes
            .get(at..at.saturating_add(N))
            .and_then(|b| b.try_into().ok())
            .ok_or_else(|| damaged("it ends inside a data element"))
    }

    fn u16(&self, at: usize) -> Result<u16, DecodeError> {
        let b = self.take(at)?;
        Ok(if self.form.big {
            u16::from_be_bytes(b)
        } else {
            u16::from_le_bytes(b)
        })
    }

    fn u32(&self, at: usize) -> Result<u32, DecodeError> {
        let b = self.take(at)?;
        Ok(if self.form.big {
            u32::from_be_bytes(b)
        } else {
            u32::from_le_bytes(b)
        })
    }

    fn tag(&self, at: usize) -> Result<Tag, DecodeError> {
        Ok(Tag(self.u16(at)?, self.u16(at + 2)?))
    }

    /// End of a value that begins at `start`.
    fn within(&self, start: usize, length: u32, tag: Tag) -> Result<usize, DecodeError> {
        let left = self.bytes.len().saturating_sub(start);
        usize::try_from(length)
            .ok()
            .filter(|n| *n <= left)
            .map(|n| start + n)
            .ok_or_else(|| {
                damaged(format!(
                    "element {tag} declares {length} bytes, {left} are left"
                ))
            })
    }

    /// Tag and length of an item or delimiter.
    fn item(&self, at: usize) -> Result<(Tag, u32), DecodeError> {
        let tag = self.tag(at)?;
        if !matches!(tag, ITEM | ITEM_END | SEQUENCE_END) {
            return Err(damaged(format!("{tag} stands where an item must begin")));
        }
        Ok((tag, self.u32(at + 4)?))
    }

    /// One element and where the next begins.
    fn element(&self, at: usize, depth: u32) -> Result<(Element, usize), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(damaged(format!(
                "its sequences are nested deeper than {MAX_DEPTH}"
            )));
        }
        let tag = self.tag(at)?;
        if tag.0 == 0xFFFE {
            return Err(damaged(format!(
                "delimiter {tag} stands outside a sequence"
            )));
        }
        let (vr, length, start) = self.header(at, tag)?;
        if length != UNDEFINED {
            let end = self.within(start, length, tag)?;
            let value = start..end;
            return Ok((
                Element {
                    tag,
                    vr,
                    value,
                    kind: Kind::Value,
                },
                end,
            ));
        }
        let (kind, end, next) = if tag == PIXEL_DATA {
            let (end, next) = self.fragments_end(start)?;
            (Kind::Fragments, end, next)
        } else {
            let inner = Reader {
                bytes: self.bytes,
                form: if &vr == b"UN" {
                    Form {
                        big: false,
                        explicit: false,
                    }
                } else {
                    self.form
                },
            };
            let (end, next) = inner.sequence_end(start, depth)?;
            (Kind::Sequence, end, next)
        };
        Ok((
            Element {
                tag,
                vr,
                value: start..end,
                kind,
            },
            next,
        ))
    }

    /// Value representation, length, and where the value begins.
    fn header(&self, at: usize, tag: Tag) -> Result<([u8; 2], u32, usize), DecodeError> {
        if !self.form.explicit {
            return Ok((*b"  ", self.u32(at + 4)?, at + 8));
        }
        let vr: [u8; 2] = self.take(at + 4)?;
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(damaged(format!(
                "element {tag} has no value representation"
            )));
        }
        if is_long(vr) {
            Ok((vr, self.u32(at + 8)?, at + 12))
        } else {
            Ok((vr, u32::from(self.u16(at + 6)?), at + 8))
        }
    }

    /// Where the items of a sequence of undefined length end, and where its delimiter ends.
    fn sequence_end(&self, mut at: usize, depth: u32) -> Result<(usize, usize), DecodeError> {
        loop {
            let (tag, length) = self.item(at)?;
            match tag {
                SEQUENCE_END => return Ok((at, at + 8)),
                ITEM if length == UNDEFINED => at = self.item_end(at + 8, depth)?.1,
                ITEM => at = self.within(at + 8, length, tag)?,
                _ => return Err(damaged("an item ends that did not begin")),
            }
        }
    }

    /// Where the elements of an item of undefined length end, and where its delimiter ends.
    fn item_end(&self, mut at: usize, depth: u32) -> Result<(usize, usize), DecodeError> {
        loop {
            if self.tag(at)? == ITEM_END {
                return Ok((at, at + 8));
            }
            at = self.element(at, depth + 1)?.1;
        }
    }

    /// Where the fragments of encapsulated pixel data end, and where their delimiter ends.
    fn fragments_end(&self, mut at: usize) -> Result<(usize, usize), DecodeError> {
        loop {
            let (tag, length) = self.item(at)?;
            match tag {
                SEQUENCE_END => return Ok((at, at + 8)),
                ITEM => at = self.within(at + 8, length, tag)?,
                _ => return Err(damaged("an item ends that did not begin")),
            }
        }
    }
}
