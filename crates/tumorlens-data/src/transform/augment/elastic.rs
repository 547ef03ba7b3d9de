//! Smooth local displacement.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Displaces the image by a cubic B-spline over a coarse grid of random vectors (free-form deformation, Rueckert et al.
/// 1999), as heads differ in shape.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Elastic {
    /// Probability, 0 to 1. Default 0.2.
    pub probability: f32,
    /// Largest displacement of a control point on each axis, as a share of the side, 0 to 0.5; what the spline makes of it
    /// is about half. Default 0.04.
    pub amplitude: f32,
}

impl Default for Elastic {
    fn default() -> Self {
        Self {
            probability: 0.2,
            amplitude: 0.04,
        }
    }
}

/// Intervals of the grid on each axis.
const INTERVALS: usize = 5;
/// Control points on each axis: a cubic spline has three more than intervals.
const POINTS: usize = INTERVALS + 3;

/// The displacements of the control points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticParams {
    /// `[x, y]` of 8 x 8 control points, row by row, in shares of the side. Missing ones count as 0.
    pub displacements: Vec<[f32; 2]>,
}

impl Augment for Elastic {
    const NAME: &'static str = "elastic";
    type Params = ElasticParams;

    fn draw(self, draw: &mut Draw) -> Option<ElasticParams> {
        draw.chance(self.probability).then(|| ElasticParams {
            displacements: (0..POINTS * POINTS)
                .map(|_| [draw.within(self.amplitude), draw.within(self.amplitude)])
                .collect(),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            amplitude: (self.amplitude * strength).min(0.5),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("amplitude", self.amplitude, 0.5),
        ]
    }
}

/// The displacements of one image, row by row.
pub(super) struct Field {
    grid: [[[f32; 2]; POINTS]; POINTS],
    /// For every column or row: the first of its four control points, and their weights.
    taps: Vec<(usize, [f32; 4])>,
}

impl Field {
    pub(super) fn new(params: &ElasticParams, side: usize) -> Self {
        let mut grid = [[[0.0; 2]; POINTS]; POINTS];
        for (point, d) in grid.iter_mut().flatten().zip(&params.displacements) {
            *point = *d;
        }
        let tap = |i: usize| {
            let u = (i as f32 + 0.5) / side as f32 * INTERVALS as f32;
            let first = (u.floor() as usize).min(INTERVALS - 1);
            (first, cubic_weights(u - first as f32))
        };
        Self {
            grid,
            taps: (0..side).map(tap).collect(),
        }
    }

    /// The displacement, in shares of the side, of every pixel of row `y`.
    pub(super) fn row(&self, y: usize) -> impl Iterator<Item = [f32; 2]> {
        let (first, weights) = self.taps[y];
        let mut line = [[0.0; 2]; POINTS];
        for (row, w) in self.grid[first..first + 4].iter().zip(weights) {
            for (sum, point) in line.iter_mut().zip(row) {
                sum[0] += w * point[0];
                sum[1] += w * point[1];
            }
        }
        self.taps.iter().map(move |(first, w)| {
            let p = &line[*first..*first + 4];
            [0, 1].map(|a| w[0] * p[0][a] + w[1] * p[1][a] + w[2] * p[2][a] + w[3] * p[3][a])
        })
    }
}

/// The uniform cubic B-spline's four weights at `t` in [0, 1]; they add up to 1.
fn cubic_weights(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    let s = 1.0 - t;
    [
        s * s * s / 6.0,
        (3.0 * t3 - 6.0 * t2 + 4.0) / 6.0,
        (-3.0 * t3 + 3.0 * t2 + 3.0 * t + 1.0) / 6.0,
        t3 / 6.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_vectors_move_every_pixel_by_that_vector() {
        let params = ElasticParams {
            displacements: vec![[0.03, -0.01]; POINTS * POINTS],
        };
        let field = Field::new(&params, 33);
        for d in (0..33).flat_map(|y| field.row(y)) {
            assert!((d[0] - 0.03).abs() < 1e-6 && (d[1] + 0.01).abs() < 1e-6);
        }
    }
}
