//! Tone curve.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Raises the values to a power.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gamma {
    /// Probability, 0 to 1. Default 0.3.
    pub probability: f32,
    /// Largest natural logarithm of the exponent either way, 0 to 2. Default 0.4, exponents 0.67 to 1.49.
    pub log_range: f32,
}

impl Default for Gamma {
    fn default() -> Self {
        Self {
            probability: 0.3,
            log_range: 0.4,
        }
    }
}

/// One tone curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaParams {
    /// The exponent; below 1 the image becomes brighter.
    pub exponent: f32,
}

impl Augment for Gamma {
    const NAME: &'static str = "gamma";
    type Params = GammaParams;

    fn draw(self, draw: &mut Draw) -> Option<GammaParams> {
        draw.chance(self.probability).then(|| GammaParams {
            exponent: draw.within(self.log_range).exp(),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            log_range: (self.log_range * strength).min(2.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("log_range", self.log_range, 2.0),
        ]
    }
}

impl GammaParams {
    pub(super) fn apply(&self, image: &mut [f32]) {
        for value in image {
            *value = value.max(0.0).powf(self.exponent);
        }
    }
}
