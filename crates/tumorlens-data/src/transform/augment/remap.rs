//! Other tones for the same anatomy.

use super::{Augment, more_often};
use crate::draw::Draw;
use crate::transform::head::head_region;
use serde::{Deserialize, Serialize};
use tumorlens_core::Seed;

/// Sends the image through a small random convolutional network, so that tissues change their order of brightness as
/// between sequences while edges stay where they are: global intensity non-linear augmentation, after Ouyang et al.
/// 2022 (IEEE TMI, "Causality-inspired single-source domain generalization"). The background stays as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Remap {
    /// Probability, 0 to 1. Default 0.
    pub probability: f32,
}

/// One random network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemapParams {
    /// Share of the network's picture in the result, 0 to 1.
    pub share: f32,
    /// Seed of its weights.
    pub seed: Seed,
}

impl Augment for Remap {
    const NAME: &'static str = "remap";
    type Params = RemapParams;

    fn draw(self, draw: &mut Draw) -> Option<RemapParams> {
        draw.chance(self.probability).then(|| RemapParams {
            share: draw.range(0.0..=1.0),
            seed: Seed(draw.bits()),
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

const LAYERS: usize = 4;
/// Channels between the layers.
const WIDTH: usize = 2;
/// Slope of the activation below 0.
const LEAK: f32 = 0.2;

impl RemapParams {
    pub(super) fn apply(&self, image: &mut [f32], side: usize) {
        let mut draw = Draw::new(self.seed);
        let mut planes = vec![image.to_vec()];
        for layer in 0..LAYERS {
            let outputs = if layer + 1 == LAYERS { 1 } else { WIDTH };
            let wide = draw.chance(0.5);
            let mut next: Vec<Vec<f32>> = Vec::with_capacity(outputs);
            for _ in 0..outputs {
                let mut sum = vec![draw.within(0.3); image.len()];
                for plane in &planes {
                    if wide {
                        let mut kernel = [0.0; 12];
                        kernel
                            .chunks_exact_mut(4)
                            .for_each(|k| k.copy_from_slice(&draw.noise4()));
                        convolve(&mut sum, plane, &kernel[..9], side);
                    } else {
                        let [weight, ..] = draw.noise4();
                        for (s, v) in sum.iter_mut().zip(plane) {
                            *s += weight * v;
                        }
                    }
                }
                if layer + 1 < LAYERS {
                    sum.iter_mut().for_each(|v| *v = v.max(LEAK * *v));
                }
                next.push(sum);
            }
            planes = next;
        }
        let Some(drawn) = planes.pop() else { return };
        let head = head_region(image, side);
        let inside = || {
            drawn
                .iter()
                .zip(&head)
                .filter(|(_, h)| **h)
                .map(|(v, _)| *v)
        };
        let (low, high) = inside().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        if !(high - low).is_finite() || high - low < 1e-6 {
            return;
        }
        // Kernels meet the border of the head with steep edges: the ends of the range are outliers.
        let mut sorted: Vec<f32> = inside().collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let rank = |share: f32| sorted[((sorted.len() - 1) as f32 * share) as usize];
        let (low, high) = (rank(0.01), rank(0.99));
        let scale = 1.0 / (high - low).max(1e-6);
        for ((value, drawn), inside) in image.iter_mut().zip(&drawn).zip(head) {
            if inside {
                let other = ((drawn - low) * scale).clamp(0.0, 1.0);
                *value += self.share * (other - *value);
            }
        }
    }
}

/// Adds a 3x3 convolution; nothing lies outside.
fn convolve(sum: &mut [f32], plane: &[f32], kernel: &[f32], side: usize) {
    for (i, k) in kernel.iter().enumerate() {
        // The same variance as one weight.
        let k = k / 3.0;
        let (dy, dx) = (i / 3, i % 3);
        for y in 0..side {
            let Some(from) = (y + dy).checked_sub(1).filter(|r| *r < side) else {
                continue;
            };
            let source = &plane[from * side..][..side];
            let target = &mut sum[y * side..][..side];
            let (source, target) = match dx {
                0 => (&source[..side - 1], &mut target[1..]),
                1 => (source, target),
                _ => (&source[1..], &mut target[..side - 1]),
            };
            for (t, s) in target.iter_mut().zip(source) {
                *t += k * s;
            }
        }
    }
}
