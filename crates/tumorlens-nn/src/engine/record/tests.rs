use super::*;
use crate::graph::{ConvShape, Graph, GraphBuilder};
use crate::model::ModelConfig;
use crate::weights::Weights;
use std::time::Instant;
use tumorlens_core::Seed;

/// A step of training: forward, backward; with its seconds from outside.
fn step(engine: &mut Engine, weights: &Weights, images: usize, mode: Mode) -> f64 {
    let input = vec![0.5; images * engine.graph.input.iter().product::<usize>()];
    let begun = Instant::now();
    let output = engine.forward(weights, &input, mode);
    if mode != Mode::Inference {
        let learns = vec![true; weights.parameters.len()];
        let _ = engine.backward(weights, &output.logits, None, &learns);
        engine.lap(None, Task::Optimise);
    }
    begun.elapsed().as_secs_f64()
}

fn engine(graph: &Graph) -> (Engine, Weights) {
    let weights = Weights::initial(graph, Seed(1));
    (Engine::new(graph, &weights).unwrap(), weights)
}

fn model(name: &str, input: [usize; 3]) -> Graph {
    let config = ModelConfig::new(name.parse().unwrap());
    config.graph(input, 1).unwrap()
}

#[test]
fn a_convolution_has_the_operations_and_bytes_of_its_definition() {
    let mut g = GraphBuilder::new([3, 10, 12]);
    let shape = ConvShape {
        channels: [3, 8],
        kernel: 3,
        stride: 2,
        bias: false,
    };
    let first = g.conv("first", g.input(), shape);
    let channels = [8, 5];
    let second = g.conv("second", first, ConvShape { channels, ..shape });
    let mean = g.push("mean", Op::AvgPool { side: 1 }, &[second]);
    let graph = g.finish(mean, None, second);
    let (mut engine, weights) = engine(&graph);
    engine.record(true);
    step(&mut engine, &weights, 4, Mode::Training(Seed(0)));
    let of = |layer: &str, task: Task| {
        let parts = engine.recorded();
        parts
            .into_iter()
            .find(|p| p.layer == layer && p.task == task)
    };
    // 4 images of 5 x 6 pixels of 8 channels, each from 3 x 3 pixels of 3 channels.
    let operations = f64::from(4 * 5 * 6 * 8 * 2 * 27);
    let bytes = f64::from(4 * (4 * 3 * 10 * 12 + 4 * 8 * 5 * 6 + 8 * 27));
    for task in [Task::Forward, Task::ByWeights] {
        let part = of("first", task).unwrap();
        assert_eq!((part.operations, part.bytes), (operations, bytes));
    }
    assert_eq!(of("first", Task::ByInput), None, "the images do not learn");
    let part = of("second", Task::ByInput).unwrap();
    assert_eq!(part.operations, f64::from(4 * 3 * 3 * 5 * 2 * 72));
    assert!(of("mean", Task::PoolBack).is_some());
}

#[test]
fn residual_networks_have_the_multiply_adds_that_torchvision_states() {
    // torchvision 0.15, `_ops` of the weights' metadata: billions of multiply-adds of one image of 224 pixels, with a
    // thousand outputs instead of one.
    for (name, stated, features) in [
        ("resnet18", 1.814, 512.0),
        ("resnet34", 3.664, 512.0),
        ("resnet50", 4.089, 2048.0),
    ] {
        let graph = model(name, [3, 224, 224]);
        let (mut engine, _) = engine(&graph);
        engine.fit_to(&vec![0.0; 3 * 224 * 224]);
        let layers = graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| matches!(node.op, Op::Conv { .. } | Op::Linear { .. }));
        let total: f64 = layers
            .map(|(index, _)| engine.cost(Some(index), Task::Forward).operations)
            .sum();
        let billions = (total / 2.0 + features * 999.0) / 1e9;
        assert!((billions - stated).abs() < 0.0015, "{name}: {billions}");
    }
}

#[test]
fn every_layer_has_its_parts_and_the_parts_take_no_longer_than_the_step() {
    let graph = model("resnet18", [1, 32, 32]);
    let (mut engine, weights) = engine(&graph);
    engine.record(true);
    let seconds = step(&mut engine, &weights, 2, Mode::Training(Seed(0)));
    let parts = engine.recorded();
    let total: f64 = parts.iter().map(|part| part.seconds).sum();
    assert!(total <= seconds, "{total} of {seconds}");
    let mut seen = std::collections::HashSet::new();
    for part in &parts {
        assert!(seen.insert((part.layer.clone(), part.task)), "{part:?}");
        assert!(part.seconds >= 0.0 && part.operations >= 0.0, "{part:?}");
    }
    let has = |layer: &str, task: Task| seen.contains(&(layer.to_owned(), task));
    for (index, node) in graph.nodes.iter().enumerate() {
        let wanted: &[Task] = match node.op {
            Op::Conv { .. } if index == 1 => &[Task::Forward, Task::ByWeights],
            Op::Conv { .. } | Op::Linear { .. } => &[Task::Forward, Task::ByInput, Task::ByWeights],
            Op::BatchNorm { .. } => &[Task::Normalise, Task::NormaliseBack],
            Op::AvgPool { .. } => &[Task::Pool, Task::PoolBack],
            // A maximum belongs to the pass of the normalisation before it.
            _ => &[],
        };
        for task in wanted {
            assert!(has(&node.name, *task), "{} {task:?}", node.name);
        }
    }
    assert!(has("weights", Task::Optimise) && has("logits", Task::Loss));
}

#[test]
fn judging_has_one_part_a_convolution_and_steps_are_not_mixed_up() {
    let graph = model("cnn", [1, 16, 16]);
    let (mut engine, weights) = engine(&graph);
    step(&mut engine, &weights, 2, Mode::Inference);
    assert!(engine.recorded().is_empty(), "nobody asked");
    engine.record(true);
    let steps: f64 = (0..3)
        .map(|_| step(&mut engine, &weights, 2, Mode::Inference))
        .sum();
    let parts = engine.recorded();
    assert!(parts.iter().map(|part| part.seconds).sum::<f64>() <= steps);
    let tasks = |wanted: Task| parts.iter().filter(|p| p.task == wanted).count();
    let convs = graph
        .nodes
        .iter()
        .filter(|n| matches!(n.op, Op::Conv { .. } | Op::Linear { .. }));
    assert_eq!(tasks(Task::Forward), convs.count());
    assert_eq!(tasks(Task::Normalise) + tasks(Task::ByInput), 0);
    engine.record(false);
    assert!(engine.recorded().is_empty());
}

#[test]
fn the_median_is_the_one_in_the_middle_or_between() {
    assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
}
