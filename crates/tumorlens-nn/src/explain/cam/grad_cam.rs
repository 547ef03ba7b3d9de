//! Grad-CAM (Selvaraju et al. 2017): a channel weighs as much as its mean gradient.

use super::super::question::Probe;

pub(super) fn weights(probe: &Probe) -> Vec<f32> {
    let area = probe.shape[1] * probe.shape[2];
    let mean = |plane: &[f32]| plane.iter().sum::<f32>() / area as f32;
    probe.gradient.chunks_exact(area).map(mean).collect()
}
