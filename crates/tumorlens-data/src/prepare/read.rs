//! Reading one image: hash, decode, fingerprint, outline.

use crate::fingerprint::Fingerprint;
use crate::format::error::DecodeError;
use crate::format::file::read_file;
use crate::format::raster::mask::{decode_mask_file, fit_mask};
use crate::limits::Limits;
use crate::scan::{Found, Skipped};
use crate::slice::{self, Volumes};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tumorlens_core::{Observer, Size};

/// What is kept of an image beside its fingerprint.
pub(super) struct ReadImage {
    pub(super) sha256: String,
    /// Why its outline cannot be used.
    pub(super) mask_problem: Option<Skipped>,
}

/// Reads all images in parallel, in order; an image that cannot be used gives its reason. `None` when stopped.
pub(super) fn all(
    found: &[Found],
    limits: &Limits,
    observer: &dyn Observer,
) -> Option<Vec<Result<(ReadImage, Fingerprint), String>>> {
    observer.begin("read images", Some(found.len() as u64));
    let done = AtomicU64::new(0);
    let volumes = Volumes::default();
    let one = |found: &Found| {
        if observer.should_stop() {
            return None;
        }
        let read = one(found, limits, &volumes).map_err(|e| e.to_string());
        observer.advance(done.fetch_add(1, Ordering::Relaxed) + 1, "");
        Some(read)
    };
    let read = found.par_iter().map(one).collect();
    observer.end();
    read
}

fn one(
    found: &Found,
    limits: &Limits,
    volumes: &Volumes,
) -> Result<(ReadImage, Fingerprint), DecodeError> {
    let (file, part) = slice::split(&found.path);
    let bytes = read_file(&file, limits)?;
    let image = volumes.slice(&file, &bytes, part, limits)?;
    let problem = |mask: &Path| mask_problem(mask, image.size(), limits);
    let mask_problem = found.mask.as_deref().and_then(problem);
    let sha256 = crate::hex(&Sha256::digest(&bytes));
    Ok((
        ReadImage {
            sha256,
            mask_problem,
        },
        Fingerprint::of(&image),
    ))
}

/// An outline must be readable and have the shape of its picture; another size is brought to it when it is used.
fn mask_problem(path: &Path, size: Size, limits: &Limits) -> Option<Skipped> {
    match decode_mask_file(path, limits) {
        Err(e) => Some(Skipped::new(path, format!("outline {e}"))),
        Ok(mask) if fit_mask(&mask, size).is_none() => {
            let (Size { width, height }, found) = (size, mask.size());
            let reason = format!(
                "outline of {}x{} does not fit the picture of {width}x{height}",
                found.width, found.height
            );
            Some(Skipped::new(path, reason))
        }
        Ok(_) => None,
    }
}
