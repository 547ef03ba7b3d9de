//! Losses on the host: their value, and their exact gradient with respect to what the network put out.
//!
//! The logits and evidence maps of a batch are small, so losses are computed here in double precision, apart from the
//! framework and in a fixed order; the training step hands the gradients back to it.

pub mod image;
pub mod outline;

/// A loss over a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The value, in natural units (nats for cross entropies).
    pub value: f64,
    /// Its derivative with respect to every output, in the shape of the outputs.
    pub gradient: Vec<f32>,
}

/// ln(1 + exp(x)) without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// 1 / (1 + exp(-x)) without overflow.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        x.exp() / (1.0 + x.exp())
    }
}

/// The derivative of a loss by central differences, for tests.
#[cfg(test)]
fn numeric_gradient(outputs: &[f32], loss: impl Fn(&[f32]) -> f64) -> Vec<f64> {
    (0..outputs.len())
        .map(|i| {
            let shifted = |by: f32| {
                let mut moved = outputs.to_vec();
                moved[i] += by;
                // The step as stored, which differs from the step meant.
                (loss(&moved), f64::from(moved[i]))
            };
            let ((above, high), (below, low)) = (shifted(2e-3), shifted(-2e-3));
            (above - below) / (high - low)
        })
        .collect()
}
