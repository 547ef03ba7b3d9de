//! From results to the report's value: one file for each of its parts.

pub(crate) mod evaluation;
