//! Score-CAM (Wang et al. 2020): a channel weighs as much as the score of the image seen through it.

use super::super::ExplainError;
use super::super::question::Question;
use super::super::resize::resize;
use super::size_of;
use crate::graph::NodeId;

/// Keeps 0 / 0 out for a constant channel, as in the authors' code.
const EPSILON: f32 = 1e-8;

pub(super) fn weights(
    question: &Question<'_>,
    _layer: NodeId,
    shape: [usize; 3],
    activation: &[f32],
) -> Result<Vec<f32>, ExplainError> {
    let area = shape[1] * shape[2];
    let through = |plane: &[f32]| {
        let mut mask = resize(
            plane,
            size_of(shape),
            size_of(question.network.graph().input),
        );
        scale_to_unit(&mut mask);
        question
            .input
            .iter()
            .enumerate()
            .map(|(i, v)| v * mask[i % mask.len()])
            .collect()
    };
    Ok(softmax(
        &question.scores(activation.chunks_exact(area).map(through))?,
    ))
}

fn scale_to_unit(mask: &mut [f32]) {
    let low = mask.iter().copied().fold(f32::INFINITY, f32::min);
    let high = mask.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    mask.iter_mut()
        .for_each(|v| *v = (*v - low) / (high - low + EPSILON));
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let high = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = scores.iter().map(|s| (s - high).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}
