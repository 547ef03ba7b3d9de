//! The engine against the same graph on burn: logits, statistics and every gradient.

use super::*;
use crate::graph::ensemble::ensemble;
use crate::graph::{Activation, ConvShape, GraphBuilder, Op};
use crate::model::{Head, ModelConfig};
use crate::network::{Mode, Network};
use burn::tensor::{Device, Tensor, TensorData};
use tumorlens_core::Seed;
use tumorlens_kernels::Bf16x32;

mod bf16;

fn numbers(count: usize, salt: usize) -> Vec<f32> {
    (0..count)
        .map(|i| {
            let hash = ((i + salt) as u64 * 2_654_435_761) % (1 << 32);
            (hash as f64 / 4_294_967_296.0 - 0.5) as f32 * 2.0
        })
        .collect()
}

/// Weights with nothing at its neutral value.
fn weights(graph: &Graph) -> Weights {
    let mut weights = Weights::initial(graph, Seed(3));
    for (salt, parameter) in weights.parameters.iter_mut().enumerate() {
        let more = numbers(parameter.values.len(), 31 * salt);
        for (value, more) in parameter.values.iter_mut().zip(more) {
            *value += 0.1 * more;
        }
    }
    weights
}

fn graph(architecture: &str, head: Head, activation: Activation, input: [usize; 3]) -> Graph {
    let mut config = ModelConfig::new(architecture.parse().unwrap());
    config.head = head;
    config.activation = activation;
    if architecture == "cnn" {
        config.widths = Some(vec![8, 20, 24]);
    } else {
        config.base_width = Some(8);
    }
    let is_map = matches!(head, Head::Evidence { .. });
    if !is_map && config.architecture.has_dense() {
        config.dense = Some(12);
        config.dropout = Some(0.4);
    }
    config.graph(input, 2).unwrap()
}

fn close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let size = theirs.iter().fold(5e-2f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 3e-4 * size, "{what}, {i}: {a} {b}");
    }
}

/// Gradients as a whole: where an input lies within rounding of a kink (ReLU, maximum), single values may differ.
fn near(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let norm =
        |v: &mut dyn Iterator<Item = f32>| v.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    let size = norm(&mut theirs.iter().copied());
    let apart = norm(&mut ours.iter().zip(theirs).map(|(a, b)| a - b));
    assert!(apart <= 1e-3 * size + 3e-4, "{what}: {apart} of {size}");
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap()
}

fn compare(graph: &Graph, images: usize, mode: Mode) {
    let weights = weights(graph);
    let input = numbers(images * graph.input.iter().product::<usize>(), 7);
    let learn: &dyn Fn(&Parameter) -> bool = &|_| true;
    let network = Network::new(graph.clone(), &weights, &Device::flex(), Some(learn)).unwrap();
    let pass = network.forward(network.batch(input.clone()), mode);
    let mut engine: Engine = Engine::new(graph, &weights).unwrap();
    // Twice: buffers are used again.
    let _ = engine.forward(&weights, &input, mode);
    let output = engine.forward(&weights, &input, mode);
    close(&output.logits, &host(pass.logits.clone()), "logits");
    assert_eq!(output.statistics.len(), pass.batch_statistics.len());
    for theirs in pass.batch_statistics {
        let ours = output
            .statistics
            .iter()
            .find(|s| s.layer == theirs.layer)
            .unwrap();
        assert_eq!(ours.count, theirs.count);
        close(
            &ours.mean,
            &host(theirs.mean),
            &format!("mean of {}", ours.layer),
        );
        close(
            &ours.variance,
            &host(theirs.variance),
            &format!("variance of {}", ours.layer),
        );
    }
    if mode == Mode::Inference {
        return;
    }
    let by_logits = numbers(output.logits.len(), 900);
    let constant = |values: &[f32], dims| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), dims), network.device())
    };
    let mut onwards = (pass.logits.clone() * constant(&by_logits, pass.logits.dims())).sum();
    let by_evidence = output.evidence.as_ref().map(|map| numbers(map.len(), 55));
    if let (Some(map), Some(by)) = (pass.evidence, &by_evidence) {
        let [n, k, h, w] = map.dims();
        onwards = onwards + (map.reshape([n, k * h * w]) * constant(by, [n, k * h * w])).sum();
    }
    let gradients = onwards.backward();
    let learns = vec![true; weights.parameters.len()];
    for _ in 0..2 {
        let ours = engine.backward(&weights, &by_logits, by_evidence.as_deref(), &learns);
        for (parameter, ours) in weights.parameters.iter().zip(ours) {
            let theirs = network.parameter(&parameter.name).unwrap().grad(&gradients);
            match (ours, theirs) {
                (Some(ours), Some(theirs)) => near(&ours, &host(theirs), &parameter.name),
                (None, None) => {}
                (ours, theirs) => panic!("{}: {ours:?} {}", parameter.name, theirs.is_some()),
            }
        }
        let _ = engine.forward(&weights, &input, mode);
    }
}

fn evidence(stride: usize) -> Head {
    Head::Evidence {
        stride,
        top: 0.1,
        sharpness: None,
        channels: 24,
    }
}

fn soft(stride: usize) -> Head {
    Head::Evidence {
        stride,
        top: 0.1,
        sharpness: Some(0.7),
        channels: 24,
    }
}

/// Architectures with heads and inputs that together have every kind of convolution but depthwise ones.
fn architectures() -> Vec<(&'static str, Head, [usize; 3])> {
    vec![
        ("cnn", Head::Gap, [1, 32, 40]),
        ("cnn", Head::Flatten, [3, 16, 16]),
        ("cnn", evidence(4), [1, 32, 32]),
        ("cnn", soft(8), [1, 32, 40]),
        ("vgg11", Head::Gap, [3, 32, 32]),
        ("resnet18", Head::Gap, [3, 64, 48]),
        ("resnet18", evidence(4), [1, 64, 64]),
    ]
}

#[test]
fn every_architecture_gives_what_it_gives_on_burn() {
    for (architecture, head, input) in architectures() {
        let graph = graph(architecture, head, Activation::Relu, input);
        compare(&graph, 3, Mode::Training(Seed(5)));
        compare(&graph, 2, Mode::Inference);
    }
    // So deep that rounding moves some values across the kink of a ReLU, where gradients jump: a smooth one instead.
    for (architecture, head, input) in [
        ("resnet50", Head::Gap, [1, 96, 96]),
        ("convnext-like", Head::Gap, [1, 64, 64]),
        ("convnext-like", evidence(8), [3, 64, 64]),
        ("efficientnet-like", evidence(4), [1, 64, 48]),
    ] {
        let graph = graph(architecture, head, Activation::Silu, input);
        compare(&graph, 3, Mode::Training(Seed(5)));
        compare(&graph, 2, Mode::Inference);
    }
}

#[test]
fn every_non_linearity_gives_what_it_gives_on_burn() {
    for activation in [
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Elu,
    ] {
        let graph = graph("cnn", Head::Gap, activation, [1, 16, 24]);
        compare(&graph, 3, Mode::Training(Seed(5)));
        compare(&graph, 2, Mode::Inference);
    }
}

/// Whatever values are stored in.
fn bits_of_one_thread_and_two<P: Storage>() {
    let graph = graph("resnet18", Head::Gap, Activation::Relu, [1, 48, 48]);
    let weights = weights(&graph);
    let input = numbers(5 * 48 * 48, 1);
    let learns = vec![true; weights.parameters.len()];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut engine: Engine<P> = Engine::new(&graph, &weights).unwrap();
            let output = engine.forward(&weights, &input, Mode::Training(Seed(1)));
            let gradients = engine.backward(&weights, &output.logits, None, &learns);
            (output.logits, gradients)
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn one_thread_gives_the_bits_of_two() {
    bits_of_one_thread_and_two::<Lane>();
    bits_of_one_thread_and_two::<Bf16x32>();
}

#[test]
fn what_is_frozen_has_no_gradient_and_the_rest_keeps_its_own() {
    let graph = graph("resnet18", Head::Gap, Activation::Relu, [1, 48, 48]);
    let weights = weights(&graph);
    let input = numbers(2 * 48 * 48, 1);
    let mut engine: Engine = Engine::new(&graph, &weights).unwrap();
    let output = engine.forward(&weights, &input, Mode::Training(Seed(1)));
    let all = vec![true; weights.parameters.len()];
    let full = engine.backward(&weights, &output.logits, None, &all);
    let late: Vec<bool> = weights
        .parameters
        .iter()
        .map(|p| p.role.is_learned() && p.name.starts_with("layer4"))
        .collect();
    let part = engine.backward(&weights, &output.logits, None, &late);
    for ((learns, part), full) in late.iter().zip(part).zip(full) {
        assert_eq!(part, full.filter(|_| *learns));
    }
    assert!(graph.nodes.iter().any(|n| matches!(n.op, Op::Add)));
}

#[test]
fn what_is_judged_of_an_image_depends_neither_on_its_company_nor_on_the_threads() {
    bits_of_judging::<Lane>();
    bits_of_judging::<Bf16x32>();
}

/// Whatever values are stored in.
fn bits_of_judging<P: Storage>() {
    for (architecture, side) in [("cnn", 72), ("resnet18", 64)] {
        let graph = graph(architecture, Head::Gap, Activation::Relu, [1, side, side]);
        let weights = Arc::new(weights(&graph));
        let deepest = graph.deepest().0;
        let size = side * side;
        let input = numbers(9 * size, 5);
        let judge = |threads: usize, images: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let judge: Judge<P> = Judge::new(&graph, Arc::clone(&weights), &[deepest]).unwrap();
                let parts = input.chunks(images * size);
                let all = parts.map(|part| {
                    let mut found = Judgement::default();
                    judge.judge(part, &[deepest], &mut found);
                    found
                });
                let all = all.flat_map(|j| j.logits.into_iter().chain(j.values[0].clone()));
                let mut bits: Vec<u32> = all.map(f32::to_bits).collect();
                // In one order, whatever stands beside what.
                bits.sort_unstable();
                bits
            })
        };
        let alone = judge(1, 1);
        assert_eq!(alone.len() % 9, 0);
        for (threads, images) in [(1, 9), (2, 1), (2, 9), (3, 4), (8, 9)] {
            assert!(
                judge(threads, images) == alone,
                "{architecture}: {threads} threads, {images} images together"
            );
        }
    }
}

/// Members that score alike, members without a map, and members of which each scores its own map.
fn ensembles() -> [(Graph, Weights); 3] {
    let one = |head| graph("resnet18", head, Activation::Relu, [1, 32, 32]);
    let joined = |heads: [Head; 3]| {
        let graphs = heads.map(one);
        let members = [0, 1, 2].map(|seed| Weights::initial(&graphs[0], Seed(seed)));
        let pairs: Vec<_> = graphs.iter().zip(&members).collect();
        ensemble(&pairs).unwrap()
    };
    [
        joined([evidence(8); 3]),
        joined([Head::Gap; 3]),
        joined([evidence(8), soft(8), evidence(8)]),
    ]
}

/// A branch of two that is read once more after both were joined.
fn read_late() -> (Graph, Weights) {
    let mut g = GraphBuilder::new([1, 32, 32]);
    let shape = ConvShape {
        channels: [1, 4],
        kernel: 3,
        stride: 1,
        bias: true,
    };
    let (a, b) = (g.conv("a", g.input(), shape), g.conv("b", g.input(), shape));
    let sum = g.push("sum", Op::Add, &[a, b]);
    let late = g.activate("late", a, Activation::Relu);
    let total = g.push("total", Op::Add, &[sum, late]);
    let score = g.push("score", Op::EvidencePool { top: 0.1 }, &[total]);
    let graph = g.finish(score, None, late);
    let weights = Weights::initial(&graph, Seed(1));
    (graph, weights)
}

/// Threads with fewer images than threads take members; again and again, on the buffers of the time before.
#[test]
fn members_apart_give_the_bits_of_members_one_after_the_other() {
    let size = 32 * 32;
    for (graph, weights) in ensembles().into_iter().chain([read_late()]) {
        let (weights, read) = (Arc::new(weights), [graph.deepest().0, graph.logits.0]);
        let fresh = || -> Judge { Judge::new(&graph, Arc::clone(&weights), &read).unwrap() };
        let judged = |judge: &Judge, threads: usize, images: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let input = numbers(images * size, images);
                let mut judgement = Judgement::default();
                judge.judge(&input, &read, &mut judgement);
                (judgement.logits, judgement.values)
            })
        };
        let judge = fresh();
        let with = |threads: usize, images: usize| judged(&judge, threads, images);
        // The first image of all, for which nothing is packed in advance.
        assert!(judged(&fresh(), 4, 1) == with(1, 1));
        for images in [1, 2, 1] {
            let together = with(1, images);
            assert!(!together.0.is_empty() && together.1.iter().all(|values| !values.is_empty()));
            assert!(with(4, images) == together && with(3, images) == together);
        }
    }
}
