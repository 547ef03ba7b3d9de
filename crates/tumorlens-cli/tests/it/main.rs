//! The binary as a user meets it: one run through all verbs on a few phantoms, and what it says to mistakes.

mod bad_input;
mod program;
mod way_through;
