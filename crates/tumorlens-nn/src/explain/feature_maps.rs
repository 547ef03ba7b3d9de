//! Feature maps: what a layer makes of an image.

use super::{ExplainError, layer, question};
use crate::network::Network;
use tumorlens_core::Size;

/// Output of one layer for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMaps {
    /// Name of the layer.
    pub layer: String,
    /// Number of channels.
    pub channels: usize,
    /// Grid of each channel; 1 x 1 behind pooling and dense layers.
    pub size: Size,
    /// Values, `values[(channel * height + y) * width + x]`, raw.
    pub values: Vec<f32>,
}

impl FeatureMaps {
    /// The channels in order, each row by row.
    pub fn planes(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.size.area().max(1))
    }
}

/// What a layer, by default the last feature map, makes of an image `[channels, height, width]`.
///
/// # Errors
/// When there is no such layer or the input has another length.
pub fn feature_maps(
    network: &Network,
    input: &[f32],
    layer: Option<&str>,
) -> Result<FeatureMaps, ExplainError> {
    let graph = network.graph();
    if input.len() != graph.input.iter().product::<usize>() {
        return Err(ExplainError::InputLength {
            found: input.len(),
            expected: graph.input,
        });
    }
    let id = layer.map_or(Ok(graph.features), |name| layer::find(graph, name))?;
    let ([channels, height, width], values) = question::activation(network, input, id)?;
    Ok(FeatureMaps {
        layer: graph.node(id).name.clone(),
        channels,
        size: Size { width, height },
        values,
    })
}
