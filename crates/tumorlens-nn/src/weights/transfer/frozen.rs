//! Stages that keep their weights.

use super::TransferError;
use crate::graph::Graph;
use crate::weights::slots;
use std::collections::BTreeSet;

/// Parameters of stages that are not trained. The running statistics of their batch normalisations are among them; a
/// training that normalises by batch statistics goes on measuring those, as PyTorch does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    parameters: BTreeSet<String>,
}

impl Frozen {
    /// All parameters of the named stages, e.g. `stem` and `layer1`.
    ///
    /// # Errors
    /// When the graph has no such stage; names those it has.
    pub fn new(graph: &Graph, stages: &[String]) -> Result<Self, TransferError> {
        let mut layers: BTreeSet<&str> = BTreeSet::new();
        for name in stages {
            let position = graph.stages.iter().position(|(stage, _)| stage == name);
            let position = position.ok_or_else(|| unknown(graph, name))?;
            // A stage begins after the last node of the one before.
            let start = position
                .checked_sub(1)
                .map_or(0, |before| graph.stages[before].1.0 + 1);
            let nodes = graph.nodes.get(start..=graph.stages[position].1.0);
            layers.extend(
                nodes
                    .unwrap_or_default()
                    .iter()
                    .map(|node| node.name.as_str()),
            );
        }
        let parameters = slots(graph)
            .into_iter()
            .filter(|slot| layers.contains(slot.layer()));
        Ok(Self {
            parameters: parameters.map(|slot| slot.name).collect(),
        })
    }

    /// Whether the parameter of this name, e.g. `layer1.0.bn1.running_mean`, belongs to one.
    #[must_use]
    pub fn contains(&self, parameter: &str) -> bool {
        self.parameters.contains(parameter)
    }
}

fn unknown(graph: &Graph, stage: &str) -> TransferError {
    let known: Vec<&str> = graph
        .stages
        .iter()
        .map(|(stage, _)| stage.as_str())
        .collect();
    TransferError::UnknownStage {
        found: stage.escape_debug().to_string(),
        known: known.join(", "),
    }
}
