//! Noise of the receiver.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use tumorlens_core::Seed;

/// Adds Gaussian noise, or the Rician noise of magnitude images (Gudbjartsson and Patz 1995).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Noise {
    /// Probability, 0 to 1. Default 0.2.
    pub probability: f32,
    /// Largest standard deviation, 0 to 1. Default 0.06.
    pub sigma: f32,
    /// Probability that the noise is Rician, 0 to 1. Default 0.5.
    pub rician: f32,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            probability: 0.2,
            sigma: 0.06,
            rician: 0.5,
        }
    }
}

/// The noise of one image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseParams {
    /// Standard deviation.
    pub sigma: f32,
    /// Rician or Gaussian.
    pub rician: bool,
    /// Seed of the pixels' draws.
    pub seed: Seed,
}

impl Augment for Noise {
    const NAME: &'static str = "noise";
    type Params = NoiseParams;

    fn draw(self, draw: &mut Draw) -> Option<NoiseParams> {
        draw.chance(self.probability).then(|| NoiseParams {
            sigma: draw.range(0.0..=self.sigma),
            rician: draw.chance(self.rician),
            seed: Seed(draw.bits()),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            sigma: (self.sigma * strength).min(1.0),
            rician: self.rician,
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("sigma", self.sigma, 1.0),
            ("rician", self.rician, 1.0),
        ]
    }
}

impl NoiseParams {
    pub(super) fn apply(&self, image: &mut [f32]) {
        let mut draw = Draw::new(self.seed);
        for chunk in image.chunks_mut(4) {
            let real = draw.noise4();
            if self.rician {
                let imaginary = draw.noise4();
                for ((value, a), b) in chunk.iter_mut().zip(real).zip(imaginary) {
                    let (real, imaginary) = (*value + self.sigma * a, self.sigma * b);
                    *value = (real * real + imaginary * imaginary).sqrt();
                }
            } else {
                for (value, a) in chunk.iter_mut().zip(real) {
                    *value += self.sigma * a;
                }
            }
        }
    }
}
