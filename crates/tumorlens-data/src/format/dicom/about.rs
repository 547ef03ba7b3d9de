//! What a DICOM object is, without decoding its pixels.

use super::data_set::{DataSet, damaged};
use super::groups::Groups;
use super::header::Header;
use super::mosaic::Mosaic;
use super::place::{self, Place};
use super::{File, tag};
use crate::format::error::DecodeError;
use crate::format::guard;
use crate::format::sequence::{Said, Sequence};
use crate::limits::Limits;

/// Whose and what. Patient and series are for numbering only; they must never be written anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Patient identifier, or the study where there is none.
    pub patient: Option<String>,
    /// Series, with the orientation where a series holds several stacks.
    pub series: Option<String>,
    /// Modality.
    pub modality: Option<String>,
    /// Body part, upper case.
    pub body_part: Option<String>,
    /// Image type, its values joined by a backslash.
    pub image_type: Option<String>,
    /// Sequence and contrast.
    pub sequence: Sequence,
    /// Whether the file says that text is burned into its pixels.
    pub burned_in: bool,
    /// Place of each slice.
    pub places: Vec<Option<Place>>,
    /// Area of a pixel of the first frame, mm2.
    pub pixel_mm2: Option<f64>,
}

/// Reads all headers.
///
/// # Errors
/// When it is no DICOM file, holds no image or is damaged.
pub fn about(bytes: &[u8], limits: &Limits) -> Result<About, DecodeError> {
    guard::without_panic("dicom", limits.max_time, || {
        let file = File::open(bytes, limits)?;
        let set = file.data_set()?;
        if !super::has_pixels(&set) {
            return Err(damaged("it has no pixel data"));
        }
        let header = Header::read(&set, limits)?;
        let groups = Groups::read(&set)?;
        let places: Vec<Option<Place>> = (0..header.frames)
            .map(|frame| Place::read(&set, &groups, frame))
            .collect::<Result<_, _>>()?;
        let mosaic = Mosaic::read(&set, &header);
        let stack = places.first().copied().flatten().map(|p| {
            // To a hundredth: slices of one stack differ by rounding.
            let round = |v: [f64; 3]| v.map(|x| (x * 100.0).round() as i64);
            format!("{:?}{:?}", round(p.along_row), round(p.along_column))
        });
        let series = set.text(tag::SERIES_INSTANCE_UID).map(|s| {
            format!(
                "{s}{}{}x{}",
                stack.unwrap_or_default(),
                header.columns,
                header.rows
            )
        });
        Ok(About {
            patient: patient(&set),
            series,
            modality: set.text(tag::MODALITY),
            body_part: set
                .text(tag::BODY_PART_EXAMINED)
                .map(|b| b.to_ascii_uppercase()),
            image_type: set.text(tag::IMAGE_TYPE),
            sequence: sequence(&set),
            burned_in: set.text(tag::BURNED_IN_ANNOTATION).as_deref() == Some("YES"),
            places: mosaic.map_or(places.clone(), |m| {
                m.places(&set, places.first().copied().flatten())
            }),
            pixel_mm2: place::pixel_mm2(&set, &groups, 0)?,
        })
    })
}

/// Patient identifier, or the study where there is none.
pub(crate) fn patient(set: &DataSet<'_>) -> Option<String> {
    set.text(tag::PATIENT_ID)
        .or_else(|| set.text(tag::STUDY_INSTANCE_UID))
}

/// What the attributes say of the sequence; damaged ones say nothing.
pub(super) fn sequence(set: &DataSet<'_>) -> Sequence {
    let number = |tag| set.decimal(tag).ok().flatten();
    let names = [
        tag::SERIES_DESCRIPTION,
        tag::PROTOCOL_NAME,
        tag::SEQUENCE_NAME,
    ];
    Sequence::of(&Said {
        names: names.into_iter().filter_map(|tag| set.text(tag)).collect(),
        scanning: set.text(tag::SCANNING_SEQUENCE),
        agent: set.text(tag::CONTRAST_BOLUS_AGENT),
        times: [
            number(tag::REPETITION_TIME),
            number(tag::ECHO_TIME),
            number(tag::INVERSION_TIME),
        ],
    })
}

impl About {
    /// Why this is no brain MRI, by its tags; `None` when they do not say so.
    #[must_use]
    pub fn unfit(&self) -> Option<String> {
        if let Some(modality) = &self.modality
            && modality != "MR"
        {
            // A modality is a code of two letters; anything else is not repeated.
            let known = modality.len() == 2 && modality.chars().all(|c| c.is_ascii_uppercase());
            let name = if known { modality.as_str() } else { "other" };
            return Some(format!("modality {name}, which is no MRI,"));
        }
        if let Some(kind) = &self.image_type
            && kind.split('\\').any(|v| v.trim() == "LOCALIZER")
        {
            return Some("a localizer, made to plan other scans,".to_owned());
        }
        let head = [
            "HEAD",
            "BRAIN",
            "SKULL",
            "NEURO",
            "PITUITARY",
            "IAC",
            "CEREBR",
        ];
        let body_part = self.body_part.as_deref()?;
        let elsewhere = [
            "ABDOMEN", "BREAST", "CHEST", "CSPINE", "FOOT", "HAND", "HEART", "HIP", "KNEE", "LEG",
            "LIVER", "LSPINE", "PELVIS", "PROSTATE", "SHOULDER", "SPINE", "TSPINE", "WRIST",
            "ANKLE", "ELBOW", "ARM",
        ];
        (!head.iter().any(|h| body_part.contains(h)))
            .then(|| elsewhere.iter().find(|e| body_part.contains(**e)))
            .flatten()
            .map(|part| format!("a scan of another body part ({part})"))
    }
}
