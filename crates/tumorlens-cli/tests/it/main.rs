//! The binary as a user meets it: one run through all verbs on a few phantoms, and what it says to mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod deidentify;
mod instruction_sets;
mod open_sets;
mod program;
mod protocols;
mod slices;
mod tune;
mod verbs;
mod way_through;
