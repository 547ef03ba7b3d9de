//! What a NIfTI file holds and exactly how it decoded: the NIfTI part of `inspect --json`.

use super::{Nifti, decode_file};
use crate::format::error::DecodeError;
use crate::format::values::Values;
use crate::limits::Limits;
use crate::volume::turn::Turn;
use serde::Serialize;
use std::path::Path;

/// Facts about a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// `nifti`.
    pub format: &'static str,
    /// 1 or 2.
    pub version: u8,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Type of the stored voxels.
    pub dtype: &'static str,
    /// Smallest finite stored voxel.
    pub min: Option<f64>,
    /// Largest finite stored voxel.
    pub max: Option<f64>,
    /// Mean of the finite stored voxels.
    pub mean: Option<f64>,
    /// Voxels that are NaN or infinite.
    pub nonfinite: usize,
    /// SHA-256 of the stored voxels, file (Fortran) order, little endian.
    pub sha256: String,
    /// Slope and intercept, where voxels are scaled.
    pub scaling: Option<(f64, f64)>,
    /// Spacing of the voxel axes, mm.
    pub spacing: [f64; 3],
    /// Voxel indices to RAS+ millimetres.
    pub affine: [[f64; 4]; 3],
    /// Where each axis runs to, e.g. `RAS`; nothing when the affine is singular.
    pub orientation: Option<String>,
    /// SHA-256 of the scaled voxels brought to RAS+, as doubles, x running fastest.
    pub sha256_canonical: Option<String>,
    /// Bytes behind the last voxel.
    pub trailing_bytes: usize,
}

/// Decodes a file and states its facts.
///
/// # Errors
/// As [`decode_file`].
pub fn facts(path: &Path, limits: &Limits) -> Result<Facts, DecodeError> {
    decode_file(path, limits).map(of)
}

fn of(file: Nifti) -> Facts {
    let range = file.values.range();
    let orientation = file
        .affine
        .orientation()
        .ok()
        .map(|axes| axes.iter().map(|a| a.code()).collect());
    let side = |axis: usize| file.shape.get(axis).copied().unwrap_or(1);
    let sides = [side(0), side(1), side(2)];
    let sha256_canonical = Turn::of(sides, &file.affine).ok().map(|turn| {
        let volume: usize = sides.iter().product();
        let volumes = file.values.len() / volume;
        let values = (0..volumes).flat_map(|v| {
            let file = &file;
            turn.places()
                .map(move |place| file.scaled(v * volume + place))
        });
        Values::F64(values.collect()).sha256()
    });
    Facts {
        format: "nifti",
        version: file.version,
        dtype: file.values.dtype(),
        min: range.map(|r| r.min),
        max: range.map(|r| r.max),
        mean: range.map(|r| r.mean),
        nonfinite: range.map_or(file.values.len(), |r| r.nonfinite),
        sha256: file.values.sha256(),
        scaling: file.scaling,
        spacing: file.affine.spacing(),
        affine: file.affine.rows,
        orientation,
        sha256_canonical,
        trailing_bytes: file.trailing,
        shape: file.shape,
    }
}
