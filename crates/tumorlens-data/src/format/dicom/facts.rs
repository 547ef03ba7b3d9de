//! What a DICOM file holds and exactly how it decoded: the DICOM part of `inspect --json`. Nothing in it names a person.

use super::data_set::DataSet;
use super::groups::Groups;
use super::place::Place;
use super::{Dicom, File, decode, tag};
use crate::format::error::DecodeError;
use crate::format::sequence::Sequence;
use crate::format::values::{self, Range};
use crate::limits::Limits;
use serde::Serialize;

/// Facts about an image object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// `dicom`.
    pub format: &'static str,
    /// Name of the transfer syntax.
    pub transfer_syntax: &'static str,
    /// Its identifier.
    pub transfer_syntax_uid: &'static str,
    /// Modality.
    pub modality: Option<String>,
    /// Image type, its values joined by a backslash.
    pub image_type: Option<String>,
    /// Photometric interpretation.
    pub photometric: String,
    /// Bits a sample takes.
    pub bits_allocated: u16,
    /// Bits that count.
    pub bits_stored: u16,
    /// `([frames,] rows, columns[, samples])`.
    pub shape: Vec<usize>,
    /// Type of the stored values.
    pub dtype: &'static str,
    /// Smallest stored value.
    pub min: Option<f64>,
    /// Largest stored value.
    pub max: Option<f64>,
    /// Mean of the stored values.
    pub mean: Option<f64>,
    /// SHA-256 of the stored values, C order, little endian.
    pub sha256: String,
    /// Values after the modality's scale or table that the whole object states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescaled: Option<Rescaled>,
    /// The same where functional groups state it, for all frames or for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rescaled_by_group: Option<Rescaled>,
    /// Rows and columns are this far apart, mm.
    pub pixel_spacing: Option<[f64; 2]>,
    /// Nominal thickness of a slice, mm.
    pub slice_thickness: Option<f64>,
    /// Plane of the first frame: `axial`, `coronal` or `sagittal`.
    pub plane: Option<&'static str>,
    /// Centre of the first pixel of the first frame, mm, LPS+.
    pub position: Option<[f64; 3]>,
    /// Centre and width of the windows that the file proposes.
    pub windows: Vec<[f64; 2]>,
    /// Weighting as BIDS names it, and whether contrast agent was given.
    pub sequence: Sequence,
    /// Repetition, echo and inversion time, ms.
    pub times_ms: [Option<f64>; 3],
    /// `YES` when text is burned into the pixels.
    pub burned_in_annotation: Option<String>,
    /// Means over a 16x16 grid of equal areas; one frame of one sample alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb16: Option<Vec<f64>>,
}

/// Range after the modality's own scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rescaled {
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Mean.
    pub mean: f64,
}

/// Decodes a file and states its facts.
///
/// # Errors
/// As [`decode`].
pub fn facts(bytes: &[u8], limits: &Limits) -> Result<Facts, DecodeError> {
    let image = decode(bytes, limits)?;
    let file = File::open(bytes, limits)?;
    let set = file.data_set()?;
    let groups = Groups::read(&set)?;
    let by_group = groups
        .get(0, tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE)?
        .is_some();
    Ok(of(&image, &set, by_group))
}

fn of(image: &Dicom, set: &DataSet<'_>, by_group: bool) -> Facts {
    let header = &image.header;
    let range = image.values.range();
    let rescaled = rescaled(image);
    let place: Option<&Place> = image.places.first().and_then(Option::as_ref);
    // A damaged proposal for display is no proposal; the stored values do not depend on it.
    let number = |tag| set.decimal(tag).ok().flatten();
    let (centers, widths) = (
        set.decimals(tag::WINDOW_CENTER).unwrap_or_default(),
        set.decimals(tag::WINDOW_WIDTH).unwrap_or_default(),
    );
    let thumb16 = (header.frames == 1 && header.samples == 1).then(|| {
        crate::format::thumb::thumb16(header.rows, header.columns, 1, |i| image.values.get(i))
    });
    Facts {
        format: "dicom",
        transfer_syntax: image.syntax.name,
        transfer_syntax_uid: image.syntax.uid,
        modality: set.text(tag::MODALITY),
        image_type: set.text(tag::IMAGE_TYPE),
        photometric: header.photometric.clone(),
        bits_allocated: header.allocated,
        bits_stored: header.stored,
        shape: header.shape(),
        dtype: image.values.dtype(),
        min: range.map(|r| r.min),
        max: range.map(|r| r.max),
        mean: range.map(|r| r.mean),
        sha256: image.values.sha256(),
        rescaled: rescaled.filter(|_| !by_group),
        rescaled_by_group: rescaled.filter(|_| by_group),
        pixel_spacing: place
            .map(|p| p.spacing)
            .or_else(|| set.decimals(tag::PIXEL_SPACING).ok()?.try_into().ok()),
        slice_thickness: place
            .and_then(|p| p.thickness)
            .or_else(|| number(tag::SLICE_THICKNESS)),
        plane: place.map(Place::plane),
        position: place.map(|p| p.position),
        windows: centers
            .iter()
            .zip(&widths)
            .filter(|(_, width)| **width > 0.0)
            .map(|(c, w)| [*c, *w])
            .collect(),
        sequence: super::about::sequence(set),
        times_ms: [
            number(tag::REPETITION_TIME),
            number(tag::ECHO_TIME),
            number(tag::INVERSION_TIME),
        ],
        burned_in_annotation: set.text(tag::BURNED_IN_ANNOTATION),
        thumb16,
    }
}

fn rescaled(image: &Dicom) -> Option<Rescaled> {
    let frame = image.header.frame_len();
    let Range { min, max, mean, .. } = values::range(
        (0..image.values.len()).map(|i| image.rescale_of(i / frame).apply(image.values.get(i))),
    )?;
    Some(Rescaled { min, max, mean })
}
