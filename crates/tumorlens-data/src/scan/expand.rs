//! From files to slices: a DICOM object of several frames and a volume give one image a slice.
//!
//! What a scan is, and whose, is read from the file: a DICOM object that is no MR is left with the reason, the subject
//! is taken from the BIDS path or from the patient of the file, under a name that says nothing of the patient unless the user
//! asked for the identifier itself.

use super::path_text::to_text;
use super::pseudonym::Names;
use super::{Found, ScanOptions, Skipped};
use crate::acquisition::Acquisition;
use crate::format::error::DecodeError;
use crate::format::file::{read_file, read_head};
use crate::format::sequence::{Sequence, Weighting};
use crate::format::{dicom, nifti, raster};
use crate::limits::Limits;
use crate::slice::{Opened, Part, open_bytes, split};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use tumorlens_core::{NO_TUMOR, Plane};

/// Lesions below this area, mm2, make a slice neither positive nor negative: it is left out.
const SMALLEST_LESION: f64 = 20.0;

/// What one file gave.
struct Expanded {
    images: Vec<Found>,
    skipped: Vec<Skipped>,
    /// Patient and series as the file has them, for numbering only.
    patient: Option<String>,
    series: Option<String>,
    /// The file, when it says that text is burned into its pixels.
    burned_in: Option<String>,
}

/// Expands every file, in order; slices of a DICOM series are brought together and sorted along their normal.
/// The third value is what the user should read about the series. `series` has the numbers that were given already, so that
/// two inputs never share one by chance.
pub(super) fn all(
    found: Vec<Found>,
    options: &ScanOptions,
    series: &mut BTreeMap<String, usize>,
) -> (Vec<Found>, Vec<Skipped>, Vec<String>) {
    let expanded: Vec<Expanded> = found
        .into_par_iter()
        .map(|found| expand(found, options))
        .collect();
    let mut names = Names::new(&options.subjects);
    let mut skipped = Vec::new();
    let mut images: Vec<Found> = Vec::new();
    let mut burned_in: Vec<String> = Vec::new();
    for mut file in expanded {
        burned_in.extend(file.burned_in.take());
        skipped.append(&mut file.skipped);
        let subject = file.patient.map(|p| names.of(p));
        let group = file.series.map(|s| {
            let next = series.len() + 1;
            *series.entry(s).or_insert(next)
        });
        for mut image in file.images {
            if image.subject.is_empty() {
                image.subject = bids_subject(&image.path)
                    .or_else(|| subject.clone())
                    .unwrap_or_default();
            }
            if let Some(scan) = &mut image.scan {
                scan.series = scan.series.or(group);
            }
            images.push(image);
        }
    }
    let images = by_position(images);
    let notes = images
        .chunk_by(|a, b| series_of(a).is_some() && series_of(a) == series_of(b))
        .filter_map(irregular)
        .chain(written_on(&burned_in))
        .collect();
    (images, skipped, notes)
}

fn series_of(image: &Found) -> Option<usize> {
    image.scan.as_ref().and_then(|s| s.series)
}

/// A warning before pictures of people are passed on with their names in them.
fn written_on(files: &[String]) -> Option<String> {
    let first = files.first()?;
    Some(format!(
        "{first}: says that text is burned into its pixels{}; look for names before you pass a picture on",
        match files.len() {
            1 => String::new(),
            n => format!(", and {} more files do", n - 1),
        }
    ))
}

/// Double and missing slices of a series, by the steps between positions: the usual step is the median.
fn irregular(series: &[Found]) -> Option<String> {
    let positions: Vec<f64> = series
        .iter()
        .filter_map(|image| Some(image.scan.as_ref()?.place?.along_normal()))
        .collect();
    let mut steps: Vec<f64> = positions.windows(2).map(|p| p[1] - p[0]).collect();
    steps.retain(|s| *s > 1e-3);
    let double = positions.len().saturating_sub(1) - steps.len();
    steps.sort_by(f64::total_cmp);
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
    let missing: f64 = steps
        .iter()
        .map(|s| (s / usual).round() - 1.0)
        .filter(|m| *m > 0.0)
        .sum();
    if double == 0 && missing == 0.0 {
        return None;
    }
    let mut said = Vec::new();
    if double > 0 {
        said.push(format!("{double} at the place of another"));
    }
    if missing > 0.0 {
        said.push(format!(
            "{missing} missing by the usual step of {usual:.2} mm"
        ));
    }
    Some(format!(
        "{}: series of {} slices, {}",
        to_text(&series[0].path),
        series.len(),
        said.join(", ")
    ))
}

impl ScanOptions {
    /// Whether a scan of this sequence is looked at.
    fn wanted(&self, sequence: Sequence) -> Result<(), DecodeError> {
        let found = sequence.weighting;
        if self.sequences.is_empty() || found.is_some_and(|w| self.sequences.contains(&w)) {
            return Ok(());
        }
        Err(DecodeError::Unsupported {
            format: "scan",
            what: match found.map(Weighting::name) {
                Some(name) => format!("the sequence {name}, which was not asked for,"),
                None => "a sequence that neither names nor times tell".to_owned(),
            },
        })
    }
}

/// Brings the slices of a series to where its first one stands, in the order of their positions.
fn by_position(images: Vec<Found>) -> Vec<Found> {
    let mut first: BTreeMap<usize, usize> = BTreeMap::new();
    let mut keyed: Vec<(usize, f64, Found)> = Vec::with_capacity(images.len());
    for (i, image) in images.into_iter().enumerate() {
        let scan = image.scan.as_ref();
        let at = scan
            .and_then(|s| s.series)
            .map_or(i, |series| *first.entry(series).or_insert(i));
        let position = scan.and_then(|s| s.place).map_or(0.0, |p| p.along_normal());
        keyed.push((at, position, image));
    }
    // Stable: slices without a position keep the order of their paths.
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    keyed.into_iter().map(|(_, _, image)| image).collect()
}

/// `sub-01` of a BIDS path.
fn bids_subject(path: &Path) -> Option<String> {
    path.components().rev().find_map(|c| {
        let text = c.as_os_str().to_str()?;
        let label = text.strip_prefix("sub-")?.split(['_', '.']).next()?;
        (!label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric()))
            .then(|| format!("sub-{label}"))
    })
}

fn expand(found: Found, options: &ScanOptions) -> Expanded {
    let failed = |found: &Found, reason: String| Expanded {
        images: Vec::new(),
        skipped: vec![Skipped {
            path: to_text(&found.path),
            reason,
        }],
        patient: None,
        series: None,
        burned_in: None,
    };
    let plain = |found: Found| Expanded {
        images: vec![found],
        skipped: Vec::new(),
        patient: None,
        series: None,
        burned_in: None,
    };
    let (file, part) = split(&found.path);
    if part != Part::Whole || !may_hold_several(&file) {
        return plain(found);
    }
    let limits = Limits::default();
    let bytes = match read_file(&file, &limits) {
        Ok(bytes) => bytes,
        // A file that cannot be read is reported where pictures are, in the same words.
        Err(_) => return plain(found),
    };
    if dicom::sniff(&bytes).is_some() {
        return dicom_file(&found, &bytes, &limits, options)
            .unwrap_or_else(|e| failed(&found, e.to_string()));
    }
    if raster::sniff::sniff(&bytes).is_some() {
        return plain(found);
    }
    volume(&found, &bytes, &limits, options).unwrap_or_else(|e| failed(&found, e.to_string()))
}

/// By the first bytes: no picture.
fn may_hold_several(file: &Path) -> bool {
    let head = read_head(file);
    dicom::sniff(&head).is_some() || nifti::sniff(&head)
}

fn dicom_file(
    found: &Found,
    bytes: &[u8],
    limits: &Limits,
    options: &ScanOptions,
) -> Result<Expanded, DecodeError> {
    let about = dicom::about::about(bytes, limits)?;
    if let Some(reason) = about.unfit() {
        return Err(DecodeError::Unsupported {
            format: "dicom",
            what: reason,
        });
    }
    options.wanted(about.sequence)?;
    let images = (0..about.places.len())
        .map(|frame| {
            let part = if about.places.len() == 1 {
                Part::Whole
            } else {
                Part::Frame(frame)
            };
            let mut image = found.clone();
            image.path = part.of(&found.path);
            let plane = about.places[frame].map(|p| p.plane());
            image.acquisition = Acquisition::of_scan(plane, about.sequence).or(&found.acquisition);
            image.scan = Some(ScanOf {
                series: None,
                place: about.places[frame],
                pixel_mm2: about.places[frame]
                    .map(|p| p.spacing[0] * p.spacing[1])
                    .or(about.pixel_mm2),
                sequence: about.sequence,
            });
            image
        })
        .collect();
    Ok(Expanded {
        images,
        skipped: Vec::new(),
        patient: about.patient,
        series: about.series,
        burned_in: about.burned_in.then(|| to_text(&found.path)),
    })
}

fn volume(
    found: &Found,
    bytes: &[u8],
    limits: &Limits,
    options: &ScanOptions,
) -> Result<Expanded, DecodeError> {
    options.wanted(Sequence::of_file(&found.path))?;
    let opened = open_bytes(&found.path, bytes, limits)?;
    let outline = match &found.mask {
        Some(mask) => Some(crate::slice::open(mask, limits)?),
        None => None,
    };
    let mut images = Vec::new();
    for part in opened.parts(&options.planes) {
        let mut image = found.clone();
        image.path = part.of(&found.path);
        let plane = part.plane().map(Plane::name);
        let sequence = Sequence::of_file(&found.path);
        image.acquisition = Acquisition::of_scan(plane, sequence).or(&found.acquisition);
        image.scan = Some(ScanOf {
            sequence,
            pixel_mm2: pixel_mm2(&opened, part),
            ..ScanOf::default()
        });
        if let (Some(mask), Some(outline)) = (&found.mask, &outline) {
            match lesion(outline, part)? {
                Some(area) if area > 0.0 && area < SMALLEST_LESION => continue,
                Some(area) if area > 0.0 => image.mask = Some(part.of(mask)),
                _ => {
                    image.mask = None;
                    if options.labelled {
                        image.label = Some(NO_TUMOR.to_owned());
                    }
                }
            }
        }
        images.push(image);
    }
    let skipped = if images.is_empty() {
        vec![Skipped::new(&found.path, "shows no head in any slice")]
    } else {
        Vec::new()
    };
    Ok(Expanded {
        images,
        skipped,
        patient: None,
        series: Some(to_text(&found.path)),
        burned_in: None,
    })
}

/// Area of the outline in a slice, mm2; `None` when the outline is no volume.
fn lesion(outline: &Opened, part: Part) -> Result<Option<f64>, DecodeError> {
    let Some(pixel) = pixel_mm2(outline, part) else {
        return Ok(None);
    };
    let slice = outline.slice(part)?;
    let inside = slice.values().iter().filter(|v| **v > 0.0).count();
    Ok(Some(inside as f64 * pixel))
}

/// Area of a pixel of a slice, mm2; `None` when the file is no volume.
fn pixel_mm2(opened: &Opened, part: Part) -> Option<f64> {
    let (Opened::Volume(volume), Part::Slice(plane, _)) = (opened, part) else {
        return None;
    };
    let [x, y, z] = volume.spacing();
    let spacing = [x, y, z];
    let fine = (0..3)
        .filter(|axis| *axis != plane.axis())
        .map(|axis| spacing[axis])
        .fold(f64::MAX, f64::min);
    Some(fine * fine)
}

/// What a scan's file says of an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanOf {
    /// Number of the series within this scan, from 1.
    pub series: Option<usize>,
    /// Place of the slice in the patient.
    pub place: Option<dicom::place::Place>,
    /// Area of a pixel, mm2.
    pub pixel_mm2: Option<f64>,
    /// Sequence and contrast, from tags or the file's name.
    pub sequence: Sequence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bids_path_names_its_subject() {
        let subject = |p: &str| bids_subject(Path::new(p));
        assert_eq!(
            subject("bids/sub-07/anat/sub-07_T1w.nii.gz").as_deref(),
            Some("sub-07")
        );
        assert_eq!(subject("scans/sub-07_T2w.nii").as_deref(), Some("sub-07"));
        assert_eq!(subject("scans/subject.nii"), None);
    }
}
