//! One slice of any file that is read, by a path that may name which.
//!
//! | path | slice |
//! | --- | --- |
//! | `picture.png` | the picture |
//! | `image.dcm` | the only frame |
//! | `enhanced.dcm@frame:12` | frame 12, or tile 12 of a mosaic, from 0 |
//! | `sub-01_T1w.nii.gz@axial:57` | slice 57 along the axial axis, from the inferior end |
//!
//! So one row of a manifest is one slice whatever the format, and a person can read and edit it.

use crate::format::error::DecodeError;
use crate::format::file::read_file;
use crate::format::{dicom, nifti, raster};
use crate::limits::Limits;
use crate::volume::Volume;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tumorlens_core::{GreyImage, Plane};

/// Which slice of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The only one.
    Whole,
    /// A frame of a multi-frame object, or a tile of a mosaic.
    Frame(usize),
    /// A slice of a volume.
    Slice(Plane, usize),
}

impl Part {
    /// The plane of a slice of a volume.
    #[must_use]
    pub fn plane(self) -> Option<Plane> {
        match self {
            Self::Slice(plane, _) => Some(plane),
            Self::Whole | Self::Frame(_) => None,
        }
    }

    /// The path of this part of a file.
    #[must_use]
    pub fn of(self, file: &Path) -> PathBuf {
        let suffix = match self {
            Self::Whole => return file.to_owned(),
            Self::Frame(i) => format!("@frame:{i}"),
            Self::Slice(plane, i) => format!("@{}:{i}", plane.name()),
        };
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    }
}

/// The file and the part that a path names. A file that has the whole name is that file.
#[must_use]
pub fn split(path: &Path) -> (PathBuf, Part) {
    let whole = || (path.to_owned(), Part::Whole);
    let Some(text) = path.file_name().and_then(|n| n.to_str()) else {
        return whole();
    };
    let Some((file, suffix)) = text.rsplit_once('@') else {
        return whole();
    };
    let Some((kind, index)) = suffix.split_once(':') else {
        return whole();
    };
    let Ok(index) = index.parse::<usize>() else {
        return whole();
    };
    let part = match (kind, Plane::of_name(kind)) {
        ("frame", _) => Part::Frame(index),
        (_, Some(plane)) => Part::Slice(plane, index),
        _ => return whole(),
    };
    if path.exists() {
        return whole();
    }
    (path.with_file_name(file), part)
}

/// A slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Its grey values.
    pub image: GreyImage,
    /// Share of the pixels that are coloured in the file; 0 for scans.
    pub coloured: f32,
    /// It comes from a picture file, which says nothing of what it shows.
    pub picture: bool,
}

/// A file, decoded once, from which slices are cut.
pub enum Opened {
    /// A picture.
    Picture(raster::Picture),
    /// A DICOM image object.
    Dicom(Box<dicom::Dicom>),
    /// A volume.
    Volume(Box<Volume>),
}

/// Decodes a file whatever its format.
///
/// # Errors
/// When it cannot be read, is of no format that is read, is damaged or exceeds a limit.
pub fn open(file: &Path, limits: &Limits) -> Result<Opened, DecodeError> {
    let bytes = read_file(file, limits)?;
    open_bytes(file, &bytes, limits)
}

/// [`open`] with the file's bytes at hand.
///
/// # Errors
/// As [`open`].
pub fn open_bytes(file: &Path, bytes: &[u8], limits: &Limits) -> Result<Opened, DecodeError> {
    if dicom::sniff(bytes).is_some() {
        return dicom::decode(bytes, limits).map(|d| Opened::Dicom(Box::new(d)));
    }
    if raster::sniff::sniff(bytes).is_none() && (nifti::sniff(bytes) || nifti::is_pair(file)) {
        let volume = Volume::of(&nifti::decode_file(file, limits)?)?;
        return Ok(Opened::Volume(Box::new(volume)));
    }
    raster::decode(bytes, limits).map(Opened::Picture)
}

impl Opened {
    /// One slice.
    ///
    /// # Errors
    /// When the file has no such part.
    pub fn slice(&self, part: Part) -> Result<GreyImage, DecodeError> {
        match (self, part) {
            (Self::Picture(picture), Part::Whole) => Ok(picture.image.clone()),
            (Self::Dicom(image), Part::Whole) if image.slices() == 1 => image.grey(0),
            (Self::Dicom(image), Part::Frame(frame)) => image.grey(frame),
            (Self::Volume(volume), Part::Slice(plane, index)) => {
                volume.slice(plane, index).ok_or_else(|| {
                    let slices = volume.slices(plane);
                    DecodeError::damaged(
                        "nifti",
                        format!("it has {slices} {} slices", plane.name()),
                    )
                })
            }
            (Self::Dicom(image), Part::Whole) => DecodeError::unsupported(
                "dicom",
                format!(
                    "one picture of {} slices without naming one",
                    image.slices()
                ),
            ),
            (Self::Volume(_), Part::Whole) => {
                DecodeError::unsupported("nifti", "one picture of a volume without naming a slice")
            }
            (Self::Picture(picture), _) => {
                DecodeError::unsupported(picture.info.format, "naming a slice")
            }
            (Self::Dicom(_), _) => DecodeError::unsupported("dicom", "a slice by plane"),
            (Self::Volume(_), _) => DecodeError::unsupported("nifti", "a slice by frame"),
        }
    }

    /// Every slice that is worth a look: the picture; each frame; the slices of the volume's own plane, or of `planes`.
    #[must_use]
    pub fn parts(&self, planes: &[Plane]) -> Vec<Part> {
        match self {
            Self::Picture(_) => vec![Part::Whole],
            Self::Dicom(image) if image.slices() == 1 => vec![Part::Whole],
            Self::Dicom(image) => (0..image.slices()).map(Part::Frame).collect(),
            Self::Volume(volume) => {
                let native = [volume.native_plane()];
                let planes = if planes.is_empty() {
                    &native[..]
                } else {
                    planes
                };
                planes
                    .iter()
                    .flat_map(|plane| {
                        volume
                            .worth_a_look(*plane)
                            .into_iter()
                            .map(|i| Part::Slice(*plane, i))
                    })
                    .collect()
            }
        }
    }
}

/// Decodes the slice that a path names.
///
/// # Errors
/// As [`open`] and [`Opened::slice`].
pub fn read_slice(path: &Path, limits: &Limits) -> Result<GreyImage, DecodeError> {
    let (file, part) = split(path);
    open(&file, limits)?.slice(part)
}

/// The files of several slices that were opened last, so that neighbouring slices do not decode their volume again.
#[derive(Default)]
pub struct Volumes(Mutex<VecDeque<(PathBuf, Arc<Opened>)>>);

/// Files that [`Volumes`] keeps: a few threads each work on one.
const KEPT: usize = 4;

impl std::fmt::Debug for Volumes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Volumes")
    }
}

impl Volumes {
    /// [`read_slice`] that remembers, and looks at colours.
    ///
    /// # Errors
    /// As [`read_slice`].
    pub fn read(&self, path: &Path, limits: &Limits) -> Result<Slice, DecodeError> {
        let (file, part) = split(path);
        if part == Part::Whole {
            let opened = open(&file, limits)?;
            let coloured = match &opened {
                Opened::Picture(picture) => picture.coloured,
                Opened::Dicom(_) | Opened::Volume(_) => 0.0,
            };
            let picture = matches!(opened, Opened::Picture(_));
            let image = match opened {
                Opened::Picture(picture) => picture.image,
                other => other.slice(part)?,
            };
            return Ok(Slice {
                image,
                coloured,
                picture,
            });
        }
        Ok(Slice {
            image: self.open(&file, limits)?.slice(part)?,
            coloured: 0.0,
            picture: false,
        })
    }

    /// [`open`] that remembers.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self, file: &Path, limits: &Limits) -> Result<Arc<Opened>, DecodeError> {
        match self.kept(file) {
            Some(opened) => Ok(opened),
            None => Ok(self.keep(file, open(file, limits)?)),
        }
    }

    /// A slice of a file whose bytes are at hand.
    pub(crate) fn slice(
        &self,
        file: &Path,
        bytes: &[u8],
        part: Part,
        limits: &Limits,
    ) -> Result<GreyImage, DecodeError> {
        if part == Part::Whole {
            return open_bytes(file, bytes, limits)?.slice(part);
        }
        if let Some(opened) = self.kept(file) {
            return opened.slice(part);
        }
        self.keep(file, open_bytes(file, bytes, limits)?)
            .slice(part)
    }

    fn kept(&self, file: &Path) -> Option<Arc<Opened>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|(path, _)| path == file)
            .map(|(_, opened)| Arc::clone(opened))
    }

    fn keep(&self, file: &Path, opened: Opened) -> Arc<Opened> {
        let opened = Arc::new(opened);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((file.to_owned(), Arc::clone(&opened)));
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_part_and_a_part_gives_the_path() {
        for (text, part) in [
            ("a/b.nii.gz@coronal:3", Part::Slice(Plane::Coronal, 3)),
            ("x.dcm@frame:0", Part::Frame(0)),
        ] {
            let (file, found) = split(Path::new(text));
            assert_eq!(found, part);
            assert_eq!(part.of(&file), Path::new(text));
        }
        for text in ["a@b.png", "a@axial:x", "me@home:3", "plain.png"] {
            assert_eq!(split(Path::new(text)), (PathBuf::from(text), Part::Whole));
        }
    }
}
