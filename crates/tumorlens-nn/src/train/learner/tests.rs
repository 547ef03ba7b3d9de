use super::*;
use crate::graph::{Activation, ConvShape, Graph, GraphBuilder, Op};
use crate::weights::Role;
use serde::Deserialize;
use tumorlens_core::ClassSet;

/// Written by `reference/train/make_golden.py`: the same network trained three steps by PyTorch.
const GOLDEN: &str = include_str!("../../../../../reference/train/steps.json");

#[derive(Deserialize)]
struct Golden {
    losses: Vec<[f64; 2]>,
    weights: std::collections::BTreeMap<String, Vec<f32>>,
}

/// The integer hash of `reference/train/make_golden.py`.
fn value(i: usize, scale: f32) -> f32 {
    let hash = (i as u64 * 2_654_435_761) % (1 << 32);
    ((hash as f64 / 4_294_967_296.0 - 0.5) * f64::from(scale)) as f32
}

fn values(n: usize, start: usize, scale: f32) -> Vec<f32> {
    (start..start + n).map(|i| value(i, scale)).collect()
}

fn tiny() -> Graph {
    let mut g = GraphBuilder::new([1, 8, 8]);
    let shape = |channels, kernel, stride, bias| ConvShape {
        channels,
        kernel,
        stride,
        bias,
    };
    let conv = g.conv("conv1", g.input(), shape([1, 4], 3, 2, false));
    let norm = g.batch_norm("bn1", conv, 4);
    let relu = g.activate("relu1", norm, Activation::Relu);
    let map = g.conv("head.map", relu, shape([4, 1], 1, 1, true));
    let score = g.push("head.pool", Op::EvidencePool { top: 0.25 }, &[map]);
    g.finish(score, Some(map), relu)
}

fn learner(graph: &Graph, frozen: &dyn Fn(&str) -> bool) -> Learner {
    let mut weights = Weights::initial(graph, Seed(0));
    for parameter in &mut weights.parameters {
        match parameter.name.as_str() {
            "conv1.weight" => parameter.values = values(36, 3, 1.0).into(),
            "head.map.weight" => parameter.values = values(4, 77, 2.0).into(),
            "head.map.bias" => parameter.values = vec![0.0].into(),
            _ => {}
        }
    }
    let config = TrainConfig {
        clip_norm: 0.0,
        average: 0.5,
        ..TrainConfig::default()
    };
    let loss = ImageLoss::plain(&ClassSet::tumor());
    Learner::new(graph, weights, &config, loss, frozen, &Device::flex()).unwrap()
}

fn batch(step: usize) -> Batch {
    let outline = (0..16).map(|i| f32::from(u8::from(i % 5 == 0))).collect();
    Batch {
        input: values(3 * 64, 10_000 * (step + 1), 4.0),
        targets: vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![0.0, 1.0]],
        outlines: vec![Some(outline), Some(vec![0.0; 16]), None],
    }
}

#[test]
fn three_steps_are_those_of_pytorch_running_statistics_included() {
    let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
    let mut learner = learner(&tiny(), &|_| false);
    for (step, [image, outline]) in golden.losses.iter().enumerate() {
        let loss = learner.step(&batch(step), 0.01, Seed(step as u64)).unwrap();
        assert!(
            (loss.image - image).abs() < 1e-4,
            "step {step}: {} {image}",
            loss.image
        );
        let found = loss.outline.unwrap();
        assert!(
            (found - outline).abs() < 1e-4,
            "step {step}: {found} {outline}"
        );
    }
    for parameter in &learner.weights.parameters {
        let expected = &golden.weights[&parameter.name];
        for (found, expected) in parameter.values.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-4,
                "{}: {found} {expected}",
                parameter.name
            );
        }
    }
    assert_eq!(learner.weights.parameters.len(), golden.weights.len());
}

#[test]
fn what_is_frozen_stays_and_the_rest_learns() {
    let graph = tiny();
    let mut learner = learner(&graph, &|name| {
        name.starts_with("conv1") || name.starts_with("bn1")
    });
    let before = learner.weights.clone();
    learner.step(&batch(0), 0.01, Seed(0)).unwrap();
    for (before, after) in before.parameters.iter().zip(&learner.weights.parameters) {
        let changes = match after.role {
            Role::RunningMean | Role::RunningVariance => true,
            _ => after.name.starts_with("head"),
        };
        assert_eq!(before.values != after.values, changes, "{}", after.name);
    }
    assert_ne!(
        learner.result(),
        &learner.weights,
        "the average lags behind"
    );
}

#[test]
fn a_loss_that_is_not_finite_stops_the_step() {
    let mut learner = learner(&tiny(), &|_| false);
    let poisoned = learner
        .weights
        .parameters
        .iter_mut()
        .find(|p| p.name == "head.map.bias")
        .unwrap();
    poisoned.values[0] = f32::INFINITY;
    learner.upload().unwrap();
    let error = learner.step(&batch(0), 0.01, Seed(0)).unwrap_err();
    assert!(matches!(error, StepError::NotFinite("loss")), "{error}");
}
