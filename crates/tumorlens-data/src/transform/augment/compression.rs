//! Traces of lossy compression.

use super::{Augment, more_often};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// Quantises the cosine transform of blocks of 8x8 pixels, as JPEG does with brightness. Public collections of slices
/// are JPEG files of many qualities, and the quality must not tell the class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compression {
    /// Probability, 0 to 1. Default 0.1.
    pub probability: f32,
    /// Largest loss of quality: qualities from 100 - loss to 100 on the scale of libjpeg, 0 to 100. Default 75.
    pub loss: f32,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            probability: 0.1,
            loss: 75.0,
        }
    }
}

/// One compression.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompressionParams {
    /// Quality, 1 to 100.
    pub quality: f32,
}

impl Augment for Compression {
    const NAME: &'static str = "compression";
    type Params = CompressionParams;

    fn draw(self, draw: &mut Draw) -> Option<CompressionParams> {
        draw.chance(self.probability).then(|| CompressionParams {
            quality: (100.0 - draw.range(0.0..=self.loss)).max(1.0),
        })
    }

    fn scaled(self, strength: f32) -> Self {
        Self {
            probability: more_often(self.probability, strength),
            loss: (self.loss * strength).min(100.0),
        }
    }

    fn fields(self) -> Vec<(&'static str, f32, f32)> {
        vec![
            ("probability", self.probability, 1.0),
            ("loss", self.loss, 100.0),
        ]
    }
}

/// Side of a block.
const N: usize = 8;
type Block = [[f32; N]; N];

/// Table K.1 of ITU-T T.81, the example that nearly every encoder uses for brightness.
const STEPS: [[f32; N]; N] = [
    [16.0, 11.0, 10.0, 16.0, 24.0, 40.0, 51.0, 61.0],
    [12.0, 12.0, 14.0, 19.0, 26.0, 58.0, 60.0, 55.0],
    [14.0, 13.0, 16.0, 24.0, 40.0, 57.0, 69.0, 56.0],
    [14.0, 17.0, 22.0, 29.0, 51.0, 87.0, 80.0, 62.0],
    [18.0, 22.0, 37.0, 56.0, 68.0, 109.0, 103.0, 77.0],
    [24.0, 35.0, 55.0, 64.0, 81.0, 104.0, 113.0, 92.0],
    [49.0, 64.0, 78.0, 87.0, 103.0, 121.0, 120.0, 101.0],
    [72.0, 92.0, 95.0, 98.0, 112.0, 100.0, 103.0, 99.0],
];

impl CompressionParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        let cosines = cosines();
        let steps = self.steps();
        for top in (0..side).step_by(N) {
            for left in (0..side).step_by(N) {
                // Blocks that stick out repeat the last row and column.
                let at =
                    |y: usize, x: usize| (top + y).min(side - 1) * side + (left + x).min(side - 1);
                let block = std::array::from_fn(|y| std::array::from_fn(|x| image[at(y, x)]));
                let mut frequencies = product(&product(&cosines, &block), &transposed(&cosines));
                for (f, step) in frequencies.iter_mut().flatten().zip(steps.iter().flatten()) {
                    *f = (*f / step).round() * step;
                }
                let block = product(&product(&transposed(&cosines), &frequencies), &cosines);
                for (y, line) in block.iter().enumerate().take(side - top) {
                    for (x, value) in line.iter().enumerate().take(side - left) {
                        image[at(y, x)] = *value;
                    }
                }
            }
        }
    }

    /// Quantisation steps for values in [0, 1], with libjpeg's scaling of quality.
    fn steps(&self) -> Block {
        let quality = self.quality.clamp(1.0, 100.0);
        let percent = if quality < 50.0 {
            5000.0 / quality
        } else {
            200.0 - 2.0 * quality
        };
        STEPS.map(|row| row.map(|step| (step * percent / 100.0).clamp(1.0, 255.0) / 255.0))
    }
}

/// The orthonormal cosine transform as a matrix, a frequency a row.
fn cosines() -> Block {
    std::array::from_fn(|frequency| {
        let scale = if frequency == 0 { 0.125f32 } else { 0.25 }.sqrt();
        std::array::from_fn(|x| {
            let angle = (2 * x + 1) as f32 * frequency as f32 * std::f32::consts::PI / 16.0;
            scale * angle.cos()
        })
    })
}

fn product(a: &Block, b: &Block) -> Block {
    let mut result = [[0.0; N]; N];
    for (row, line) in result.iter_mut().zip(a) {
        for (factor, other) in line.iter().zip(b) {
            for (sum, value) in row.iter_mut().zip(other) {
                *sum += factor * value;
            }
        }
    }
    result
}

fn transposed(a: &Block) -> Block {
    std::array::from_fn(|y| std::array::from_fn(|x| a[x][y]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_orthonormal() {
        let c = cosines();
        for (y, row) in product(&c, &transposed(&c)).iter().enumerate() {
            for (x, value) in row.iter().enumerate() {
                assert!((value - f32::from(u8::from(x == y))).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn better_quality_is_closer_to_the_image() {
        let image: Vec<f32> = (0..29 * 29)
            .map(|i| (i * 7919 % 256) as f32 / 255.0)
            .collect();
        let error = |quality| {
            let mut changed = image.clone();
            CompressionParams { quality }.apply(&mut changed, 29);
            image
                .iter()
                .zip(changed)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>()
                / 841.0
        };
        // At quality 100 every step is 1/255: the error is that of rounding to 8 bits.
        assert!(error(100.0) < 1e-5);
        assert!(error(90.0) < error(50.0) && error(50.0) < error(10.0));
    }
}
