//! Rotation, scale, aspect, shear and shift.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Turns, scales, stretches, shears and moves the image around its centre.
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
    /// Largest change of width over height: factors between 1 / (1 + aspect) and 1 + aspect, 0 to 1. Default 0. For pictures
    /// that lost their proportions on the way, as those do that were saved at a fixed size.
    pub aspect: f32,
}

impl Default for Affine {
    fn default() -> Self {
        Self {
            probability: 0.8,
            rotation: 15.0,
            scale: 0.12,
            shear: 6.0,
            shift: 0.06,
            aspect: 0.0,
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
    /// Factor of width over height at the same area, along the axes of the picture.
    #[serde(default = "one")]
    pub aspect: f32,
}

fn one() -> f32 {
    1.0
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
            aspect: draw.within(self.aspect.ln_1p()).exp(),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            rotation: (self.rotation * strength).min(180.0),
            scale: (self.scale * strength).min(1.0),
            shear: (self.shear * strength).min(45.0),
            shift: (self.shift * strength).min(0.5),
            aspect: (self.aspect * strength).min(1.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("rotation", self.rotation, 180.0),
            ("scale", self.scale, 1.0),
            ("shear", self.shear, 45.0),
            ("shift", self.shift, 0.5),
            ("aspect", self.aspect, 1.0),
        ]
    }
}

impl AffineParams {
    /// The map from the new image to the old one, `source = m * target + t`, in shares of the side from the centre.
    /// Row by row.
    pub(super) fn inverse(&self) -> ([[f32; 2]; 2], [f32; 2]) {
        let (sin, cos) = self.rotation.to_radians().sin_cos();
        let shear = self.shear.to_radians().tan();
        // Forward is scale, shear, rotation, aspect, shift; so backward is -shift, 1 / aspect, -rotation, -shear, 1 / scale.
        let k = 1.0 / self.scale;
        let (wider, higher) = (self.aspect.sqrt(), self.aspect.sqrt().recip());
        let m = [
            [
                k * (cos + shear * sin) / wider,
                k * (sin - shear * cos) / higher,
            ],
            [-k * sin / wider, k * cos / higher],
        ];
        let [x, y] = self.shift;
        let t = [-(m[0][0] * x + m[0][1] * y), -(m[1][0] * x + m[1][1] * y)];
        (m, t)
    }
}
