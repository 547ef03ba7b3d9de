//! Volumes: what a NIfTI file holds, and slices of it as a radiologist sees them.
//!
//! | plane | rows run from | columns run from |
//! | --- | --- | --- |
//! | axial | anterior to posterior | the patient's right to left |
//! | coronal | superior to inferior | the patient's right to left |
//! | sagittal | superior to inferior | anterior to posterior |
//!
//! Pixels of a slice are square: where the voxels are not, the coarser direction is resampled to the finer spacing.

mod coverage;
pub mod turn;

use crate::format::error::DecodeError;
use crate::format::nifti::Nifti;
use crate::transform::resize::resize;
use tumorlens_core::{Affine, GreyImage, Plane, Size};
use turn::Turn;

/// Longest side of a slice; a coarse direction beside a very fine one is not resampled beyond.
const MAX_SIDE: usize = 2048;

/// A volume of scalars with its place.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Length of the stored axes, the first one running fastest.
    shape: [usize; 3],
    values: Vec<f32>,
    affine: Affine,
    turn: Turn,
}

impl Volume {
    /// The first volume of a file, scaled.
    ///
    /// # Errors
    /// When its affine is singular: its slices have no direction.
    pub fn of(file: &Nifti) -> Result<Self, DecodeError> {
        let side = |axis: usize| file.shape.get(axis).copied().unwrap_or(1);
        let shape = [side(0), side(1), side(2)];
        let turn = Turn::of(shape, &file.affine).map_err(|e| DecodeError::damaged("nifti", e))?;
        let (slope, intercept) = file.scaling.unwrap_or((1.0, 0.0));
        Ok(Self {
            values: file
                .values
                .scaled(0, shape.iter().product(), slope, intercept),
            affine: file.affine,
            shape,
            turn,
        })
    }

    /// Length of the stored axes.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Stored indices to RAS+ millimetres.
    #[must_use]
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    /// Spacing along x, y and z in RAS+, mm.
    #[must_use]
    pub fn spacing(&self) -> [f64; 3] {
        self.turn.affine.spacing()
    }

    /// Number of slices of a plane.
    #[must_use]
    pub fn slices(&self, plane: Plane) -> usize {
        self.turn.shape[plane.axis()]
    }

    /// The plane in which the volume is finest: across its widest spacing; axial when no spacing is a tenth wider.
    #[must_use]
    pub fn native_plane(&self) -> Plane {
        let spacing = self.spacing();
        Plane::ALL
            .into_iter()
            .find(|p| {
                (0..3)
                    .filter(|a| *a != p.axis())
                    .all(|a| spacing[p.axis()] > 1.1 * spacing[a])
            })
            .unwrap_or(Plane::Axial)
    }

    /// Slices of a plane that show enough of the head to be worth a look, ascending.
    #[must_use]
    pub fn worth_a_look(&self, plane: Plane) -> Vec<usize> {
        coverage::worth_a_look(self, plane)
    }

    /// A slice, `index` counted along the plane's RAS+ axis; `None` beyond the last.
    #[must_use]
    pub fn slice(&self, plane: Plane, index: usize) -> Option<GreyImage> {
        if index >= self.slices(plane) {
            return None;
        }
        let size = self.grid(plane);
        let values: Vec<f32> = (0..size.area())
            .map(|i| self.values[self.place(plane, index, i % size.width, i / size.width)])
            .collect();
        let square = self.square(plane);
        let values = if square == size {
            values
        } else {
            resize(
                &values,
                (size.width, size.height),
                (square.width, square.height),
            )
            .ok()?
        };
        GreyImage::new(square, values).ok()
    }

    /// Writes a map of a slice, on the slice's own pixels, into `target`, which lies in memory as the volume does.
    pub fn put(&self, plane: Plane, index: usize, map: &GreyImage, target: &mut [f32]) {
        let size = self.grid(plane);
        let values = if map.size() == size {
            map.values().to_vec()
        } else {
            let Ok(values) = resize(
                map.values(),
                (map.width(), map.height()),
                (size.width, size.height),
            ) else {
                return;
            };
            values
        };
        for (i, value) in values.into_iter().enumerate() {
            let place = self.place(plane, index, i % size.width, i / size.width);
            if let Some(voxel) = target.get_mut(place) {
                *voxel = value;
            }
        }
    }

    /// Voxels across and down.
    fn grid(&self, plane: Plane) -> Size {
        let [x, y, z] = self.turn.shape;
        let (width, height) = match plane {
            Plane::Axial => (x, y),
            Plane::Coronal => (x, z),
            Plane::Sagittal => (y, z),
        };
        Size { width, height }
    }

    /// Spacing across and down, mm.
    fn grid_spacing(&self, plane: Plane) -> (f64, f64) {
        let [x, y, z] = self.spacing();
        match plane {
            Plane::Axial => (x, y),
            Plane::Coronal => (x, z),
            Plane::Sagittal => (y, z),
        }
    }

    /// Square pixels across and down.
    fn square(&self, plane: Plane) -> Size {
        let size = self.grid(plane);
        let (across, down) = self.grid_spacing(plane);
        let fine = across.min(down);
        let stretched = |side: usize, spacing: f64| {
            if spacing > 1.01 * fine {
                ((side as f64 * spacing / fine).round() as usize).clamp(side, MAX_SIDE.max(side))
            } else {
                side
            }
        };
        Size {
            width: stretched(size.width, across),
            height: stretched(size.height, down),
        }
    }

    /// Place in memory of a pixel of a slice.
    fn place(&self, plane: Plane, index: usize, column: usize, row: usize) -> usize {
        let last = |axis: usize, i: usize| self.turn.shape[axis] - 1 - i;
        self.turn.place(match plane {
            Plane::Axial => [last(0, column), last(1, row), index],
            Plane::Coronal => [last(0, column), index, last(2, row)],
            Plane::Sagittal => [index, last(1, column), last(2, row)],
        })
    }
}
