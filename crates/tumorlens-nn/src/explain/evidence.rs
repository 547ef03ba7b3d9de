//! The network's own evidence map.

use super::ExplainError;
use super::question::Question;
use super::resize::resize;
use tumorlens_core::Size;

pub(super) fn map(question: &Question<'_>) -> Result<Vec<f32>, ExplainError> {
    let graph = question.network.graph();
    let layer = graph.evidence.ok_or(ExplainError::NoEvidence)?;
    let ([_, h, w], values) = question.activation(layer)?;
    let area = h * w;
    let plane: Vec<f32> = values
        .iter()
        .skip(question.output * area)
        .take(area)
        .map(|v| v * question.sign)
        .collect();
    let [_, height, width] = graph.input;
    Ok(resize(
        &plane,
        Size {
            width: w,
            height: h,
        },
        Size { width, height },
    ))
}
