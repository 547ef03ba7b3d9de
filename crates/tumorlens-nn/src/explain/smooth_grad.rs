//! SmoothGrad (Smilkov et al. 2017).

use super::ExplainError;
use super::question::Question;
use rand::RngExt;
use tumorlens_core::Seed;

/// Noisy copies.
pub(super) const SAMPLES: usize = 32;

/// Standard deviation of the noise as a share of the image's range; the paper finds 0.1 to 0.2 sharpest.
const NOISE: f32 = 0.15;

pub(super) fn map(question: &Question<'_>) -> Result<Vec<f32>, ExplainError> {
    let area: usize = question.network.graph().input[1..].iter().product();
    let low = question.input.iter().copied().fold(f32::INFINITY, f32::min);
    let high = question
        .input
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    let seed = Seed(0).derive("smooth_grad");
    let noisy = |sample: usize| {
        // The channels of an image are copies of one grey value, so they share its noise.
        let noise = normal(area, seed.index(sample as u64));
        question
            .input
            .iter()
            .enumerate()
            .map(|(i, v)| v + NOISE * (high - low) * noise[i % area])
            .collect()
    };
    let gradient = question.mean_input_gradient((0..SAMPLES).map(noisy))?;
    // For the same reason the derivative by the grey value is the sum over the channels.
    let mut map = vec![0.0f32; area];
    gradient
        .iter()
        .enumerate()
        .for_each(|(i, g)| map[i % area] += g);
    Ok(map.into_iter().map(f32::abs).collect())
}

/// Standard normal values by Box and Muller 1958, two from each pair of uniforms.
fn normal(n: usize, seed: Seed) -> Vec<f32> {
    let mut rng = seed.rng();
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
        values.extend([(radius * cos) as f32, (radius * sin) as f32]);
    }
    values.truncate(n);
    values
}
