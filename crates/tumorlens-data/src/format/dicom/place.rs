//! Where the frames of an image lie in the patient (DICOM PS3.3 C.7.6.2).

use super::data_set::DataSet;
use super::groups::Groups;
use super::tag;
use crate::format::error::DecodeError;
use tumorlens_core::Affine;

/// Distance of neighbouring rows, then of neighbouring columns of a frame, mm; empty where the file does not state it.
fn spacing(set: &DataSet<'_>, groups: &Groups<'_>, frame: usize) -> Result<Vec<f64>, DecodeError> {
    match groups.get(frame, tag::PIXEL_MEASURES_SEQUENCE)? {
        Some(item) if item.has(tag::PIXEL_SPACING) => item.decimals(tag::PIXEL_SPACING),
        _ => set.decimals(tag::PIXEL_SPACING),
    }
}

/// Area of a pixel of a frame, mm2, whether or not the file says where the frame lies.
pub(super) fn pixel_mm2(
    set: &DataSet<'_>,
    groups: &Groups<'_>,
    frame: usize,
) -> Result<Option<f64>, DecodeError> {
    Ok(match spacing(set, groups, frame)?[..] {
        [rows, columns] if rows > 0.0 && columns > 0.0 => Some(rows * columns),
        _ => None,
    })
}

/// Place of one frame. DICOM's LPS+ coordinates, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Centre of the first pixel.
    pub position: [f64; 3],
    /// Direction along a row: the way the column number grows.
    pub along_row: [f64; 3],
    /// Direction along a column.
    pub along_column: [f64; 3],
    /// Distance of neighbouring rows, then of neighbouring columns, as PixelSpacing has it.
    pub spacing: [f64; 2],
    /// Nominal thickness.
    pub thickness: Option<f64>,
}

impl Place {
    /// The place of a frame; `None` when the file does not state it whole.
    ///
    /// # Errors
    /// When a number is damaged.
    pub fn read(
        set: &DataSet<'_>,
        groups: &Groups<'_>,
        frame: usize,
    ) -> Result<Option<Self>, DecodeError> {
        let numbers = |sequence, tag| match groups.get(frame, sequence)? {
            Some(item) if item.has(tag) => item.decimals(tag),
            _ => set.decimals(tag),
        };
        let position = numbers(tag::PLANE_POSITION_SEQUENCE, tag::IMAGE_POSITION_PATIENT)?;
        let orientation = numbers(
            tag::PLANE_ORIENTATION_SEQUENCE,
            tag::IMAGE_ORIENTATION_PATIENT,
        )?;
        let spacing = spacing(set, groups, frame)?;
        let thickness = numbers(tag::PIXEL_MEASURES_SEQUENCE, tag::SLICE_THICKNESS)?;
        let (&[x, y, z], &[a, b, c, d, e, f], &[between_rows, between_columns]) =
            (&position[..], &orientation[..], &spacing[..])
        else {
            return Ok(None);
        };
        let place = Self {
            position: [x, y, z],
            along_row: [a, b, c],
            along_column: [d, e, f],
            spacing: [between_rows, between_columns],
            thickness: thickness.first().copied(),
        };
        Ok(place.is_sound().then_some(place))
    }

    /// Directions of length 1 at right angles, and spacings above 0.
    fn is_sound(&self) -> bool {
        let unit = |v: [f64; 3]| (dot(v, v) - 1.0).abs() < 1e-2;
        unit(self.along_row)
            && unit(self.along_column)
            && dot(self.along_row, self.along_column).abs() < 1e-2
            && self.spacing.iter().all(|s| *s > 0.0)
    }

    /// Direction in which slices are stacked.
    #[must_use]
    pub fn normal(&self) -> [f64; 3] {
        let (a, b) = (self.along_row, self.along_column);
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    }

    /// Distance from the origin along the normal, by which slices are sorted.
    #[must_use]
    pub fn along_normal(&self) -> f64 {
        dot(self.position, self.normal())
    }

    /// `axial`, `coronal` or `sagittal`: the plane that is closest.
    #[must_use]
    pub fn plane(&self) -> &'static str {
        let normal = self.normal().map(f64::abs);
        if normal[2] >= normal[0] && normal[2] >= normal[1] {
            "axial"
        } else if normal[1] >= normal[0] {
            "coronal"
        } else {
            "sagittal"
        }
    }

    /// From (column, row, slice) to RAS+ millimetres, slices `step` apart along the normal.
    #[must_use]
    pub fn affine(&self, step: f64) -> Affine {
        let normal = self.normal();
        // LPS+ to RAS+: the first two coordinates change their sign.
        let sign = [-1.0, -1.0, 1.0];
        Affine {
            rows: std::array::from_fn(|r| {
                [
                    sign[r] * self.along_row[r] * self.spacing[1],
                    sign[r] * self.along_column[r] * self.spacing[0],
                    sign[r] * normal[r] * step,
                    sign[r] * self.position[r],
                ]
            }),
        }
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(&b).map(|(x, y)| x * y).sum()
}
