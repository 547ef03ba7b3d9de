//! DICOM files made for tests.

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Elements in explicit little endian.
#[derive(Clone, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn put(mut self, tag: (u16, u16), vr: &str, value: &[u8]) -> Self {
        self.0.extend(tag.0.to_le_bytes());
        self.0.extend(tag.1.to_le_bytes());
        self.0.extend(vr.as_bytes());
        let padded = value.len() + value.len() % 2;
        if matches!(vr, "OB" | "OW" | "SQ" | "UN") {
            self.0.extend([0, 0]);
            self.0.extend(u32::try_from(padded).unwrap().to_le_bytes());
        } else {
            self.0.extend(u16::try_from(padded).unwrap().to_le_bytes());
        }
        self.0.extend(value);
        self.0.resize(self.0.len() + padded - value.len(), b' ');
        self
    }

    pub(crate) fn short(self, tag: (u16, u16), value: u16) -> Self {
        self.put(tag, "US", &value.to_le_bytes())
    }
}

pub(crate) fn file(syntax: &str, body: &[u8]) -> Vec<u8> {
    let meta = Writer::default().put((2, 0x10), "UI", syntax.as_bytes()).0;
    [&[0; 128][..], b"DICM", &meta, body].concat()
}

/// A grey image of 16 bits allocated.
pub(crate) fn image(rows: u16, columns: u16, stored: u16, signed: bool) -> Writer {
    Writer::default()
        .put((0x10, 0x10), "PN", b"DOE^JANE")
        .short((0x28, 2), 1)
        .put((0x28, 4), "CS", b"MONOCHROME2")
        .short((0x28, 0x10), rows)
        .short((0x28, 0x11), columns)
        .short((0x28, 0x100), 16)
        .short((0x28, 0x101), stored)
        .short((0x28, 0x102), stored - 1)
        .short((0x28, 0x103), u16::from(signed))
}

pub(crate) fn pixels(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
