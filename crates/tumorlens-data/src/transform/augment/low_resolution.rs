//! Loss of resolution.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Averages over larger pixels and interpolates back, as a small picture that was enlarged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LowResolution {
    /// Probability, 0 to 1. Default 0.1.
    pub probability: f32,
    /// Largest loss: the side shrinks by factors from 1 to 1 + loss, 0 to 8. Default 1.5.
    pub loss: f32,
}

impl Default for LowResolution {
    fn default() -> Self {
        Self {
            probability: 0.1,
            loss: 1.5,
        }
    }
}

/// One loss of resolution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowResolutionParams {
    /// Old pixels a new one on each axis, 1 or more.
    pub factor: f32,
}

impl Augment for LowResolution {
    const NAME: &'static str = "low_resolution";
    type Params = LowResolutionParams;

    fn draw(self, draw: &mut Draw) -> Option<LowResolutionParams> {
        draw.chance(self.probability).then(|| LowResolutionParams {
            factor: 1.0 + draw.range(0.0..=self.loss),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            loss: (self.loss * strength).min(8.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("loss", self.loss, 8.0),
        ]
    }
}

impl LowResolutionParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        let small = ((side as f32 / self.factor).round() as usize).clamp(1, side);
        if small == side {
            return;
        }
        let cell = |i: usize| i * small / side;
        let mut sums = vec![0.0f32; small * small];
        let mut counts = vec![0u32; small];
        for i in 0..side {
            counts[cell(i)] += 1;
        }
        for (y, line) in image.chunks_exact(side).enumerate() {
            let row = &mut sums[cell(y) * small..][..small];
            for (x, value) in line.iter().enumerate() {
                row[cell(x)] += value;
            }
        }
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum /= (counts[i / small] * counts[i % small]) as f32;
        }
        let taps: Vec<(usize, usize, f32)> = (0..side)
            .map(|i| {
                let last = (small - 1) as f32;
                let at = ((i as f32 + 0.5) * small as f32 / side as f32 - 0.5).clamp(0.0, last);
                let low = at.floor() as usize;
                (low, (low + 1).min(small - 1), at - low as f32)
            })
            .collect();
        for (line, &(top, bottom, wy)) in image.chunks_exact_mut(side).zip(&taps) {
            let (top, bottom) = (
                &sums[top * small..][..small],
                &sums[bottom * small..][..small],
            );
            for (value, &(left, right, wx)) in line.iter_mut().zip(&taps) {
                let upper = top[left] + wx * (top[right] - top[left]);
                let lower = bottom[left] + wx * (bottom[right] - bottom[left]);
                *value = upper + wy * (lower - upper);
            }
        }
    }
}
