//! Pictures named on the command line: found, decoded, prepared.

use crate::args::PlaneArg;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tumorlens_core::{GreyImage, PreprocessSpec};
use tumorlens_data::acquisition::Acquisition;
use tumorlens_data::format::sequence::Weighting;
use tumorlens_data::guard;
use tumorlens_data::limits::Limits;
use tumorlens_data::scan::path_text::to_text;
use tumorlens_data::scan::{Found, Scan, ScanOptions, Skipped, scan};
use tumorlens_data::slice::{Part, Volumes, split};
use tumorlens_data::transform::{Prepared, TransformError, prepare, to_input};

/// Files and folders to single pictures, in the order given; within a folder by path. A place that does not exist is
/// skipped with the reason, so that the others are judged all the same.
pub(crate) fn find(
    paths: &[PathBuf],
    planes: &[PlaneArg],
    sequences: &[Weighting],
) -> anyhow::Result<Scan> {
    let options = ScanOptions {
        labelled: false,
        sequences: sequences.to_vec(),
        planes: planes.iter().map(|p| p.plane()).collect(),
        ..ScanOptions::default()
    };
    let (slices, paths): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|p| is_slice(p));
    let (there, missing): (Vec<_>, Vec<_>) = paths
        .iter()
        .map(|path| {
            std::fs::metadata(path)
                .map_err(|e| (*path, e))
                .map(|_| *path)
        })
        .partition(Result::is_ok);
    let there: Vec<PathBuf> = there.into_iter().flatten().cloned().collect();
    let mut found = scan(&there, &options)?;
    let missing = missing.into_iter().filter_map(Result::err);
    found
        .skipped
        .extend(missing.map(|(path, error)| Skipped::new(path, error.to_string())));
    found.images.extend(slices.into_iter().map(|slice| Found {
        path: slice.clone(),
        source: String::new(),
        label: None,
        subject: String::new(),
        mask: None,
        official_split: String::new(),
        acquisition: Acquisition::default(),
        scan: None,
    }));
    Ok(found)
}

/// Whether a path names a single slice or frame of a file, as manifests do: `brain.nii.gz@axial:57`.
fn is_slice(path: &Path) -> bool {
    let (file, part) = split(path);
    part != Part::Whole && file.is_file()
}

/// A picture as the model sees it, and as it is.
pub(crate) struct Picture {
    /// Decoded, upright.
    pub(crate) image: GreyImage,
    /// Prepared, with the way back.
    pub(crate) prepared: Prepared,
    /// The network's input.
    pub(crate) input: Vec<f32>,
}

impl Picture {
    /// Prepares a decoded picture.
    pub(crate) fn of(image: GreyImage, spec: &PreprocessSpec) -> Result<Self, TransformError> {
        let prepared = prepare(&image, spec)?;
        let input = to_input(&prepared.values, spec);
        Ok(Self {
            image,
            prepared,
            input,
        })
    }
}

/// Decodes and prepares; the reason when that is impossible, or when a picture is
/// `guarded` and cannot be a slice through a head. Of a DICOM object the tags say what it is.
pub(crate) fn read(
    path: &Path,
    spec: &PreprocessSpec,
    volumes: &Volumes,
    guarded: bool,
) -> Result<Picture, Unreadable> {
    let slice = volumes
        .read(path, &Limits::default())
        .map_err(|e| Unreadable::File(e.to_string()))?;
    if guarded && slice.picture {
        guard::check(&slice).map_err(|e| Unreadable::Content(e.to_string()))?;
    }
    Picture::of(slice.image, spec).map_err(|e| Unreadable::Content(e.to_string()))
}

/// Why a picture cannot be judged.
pub(crate) enum Unreadable {
    /// The file could not be decoded.
    File(String),
    /// It was decoded, but cannot be an input: all pixels equal, for example.
    Content(String),
}

/// File names for what is written about pictures: the stem, with a number when two pictures share it.
#[derive(Default)]
pub(crate) struct Stems(BTreeSet<String>);

impl Stems {
    /// A name that was not given before.
    pub(crate) fn of(&mut self, path: &Path) -> String {
        let (file, part) = split(path);
        let mut stem = file
            .file_stem()
            .map_or_else(|| "image".to_owned(), |s| to_text(Path::new(s)));
        stem.truncate(stem.strip_suffix(".nii").map_or(stem.len(), str::len));
        match part {
            Part::Whole => {}
            Part::Frame(i) => stem += &format!("_frame-{i:03}"),
            Part::Slice(plane, i) => stem += &format!("_{}-{i:03}", plane.name()),
        }
        let mut name = stem.clone();
        let mut number = 2;
        while !self.0.insert(name.clone()) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pictures_of_one_stem_do_not_overwrite_each_other() {
        let mut stems = Stems::default();
        let names = ["a/y1.jpg", "b/y1.png", "b/y1-2.png"].map(|p| stems.of(Path::new(p)));
        assert_eq!(names, ["y1", "y1-2", "y1-2-2"]);
        let slice = stems.of(Path::new("a/sub-01_T1w.nii.gz@axial:7"));
        assert_eq!(slice, "sub-01_T1w_axial-007");
    }
}
