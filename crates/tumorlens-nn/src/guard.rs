//! A guard: a small network beside the one that judges, which tells heads from other pictures.
//!
//! What a network for tumors makes of an image says little about whether it shows a head: nobody asked it. The guard is asked
//! nothing else. It looks at the image at half of its size, so that anatomy counts more than the grain of a source, and
//! reads their grey values alone, and learns from training images and decoys. In a bundle it is a branch of the graph that only reads the input
//! ([`Graph::guard`]): every device computes it in the same pass, and no answer and no explanation depends on it.

use crate::graph::{Graph, Node, NodeId, Op};
use crate::model::{Architecture, ModelConfig, ModelError};
use crate::weights::{Parameter, Weights};
use tumorlens_core::Seed;

/// Channels of the first stage.
const WIDTH: usize = 16;
/// The layer that halves the image; its weights stay.
const HALVES: &str = "halves";

/// A guard of images `[channels, height, width]`, with one logit.
///
/// # Errors
/// When the images are too small.
pub fn graph(input: [usize; 3]) -> Result<Graph, ModelError> {
    let config = ModelConfig {
        base_width: Some(WIDTH),
        ..ModelConfig::new(Architecture::Resnet18)
    };
    let [channels, height, width] = input;
    let half = config.graph([1, height / 2, width / 2], 1)?;
    let moved = |id: NodeId| NodeId(id.0 + 1);
    let halves = Node {
        name: HALVES.to_owned(),
        op: Op::Conv {
            inputs: channels,
            outputs: 1,
            kernel: 2,
            stride: 2,
            padding: 0,
            bias: false,
        },
        inputs: vec![NodeId(0)],
    };
    let (image, layers) = half.nodes.split_at(1);
    let layers = layers.iter().map(|node| Node {
        inputs: node.inputs.iter().map(|id| moved(*id)).collect(),
        ..node.clone()
    });
    Ok(Graph {
        input,
        nodes: image
            .iter()
            .cloned()
            .chain([halves])
            .chain(layers)
            .collect(),
        logits: moved(half.logits),
        evidence: None,
        features: moved(half.features),
        stages: half
            .stages
            .into_iter()
            .map(|(name, last)| (name, moved(last)))
            .collect(),
        guard: None,
    })
}

/// First weights of such a graph: the layer that halves the image takes the mean of two by two pixels of its first channel.
/// One of [asymmetry](tumorlens_core::PreprocessSpec::asymmetry) says nothing of what is a head: cut from the side, it has none
/// and gives noise.
#[must_use]
pub fn initial(graph: &Graph, seed: Seed) -> Weights {
    let mut weights = Weights::initial(graph, seed);
    let fixed = weights.parameters.iter_mut().find(|p| is_fixed(&p.name));
    if let Some(parameter) = fixed {
        let mean = |i: usize| if i < 4 { 0.25 } else { 0.0 };
        let values: Vec<f32> = (0..parameter.values.len()).map(mean).collect();
        parameter.values = values.into();
    }
    weights
}

/// Whether a parameter keeps its first values in training.
#[must_use]
pub fn is_fixed(parameter: &str) -> bool {
    parameter.strip_suffix(".weight") == Some(HALVES)
}

/// A network with a guard beside it: the same answers, and the guard's.
#[must_use]
pub fn beside(
    (graph, weights): (&Graph, &Weights),
    (guard, guarding): (&Graph, &Weights),
) -> (Graph, Weights) {
    let start = graph.nodes.len() - 1;
    let moved = |id: NodeId| {
        if id.0 == 0 { id } else { NodeId(start + id.0) }
    };
    let named = |name: &str| format!("guard.{name}");
    let mut joined = graph.clone();
    joined
        .nodes
        .extend(guard.nodes[1..].iter().map(|node| Node {
            name: named(&node.name),
            op: node.op,
            inputs: node.inputs.iter().map(|id| moved(*id)).collect(),
        }));
    joined.guard = Some(moved(guard.logits));
    let own = weights.parameters.iter().cloned();
    let further = guarding.parameters.iter().map(|p| Parameter {
        name: named(&p.name),
        ..p.clone()
    });
    let parameters = own.chain(further).collect();
    (joined, Weights { parameters })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceChoice;
    use crate::graph::ensemble::ensemble;
    use crate::model::Head;
    use crate::network::{Answer, Network};

    const INPUT: [usize; 3] = [2, 64, 64];

    fn answers(graph: &Graph, weights: &Weights, input: &[f32], own: bool) -> Vec<Answer> {
        let device = DeviceChoice::Cpu.open().unwrap();
        let mut network = Network::new(graph.clone(), weights, &device, None).unwrap();
        if own {
            // A parameter that was set puts the network on the device's own pass.
            let first = &weights.parameters[0];
            network.set_parameter(&first.name, &first.values).unwrap();
        }
        network.answers(input.to_vec()).unwrap()
    }

    fn near(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
    }

    #[test]
    fn a_guard_changes_no_answer_and_says_what_it_says_alone() {
        let guard = graph(INPUT).unwrap();
        let guarding = initial(&guard, Seed(3));
        let input: Vec<f32> = (0..2 * 2 * 64 * 64u32)
            .map(|i| (i * i % 113) as f32 / 113.0)
            .collect();
        let alone = answers(&guard, &guarding, &input, false);
        assert!(alone.iter().all(|a| a.logits[0].abs() > 1e-3), "{alone:?}");
        let evidence = Head::Evidence {
            stride: 8,
            top: 0.1,
            sharpness: None,
            channels: 8,
        };
        for (head, members) in [(Head::Gap, 1), (evidence, 1), (evidence, 3)] {
            let config = ModelConfig {
                base_width: Some(4),
                head,
                ..ModelConfig::new(Architecture::Resnet18)
            };
            let one = config.graph(INPUT, 1).unwrap();
            let weights: Vec<Weights> = (0..members)
                .map(|seed| Weights::initial(&one, Seed(seed)))
                .collect();
            let (network, weights) = if members == 1 {
                (one, weights[0].clone())
            } else {
                ensemble(&weights.iter().map(|w| (&one, w)).collect::<Vec<_>>()).unwrap()
            };
            let plain = answers(&network, &weights, &input, false);
            let (joined, both) = beside((&network, &weights), (&guard, &guarding));
            assert_eq!(joined.shapes().unwrap().len(), joined.nodes.len());
            for own in [false, true] {
                let found = answers(&joined, &both, &input, own);
                assert_eq!(found.len(), 2);
                for ((found, plain), alone) in found.iter().zip(&plain).zip(&alone) {
                    near(found.logits[0], plain.logits[0]);
                    assert_eq!(found.members.len(), plain.members.len());
                    assert_eq!(found.features.all().len(), plain.features.all().len());
                    near(found.features.guard().unwrap(), alone.logits[0]);
                    assert_eq!(plain.features.guard(), None);
                }
                // One image alone goes through the branches side by side.
                let single = answers(&joined, &both, &input[..2 * 64 * 64], own);
                near(single[0].features.guard().unwrap(), alone[0].logits[0]);
            }
        }
    }

    #[test]
    fn the_image_is_halved_by_its_mean_and_that_layer_keeps_its_weights() {
        let guard = graph([2, 32, 32]).unwrap();
        let weights = initial(&guard, Seed(1));
        let halves = weights.get("halves.weight").unwrap();
        assert_eq!(halves.values.to_vec(), [[0.25; 4], [0.0; 4]].concat());
        assert!(is_fixed(&halves.name) && !is_fixed("conv1.weight"));
        assert_eq!(guard.shapes().unwrap()[1], [1, 16, 16]);
    }

    #[test]
    fn a_guard_of_images_too_small_is_refused() {
        assert!(graph([1, 1, 1]).is_err());
    }
}
