//! Rotation, scale, shear and shift.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Turns, scales, shears and moves the image around its centre.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Affine {
    /// Probability, 0 to 1. Default 0.8.
    pub probability: f32,
    /// Largest rotation either way, in degrees, 0 to 180. Default 15.
    pub rotation: f32,
    /// Largest change of size: factors between 1 / (1 + scale) and 1 + scale, 0 to 1. Default 0.12.
    pub scale: f32,
    /// Largest shear either way, in degrees, 0 to 45. Default 6.
    pub shear: f32,
    /// Largest shift on each axis, as a share of the side, 0 to 0.5. Default 0.06.
    pub shift: f32,
}

impl Default for Affine {
    fn default() -> Self {
        Self {
            probability: 0.8,
            rotation: 15.0,
            scale: 0.12,
            shear: 6.0,
            shift: 0.06,
        }
    }
}

/// One affine map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffineParams {
    /// Clockwise rotation as seen on the screen, in degrees.
    pub rotation: f32,
    /// Factor of size; above 1 the head grows.
    pub scale: f32,
    /// Shear along x, in degrees.
    pub shear: f32,
    /// Shift to the right and downwards, as shares of the side.
    pub shift: [f32; 2],
}

impl Augment for Affine {
    const NAME: &'static str = "affine";
    type Params = AffineParams;

    fn draw(self, draw: &mut Draw) -> Option<AffineParams> {
        draw.chance(self.probability).then(|| AffineParams {
            rotation: draw.within(self.rotation),
            scale: draw.within(self.scale.ln_1p()).exp(),
            shear: draw.within(self.shear),
            shift: [draw.within(self.shift), draw.within(self.shift)],
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            rotation: (self.rotation * strength).min(180.0),
            scale: (self.scale * strength).min(1.0),
            shear: (self.shear * strength).min(45.0),
            shift: (self.shift * strength).min(0.5),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("rotation", self.rotation, 180.0),
            ("scale", self.scale, 1.0),
            ("shear", self.shear, 45.0),
            ("shift", self.shift, 0.5),
        ]
    }
}

impl AffineParams {
    /// The map from the new image to the old one, `source = m * target + t`, in shares of the side from the centre.
    /// Row by row.
    pub(super) fn inverse(&self) -> ([[f32; 2]; 2], [f32; 2]) {
        let (sin, cos) = self.rotation.to_radians().sin_cos();
        let shear = self.shear.to_radians().tan();
        // Forward is scale, shear, rotation, shift; so backward is -shift, -rotation, -shear, 1 / scale.
        let k = 1.0 / self.scale;
        let m = [
            [k * (cos + shear * sin), k * (sin - shear * cos)],
            [-k * sin, k * cos],
        ];
        let [x, y] = self.shift;
        let t = [-(m[0][0] * x + m[0][1] * y), -(m[1][0] * x + m[1][1] * y)];
        (m, t)
    }
}
