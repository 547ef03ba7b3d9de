//! Class activation maps: the channels of a layer weighted, summed, rectified and resized to the input.
//!
//! A member of the family gives either a weight for each channel or the whole weighted sum; the rest is shared.

mod ablation_cam;
mod grad_cam;
mod grad_cam_plus_plus;
mod hires_cam;
mod layer_cam;
mod score_cam;

use super::question::Question;
use super::resize::resize;
use super::{ExplainError, Method};
use crate::graph::NodeId;
use tumorlens_core::Size;

/// The map of a member of the family, `[height, width]` of the input.
pub(super) fn map(
    question: &Question<'_>,
    method: Method,
    layer: NodeId,
) -> Result<Vec<f32>, ExplainError> {
    let (shape, mut map) = match method {
        Method::ScoreCam => gradient_free(question, layer, score_cam::weights)?,
        Method::AblationCam => gradient_free(question, layer, ablation_cam::weights)?,
        _ => {
            let probe = question.probe(layer)?;
            let map = match method {
                Method::GradCam => {
                    weighted(probe.shape, &probe.activation, &grad_cam::weights(&probe))
                }
                Method::GradCamPlusPlus => weighted(
                    probe.shape,
                    &probe.activation,
                    &grad_cam_plus_plus::weights(&probe),
                ),
                Method::LayerCam => layer_cam::map(&probe),
                _ => hires_cam::map(&probe),
            };
            (probe.shape, map)
        }
    };
    map.iter_mut().for_each(|v| *v = v.max(0.0));
    let [_, height, width] = question.network.graph().input;
    Ok(resize(&map, size_of(shape), Size { width, height }))
}

/// How a method without gradients weighs the channels of a layer.
type Weigh = fn(&Question<'_>, NodeId, [usize; 3], &[f32]) -> Result<Vec<f32>, ExplainError>;

fn gradient_free(
    question: &Question<'_>,
    layer: NodeId,
    weigh: Weigh,
) -> Result<([usize; 3], Vec<f32>), ExplainError> {
    let (shape, activation) = question.activation(layer)?;
    let weights = weigh(question, layer, shape, &activation)?;
    Ok((shape, weighted(shape, &activation, &weights)))
}

/// Sum of the channels, each times its weight.
fn weighted(shape: [usize; 3], activation: &[f32], weights: &[f32]) -> Vec<f32> {
    let area = shape[1] * shape[2];
    let mut map = vec![0.0; area];
    for (plane, weight) in activation.chunks_exact(area).zip(weights) {
        map.iter_mut()
            .zip(plane)
            .for_each(|(sum, v)| *sum += weight * v);
    }
    map
}

/// Sum over the channels of a value made of activation and gradient at each pixel.
fn summed(shape: [usize; 3], terms: impl Iterator<Item = f32>) -> Vec<f32> {
    let area = shape[1] * shape[2];
    let mut map = vec![0.0; area];
    terms
        .enumerate()
        .for_each(|(i, term)| map[i % area] += term);
    map
}

fn size_of([_, height, width]: [usize; 3]) -> Size {
    Size { width, height }
}
