//! Scans made here: DICOM files, NIfTI volumes, and folders of them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails like the test itself"
)]

mod decode;
mod deidentify;
mod elements;
mod export;
mod mosaic;
mod reference;
mod tree;
mod writer;
