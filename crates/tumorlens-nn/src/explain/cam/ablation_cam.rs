//! Ablation-CAM (Ramaswamy and Desai 2020): a channel weighs as much as the score loses when it is set to 0.

use super::super::ExplainError;
use super::super::question::Question;
use crate::graph::NodeId;

pub(super) fn weights(
    question: &Question<'_>,
    layer: NodeId,
    shape: [usize; 3],
    activation: &[f32],
) -> Result<Vec<f32>, ExplainError> {
    let [channels, height, width] = shape;
    let area = height * width;
    let without = |channel: usize| {
        let mut changed = activation.to_vec();
        changed[channel * area..(channel + 1) * area].fill(0.0);
        changed
    };
    // The unchanged output goes first: its score by the same pass as the others.
    let outputs = std::iter::once(activation.to_vec()).chain((0..channels).map(without));
    let scores = question.scores_with(layer, shape, outputs)?;
    let whole = scores.first().copied().unwrap_or(0.0);
    Ok(scores.iter().skip(1).map(|score| whole - score).collect())
}
