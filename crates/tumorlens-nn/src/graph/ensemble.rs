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
    /// The members are of more than one architecture.
    #[error("networks that differ in more than how they score their maps cannot be joined")]
    Different,
}

/// Joins members of one architecture. Where all score their maps alike, the mean of the maps is scored; where they do not,
/// each scores its own, and the mean of the scores is the answer.
///
/// # Errors
/// Without members, when they differ in more than the score, or when the last layer has no weights to scale.
pub fn ensemble(members: &[(&Graph, &Weights)]) -> Result<(Graph, Weights), EnsembleError> {
    let Some((graph, _)) = members.first() else {
        return Err(EnsembleError::Empty);
    };
    let answer = graph.evidence.unwrap_or(graph.logits);
    if !matches!(graph.node(answer).op, Op::Conv { .. } | Op::Linear { .. }) {
        return Err(EnsembleError::Unscalable);
    }
    let is_other = |(other, _): &(&Graph, &Weights)| {
        other.nodes.get(..=answer.0) != graph.nodes.get(..=answer.0)
            || other.evidence != graph.evidence
    };
    if members.iter().any(is_other) {
        return Err(EnsembleError::Different);
    }
    let score = |of: &Graph| of.node(of.logits).op;
    let alike = members
        .iter()
        .all(|(other, _)| score(other) == score(graph));
    let mut nodes = vec![graph.nodes[0].clone()];
    let mut parameters = Vec::new();
    let (mut map, mut logits) = (None, None);
    for (i, (own, weights)) in members.iter().enumerate() {
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
        // What is of this member alone comes before what joins it to others.
        let score = (!alike).then(|| {
            let node = own.node(own.logits);
            nodes.push(Node {
                name: format!("member{i}.{}", node.name),
                op: of_share(node.op, members.len()),
                inputs: vec![moved(answer)],
            });
            NodeId(nodes.len() - 1)
        });
        map = Some(plus(&mut nodes, map, moved(answer), format!("mean{i}")));
        if let Some(score) = score {
            logits = Some(plus(&mut nodes, logits, score, format!("score{i}")));
        }
        parameters.extend(scaled(graph, answer, weights, i, members.len()));
    }
    let map = map.ok_or(EnsembleError::Empty)?;
    let logits = logits.unwrap_or_else(|| {
        if graph.evidence.is_none() {
            return map;
        }
        nodes.push(Node {
            inputs: vec![map],
            ..graph.node(graph.logits).clone()
        });
        NodeId(nodes.len() - 1)
    });
    let joined = Graph {
        input: graph.input,
        nodes,
        logits,
        evidence: graph.evidence.map(|_| map),
        // Of the first member, whose nodes stand where they stood.
        features: graph.features,
        stages: vec![("ensemble".to_owned(), logits)],
        guard: None,
    };
    Ok((joined, Weights { parameters }))
}

/// A sum with one more.
fn plus(nodes: &mut Vec<Node>, sum: Option<NodeId>, own: NodeId, name: String) -> NodeId {
    let Some(sum) = sum else { return own };
    nodes.push(Node {
        name,
        op: Op::Add,
        inputs: vec![sum, own],
    });
    NodeId(nodes.len() - 1)
}

/// What makes of a map's share (the map over the number of members) the share of its score. A mean of values scales as they
/// do; a soft maximum does when it is as much sharper.
fn of_share(score: Op, members: usize) -> Op {
    match score {
        Op::SoftMaximum { sharpness } => Op::SoftMaximum {
            sharpness: sharpness * members as f32,
        },
        other => other,
    }
}

/// Parameters of member `i`, its answer's share of the mean.
fn scaled(
    graph: &Graph,
    answer: NodeId,
    weights: &Weights,
    i: usize,
    members: usize,
) -> impl Iterator<Item = Parameter> {
    let last = &graph.node(answer).name;
    let share = 1.0 / members as f32;
    weights.parameters.iter().map(move |p| {
        let scaled = p.layer() == last && matches!(p.role, Role::Weight | Role::Bias);
        let scale = if scaled { share } else { 1.0 };
        Parameter {
            name: format!("member{i}.{}", p.name),
            values: p.values.iter().map(|v| v * scale).collect(),
            ..p.clone()
        }
    })
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

    fn scored(sharpness: Option<f32>) -> Head {
        Head::Evidence {
            stride: 8,
            top: 0.1,
            sharpness,
            channels: 8,
        }
    }

    fn alike<'a>(graph: &'a Graph, members: &'a [Weights]) -> Vec<(&'a Graph, &'a Weights)> {
        members.iter().map(|weights| (graph, weights)).collect()
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
        let (joined, weights) = ensemble(&alike(&graph, &members)).unwrap();
        let found = logits(&joined, &weights, &input)[0];
        assert!((found - mean).abs() < 1e-5, "{found} for {mean}");
    }

    #[test]
    fn equal_members_with_a_map_answer_as_one_does() {
        let graph = model(scored(None));
        let one = Weights::initial(&graph, Seed(5));
        let input: Vec<f32> = (0..1024u16).map(|i| f32::from(i % 29) / 29.0).collect();
        let (joined, weights) = ensemble(&[(&graph, &one), (&graph, &one)]).unwrap();
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
            scored(None),
            // Three members that score alike, and one of three that does not.
            scored(Some(0.7)),
            scored(Some(2.0)),
        ] {
            let graph = model(head);
            let own = |i: usize| match head {
                Head::Evidence {
                    sharpness: Some(2.0),
                    ..
                } if i == 1 => model(scored(None)),
                _ => graph.clone(),
            };
            let graphs: Vec<Graph> = (0..3).map(own).collect();
            let members: Vec<Weights> = (0..3)
                .map(|seed| Weights::initial(&graph, Seed(seed)))
                .collect();
            let input: Vec<f32> = (0..2048u16).map(|i| f32::from(i % 41) / 41.0).collect();
            let pairs: Vec<(&Graph, &Weights)> = graphs.iter().zip(&members).collect();
            let (joined, weights) = ensemble(&pairs).unwrap();
            let device = DeviceChoice::Cpu.open().unwrap();
            let network = Network::new(joined.clone(), &weights, &device, None).unwrap();
            let found = network.answers(input.clone()).unwrap();
            assert_eq!(found.len(), 2);
            let alone: Vec<Vec<f32>> = pairs.iter().map(|(g, w)| logits(g, w, &input)).collect();
            let mixed = joined.node(joined.logits).op == Op::Add;
            for (image, answer) in found.iter().enumerate() {
                let mean = alone.iter().map(|own| own[image]).sum::<f32>() / 3.0;
                let off = (answer.logits[0] - mean).abs();
                assert!(off < 1e-4 || !mixed, "{:?} for {mean}", answer.logits);
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
        assert_eq!(ensemble(&[]).unwrap_err(), EnsembleError::Empty);
    }

    #[test]
    fn networks_that_differ_in_more_than_the_score_are_refused() {
        let (one, other) = (model(Head::Gap), model(scored(None)));
        let weights = [
            Weights::initial(&one, Seed(1)),
            Weights::initial(&other, Seed(1)),
        ];
        let found = ensemble(&[(&one, &weights[0]), (&other, &weights[1])]);
        assert_eq!(found.unwrap_err(), EnsembleError::Different);
    }
}
