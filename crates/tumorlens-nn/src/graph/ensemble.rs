//! Several networks of one architecture as one: they read the same input, and the mean of their evidence maps (or of
//! their logits, without a map) is the answer. The result is an ordinary graph, so that a bundle, an export and every
//! explanation treat it like any other.

use super::{Graph, Node, NodeId, Op};
use crate::weights::{Parameter, Role, Weights};

/// An ensemble cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnsembleError {
    /// No members.
    #[error("an ensemble needs a member")]
    Empty,
    /// The layer before the score is neither a convolution nor dense: its answer cannot be scaled.
    #[error("networks that end in a layer without weights cannot be averaged")]
    Unscalable,
}

/// Joins members of one architecture.
///
/// # Errors
/// Without members, or when the last layer has no weights to scale.
pub fn ensemble(graph: &Graph, members: &[Weights]) -> Result<(Graph, Weights), EnsembleError> {
    let answer = graph.evidence.unwrap_or(graph.logits);
    let last = &graph.node(answer).name;
    if members.is_empty() {
        return Err(EnsembleError::Empty);
    }
    if !matches!(graph.node(answer).op, Op::Conv { .. } | Op::Linear { .. }) {
        return Err(EnsembleError::Unscalable);
    }
    let share = 1.0 / members.len() as f32;
    let mut nodes = vec![graph.nodes[0].clone()];
    let mut parameters = Vec::new();
    let mut sum: Option<NodeId> = None;
    for (i, member) in members.iter().enumerate() {
        // Where the nodes of this member begin, less the input, which all share.
        let start = nodes.len() - 1;
        let moved = |id: NodeId| {
            if id.0 == 0 { id } else { NodeId(start + id.0) }
        };
        nodes.extend(graph.nodes[1..=answer.0].iter().map(|node| Node {
            name: format!("member{i}.{}", node.name),
            op: node.op,
            inputs: node.inputs.iter().map(|id| moved(*id)).collect(),
        }));
        let own = moved(answer);
        sum = Some(match sum {
            None => own,
            Some(before) => {
                nodes.push(Node {
                    name: format!("mean{i}"),
                    op: Op::Add,
                    inputs: vec![before, own],
                });
                NodeId(nodes.len() - 1)
            }
        });
        parameters.extend(member.parameters.iter().map(|p| {
            let scaled = p.layer() == last && matches!(p.role, Role::Weight | Role::Bias);
            let scale = if scaled { share } else { 1.0 };
            Parameter {
                name: format!("member{i}.{}", p.name),
                values: p.values.iter().map(|v| v * scale).collect(),
                ..p.clone()
            }
        }));
    }
    let sum = sum.ok_or(EnsembleError::Empty)?;
    let mut logits = sum;
    if graph.evidence.is_some() {
        nodes.push(Node {
            inputs: vec![sum],
            ..graph.node(graph.logits).clone()
        });
        logits = NodeId(nodes.len() - 1);
    }
    let joined = Graph {
        input: graph.input,
        nodes,
        logits,
        evidence: graph.evidence.map(|_| sum),
        // Of the first member, whose nodes stand where they stood.
        features: graph.features,
        stages: vec![("ensemble".to_owned(), logits)],
        guard: None,
    };
    Ok((joined, Weights { parameters }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceChoice;
    use crate::model::{Architecture, Head, ModelConfig};
    use crate::network::Network;
    use tumorlens_core::Seed;

    fn model(head: Head) -> Graph {
        let config = ModelConfig {
            architecture: Architecture::Resnet18,
            base_width: Some(4),
            head,
            ..ModelConfig::default()
        };
        config.graph([1, 32, 32], 1).unwrap()
    }

    fn logits(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f32> {
        let device = DeviceChoice::Cpu.open().unwrap();
        let network = Network::new(graph.clone(), weights, &device, None).unwrap();
        network.logits(input.to_vec()).unwrap()
    }

    #[test]
    fn the_answer_is_the_mean_of_the_members() {
        let graph = model(Head::Gap);
        let members: Vec<Weights> = (0..3)
            .map(|seed| Weights::initial(&graph, Seed(seed)))
            .collect();
        let input: Vec<f32> = (0..1024u16).map(|i| f32::from(i % 37) / 37.0).collect();
        let mean = members
            .iter()
            .map(|m| logits(&graph, m, &input)[0])
            .sum::<f32>()
            / 3.0;
        let (joined, weights) = ensemble(&graph, &members).unwrap();
        let found = logits(&joined, &weights, &input)[0];
        assert!((found - mean).abs() < 1e-5, "{found} for {mean}");
    }

    #[test]
    fn equal_members_with_a_map_answer_as_one_does() {
        let graph = model(Head::Evidence {
            stride: 8,
            top: 0.1,
            sharpness: None,
            channels: 8,
        });
        let one = Weights::initial(&graph, Seed(5));
        let input: Vec<f32> = (0..1024u16).map(|i| f32::from(i % 29) / 29.0).collect();
        let (joined, weights) = ensemble(&graph, &[one.clone(), one.clone()]).unwrap();
        assert!(joined.evidence.is_some());
        let (found, alone) = (
            logits(&joined, &weights, &input)[0],
            logits(&graph, &one, &input)[0],
        );
        assert!((found - alone).abs() < 1e-5, "{found} for {alone}");
    }

    #[test]
    fn what_each_member_says_can_be_read_on_every_device() {
        for head in [
            Head::Gap,
            Head::Evidence {
                stride: 8,
                top: 0.1,
                sharpness: None,
                channels: 8,
            },
        ] {
            let graph = model(head);
            let members: Vec<Weights> = (0..3)
                .map(|seed| Weights::initial(&graph, Seed(seed)))
                .collect();
            let input: Vec<f32> = (0..2048u16).map(|i| f32::from(i % 41) / 41.0).collect();
            let (joined, weights) = ensemble(&graph, &members).unwrap();
            let device = DeviceChoice::Cpu.open().unwrap();
            let network = Network::new(joined.clone(), &weights, &device, None).unwrap();
            let found = network.answers(input.clone()).unwrap();
            assert_eq!(found.len(), 2);
            let alone: Vec<Vec<f32>> = members.iter().map(|m| logits(&graph, m, &input)).collect();
            for (image, answer) in found.iter().enumerate() {
                for (logit, alone) in answer.members.iter().zip(&alone) {
                    let off = (logit - alone[image]).abs();
                    assert!(off < 1e-4, "{logit} for {}", alone[image]);
                }
                let counts = (answer.features.deepest().len(), answer.features.all().len());
                assert_eq!(
                    (answer.members.len(), counts),
                    (3, (32, 3 * (4 + 8 + 16 + 32)))
                );
            }
            // A parameter that was set puts the network on the device's own pass.
            let mut other = Network::new(joined, &weights, &device, None).unwrap();
            let first = &weights.parameters[0];
            other.set_parameter(&first.name, &first.values).unwrap();
            for (a, b) in other.answers(input).unwrap().iter().zip(&found) {
                let pairs = a
                    .features
                    .all()
                    .iter()
                    .chain(&a.members)
                    .zip(b.features.all().iter().chain(&b.members));
                assert!(
                    pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3),
                    "{a:?} for {b:?}"
                );
                assert_eq!(pairs.count(), 183);
            }
        }
    }

    #[test]
    fn an_ensemble_without_members_is_refused() {
        assert_eq!(
            ensemble(&model(Head::Gap), &[]).unwrap_err(),
            EnsembleError::Empty
        );
    }
}
