//! A rectangle of one grey.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Covers a rectangle (random erasing, Zhong et al. 2020), so that a model does not hang on one spot. The outline stays:
/// keep the rectangle smaller than a lesion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Erasing {
    /// Probability, 0 to 1. Default 0.1.
    pub probability: f32,
    /// Largest share of the area, 0 to 1. Default 0.04.
    pub area: f32,
}

impl Default for Erasing {
    fn default() -> Self {
        Self {
            probability: 0.1,
            area: 0.04,
        }
    }
}

/// One rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasingParams {
    /// Centre, in shares of the side from the left and the top.
    pub centre: [f32; 2],
    /// Width and height, in shares of the side.
    pub size: [f32; 2],
    /// The grey that covers it.
    pub grey: f32,
}

impl Augment for Erasing {
    const NAME: &'static str = "erasing";
    type Params = ErasingParams;

    fn draw(self, draw: &mut Draw) -> Option<ErasingParams> {
        draw.chance(self.probability).then(|| {
            let side = draw.range(0.25 * self.area..=self.area).sqrt();
            let stretch = draw.within(0.5).exp();
            ErasingParams {
                centre: [draw.range(0.0..=1.0), draw.range(0.0..=1.0)],
                size: [side * stretch, side / stretch],
                grey: draw.range(0.0..=1.0),
            }
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            area: (self.area * strength).min(1.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("area", self.area, 1.0),
        ]
    }
}

impl ErasingParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        let pixel = |share: f32| (share * side as f32).round().clamp(0.0, side as f32) as usize;
        let span = |axis: usize| {
            let (centre, half) = (self.centre[axis], self.size[axis] / 2.0);
            let start = pixel(centre - half);
            start..pixel(centre + half).max(start)
        };
        for line in image
            .chunks_exact_mut(side)
            .take(span(1).end)
            .skip(span(1).start)
        {
            line[span(0)].fill(self.grey);
        }
    }
}
