//! Where voxels lie in the patient.
//!
//! World coordinates are millimetres in RAS+: x grows to the patient's right, y to anterior, z to superior (NIfTI,
//! BIDS). DICOM's patient coordinates are LPS+: the first two have the other sign.

use serde::{Deserialize, Serialize};

/// Voxel indices to world coordinates: `world[r] = sum over c of rows[r][c] * index[c] + rows[r][3]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    /// Three rows of four.
    pub rows: [[f64; 4]; 3],
}

/// An affine without an inverse: its voxels have no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its affine has no inverse or is not finite")]
pub struct SingularAffine;

/// A plane through the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Across the long axis of the body.
    Axial,
    /// Parallel to the face.
    Coronal,
    /// Parallel to the nose.
    Sagittal,
}

impl Plane {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// `axial`, `coronal` or `sagittal`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// The world axis that the plane stands on: 2, 1 or 0.
    #[must_use]
    pub fn axis(self) -> usize {
        match self {
            Self::Axial => 2,
            Self::Coronal => 1,
            Self::Sagittal => 0,
        }
    }

    /// The plane of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// Which way an axis of voxels runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxisDirection {
    /// World axis: 0 left to right, 1 posterior to anterior, 2 inferior to superior.
    pub world: usize,
    /// Runs towards the negative end: left, posterior or inferior.
    pub reversed: bool,
}

impl AxisDirection {
    /// `R`, `L`, `A`, `P`, `S` or `I`: where the axis runs to.
    #[must_use]
    pub fn code(self) -> char {
        match (self.world, self.reversed) {
            (0, false) => 'R',
            (0, true) => 'L',
            (1, false) => 'A',
            (1, true) => 'P',
            (_, false) => 'S',
            (_, true) => 'I',
        }
    }
}

impl Affine {
    /// Voxel spacing along each voxel axis, mm.
    #[must_use]
    pub fn spacing(&self) -> [f64; 3] {
        std::array::from_fn(|c| {
            self.rows
                .iter()
                .map(|row| row[c] * row[c])
                .sum::<f64>()
                .sqrt()
        })
    }

    /// World coordinates of a voxel.
    #[must_use]
    pub fn apply(&self, index: [f64; 3]) -> [f64; 3] {
        self.rows
            .map(|row| row[3] + (0..3).map(|c| row[c] * index[c]).sum::<f64>())
    }

    /// The closest world axis of each voxel axis, no world axis twice. As nibabel's `io_orientation`: by the rotation
    /// nearest to the affine, the voxel axes in order.
    ///
    /// # Errors
    /// When the affine is singular or not finite.
    pub fn orientation(&self) -> Result<[AxisDirection; 3], SingularAffine> {
        let spacing = self.spacing();
        let scaled: [[f64; 3]; 3] =
            std::array::from_fn(|r| std::array::from_fn(|c| self.rows[r][c] / spacing[c]));
        let mut rotation = nearest_rotation(scaled)?;
        let mut axes = [AxisDirection {
            world: 0,
            reversed: false,
        }; 3];
        for (c, axis) in axes.iter_mut().enumerate() {
            let world = (0..3)
                .max_by(|a, b| {
                    let size = |r: &usize| rotation[*r][c].abs();
                    // Of equal ones the first counts, as with NumPy's argmax.
                    size(a).total_cmp(&size(b)).then(b.cmp(a))
                })
                .unwrap_or(0);
            if rotation[world][c].abs() < 1e-5 {
                return Err(SingularAffine);
            }
            *axis = AxisDirection {
                world,
                reversed: rotation[world][c] < 0.0,
            };
            rotation[world] = [0.0; 3];
        }
        Ok(axes)
    }
}

/// The orthogonal factor of the polar decomposition, by Newton's iteration (Higham 1986).
fn nearest_rotation(mut m: [[f64; 3]; 3]) -> Result<[[f64; 3]; 3], SingularAffine> {
    for _ in 0..100 {
        let other = inverse_transposed(&m).ok_or(SingularAffine)?;
        let mut change = 0.0;
        for (row, other) in m.iter_mut().zip(&other) {
            for (value, other) in row.iter_mut().zip(other) {
                let next = 0.5 * (*value + other);
                change += (next - *value).abs();
                *value = next;
            }
        }
        if change < 1e-12 {
            break;
        }
    }
    Ok(m)
}

/// The transposed inverse of a matrix; `None` when it has none.
fn inverse_transposed(m: &[[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    if !determinant.is_finite() || determinant.abs() < 1e-9 {
        return None;
    }
    Some(std::array::from_fn(|r| {
        std::array::from_fn(|c| cofactor(r, c) / determinant)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(rows: [[f64; 4]; 3]) -> String {
        Affine { rows }
            .orientation()
            .unwrap()
            .iter()
            .map(|a| a.code())
            .collect()
    }

    #[test]
    fn an_axis_is_named_after_where_it_runs_to() {
        assert_eq!(
            codes([
                [2.0, 0.0, 0.0, 0.0],
                [0.0, 2.0, 0.0, 0.0],
                [0.0, 0.0, 2.0, 0.0]
            ]),
            "RAS"
        );
        assert_eq!(
            codes([
                [0.0, 0.0, -1.0, 0.0],
                [1.0, 0.0, 0.0, 0.0],
                [0.0, -3.0, 0.0, 0.0]
            ]),
            "AIL"
        );
    }

    #[test]
    fn an_oblique_volume_takes_the_closest_axes() {
        let (s, c) = (0.5f64.sin(), 0.5f64.cos());
        assert_eq!(
            codes([[c, -s, 0.0, 0.0], [s, c, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]),
            "RAS"
        );
    }

    #[test]
    fn a_singular_or_infinite_affine_is_an_error() {
        for value in [0.0, f64::NAN, f64::INFINITY] {
            let rows = [
                [value, 0.0, 0.0, 0.0],
                [0.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 1.0, 0.0],
            ];
            assert!(Affine { rows }.orientation().is_err());
        }
    }
}
