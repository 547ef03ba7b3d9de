//! Maps agree with pytorch-grad-cam and Captum on the same weights; `reference/explain/make_golden.py` wrote theirs.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of a test: a failure is its result"
)]

use serde::Deserialize;
use tumorlens_core::{ClassIndex, ClassSet};
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::explain::{Method, attribute, feature_maps};
use tumorlens_nn::graph::{Activation, ConvShape, Graph, GraphBuilder, Op};
use tumorlens_nn::network::Network;
use tumorlens_nn::weights::{Parameter, Role, Weights, slots};

/// Largest difference, as a share of the map's largest value: single precision, other orders of summation.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    logits: Vec<f32>,
    target: usize,
    maps: Vec<GoldenMap>,
}

#[derive(Deserialize)]
struct GoldenMap {
    method: String,
    layer: String,
    /// Before the library scales the map.
    raw: Vec<f32>,
    /// What the library hands out: pytorch-grad-cam scales each map to 0..1.
    scaled: Option<Vec<f32>>,
}

fn golden() -> Golden {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../reference/explain/golden.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// As `hashed` of the script.
fn hashed(stream: u32, n: usize, scale: f64) -> Vec<f32> {
    let value = |i: usize| {
        let mut h = (i as u32 + 1)
            .wrapping_mul(2_654_435_761)
            .wrapping_add(stream.wrapping_mul(2_246_822_519));
        h ^= h >> 15;
        h = h.wrapping_mul(3_266_489_917);
        h ^= h >> 13;
        ((f64::from(h) / f64::from(2.0f32.powi(32)) - 0.5) * scale) as f32
    };
    (0..n).map(value).collect()
}

fn graph() -> Graph {
    let mut g = GraphBuilder::new([3, 16, 16]);
    let conv1 = g.conv(
        "conv1",
        g.input(),
        ConvShape {
            channels: [3, 4],
            kernel: 3,
            stride: 1,
            bias: true,
        },
    );
    let bn1 = g.batch_norm("bn1", conv1, 4);
    let relu1 = g.activate("relu1", bn1, Activation::Relu);
    let pool1 = g.push(
        "pool1",
        Op::MaxPool {
            kernel: 2,
            stride: 2,
            padding: 0,
        },
        &[relu1],
    );
    let conv2 = g.conv(
        "conv2",
        pool1,
        ConvShape {
            channels: [4, 6],
            kernel: 3,
            stride: 1,
            bias: true,
        },
    );
    let relu2 = g.activate("relu2", conv2, Activation::Relu);
    let flat = g.push("flatten", Op::Flatten, &[relu2]);
    let fc = g.push(
        "fc",
        Op::Linear {
            inputs: 6 * 8 * 8,
            outputs: 3,
        },
        &[flat],
    );
    g.finish(fc, None, relu2)
}

fn network() -> Network {
    let graph = graph();
    let parameters = slots(&graph)
        .into_iter()
        .zip(1..)
        .map(|(slot, stream)| {
            let mut values = hashed(stream, slot.shape.iter().product(), 1.0);
            if matches!(slot.role, Role::Scale | Role::RunningVariance) {
                values.iter_mut().for_each(|v| *v += 1.0);
            }
            Parameter {
                name: slot.name,
                shape: slot.shape,
                role: slot.role,
                values: values.into(),
            }
        })
        .collect();
    Network::new(
        graph,
        &Weights { parameters },
        &DeviceChoice::Cpu.open().unwrap(),
        None,
    )
    .unwrap()
}

fn image() -> Vec<f32> {
    hashed(99, 3 * 16 * 16, 2.0)
}

fn classes() -> ClassSet {
    ClassSet::new(vec!["a".into(), "b".into(), "c".into()], "a").unwrap()
}

/// The library's scaling, once before and once after its resizing.
fn scaled(map: &[f32]) -> Vec<f32> {
    let low = map.iter().copied().fold(f32::INFINITY, f32::min);
    let high = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    map.iter()
        .map(|v| (v - low) / (high - low + 1e-7))
        .collect()
}

fn assert_close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let size = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let worst = ours
        .iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(
        worst <= TOLERANCE * size,
        "{what}: differs by {worst}, values up to {size}"
    );
}

#[test]
fn the_network_is_the_one_that_pytorch_ran() {
    let logits = feature_maps(&network(), &image(), Some("fc"))
        .unwrap()
        .values;
    assert_close("logits", &logits, &golden().logits);
}

#[test]
fn maps_agree_with_pytorch_grad_cam_and_captum() {
    let (network, image, golden) = (network(), image(), golden());
    assert_eq!(golden.maps.len(), 15);
    for map in &golden.maps {
        let method: Method = map.method.parse().unwrap();
        let layer = method.takes_layer().then_some(map.layer.as_str());
        let ours = attribute(
            &network,
            &image,
            &classes(),
            ClassIndex(golden.target),
            method,
            layer,
        )
        .unwrap();
        let what = format!("{method} at '{}'", map.layer);
        assert_close(&what, &ours.values, &map.raw);
        if let Some(theirs) = &map.scaled {
            assert_close(&format!("{what}, scaled"), &scaled(&ours.values), theirs);
        }
    }
}
