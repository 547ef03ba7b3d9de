//! Data sets made for tests, in any form.

/// How a data set is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Implicit,
    Explicit,
    Big,
}

/// What stands in an element.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    /// Items; written with undefined lengths when the flag says so.
    Items(Vec<Vec<Element>>, bool),
}

/// One element.
#[derive(Clone, Debug)]
pub(crate) struct Element(
    pub(crate) (u16, u16),
    pub(crate) &'static str,
    pub(crate) Content,
);

pub(crate) fn value(tag: (u16, u16), vr: &'static str, value: impl AsRef<[u8]>) -> Element {
    Element(tag, vr, Content::Bytes(value.as_ref().to_vec()))
}

pub(crate) fn sequence(tag: (u16, u16), undefined: bool, items: Vec<Vec<Element>>) -> Element {
    Element(tag, "SQ", Content::Items(items, undefined))
}

impl Form {
    pub(crate) fn uid(self) -> &'static str {
        match self {
            Self::Implicit => "1.2.840.10008.1.2",
            Self::Explicit => "1.2.840.10008.1.2.1",
            Self::Big => "1.2.840.10008.1.2.2",
        }
    }

    pub(crate) fn short(self, n: u16) -> [u8; 2] {
        if self == Self::Big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    }

    fn long(self, n: u32) -> [u8; 4] {
        if self == Self::Big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    }

    fn marker(self, element: u16, length: u32) -> Vec<u8> {
        [
            &self.short(0xFFFE)[..],
            &self.short(element),
            &self.long(length),
        ]
        .concat()
    }

    fn head(self, tag: (u16, u16), vr: &str, length: u32) -> Vec<u8> {
        let mut bytes = [self.short(tag.0), self.short(tag.1)].concat();
        if self == Self::Implicit {
            bytes.extend(self.long(length));
            return bytes;
        }
        bytes.extend(vr.as_bytes());
        if matches!(vr, "OB" | "OW" | "SQ" | "UN" | "UT") {
            bytes.extend([0, 0]);
            bytes.extend(self.long(length));
        } else {
            bytes.extend(self.short(u16::try_from(length).unwrap()));
        }
        bytes
    }

    /// The bytes of elements.
    pub(crate) fn write(self, elements: &[Element]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for Element(tag, vr, content) in elements {
            let (body, undefined) = match content {
                Content::Bytes(value) => {
                    let mut value = value.clone();
                    value.resize(value.len().next_multiple_of(2), b' ');
                    (value, false)
                }
                Content::Items(items, undefined) => (self.items(vr, items, *undefined), *undefined),
            };
            let length = if undefined {
                u32::MAX
            } else {
                u32::try_from(body.len()).unwrap()
            };
            bytes.extend(self.head(*tag, vr, length));
            bytes.extend(body);
        }
        bytes
    }

    fn items(self, vr: &str, items: &[Vec<Element>], undefined: bool) -> Vec<u8> {
        // Items of an unknown element are implicit little endian.
        let inner = if vr == "UN" { Self::Implicit } else { self };
        let mut bytes = Vec::new();
        for item in items {
            let body = inner.write(item);
            if undefined {
                bytes.extend(inner.marker(0xE000, u32::MAX));
                bytes.extend(body);
                bytes.extend(inner.marker(0xE00D, 0));
            } else {
                bytes.extend(inner.marker(0xE000, u32::try_from(body.len()).unwrap()));
                bytes.extend(body);
            }
        }
        if undefined {
            bytes.extend(inner.marker(0xE0DD, 0));
        }
        bytes
    }
}
