//! Evaluation statistics.
pub mod intervals;
