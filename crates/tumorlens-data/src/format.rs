//! File formats.

pub mod raster;
