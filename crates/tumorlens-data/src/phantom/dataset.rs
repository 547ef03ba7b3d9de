//! Phantoms as a folder of pictures, like any other that `prepare` reads.

use super::{PhantomSlice, PhantomSpec, PhantomSpecError, slice};
use crate::atomic_write::atomic_write;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;
use std::io;
use std::path::{Path, PathBuf};
use tumorlens_core::{Observer, Seed};

/// Phantoms could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The specification is out of range.
    #[error(transparent)]
    Spec(#[from] PhantomSpecError),
    /// A file could not be written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The user asked to stop.
    #[error("stopped after {done} of {total} phantoms; manifest.csv was not written")]
    Stopped {
        /// Slices written.
        done: usize,
        /// Slices asked for.
        total: usize,
    },
}

/// Slices drawn between two looks at whether to stop.
const CHUNK: usize = 32;

/// Columns of manifest.csv.
const MANIFEST: [&str; 5] = ["path", "label", "subject", "mask", "plane"];
/// Columns of truth.csv.
const TRUTH: [&str; 10] = [
    "path",
    "label",
    "true_label",
    "subject",
    "plane",
    "weighting",
    "lesion",
    "lesion_pixels",
    "trap",
    "copy_of",
];

/// Writes all slices as PNG into `dir`: class folders `tumor` and `no_tumor`, outlines under `masks`, manifest.csv (last,
/// so that it marks a finished set) and truth.csv, which says what was planted. Copies have no subject in manifest.csv,
/// for nobody would tell.
///
/// # Errors
/// When the specification is out of range, a file cannot be written, or the observer asks to stop.
pub fn write_dataset(
    dir: &Path,
    spec: &PhantomSpec,
    seed: Seed,
    observer: &dyn Observer,
) -> Result<(), WriteError> {
    spec.check()?;
    for folder in ["tumor", "no_tumor", "masks"] {
        let path = dir.join(folder);
        std::fs::create_dir_all(&path).map_err(|error| WriteError::Io { path, error })?;
    }
    let total = spec.len();
    observer.begin("phantoms", Some(total as u64));
    let mut rows = Vec::with_capacity(total);
    for start in (0..total).step_by(CHUNK) {
        if observer.should_stop() {
            observer.end();
            return Err(WriteError::Stopped {
                done: rows.len(),
                total,
            });
        }
        let numbers = start..(start + CHUNK).min(total);
        let written: Result<Vec<Row>, WriteError> = numbers
            .into_par_iter()
            .map(|number| write_slice(dir, &slice(spec, seed, number)))
            .collect();
        rows.extend(written?);
        observer.advance(rows.len() as u64, "");
    }
    observer.end();
    write_table(
        &dir.join("truth.csv"),
        &TRUTH,
        rows.iter().map(|r| r.truth.as_slice()),
    )?;
    write_table(
        &dir.join("manifest.csv"),
        &MANIFEST,
        rows.iter().map(|r| r.manifest.as_slice()),
    )
}

/// One slice's line in both tables.
struct Row {
    manifest: [String; 5],
    truth: [String; 10],
}

fn write_slice(dir: &Path, slice: &PhantomSlice) -> Result<Row, WriteError> {
    let label = slice.label();
    let path = format!("{label}/{}.png", slice.name);
    let bytes: Vec<u8> = slice.image.values().iter().map(|v| *v as u8).collect();
    write_png(&dir.join(&path), &bytes, slice)?;
    // A slice that is filed as healthy has no outline, even where that is a lie.
    let mask = if slice.mask.is_empty() || label == "no_tumor" {
        String::new()
    } else {
        let path = format!("masks/{}.png", slice.name);
        let bytes: Vec<u8> = slice
            .mask
            .values()
            .iter()
            .map(|v| 255 * u8::from(*v))
            .collect();
        write_png(&dir.join(&path), &bytes, slice)?;
        path
    };
    let subject = if slice.trap.is_some() {
        String::new()
    } else {
        slice.subject.clone()
    };
    let (trap, original) = slice
        .trap
        .as_ref()
        .map_or(("", ""), |t| (t.kind.name(), t.original.as_str()));
    Ok(Row {
        manifest: [
            path.clone(),
            label.to_owned(),
            subject,
            mask,
            slice.plane.name().to_owned(),
        ],
        truth: [
            path,
            label.to_owned(),
            (if slice.has_tumor { "tumor" } else { "no_tumor" }).to_owned(),
            slice.subject.clone(),
            slice.plane.name().to_owned(),
            slice.weighting.name().to_owned(),
            slice.lesion.map_or("", |l| l.name()).to_owned(),
            slice.mask.area().to_string(),
            trap.to_owned(),
            original.to_owned(),
        ],
    })
}

fn write_png(path: &Path, bytes: &[u8], slice: &PhantomSlice) -> Result<(), WriteError> {
    let failed = |error| WriteError::Io {
        path: path.to_owned(),
        error,
    };
    // At most 1024 x 1.4 pixels a side, so the casts are exact.
    let (width, height) = (slice.image.width() as u32, slice.image.height() as u32);
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(bytes, width, height, ExtendedColorType::L8)
        .map_err(|e| failed(io::Error::other(e)))?;
    std::fs::write(path, png).map_err(failed)
}

fn write_table<'a>(
    path: &Path,
    header: &[&str],
    rows: impl Iterator<Item = &'a [String]>,
) -> Result<(), WriteError> {
    let failed = |error| WriteError::Io {
        path: path.to_owned(),
        error,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = || -> Result<(), csv::Error> {
        writer.write_record(header)?;
        rows.into_iter()
            .try_for_each(|row| writer.write_record(row))
    };
    write().map_err(|e| failed(e.into()))?;
    let bytes = writer
        .into_inner()
        .map_err(|e| failed(io::Error::other(e.to_string())))?;
    atomic_write(path, &bytes).map_err(failed)
}
