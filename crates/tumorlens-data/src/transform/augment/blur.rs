//! Blur and its contrary.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Gaussian blur.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blur {
    /// Probability, 0 to 1. Default 0.1.
    pub probability: f32,
    /// Largest standard deviation in pixels of the input, 0 to 8. Default 1.2.
    pub sigma: f32,
}

impl Default for Blur {
    fn default() -> Self {
        Self {
            probability: 0.1,
            sigma: 1.2,
        }
    }
}

/// One blur.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlurParams {
    /// Standard deviation in pixels.
    pub sigma: f32,
}

impl Augment for Blur {
    const NAME: &'static str = "blur";
    type Params = BlurParams;

    fn draw(self, draw: &mut Draw) -> Option<BlurParams> {
        draw.chance(self.probability).then(|| BlurParams {
            sigma: draw.range(0.25 * self.sigma..=self.sigma),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            sigma: (self.sigma * strength).min(8.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("sigma", self.sigma, 8.0),
        ]
    }
}

impl BlurParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        gaussian(image, side, self.sigma);
    }
}

/// Unsharp mask: adds what a blur of one pixel takes away, as scanners' and viewers' filters do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sharpen {
    /// Probability, 0 to 1. Default 0.1.
    pub probability: f32,
    /// Largest share of the difference that is added, 0 to 8. Default 1.
    pub amount: f32,
}

impl Default for Sharpen {
    fn default() -> Self {
        Self {
            probability: 0.1,
            amount: 1.0,
        }
    }
}

/// One sharpening.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharpenParams {
    /// Share of the difference that is added.
    pub amount: f32,
}

impl Augment for Sharpen {
    const NAME: &'static str = "sharpen";
    type Params = SharpenParams;

    fn draw(self, draw: &mut Draw) -> Option<SharpenParams> {
        draw.chance(self.probability).then(|| SharpenParams {
            amount: draw.range(0.0..=self.amount),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            amount: (self.amount * strength).min(8.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("amount", self.amount, 8.0),
        ]
    }
}

impl SharpenParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        let mut smooth = image.to_vec();
        gaussian(&mut smooth, side, 1.0);
        for (value, smooth) in image.iter_mut().zip(smooth) {
            *value += self.amount * (*value - smooth);
        }
    }
}

/// Blurs in place, rows then columns; the edge pixel continues outside. The kernel ends at three standard deviations.
pub(crate) fn gaussian(image: &mut [f32], side: usize, sigma: f32) {
    let radius = (3.0 * sigma).ceil().clamp(0.0, side as f32) as usize;
    if radius == 0 || side == 0 {
        return;
    }
    let mut kernel: Vec<f32> = (0..=2 * radius)
        .map(|i| (-0.5 * ((i as f32 - radius as f32) / sigma).powi(2)).exp())
        .collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= sum);

    let mut padded = vec![0.0; side + 2 * radius];
    for line in image.chunks_exact_mut(side) {
        padded[..radius].fill(line[0]);
        padded[radius..radius + side].copy_from_slice(line);
        padded[radius + side..].fill(line[side - 1]);
        line.fill(0.0);
        for (i, k) in kernel.iter().enumerate() {
            for (value, source) in line.iter_mut().zip(&padded[i..]) {
                *value += k * source;
            }
        }
    }
    let rows = image.to_vec();
    for (y, line) in image.chunks_exact_mut(side).enumerate() {
        line.fill(0.0);
        for (i, k) in kernel.iter().enumerate() {
            let row = (y + i).saturating_sub(radius).min(side - 1);
            for (value, source) in line.iter_mut().zip(&rows[row * side..]) {
                *value += k * source;
            }
        }
    }
}
