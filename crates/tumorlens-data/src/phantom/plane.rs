//! Planes through a head.

use super::space::{Point, point};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// The direction of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Seen from below: face at the top, right side of the head on the left.
    Axial,
    /// Seen from the front: crown at the top, right side of the head on the left.
    Coronal,
    /// Seen from the left: crown at the top, face on the left.
    Sagittal,
}

impl Plane {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// As truth.csv spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// Directions of a row and of a column of pixels.
    fn axes(self) -> (Point, Point) {
        match self {
            Self::Axial => (point(-1.0, 0.0, 0.0), point(0.0, -1.0, 0.0)),
            Self::Coronal => (point(-1.0, 0.0, 0.0), point(0.0, 0.0, -1.0)),
            Self::Sagittal => (point(0.0, -1.0, 0.0), point(0.0, 0.0, -1.0)),
        }
    }
}

/// The grid of one slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// The centre of the picture.
    centre: Point,
    /// One pixel to the right and one down, in millimetres.
    right: Point,
    down: Point,
    /// Side of a pixel in millimetres.
    pub(super) pixel: f32,
    half: f32,
}

impl Grid {
    /// A slice near `target`, off by at most `off` millimetres, as a technician would place it: a little tilted, turned
    /// and shifted.
    pub(super) fn draw(
        plane: Plane,
        target: Point,
        off: f32,
        size: usize,
        draw: &mut Draw,
    ) -> Self {
        let off = draw.within(off);
        let centre = match plane {
            Plane::Axial => point(0.0, -3.0, target.z + off),
            Plane::Coronal => point(0.0, target.y + off, -14.0),
            Plane::Sagittal => {
                // Beside the fissure, for in it there is no brain.
                let x = target.x + off;
                point(x.abs().max(3.5).copysign(target.x), -4.0, -20.0)
            }
        };
        let field = match plane {
            Plane::Axial => draw.range(205.0..=250.0),
            Plane::Coronal => draw.range(220.0..=260.0),
            Plane::Sagittal => draw.range(235.0..=275.0),
        };
        let pixel = field / size as f32;
        let tilt = [draw.within(0.07), draw.within(0.07), draw.within(0.07)];
        let turned = |p: Point| turn(p, tilt);
        let (right, down) = plane.axes();
        let (right, down) = (turned(right), turned(down));
        // Turning about the target keeps it in the slice; the shift lies in the plane.
        let centre = target + turned(centre - target);
        let centre = centre + right * draw.within(6.0) + down * draw.within(6.0);
        Self {
            centre,
            right: right * pixel,
            down: down * pixel,
            pixel,
            half: (size as f32 - 1.0) / 2.0,
        }
    }

    /// The point that a pixel shows.
    pub(super) fn at(&self, x: usize, y: usize) -> Point {
        self.centre + self.right * (x as f32 - self.half) + self.down * (y as f32 - self.half)
    }
}

/// Turns about the three axes, by angles in radians.
fn turn(p: Point, [a, b, c]: [f32; 3]) -> Point {
    let (s, k) = a.sin_cos();
    let p = point(p.x, k * p.y - s * p.z, s * p.y + k * p.z);
    let (s, k) = b.sin_cos();
    let p = point(k * p.x + s * p.z, p.y, k * p.z - s * p.x);
    let (s, k) = c.sin_cos();
    point(k * p.x - s * p.y, s * p.x + k * p.y, p.z)
}
