//! Files to samples, without a framework: decode, scan, manifest, copies, split, audit, transforms, phantoms.
#![forbid(unsafe_code)]

pub mod acquisition;
pub mod atomic_write;
pub mod audit;
mod dark_border;
pub mod dataset;
pub mod decoy;
pub mod deidentify;
mod draw;
pub mod fingerprint;
pub mod format;
pub mod group;
pub mod guard;
pub mod inspect;
pub mod label_table;
pub mod limits;
pub mod manifest;
pub mod phantom;
pub mod prepare;
pub mod scan;
pub mod slice;
pub mod source;
pub mod split;
pub mod transform;
pub mod volume;

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
