//! What every architecture offers to a head.

use super::ModelError;
use crate::graph::{GraphBuilder, NodeId};

/// The convolutional part of a network, already in the builder.
#[derive(Clone, Debug)]
pub(super) struct Trunk {
    /// Output of every stage that halves the image, from the input on.
    pub(super) levels: Vec<Level>,
    /// The last feature map at its finest: the default target of Grad-CAM. Before the last pooling where
    /// there is one, as Selvaraju et al. 2017 use VGG.
    pub(super) features: NodeId,
}

/// Output of one stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) node: NodeId,
    pub(super) channels: usize,
    /// Pixels of the image per pixel of the map.
    pub(super) stride: usize,
}

impl Trunk {
    /// The output of the whole trunk: the deepest level.
    pub(super) fn end(&self) -> NodeId {
        self.levels.last().map_or(self.features, |level| level.node)
    }
}

/// Shape `[channels, height, width]` of a node that is already in the builder.
pub(super) fn shape_of(builder: &GraphBuilder, node: NodeId) -> Result<[usize; 3], ModelError> {
    Ok(builder.clone().finish(node, None, node).shapes()?[node.0])
}
