//! Figures against reference implementations, and identities that hold for any data.

mod golden;
mod properties;
