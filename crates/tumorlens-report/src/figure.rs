//! Figures: charts as inline SVG, pictures as PNG.
//!
//! A chart takes plain numbers from [`crate::report`] and gives an [`crate::Svg`]; values that cannot be drawn (not finite,
//! outside their axis, of different lengths) are an error that names the figure, never a silently bent line.

mod axes;
pub mod bars;
pub mod case;
pub mod colour_map;
pub mod confusion;
pub mod contact_sheet;
pub mod curves;
pub mod forest;
pub mod histogram;
pub mod importance;
pub mod interval_bar;
pub mod outline;
pub mod overlay;
pub mod parallel;
pub mod precision_recall;
pub mod reliability;
pub mod roc;
pub mod roofline;
pub mod search;
pub mod tensor;
