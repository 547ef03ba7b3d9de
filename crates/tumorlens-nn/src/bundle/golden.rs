//! Golden inputs: made from a formula, so that a bundle carries their logits without carrying anybody's scan.

use super::{Bundle, BundleError};
use burn::tensor::Device;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use tumorlens_core::Seed;

/// Largest difference of a logit, relative to `1 + |logit|`, that other processors may show.
const TOLERANCE: f32 = 1e-3;

/// A synthetic input, drawn from a seed, and the logits it must give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Seed of the input.
    pub seed: u64,
    /// Logits.
    pub logits: Vec<f32>,
}

/// A replayed golden input gave something else.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("golden input {seed}: logit {found}, stored {stored}")]
pub struct GoldenMismatch {
    /// Seed of the input.
    pub seed: u64,
    /// Logit found now.
    pub found: f32,
    /// Logit stored.
    pub stored: f32,
}

/// Smooth blobs in [-1, 3], the range of normalised images.
fn input(seed: u64, [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let mut rng = Seed(seed).derive("golden").rng();
    let mut draw = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let blobs: Vec<[f32; 4]> = (0..6)
        .map(|_| {
            [
                draw(0.2, 0.8),
                draw(0.2, 0.8),
                draw(0.05, 0.3),
                draw(0.3, 1.5),
            ]
        })
        .collect();
    let mut plane = Vec::with_capacity(height * width);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
            let sum: f32 = blobs
                .iter()
                .map(|[a, b, r, gain]| {
                    gain * (-((u - a).powi(2) + (v - b).powi(2)) / (r * r)).exp()
                })
                .sum();
            plane.push(sum.min(4.0) - 1.0);
        }
    }
    plane.repeat(channels)
}

impl Bundle {
    /// Runs the golden inputs and stores their logits.
    ///
    /// # Errors
    /// When the network cannot be built.
    pub fn record_golden(&mut self, device: &Device) -> Result<(), BundleError> {
        let network = self.network(device)?;
        self.golden = (0..4)
            .map(|seed| {
                // A device that fails leaves nothing, which no stored value equals.
                let logits = network.logits(input(seed, self.graph.input));
                Golden {
                    seed,
                    logits: logits.unwrap_or_default(),
                }
            })
            .collect();
        Ok(())
    }

    /// Replays the golden inputs; gives the first that differs.
    ///
    /// # Errors
    /// When the network cannot be built or the bundle carries no golden inputs.
    pub fn replay_golden(&self, device: &Device) -> Result<Option<GoldenMismatch>, BundleError> {
        if self.golden.is_empty() {
            return Err(BundleError::Part {
                part: "golden.json",
                reason: "is empty".to_owned(),
            });
        }
        let mut now = self.clone();
        now.record_golden(device)?;
        for (stored, found) in self.golden.iter().zip(&now.golden) {
            if stored.logits.len() != found.logits.len() || stored.seed != found.seed {
                return Err(BundleError::Part {
                    part: "golden.json",
                    reason: "does not fit the model".to_owned(),
                });
            }
            for (&stored_logit, &logit) in stored.logits.iter().zip(&found.logits) {
                // Written so that NaN counts as a mismatch.
                let close = (stored_logit - logit).abs() <= TOLERANCE * (1.0 + stored_logit.abs());
                if !close {
                    return Ok(Some(GoldenMismatch {
                        seed: stored.seed,
                        found: logit,
                        stored: stored_logit,
                    }));
                }
            }
        }
        if self.golden.len() != now.golden.len() {
            return Err(BundleError::Part {
                part: "golden.json",
                reason: "has another number of inputs".to_owned(),
            });
        }
        Ok(None)
    }
}
