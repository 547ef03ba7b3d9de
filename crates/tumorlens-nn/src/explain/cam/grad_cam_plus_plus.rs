//! Grad-CAM++ (Chattopadhay et al. 2018): a channel weighs as much as its positive gradients, each by the share
//! alpha of equation 19, in which the higher derivatives are powers of the first, the class score being taken as
//! the exponential of the logit.

use super::super::question::Probe;

/// Keeps 0 / 0 out, as in the authors' code.
const EPSILON: f32 = 1e-6;

pub(super) fn weights(probe: &Probe) -> Vec<f32> {
    let area = probe.shape[1] * probe.shape[2];
    let planes = probe
        .activation
        .chunks_exact(area)
        .zip(probe.gradient.chunks_exact(area));
    planes
        .map(|(activation, gradient)| {
            let sum: f32 = activation.iter().sum();
            gradient
                .iter()
                .filter(|g| **g > 0.0)
                .map(|g| g * alpha(*g, sum))
                .sum()
        })
        .collect()
}

fn alpha(g: f32, sum: f32) -> f32 {
    let square = g * g;
    square / (2.0 * square + sum * square * g + EPSILON)
}
