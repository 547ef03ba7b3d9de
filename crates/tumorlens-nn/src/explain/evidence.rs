//! The network's own evidence map, brought to the edges of the image.

use super::ExplainError;
use super::guided::guided;
use super::question::Question;
use super::resize::resize;
use tumorlens_core::Size;

/// Below this logit cells say the same: nothing here. How much below says more about the distance from a lesion than about
/// tissue, and would bend the lines that the filter fits.
const NOTHING: f32 = -2.0;
/// Side of the input in radii of the filter: about one cell of a map of stride 4 and its neighbours at 128 pixels.
const RADII: usize = 25;
/// Penalty of the filter, in squared units of the prepared input, in which a head has a standard deviation near 1.
const SMOOTHING: f64 = 0.05;

pub(super) fn map(question: &Question<'_>) -> Result<Vec<f32>, ExplainError> {
    let graph = question.network.graph();
    let layer = graph.evidence.ok_or(ExplainError::NoEvidence)?;
    let ([_, h, w], values) = question.activation(layer)?;
    let area = h * w;
    let plane: Vec<f32> = values
        .iter()
        .skip(question.output * area)
        .take(area)
        .map(|v| v.max(NOTHING))
        .collect();
    let [_, height, width] = graph.input;
    let size = Size { width, height };
    let cells = Size {
        width: w,
        height: h,
    };
    let map = resize(&plane, cells, size);
    let radius = (width.min(height) / RADII).max(1);
    let guide = &question.input[..size.area()];
    let map = guided(guide, &map, size, radius, SMOOTHING);
    Ok(map.into_iter().map(|v| v * question.sign).collect())
}
