//! Contrast inversion.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Makes bright tissue dark and dark tissue bright, roughly as between T1 and T2 weighting, so that a model does not
/// lean on one sequence. Air stays dark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inversion {
    /// Probability, 0 to 1. Default 0.05.
    pub probability: f32,
}

impl Default for Inversion {
    fn default() -> Self {
        Self { probability: 0.05 }
    }
}

/// One inversion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InversionParams {
    /// Values below half of it stay dark, values above it are inverted, with a smooth passage.
    pub air: f32,
}

impl Augment for Inversion {
    const NAME: &'static str = "inversion";
    type Params = InversionParams;

    fn draw(self, draw: &mut Draw) -> Option<InversionParams> {
        draw.chance(self.probability).then(|| InversionParams {
            air: draw.range(0.1..=0.2),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![("probability", self.probability, 1.0)]
    }
}

impl InversionParams {
    pub(super) fn apply(&self, image: &mut [f32]) {
        let half = (self.air / 2.0).max(f32::MIN_POSITIVE);
        for value in image {
            let t = ((*value - half) / half).clamp(0.0, 1.0);
            let tissue = t * t * (3.0 - 2.0 * t);
            *value = *value * (1.0 - tissue) + (1.0 - *value) * tissue;
        }
    }
}
