//! NIfTI-1 and NIfTI-2 files to voxels, exactly or with a reason.
//!
//! | rule | what holds |
//! | --- | --- |
//! | file | `.nii` in one file, or `.hdr` and `.img` beside each other; each plain or gzip, by content |
//! | gzip | checked to its end, check sum and length included; bytes behind it are an error |
//! | byte order | both |
//! | types | signed and unsigned integers of 8 to 64 bits, single and double precision |
//! | scaling | `scl_slope * voxel + scl_inter`; a slope of 0 or one that is not finite means none |
//! | place | `sform` if its code is above 0, else `qform`, else the spacing alone, x running to the left |
//! | damage | an error; a file that holds fewer voxels than it declares is refused before memory is taken |

pub mod facts;
mod gzip;
mod header;
pub mod write;

use super::error::DecodeError;
use super::file::read_file;
use super::guard;
use super::values::Values;
use crate::limits::Limits;
use header::Header;
use std::path::{Path, PathBuf};
use tumorlens_core::Affine;

/// Decoded voxels.
#[derive(Clone, Debug)]
pub struct Nifti {
    /// 1 or 2.
    pub version: u8,
    /// Length of each axis, the first one running fastest.
    pub shape: Vec<usize>,
    /// Voxels as stored, in file order.
    pub values: Values,
    /// Slope and intercept, when voxels are scaled.
    pub scaling: Option<(f64, f64)>,
    /// Voxel indices to RAS+ millimetres.
    pub affine: Affine,
    /// Bytes behind the last voxel.
    pub trailing: usize,
}

fn damaged(reason: impl std::fmt::Display) -> DecodeError {
    DecodeError::damaged("nifti", reason)
}

/// Whether the bytes begin as a NIfTI header does, or are gzip.
#[must_use]
pub fn sniff(bytes: &[u8]) -> bool {
    gzip::is(bytes) || header::is(bytes)
}

/// Decodes a file; the partner of a `.hdr` or `.img` is read from beside it.
///
/// # Errors
/// When it cannot be read, is no NIfTI file, is damaged, exceeds a limit or is of a kind that is not read.
pub fn decode_file(path: &Path, limits: &Limits) -> Result<Nifti, DecodeError> {
    let head = match partner(path, "img", "hdr") {
        Some(found) => read_file(&found, limits)?,
        None => read_file(path, limits)?,
    };
    decode_with(&head, limits, || match partner(path, "hdr", "img") {
        Some(found) => read_file(&found, limits),
        None if partner(path, "img", "hdr").is_some() => read_file(path, limits),
        None => Err(damaged(
            "its voxels should lie in an .img file beside it, which is missing",
        )),
    })
}

/// Decodes a file held in memory; one whose voxels lie in another file is refused.
///
/// # Errors
/// As [`decode_file`].
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Nifti, DecodeError> {
    decode_with(bytes, limits, || {
        DecodeError::unsupported("nifti", "a header whose voxels lie in another file")
    })
}

fn decode_with(
    bytes: &[u8],
    limits: &Limits,
    image: impl FnOnce() -> Result<Vec<u8>, DecodeError>,
) -> Result<Nifti, DecodeError> {
    guard::without_panic("nifti", limits.max_time, || {
        if bytes.is_empty() {
            return Err(DecodeError::Empty);
        }
        let head = gzip::inflated(bytes, limits)?;
        let header = Header::read(&head, limits)?;
        if header.single {
            voxels(&header, &head)
        } else {
            let image = image()?;
            voxels(&header, &gzip::inflated(&image, limits)?)
        }
    })
}

fn voxels(header: &Header, bytes: &[u8]) -> Result<Nifti, DecodeError> {
    let needed = header.voxels() * header.kind.bytes();
    let held = bytes.len().saturating_sub(header.offset);
    if held < needed {
        return Err(damaged(format!(
            "it declares {needed} bytes of voxels, {held} are left"
        )));
    }
    let values = header
        .kind
        .read(&bytes[header.offset..header.offset + needed], header.big);
    Ok(Nifti {
        version: header.version,
        shape: header.shape.clone(),
        values,
        scaling: header.scaling,
        affine: header.affine,
        trailing: held - needed,
    })
}

/// Whether the path is that of a pair's voxels.
#[must_use]
pub fn is_pair(path: &Path) -> bool {
    partner(path, "img", "hdr").is_some()
}

/// The file beside `path` that holds the other half of a pair; `None` unless `path` ends in `from` (with or without
/// `.gz`) and the other exists.
fn partner(path: &Path, from: &str, to: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let (stem, _) = [format!(".{from}"), format!(".{from}.gz")]
        .iter()
        .find_map(|end| {
            lower
                .ends_with(end.as_str())
                .then(|| name.split_at(name.len() - end.len()))
        })?;
    [format!("{stem}.{to}"), format!("{stem}.{to}.gz")]
        .iter()
        .map(|n| path.with_file_name(n))
        .find(|p| p.is_file())
}

impl Nifti {
    /// Value of a voxel after scaling, by its place in file order.
    #[must_use]
    pub fn scaled(&self, i: usize) -> f64 {
        let value = self.values.get(i);
        self.scaling
            .map_or(value, |(slope, intercept)| value * slope + intercept)
    }
}
