//! LayerCAM (Jiang et al. 2021): each pixel of a channel weighs as much as its own gradient, where that is positive.

use super::super::question::Probe;

pub(super) fn map(probe: &Probe) -> Vec<f32> {
    let terms = probe
        .activation
        .iter()
        .zip(&probe.gradient)
        .map(|(a, g)| a * g.max(0.0));
    super::summed(probe.shape, terms)
}
