//! Stages that keep their weights.

use super::TransferError;
use crate::graph::Graph;
use crate::weights::Parameter;
use std::collections::BTreeSet;

/// Layers whose weights and running statistics a training leaves as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    layers: BTreeSet<String>,
}

impl Frozen {
    /// All layers of the named stages, e.g. `stem` and `layer1`.
    ///
    /// # Errors
    /// When the graph has no such stage; names those it has.
    pub fn new(graph: &Graph, stages: &[String]) -> Result<Self, TransferError> {
        let mut layers = BTreeSet::new();
        for name in stages {
            let position = graph.stages.iter().position(|(stage, _)| stage == name);
            let Some(position) = position else {
                let known: Vec<&str> = graph
                    .stages
                    .iter()
                    .map(|(stage, _)| stage.as_str())
                    .collect();
                return Err(TransferError::UnknownStage {
                    found: name.escape_debug().to_string(),
                    known: known.join(", "),
                });
            };
            let start = position
                .checked_sub(1)
                .map_or(0, |before| graph.stages[before].1.0 + 1);
            let nodes = graph.nodes.get(start..=graph.stages[position].1.0);
            layers.extend(
                nodes
                    .unwrap_or_default()
                    .iter()
                    .map(|node| node.name.clone()),
            );
        }
        Ok(Self { layers })
    }

    /// Whether this layer is frozen, e.g. `layer1.0.bn1`: its running statistics are not to be updated either.
    #[must_use]
    pub fn contains(&self, layer: &str) -> bool {
        self.layers.contains(layer)
    }

    /// Whether a parameter is trained: the predicate that [`Network::new`](crate::network::Network::new) takes.
    #[must_use]
    pub fn learns(&self, parameter: &Parameter) -> bool {
        parameter.role.is_learned() && !self.contains(parameter.layer())
    }
}
