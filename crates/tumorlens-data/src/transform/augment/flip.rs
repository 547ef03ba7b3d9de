//! Mirroring.

use super::Augment;
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Mirrors the image. Left and right are nearly alike in a head; up and down are not, but a sagittal slice may come
/// either way round, and a model that must not care can be told so.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flip {
    /// Probability of exchanging left and right, 0 to 1. Default 0.5.
    pub horizontal: f32,
    /// Probability of exchanging top and bottom, 0 to 1. Default 0.
    pub vertical: f32,
    /// Probability of exchanging rows and columns, 0 to 1; with the other two, quarter turns to either side. Default 0. For
    /// pictures that may lie on their side, as slices do that were saved from an array without its orientation.
    pub transposed: f32,
}

impl Default for Flip {
    fn default() -> Self {
        Self {
            horizontal: 0.5,
            vertical: 0.0,
            transposed: 0.0,
        }
    }
}

/// Which axes are mirrored, and then whether they are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlipParams {
    /// Left and right exchanged.
    pub horizontal: bool,
    /// Top and bottom exchanged.
    pub vertical: bool,
    /// Rows and columns exchanged.
    #[serde(default)]
    pub transposed: bool,
}

impl Augment for Flip {
    const NAME: &'static str = "flip";
    type Params = FlipParams;

    fn draw(self, draw: &mut Draw) -> Option<FlipParams> {
        let params = FlipParams {
            horizontal: draw.chance(self.horizontal),
            vertical: draw.chance(self.vertical),
            transposed: draw.chance(self.transposed),
        };
        (params.horizontal || params.vertical || params.transposed).then_some(params)
    }

    fn scaled(self, strength: f32) -> Self {
        // A half is as mixed as it gets: more than that would be less.
        let scaled = |p: f32| {
            if p < 0.5 {
                (p * strength).min(0.5)
            } else {
                p * strength.min(1.0)
            }
        };
        Self {
            horizontal: scaled(self.horizontal),
            vertical: scaled(self.vertical),
            transposed: scaled(self.transposed),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("horizontal", self.horizontal, 1.0),
            ("vertical", self.vertical, 1.0),
            ("transposed", self.transposed, 1.0),
        ]
    }
}
