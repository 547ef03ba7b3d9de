//! Layers by name.

use super::{ExplainError, Method};
use crate::graph::{Graph, NodeId, Op, ShapeError};

/// A layer that can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Name, e.g. `layer4.1.relu2`.
    pub name: String,
    /// Its output for one image, `[channels, height, width]`.
    pub shape: [usize; 3],
}

impl Layer {
    /// Whether its output has rows and columns, so that a map can be made of it.
    #[must_use]
    pub fn is_spatial(&self) -> bool {
        self.shape[1] > 1 || self.shape[2] > 1
    }
}

/// All layers from the input on.
///
/// # Errors
/// When the graph makes no sense.
pub fn layers(graph: &Graph) -> Result<Vec<Layer>, ShapeError> {
    let shapes = graph.shapes()?;
    Ok(graph
        .nodes
        .iter()
        .zip(shapes)
        .map(|(node, shape)| Layer {
            name: node.name.clone(),
            shape,
        })
        .collect())
}

/// Names of the layers that end a resolution of the (first member's) trunk, from the finest to the deepest: of every size of
/// map the last one behind a non-linearity.
#[must_use]
pub fn resolutions(graph: &Graph) -> Vec<String> {
    let shapes = graph.shapes().unwrap_or_default();
    let mut ends: Vec<([usize; 2], &str)> = Vec::new();
    let trunk = graph.nodes.iter().zip(&shapes).take(graph.deepest().0 + 1);
    for (node, [_, h, w]) in trunk {
        if matches!(node.op, Op::Activate { .. }) && h * w > 1 {
            ends.retain(|(size, _)| *size != [*h, *w]);
            ends.push(([*h, *w], &node.name));
        }
    }
    ends.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// The layer of this name.
pub(super) fn find(graph: &Graph, name: &str) -> Result<NodeId, ExplainError> {
    graph.find(name).ok_or_else(|| ExplainError::UnknownLayer {
        layer: name.to_owned(),
        known: graph.nodes.iter().map(|n| n.name.clone()).collect(),
    })
}

/// Where a method looks: the layer asked for, the last feature map, the evidence map or the input.
pub(super) fn place(
    graph: &Graph,
    method: Method,
    asked: Option<&str>,
) -> Result<NodeId, ExplainError> {
    if let (false, Some(layer)) = (method.takes_layer(), asked) {
        return Err(ExplainError::LayerNotUsed {
            method,
            layer: layer.to_owned(),
        });
    }
    if method == Method::Evidence {
        return graph.evidence.ok_or(ExplainError::NoEvidence);
    }
    if !method.takes_layer() {
        return Ok(NodeId(0));
    }
    let id = asked.map_or(Ok(graph.features), |name| find(graph, name))?;
    let shape = graph.shapes()?[id.0];
    if shape[1] * shape[2] == 1 {
        return Err(ExplainError::NotSpatial {
            layer: graph.node(id).name.clone(),
            shape,
        });
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Architecture, ModelConfig};

    #[test]
    fn every_resolution_of_a_trunk_ends_in_one_layer() {
        let graph = ModelConfig::new(Architecture::Resnet18)
            .graph([1, 64, 64], 1)
            .unwrap();
        let expected = ["relu", "layer1.1", "layer2.1", "layer3.1", "layer4.1"];
        assert_eq!(resolutions(&graph), expected);
    }
}
