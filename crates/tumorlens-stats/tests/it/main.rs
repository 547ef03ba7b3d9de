//! Figures against reference implementations, and identities that hold for any data.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of tests fails a test by panicking"
)]

mod golden;
mod properties;
