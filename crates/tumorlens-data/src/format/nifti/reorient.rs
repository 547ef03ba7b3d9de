//! Voxels in the order of the closest RAS+ axes: flips and swaps of axes, no interpolation.

use super::Nifti;
use tumorlens_core::{Affine, geometry::SingularAffine};

/// Voxels whose axes run to the right, to anterior and to superior.
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical {
    /// Length of the axes x, y, z.
    pub shape: [usize; 3],
    /// Volumes of a series in time, or channels: the product of all further axes.
    pub volumes: usize,
    /// Scaled values, x running fastest, then y, z and volumes.
    pub values: Vec<f64>,
    /// Indices to RAS+ millimetres.
    pub affine: Affine,
}

/// Brings the first three axes to RAS+.
///
/// # Errors
/// When the affine is singular or not finite.
pub fn canonical(file: &Nifti) -> Result<Canonical, SingularAffine> {
    let axes = file.affine.orientation()?;
    let side = |axis: usize| file.shape.get(axis).copied().unwrap_or(1);
    let sides = [side(0), side(1), side(2)];
    let volumes = file.shape.iter().skip(3).product();
    let (mut shape, mut step, mut start) = ([1; 3], [0isize; 3], 0isize);
    let mut rows = file.affine.rows;
    let strides = [1, sides[0], sides[0] * sides[1]];
    for (axis, direction) in axes.iter().enumerate() {
        let world = direction.world;
        shape[world] = sides[axis];
        step[world] = strides[axis] as isize;
        let last = sides[axis] as isize - 1;
        let flipped = if direction.reversed { -1.0 } else { 1.0 };
        for (row, source) in rows.iter_mut().zip(&file.affine.rows) {
            row[world] = flipped * source[axis];
            if direction.reversed {
                row[3] += source[axis] * last as f64;
            }
        }
        if direction.reversed {
            start += step[world] * last;
            step[world] = -step[world];
        }
    }
    let volume: usize = sides.iter().product();
    let mut values = Vec::with_capacity(file.values.len());
    for v in 0..volumes {
        for z in 0..shape[2] as isize {
            for y in 0..shape[1] as isize {
                let line = start + z * step[2] + y * step[1];
                values.extend((0..shape[0] as isize).map(|x| {
                    file.scaled(v * volume + usize::try_from(line + x * step[0]).unwrap_or(0))
                }));
            }
        }
    }
    Ok(Canonical {
        shape,
        volumes,
        values,
        affine: Affine { rows },
    })
}
