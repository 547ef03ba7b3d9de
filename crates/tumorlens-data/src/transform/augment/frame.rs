//! A border of one grey.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Covers strips along the edges. Frames and crops differ between collections of slices, and where one collection has
/// most of a class, its frame gives the class away.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Frame {
    /// Probability, 0 to 1. Default 0.1.
    pub probability: f32,
    /// Largest width of a strip, as a share of the side, 0 to 0.5. Default 0.06.
    pub width: f32,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            probability: 0.1,
            width: 0.06,
        }
    }
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameParams {
    /// Widths of the left, top, right and bottom strip, in shares of the side.
    pub widths: [f32; 4],
    /// The grey of the strips.
    pub grey: f32,
}

impl Augment for Frame {
    const NAME: &'static str = "frame";
    type Params = FrameParams;

    fn draw(self, draw: &mut Draw) -> Option<FrameParams> {
        draw.chance(self.probability).then(|| FrameParams {
            widths: std::array::from_fn(|_| draw.range(0.0..=self.width)),
            // Black as often as all other greys.
            grey: draw.range(-1.0..=1.0).max(0.0),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            width: (self.width * strength).min(0.5),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("width", self.width, 0.5),
        ]
    }
}

impl FrameParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        let [left, top, right, bottom] = self
            .widths
            .map(|w| (w * side as f32).round().clamp(0.0, side as f32) as usize);
        for (y, line) in image.chunks_exact_mut(side).enumerate() {
            if y < top || y >= side - bottom {
                line.fill(self.grey);
            } else {
                line[..left].fill(self.grey);
                line[side - right..].fill(self.grey);
            }
        }
    }
}
