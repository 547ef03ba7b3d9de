//! HiResCAM (Draelos and Carin 2020): each pixel of a channel weighs as much as its own gradient.

use super::super::question::Probe;

pub(super) fn map(probe: &Probe) -> Vec<f32> {
    let terms = probe
        .activation
        .iter()
        .zip(&probe.gradient)
        .map(|(a, g)| a * g);
    super::summed(probe.shape, terms)
}
