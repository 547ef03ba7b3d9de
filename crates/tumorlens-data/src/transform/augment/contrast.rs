//! Contrast and brightness.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Stretches the values around the mean of the foreground and moves them; the background (0) stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contrast {
    /// Probability, 0 to 1. Default 0.3.
    pub probability: f32,
    /// Largest change of contrast: factors between 1 / (1 + contrast) and 1 + contrast, 0 to 2. Default 0.35.
    pub contrast: f32,
    /// Largest shift of brightness either way, 0 to 1. Default 0.1.
    pub brightness: f32,
}

impl Default for Contrast {
    fn default() -> Self {
        Self {
            probability: 0.3,
            contrast: 0.35,
            brightness: 0.1,
        }
    }
}

/// One change of contrast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastParams {
    /// Factor around the mean.
    pub factor: f32,
    /// Added afterwards.
    pub shift: f32,
}

impl Augment for Contrast {
    const NAME: &'static str = "contrast";
    type Params = ContrastParams;

    fn draw(self, draw: &mut Draw) -> Option<ContrastParams> {
        draw.chance(self.probability).then(|| ContrastParams {
            factor: draw.within(self.contrast.ln_1p()).exp(),
            shift: draw.within(self.brightness),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            contrast: (self.contrast * strength).min(2.0),
            brightness: (self.brightness * strength).min(1.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("contrast", self.contrast, 2.0),
            ("brightness", self.brightness, 1.0),
        ]
    }
}

impl ContrastParams {
    pub(super) fn apply(&self, image: &mut [f32]) {
        let (mut sum, mut count) = (0.0f64, 0u32);
        for value in image.iter().filter(|v| **v > 0.0) {
            sum += f64::from(*value);
            count += 1;
        }
        if count == 0 {
            return;
        }
        let mean = (sum / f64::from(count)) as f32;
        let offset = mean + self.shift - mean * self.factor;
        for value in image {
            let changed = (*value * self.factor + offset).clamp(0.0, 1.0);
            *value = if *value > 0.0 { changed } else { *value };
        }
    }
}
