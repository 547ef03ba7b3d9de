//! Voxels in the order of the closest RAS+ axes: flips and swaps of axes, no interpolation.

use tumorlens_core::{Affine, geometry::SingularAffine};

/// The way from RAS+ indices to places in memory of a volume whose axes run another way.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Length of the axes x, y, z in RAS+.
    pub shape: [usize; 3],
    /// RAS+ indices to millimetres.
    pub affine: Affine,
    step: [isize; 3],
    start: isize,
}

impl Turn {
    /// The turn of a volume, the first axis of which runs fastest.
    ///
    /// # Errors
    /// When the affine is singular or not finite.
    pub fn of(sides: [usize; 3], affine: &Affine) -> Result<Self, SingularAffine> {
        let axes = affine.orientation()?;
        let strides = [1, sides[0], sides[0] * sides[1]];
        let mut turn = Self {
            shape: [1; 3],
            affine: *affine,
            step: [0; 3],
            start: 0,
        };
        for (axis, direction) in axes.iter().enumerate() {
            let world = direction.world;
            let last = sides[axis] as isize - 1;
            turn.shape[world] = sides[axis];
            turn.step[world] = strides[axis] as isize;
            let flipped = if direction.reversed { -1.0 } else { 1.0 };
            for (row, source) in turn.affine.rows.iter_mut().zip(&affine.rows) {
                row[world] = flipped * source[axis];
                if direction.reversed {
                    row[3] += source[axis] * last as f64;
                }
            }
            if direction.reversed {
                turn.start += turn.step[world] * last;
                turn.step[world] = -turn.step[world];
            }
        }
        Ok(turn)
    }

    /// Place in memory of the voxel (x, y, z) in RAS+.
    #[must_use]
    pub fn place(&self, [x, y, z]: [usize; 3]) -> usize {
        let at = self.start
            + x as isize * self.step[0]
            + y as isize * self.step[1]
            + z as isize * self.step[2];
        usize::try_from(at).unwrap_or(0)
    }

    /// Places of all voxels in RAS+ order, x running fastest.
    pub fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let [width, height, depth] = self.shape;
        (0..depth).flat_map(move |z| {
            (0..height).flat_map(move |y| (0..width).map(move |x| self.place([x, y, z])))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_axes_turns_to_the_same_volume() {
        let sides = [2usize, 3, 4];
        let value = |w: [usize; 3]| w[0] + 10 * w[1] + 100 * w[2];
        let truth: Vec<usize> = (0..4)
            .flat_map(|z| (0..3).flat_map(move |y| (0..2).map(move |x| value([x, y, z]))))
            .collect();
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            for flips in 0..8 {
                let reversed = |axis: usize| flips >> axis & 1 == 1;
                let stored = order.map(|world: usize| sides[world]);
                // The affine of a volume whose axis a runs along world axis order[a], reversed where flips says so.
                let mut rows = [[0.0; 4]; 3];
                for (axis, world) in order.iter().enumerate() {
                    rows[*world][axis] = if reversed(axis) { -1.0 } else { 1.0 };
                    if reversed(axis) {
                        rows[*world][3] = (sides[*world] - 1) as f64;
                    }
                }
                let mut memory = Vec::new();
                for k in 0..stored[2] {
                    for j in 0..stored[1] {
                        for i in 0..stored[0] {
                            let mut world = [0; 3];
                            for (axis, index) in [i, j, k].into_iter().enumerate() {
                                world[order[axis]] = if reversed(axis) {
                                    stored[axis] - 1 - index
                                } else {
                                    index
                                };
                            }
                            memory.push(value(world));
                        }
                    }
                }
                let turn = Turn::of(stored, &Affine { rows }).unwrap();
                assert_eq!(turn.shape, sides);
                let turned: Vec<usize> = turn.places().map(|i| memory[i]).collect();
                assert_eq!(turned, truth, "{order:?} {flips}");
                assert_eq!(turn.affine.apply([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
            }
        }
    }
}
