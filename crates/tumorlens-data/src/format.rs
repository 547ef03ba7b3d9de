//! File formats: pictures, DICOM and NIfTI to values, exactly or with a reason.

mod clock;
pub mod dicom;
pub mod error;
pub mod file;
mod guard;
pub mod nifti;
pub mod raster;
pub mod sequence;
mod thumb;
pub mod values;
