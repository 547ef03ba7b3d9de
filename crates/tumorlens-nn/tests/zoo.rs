//! Every architecture gives what torchvision gives for the same weights: logits, loss and gradients.
//! Witness: `reference/models/zoo.json`, by PyTorch.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and may say why it is skipped"
)]

#[path = "golden/formula.rs"]
mod formula;

use burn::tensor::{Device, Tensor, TensorData, activation};
use serde::Deserialize;
use std::collections::BTreeMap;
use tumorlens_core::Seed;
use tumorlens_nn::graph::Graph;
use tumorlens_nn::model::{Head, ModelConfig};
use tumorlens_nn::network::{Mode, Network};
use tumorlens_nn::weights::{Parameter, Role, Weights, slots};

#[derive(Deserialize)]
struct Zoo {
    inference: Vec<Inference>,
    training: Vec<Training>,
}

#[derive(Deserialize)]
struct Inference {
    model: String,
    channels: usize,
    height: usize,
    width: usize,
    outputs: usize,
    dense: Option<usize>,
    /// Two images.
    logits: Vec<f32>,
}

#[derive(Deserialize)]
struct Training {
    model: String,
    height: usize,
    width: usize,
    loss: f64,
    /// Four images.
    logits: Vec<f32>,
    /// Norm, and product with a fixed direction.
    gradients: BTreeMap<String, [f64; 2]>,
}

fn zoo() -> Zoo {
    serde_json::from_str(include_str!("../../../reference/models/zoo.json")).unwrap()
}

/// Every parameter of a graph by its name: `weight` of the script.
fn golden_weights(graph: &Graph) -> Weights {
    let parameters = slots(graph)
        .into_iter()
        .map(|slot| {
            let (scale, centre) = match slot.role {
                Role::Weight => (
                    (6.0 / slot.shape[1..].iter().product::<usize>() as f64).sqrt(),
                    0.0,
                ),
                Role::Scale | Role::RunningVariance => (0.25, 1.0),
                Role::Bias | Role::Shift | Role::RunningMean => (0.1, 0.0),
            };
            let values = formula::values(&slot.name, slot.shape.iter().product());
            let values = values
                .into_iter()
                .map(|v| (v * scale + centre) as f32)
                .collect();
            Parameter {
                name: slot.name,
                shape: slot.shape,
                role: slot.role,
                values,
            }
        })
        .collect();
    Weights { parameters }
}

fn close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() <= tolerance * largest,
            "{what}: {found:?}, expected {expected:?}"
        );
    }
}

fn inference(name: &str) {
    let case = zoo()
        .inference
        .into_iter()
        .find(|case| case.model == name)
        .unwrap();
    let config = ModelConfig {
        dense: case.dense,
        ..ModelConfig::new(name.parse().unwrap())
    };
    let graph = config
        .graph([case.channels, case.height, case.width], case.outputs)
        .unwrap();
    let network = Network::new(
        graph.clone(),
        &golden_weights(&graph),
        &Device::flex(),
        None,
    )
    .unwrap();
    let pass = network.forward(
        network.batch(formula::images(2, graph.input)),
        Mode::Inference,
    );
    let logits = pass.logits.into_data().try_to_vec::<f32>().unwrap();
    close(&logits, &case.logits, 1e-4, name);
}

#[test]
fn cnn_gives_what_pytorch_gives() {
    inference("cnn");
}

#[test]
fn vgg11_and_vgg13_give_what_torchvisions_give() {
    inference("vgg11");
    inference("vgg13");
}

#[test]
fn vgg16_and_vgg19_give_what_torchvisions_give() {
    inference("vgg16");
    inference("vgg19");
}

#[test]
fn the_resnets_give_what_torchvisions_give() {
    inference("resnet18");
    inference("resnet34");
    inference("resnet50");
}

/// Mean binary cross-entropy of the targets 1, 0, 1, 0.
fn loss(logits: Tensor<2>) -> Tensor<1> {
    let targets = TensorData::new(vec![1f32, 0.0, 1.0, 0.0], [4, 1]);
    let targets = Tensor::<2>::from_data(targets, &logits.device());
    (activation::softplus(logits.clone(), 1.0) - logits * targets).mean()
}

fn training(name: &str, config: &ModelConfig) {
    let case = zoo()
        .training
        .into_iter()
        .find(|case| case.model == name)
        .unwrap();
    let graph = config.graph([1, case.height, case.width], 1).unwrap();
    let weights = golden_weights(&graph);
    let all = |p: &Parameter| p.role.is_learned();
    let network = Network::new(graph.clone(), &weights, &Device::flex(), Some(&all)).unwrap();
    let pass = network.forward(
        network.batch(formula::images(4, graph.input)),
        Mode::Training(Seed(0)),
    );
    close(
        &pass.logits.clone().into_data().try_to_vec::<f32>().unwrap(),
        &case.logits,
        1e-3,
        name,
    );
    let loss = loss(pass.logits);
    let gradients = loss.backward();
    let loss = f64::from(loss.into_scalar::<f32>());
    assert!(
        (loss - case.loss).abs() < 1e-3 * case.loss,
        "{name}: loss {loss}, expected {}",
        case.loss
    );
    let learned: Vec<&Parameter> = weights
        .parameters
        .iter()
        .filter(|p| p.role.is_learned())
        .collect();
    assert_eq!(learned.len(), case.gradients.len(), "{name}");
    for parameter in learned {
        let gradient = network
            .parameter(&parameter.name)
            .unwrap()
            .grad(&gradients)
            .unwrap();
        let gradient = gradient.into_data().try_to_vec::<f32>().unwrap();
        let gradient: Vec<f64> = gradient.into_iter().map(f64::from).collect();
        let direction = formula::values(&format!("{}.direction", parameter.name), gradient.len());
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        let product: f64 = gradient.iter().zip(direction).map(|(g, d)| g * d).sum();
        let [expected_norm, expected_product] = case.gradients[&parameter.name];
        // A bias before a batch normalisation has gradient 0: what is left of it is rounding.
        let tolerance = 1e-3 * expected_norm.max(1e-2);
        assert!(
            (norm - expected_norm).abs() < tolerance,
            "{name} {}: {norm} {expected_norm}",
            parameter.name
        );
        assert!(
            (product - expected_product).abs() < tolerance,
            "{name} {}: {product} {expected_product}",
            parameter.name
        );
    }
}

#[test]
fn cnn_learns_as_in_pytorch() {
    training(
        "cnn",
        &ModelConfig {
            dropout: Some(0.0),
            ..ModelConfig::default()
        },
    );
}

#[test]
fn resnet18_learns_as_torchvisions() {
    training("resnet18", &ModelConfig::new("resnet18".parse().unwrap()));
}

#[test]
fn resnet18_with_an_evidence_map_learns_as_the_same_net_in_pytorch() {
    let head = Head::Evidence {
        stride: 4,
        top: 0.02,
        sharpness: None,
        channels: 64,
    };
    let config = ModelConfig {
        head,
        ..ModelConfig::new("resnet18".parse().unwrap())
    };
    training("resnet18 evidence", &config);
}

/// The map starts low, and no pixel is far from another, so that a training starts calmly.
#[test]
fn an_evidence_map_starts_near_its_initial_bias() {
    let head = Head::Evidence {
        stride: 4,
        top: 0.02,
        sharpness: None,
        channels: 16,
    };
    let config = ModelConfig {
        head,
        widths: Some(vec![8, 8, 8]),
        ..ModelConfig::default()
    };
    let graph: Graph = config.graph([1, 32, 32], 2).unwrap();
    let weights = Weights::initial(&graph, Seed(5));
    let network = Network::new(graph, &weights, &Device::flex(), None).unwrap();
    let pass = network.forward(
        network.batch(formula::images(2, [1, 32, 32])),
        Mode::Inference,
    );
    let map = pass
        .evidence
        .unwrap()
        .into_data()
        .try_to_vec::<f32>()
        .unwrap();
    assert_eq!(map.len(), 2 * 2 * 8 * 8);
    assert!(
        map.iter()
            .all(|v| (v - tumorlens_nn::model::EVIDENCE_INITIAL_BIAS).abs() < 0.5),
        "{map:?}"
    );
}
