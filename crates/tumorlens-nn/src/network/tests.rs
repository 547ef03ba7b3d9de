use super::*;
use crate::graph::{Activation, ConvShape, GraphBuilder, Op};
use tumorlens_core::Seed;

fn tiny() -> Graph {
    let mut g = GraphBuilder::new([1, 8, 8]);
    let conv = g.conv(
        "conv1",
        g.input(),
        ConvShape {
            channels: [1, 4],
            kernel: 3,
            stride: 1,
            bias: true,
        },
    );
    let norm = g.batch_norm("bn1", conv, 4);
    let relu = g.activate("relu1", norm, Activation::Relu);
    let map = g.conv(
        "head.map",
        relu,
        ConvShape {
            channels: [4, 1],
            kernel: 1,
            stride: 1,
            bias: true,
        },
    );
    let score = g.push("head.pool", Op::EvidencePool { top: 0.1 }, &[map]);
    g.finish(score, Some(map), relu)
}

fn input() -> Vec<f32> {
    (0..128).map(|i| ((i * 37 % 64) as f32) / 64.0).collect()
}

#[test]
fn the_score_is_the_mean_of_the_largest_logits_of_the_map() {
    let graph = tiny();
    let weights = Weights::initial(&graph, Seed(1));
    let network = Network::new(graph, &weights, &Device::flex(), None).unwrap();
    let pass = network.forward(network.batch(input()), Mode::Inference);
    let map = pass
        .evidence
        .unwrap()
        .into_data()
        .as_slice::<f32>()
        .unwrap()
        .to_vec();
    let logits = pass.logits.into_data().as_slice::<f32>().unwrap().to_vec();
    for (plane, logit) in map.chunks(64).zip(logits) {
        let mut sorted = plane.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let mean = sorted[..6].iter().sum::<f32>() / 6.0;
        assert!((mean - logit).abs() < 1e-6, "{mean} {logit}");
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let graph = tiny();
    let mut weights = Weights::initial(&graph, Seed(2));
    // Far enough apart that a small step does not change which pixels of the map are the largest.
    weights.parameters[6].values = vec![0.9, -0.4, 0.7, 0.5].into();
    let loss = |weights: &Weights, learn: bool| {
        let all = |_: &Parameter| true;
        let learn: Option<&dyn Fn(&Parameter) -> bool> = if learn { Some(&all) } else { None };
        let network = Network::new(tiny(), weights, &Device::flex(), learn).unwrap();
        let pass = network.forward(network.batch(input()), Mode::Training(Seed(0)));
        (network, (pass.logits.powf_scalar(2.0)).sum())
    };
    let (network, value) = loss(&weights, true);
    let gradients = value.backward();
    for (p, index) in [(0, 5), (1, 2), (2, 1), (3, 0), (6, 3), (7, 0)] {
        let name = weights.parameters[p].name.clone();
        let gradient = network.parameter(&name).unwrap().grad(&gradients).unwrap();
        let gradient = gradient.into_data().as_slice::<f32>().unwrap()[index];
        let shifted = |by: f32| {
            let mut moved = weights.clone();
            moved.parameters[p].values[index] += by;
            loss(&moved, false).1.into_scalar::<f32>()
        };
        let step = 1e-2;
        let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
        assert!(
            (numeric - gradient).abs() < 2e-2 * (1.0 + gradient.abs()),
            "{name}: {numeric} {gradient}"
        );
    }
}

#[test]
fn missing_and_misshapen_weights_are_named() {
    let mut weights = Weights::initial(&tiny(), Seed(1));
    weights.parameters[0].shape = vec![4, 1, 5, 5];
    let error = Network::new(tiny(), &weights, &Device::flex(), None).unwrap_err();
    assert!(error.to_string().contains("conv1.weight"), "{error}");
    weights.parameters.remove(0);
    let error = Network::new(tiny(), &weights, &Device::flex(), None).unwrap_err();
    assert_eq!(error, NetworkError::Missing("conv1.weight".to_owned()));
}

#[test]
fn a_graph_that_leaves_nothing_of_the_image_is_refused() {
    let mut g = GraphBuilder::new([1, 2, 2]);
    let pool = g.push(
        "pool",
        Op::MaxPool {
            kernel: 4,
            stride: 4,
            padding: 0,
        },
        &[g.input()],
    );
    let graph = g.finish(pool, None, pool);
    assert!(graph.shapes().unwrap_err().to_string().contains("pool"));
}

#[test]
fn a_soft_maximum_lies_between_the_mean_and_the_maximum_and_its_shares_are_its_slopes() {
    let maps: Vec<f32> = (0..40)
        .map(|i| ((i * 29 % 17) as f32 - 8.0) / 3.0)
        .collect();
    let score = |sharpness: f32, maps: &[f32]| {
        let mut scores = Scores::default();
        scores.fill(Op::SoftMaximum { sharpness }, maps, 20);
        (scores.scores, scores.shares)
    };
    // As numpy: log(mean(exp(0.7 z))) / 0.7
    for (map, found) in maps.chunks(20).zip(score(0.7, &maps).0) {
        let mean = map.iter().map(|z| (0.7 * f64::from(*z)).exp()).sum::<f64>() / 20.0;
        assert!((mean.ln() / 0.7 - f64::from(found)).abs() < 1e-6);
    }
    let mean: f32 = maps[..20].iter().sum::<f32>() / 20.0;
    let most = maps[..20].iter().copied().fold(f32::MIN, f32::max);
    assert!((score(1e-3, &maps).0[0] - mean).abs() < 2e-3);
    assert!((score(100.0, &maps).0[0] - most).abs() < 0.05);
    let huge: Vec<f32> = maps.iter().map(|z| 1e4 * z).collect();
    assert!(score(1.0, &huge).0.iter().all(|score| score.is_finite()));

    let (_, shares) = score(0.7, &maps);
    assert!((shares[..20].iter().sum::<f32>() - 1.0).abs() < 1e-5);
    for at in [0, 7, 19] {
        let moved = |by: f32| {
            let mut maps = maps.clone();
            maps[at] += by;
            score(0.7, &maps).0[0]
        };
        let slope = (moved(0.01) - moved(-0.01)) / 0.02;
        assert!((slope - shares[at]).abs() < 1e-3, "{slope} {}", shares[at]);
    }
}
