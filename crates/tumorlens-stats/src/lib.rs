//! Evaluation statistics on slices, in `f64`, without input or output.
pub mod bootstrap;
pub mod calibration;
pub mod comparison;
pub mod confusion;
pub mod crossval;
pub mod delong;
pub mod evaluation;
pub mod faithfulness;
pub mod groups;
pub mod intervals;
pub mod metric;
mod midrank;
pub mod operating_point;
pub mod precision_recall;
pub mod ranking;
pub mod roc;
pub mod undefined;
