//! Explanations whose right answer is known on paper.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of a test: a failure is its result"
)]

use tumorlens_core::{ClassIndex, ClassSet, Seed, Size};
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::explain::{ExplainError, Method, attribute, feature_maps, filters, layers};
use tumorlens_nn::graph::{Activation, ConvShape, Graph, GraphBuilder, NodeId, Op};
use tumorlens_nn::model::{Architecture, Head, ModelConfig};
use tumorlens_nn::network::Network;
use tumorlens_nn::weights::Weights;

const TUMOR: ClassIndex = ClassIndex(1);
const NO_TUMOR: ClassIndex = ClassIndex(0);
/// The CAM family without Grad-CAM++ and Score-CAM, whose weights no simple model tells on paper.
const CAMS: [Method; 4] = [
    Method::GradCam,
    Method::HiresCam,
    Method::LayerCam,
    Method::AblationCam,
];

fn on_cpu(graph: Graph, weights: &Weights) -> Network {
    Network::new(graph, weights, &DeviceChoice::Cpu.open().unwrap(), None).unwrap()
}

fn explain(network: &Network, input: &[f32], method: Method) -> Vec<f32> {
    attribute(network, input, &ClassSet::tumor(), TUMOR, method, None)
        .unwrap()
        .values
}

fn logit(network: &Network, input: &[f32]) -> f32 {
    let last = network.graph().node(network.graph().logits).name.clone();
    feature_maps(network, input, Some(&last)).unwrap().values[0]
}

fn close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * (1.0 + b.abs()),
            "value {i}: {a} for {b}"
        );
    }
}

/// Values between -1 and 1 without pattern.
fn scattered(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| ((i * 7919 + 31) % 1009) as f32 / 504.5 - 1.0)
        .collect()
}

/// score = weights . image + 0.5, on 8x8 pixels, so that occlusion's square is one pixel.
fn linear(channels: usize, values: Vec<f32>) -> Network {
    let mut g = GraphBuilder::new([channels, 8, 8]);
    let flat = g.push("flatten", Op::Flatten, &[g.input()]);
    let fc = g.push(
        "fc",
        Op::Linear {
            inputs: channels * 64,
            outputs: 1,
        },
        &[flat],
    );
    let graph = g.finish(fc, None, NodeId(0));
    let mut weights = Weights::initial(&graph, Seed(0));
    weights.parameters[0].values = values.into();
    weights.parameters[1].values = vec![0.5].into();
    on_cpu(graph, &weights)
}

/// Two blocks, the second residual; the head is a global mean and one dense layer.
fn residual() -> (Graph, Weights) {
    let mut g = GraphBuilder::new([1, 16, 16]);
    let conv1 = g.conv(
        "conv1",
        g.input(),
        ConvShape {
            channels: [1, 4],
            kernel: 3,
            stride: 2,
            bias: true,
        },
    );
    let relu1 = g.activate("relu1", conv1, Activation::Relu);
    let conv2 = g.conv(
        "block.conv",
        relu1,
        ConvShape {
            channels: [4, 4],
            kernel: 3,
            stride: 1,
            bias: true,
        },
    );
    let relu2 = g.activate("block.relu", conv2, Activation::Relu);
    let sum = g.push("block", Op::Add, &[relu1, relu2]);
    let mean = g.push("avgpool", Op::AvgPool { side: 1 }, &[sum]);
    let fc = g.push(
        "fc",
        Op::Linear {
            inputs: 4,
            outputs: 1,
        },
        &[mean],
    );
    let graph = g.finish(fc, None, sum);
    let mut weights = Weights::initial(&graph, Seed(3));
    for parameter in &mut weights.parameters {
        match parameter.name.as_str() {
            "fc.weight" => parameter.values = vec![1.0, -0.5, 0.75, 0.25].into(),
            name if name.ends_with("bias") => parameter.values.fill(0.05),
            _ => {}
        }
    }
    (graph, weights)
}

/// A map of logits at half size, pooled by the mean of its largest tenth.
fn evidence() -> Network {
    let mut g = GraphBuilder::new([1, 16, 16]);
    let conv = g.conv(
        "conv1",
        g.input(),
        ConvShape {
            channels: [1, 4],
            kernel: 3,
            stride: 2,
            bias: true,
        },
    );
    let relu = g.activate("relu1", conv, Activation::Relu);
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
    let graph = g.finish(score, Some(map), relu);
    let weights = Weights::initial(&graph, Seed(5));
    on_cpu(graph, &weights)
}

#[test]
fn a_linear_model_is_explained_exactly() {
    let (w, x) = (scattered(64), scattered(128)[64..].to_vec());
    let network = linear(1, w.clone());
    let darkest = x.iter().copied().fold(f32::INFINITY, f32::min);
    let by = |f: &dyn Fn(f32, f32) -> f32| {
        w.iter()
            .zip(&x)
            .map(|(w, x)| f(*w, *x))
            .collect::<Vec<f32>>()
    };
    close(
        &explain(&network, &x, Method::Occlusion),
        &by(&|w, x| w * x),
        1e-5,
    );
    close(
        &explain(&network, &x, Method::IntegratedGradients),
        &by(&|w, x| w * (x - darkest)),
        1e-5,
    );
    close(
        &explain(&network, &x, Method::SmoothGrad),
        &by(&|w, _| w.abs()),
        1e-5,
    );
    // The CAM family at the input itself, a layer as any other.
    close(
        &explain(&network, &x, Method::HiresCam),
        &by(&|w, x| (w * x).max(0.0)),
        1e-5,
    );
    close(
        &explain(&network, &x, Method::LayerCam),
        &by(&|w, x| (w.max(0.0) * x).max(0.0)),
        1e-5,
    );
    let mean = w.iter().sum::<f32>() / 64.0;
    close(
        &explain(&network, &x, Method::GradCam),
        &by(&|_, x| (mean * x).max(0.0)),
        1e-5,
    );
    let all: f32 = by(&|w, x| w * x).iter().sum();
    close(
        &explain(&network, &x, Method::AblationCam),
        &by(&|_, x| (all * x).max(0.0)),
        1e-4,
    );
}

#[test]
fn what_the_model_ignores_gets_nothing() {
    let mut w = scattered(64);
    w.chunks_mut(8).for_each(|row| row[..4].fill(0.0));
    let network = linear(1, w);
    for method in [
        Method::Occlusion,
        Method::IntegratedGradients,
        Method::SmoothGrad,
        Method::HiresCam,
    ] {
        for row in explain(&network, &scattered(64), method).chunks(8) {
            assert!(row[..4].iter().all(|v| v.abs() < 1e-6), "{method}: {row:?}");
        }
    }
}

#[test]
fn occlusion_peaks_in_the_one_block_that_the_model_looks_at() {
    let mut g = GraphBuilder::new([1, 32, 32]);
    let flat = g.push("flatten", Op::Flatten, &[g.input()]);
    let fc = g.push(
        "fc",
        Op::Linear {
            inputs: 1024,
            outputs: 1,
        },
        &[flat],
    );
    let graph = g.finish(fc, None, NodeId(0));
    let mut weights = Weights::initial(&graph, Seed(0));
    let inside = |i: usize| (12..16).contains(&(i % 32)) && (20..24).contains(&(i / 32));
    weights.parameters[0].values = (0..1024).map(|i| f32::from(u8::from(inside(i)))).collect();
    let network = on_cpu(graph, &weights);
    let map = attribute(
        &network,
        &[1.0; 1024],
        &ClassSet::tumor(),
        TUMOR,
        Method::Occlusion,
        None,
    )
    .unwrap();
    let (x, y) = map.peak().unwrap();
    assert!(inside(y * 32 + x), "peak at ({x}, {y})");
    // A 4x4 square moved by 2 that touches the block ends at most 2 pixels beside it.
    let far = |i: &usize| !(10..18).contains(&(i % 32)) || !(18..26).contains(&(i / 32));
    assert!((0..1024).filter(far).all(|i| map.values[i].abs() < 1e-5));
}

#[test]
fn integrated_gradients_sum_to_the_difference_of_the_scores() {
    let (graph, weights) = residual();
    let network = on_cpu(graph, &weights);
    let image = scattered(256);
    let darkest = vec![image.iter().copied().fold(f32::INFINITY, f32::min); 256];
    let sum: f32 = explain(&network, &image, Method::IntegratedGradients)
        .iter()
        .sum();
    let difference = logit(&network, &image) - logit(&network, &darkest);
    assert!(
        difference.abs() > 0.05,
        "the images must differ for this to say anything: {difference}"
    );
    assert!(
        (sum - difference).abs() < 0.01 * difference.abs(),
        "{sum} for {difference}"
    );
}

#[test]
fn grad_cam_is_hires_cam_behind_a_global_mean() {
    let (graph, weights) = residual();
    let network = on_cpu(graph, &weights);
    let map = explain(&network, &scattered(256), Method::GradCam);
    assert!(map.iter().any(|v| *v > 0.0));
    close(
        &explain(&network, &scattered(256), Method::HiresCam),
        &map,
        1e-5,
    );
}

#[test]
fn ablation_inside_a_residual_block_takes_away_what_the_channel_adds() {
    let (graph, weights) = residual();
    let network = on_cpu(graph, &weights);
    let image = scattered(256);
    let maps = feature_maps(&network, &image, Some("block.relu")).unwrap();
    let mut expected = vec![0.0f32; 64];
    for (plane, w) in maps.planes().zip([1.0, -0.5, 0.75, 0.25]) {
        let lost = w * plane.iter().sum::<f32>() / 64.0;
        expected
            .iter_mut()
            .zip(plane)
            .for_each(|(sum, v)| *sum += lost * v);
    }
    let found = attribute(
        &network,
        &image,
        &ClassSet::tumor(),
        TUMOR,
        Method::AblationCam,
        Some("block.relu"),
    )
    .unwrap();
    assert_eq!(
        (found.layer.as_str(), found.target.as_str()),
        ("block.relu", "tumor")
    );
    // Between the centres of the four pixels that a pixel of the layer became lies that pixel's own value.
    let middle = |i: usize| {
        let (x, y) = (i % 8 * 2, i / 8 * 2);
        (0..4)
            .map(|j| found.values[(y + j / 2) * 16 + x + j % 2])
            .sum::<f32>()
            / 4.0
    };
    let blurred = |i: usize| {
        let at =
            |x: isize, y: isize| expected[(y.clamp(0, 7) * 8 + x.clamp(0, 7)) as usize].max(0.0);
        let (x, y) = ((i % 8) as isize, (i / 8) as isize);
        let weights = [0.125, 0.75, 0.125];
        (0..9)
            .map(|j| {
                weights[j / 3] * weights[j % 3] * at(x + j as isize % 3 - 1, y + j as isize / 3 - 1)
            })
            .sum()
    };
    close(
        &(0..64).map(middle).collect::<Vec<_>>(),
        &(0..64).map(blurred).collect::<Vec<_>>(),
        1e-4,
    );
}

#[test]
fn the_negative_class_is_explained_by_the_negated_logit() {
    let (w, x) = (scattered(64), scattered(128)[64..].to_vec());
    let network = linear(1, w.clone());
    let against =
        |method| attribute(&network, &x, &ClassSet::tumor(), NO_TUMOR, method, None).unwrap();
    for method in [Method::Occlusion, Method::IntegratedGradients] {
        let negated: Vec<f32> = explain(&network, &x, method).iter().map(|v| -v).collect();
        close(&against(method).values, &negated, 1e-6);
    }
    let negated: Vec<f32> = w.iter().zip(&x).map(|(w, x)| (-w * x).max(0.0)).collect();
    close(&against(Method::HiresCam).values, &negated, 1e-5);
    assert_eq!(against(Method::HiresCam).target, "no_tumor");
    let network = evidence();
    let against = attribute(
        &network,
        &scattered(256),
        &ClassSet::tumor(),
        NO_TUMOR,
        Method::Evidence,
        None,
    )
    .unwrap();
    let negated: Vec<f32> = explain(&network, &scattered(256), Method::Evidence)
        .iter()
        .map(|v| -v)
        .collect();
    assert_eq!(against.values, negated);
}

#[test]
fn with_more_classes_each_logit_has_its_own_map() {
    let mut g = GraphBuilder::new([1, 8, 8]);
    let flat = g.push("flatten", Op::Flatten, &[g.input()]);
    let fc = g.push(
        "fc",
        Op::Linear {
            inputs: 64,
            outputs: 3,
        },
        &[flat],
    );
    let graph = g.finish(fc, None, NodeId(0));
    let mut weights = Weights::initial(&graph, Seed(0));
    weights.parameters[0].values = scattered(192).into();
    let network = on_cpu(graph, &weights);
    let classes = ClassSet::new(vec!["a".into(), "b".into(), "c".into()], "b").unwrap();
    for class in 0..3 {
        let map = attribute(
            &network,
            &[1.0; 64],
            &classes,
            ClassIndex(class),
            Method::Occlusion,
            None,
        )
        .unwrap();
        close(&map.values, &scattered(192)[class * 64..][..64], 1e-5);
    }
    let two = attribute(
        &network,
        &[1.0; 64],
        &ClassSet::tumor(),
        TUMOR,
        Method::Occlusion,
        None,
    );
    assert_eq!(
        two.unwrap_err(),
        ExplainError::Outputs {
            found: 3,
            expected: 1
        }
    );
}

#[test]
fn the_evidence_map_is_what_the_score_was_pooled_from() {
    let network = evidence();
    assert_eq!(Method::default_for(network.graph()), Method::Evidence);
    let image = scattered(256);
    let map = attribute(
        &network,
        &image,
        &ClassSet::tumor(),
        TUMOR,
        Method::Evidence,
        None,
    )
    .unwrap();
    assert_eq!(
        (map.layer.as_str(), map.size),
        (
            "head.map",
            Size {
                width: 16,
                height: 16
            }
        )
    );
    let raw = feature_maps(&network, &image, Some("head.map")).unwrap();
    let mut sorted = raw.values.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let score = sorted[..6].iter().sum::<f32>() / 6.0;
    assert!((score - logit(&network, &image)).abs() < 1e-5);
}

#[test]
fn an_evidence_map_has_the_edges_of_the_image_and_is_nowhere_far_below_nothing() {
    let mut g = GraphBuilder::new([1, 16, 16]);
    let shape = ConvShape {
        channels: [1, 1],
        kernel: 1,
        stride: 4,
        bias: true,
    };
    let map = g.conv("head.map", g.input(), shape);
    let score = g.push("head.pool", Op::EvidencePool { top: 0.1 }, &[map]);
    let graph = g.finish(score, Some(map), map);
    let mut weights = Weights::initial(&graph, Seed(0));
    weights.parameters[0].values = vec![1.0].into();
    weights.parameters[1].values = vec![0.0].into();
    let network = on_cpu(graph, &weights);
    // The edge lies within the second column of cells.
    let image: Vec<f32> = (0..256)
        .map(|i| if i % 16 < 6 { -50.0 } else { 3.0 })
        .collect();
    let map = explain(&network, &image, Method::Evidence);
    let row = &map[8 * 16..9 * 16];
    assert!((row[0] + 2.0).abs() < 1e-3 && (row[15] - 3.0).abs() < 1e-3);
    let steps: Vec<f32> = row.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let steepest = (0..15).max_by(|a, b| steps[*a].total_cmp(&steps[*b]));
    assert_eq!(steepest, Some(5), "{row:?}");
}

#[test]
fn three_copies_of_a_grey_image_are_explained_like_the_image() {
    let (w, x) = (scattered(64), scattered(128)[64..].to_vec());
    let thirds: Vec<f32> = w.iter().map(|v| v / 3.0).cycle().take(192).collect();
    let copies: Vec<f32> = x.iter().copied().cycle().take(192).collect();
    for method in [
        Method::Occlusion,
        Method::IntegratedGradients,
        Method::SmoothGrad,
        Method::HiresCam,
    ] {
        let grey = explain(&linear(1, w.clone()), &x, method);
        close(
            &explain(&linear(3, thirds.clone()), &copies, method),
            &grey,
            1e-5,
        );
    }
}

#[test]
fn a_map_does_not_depend_on_the_run_or_on_a_device_with_gradients() {
    let (graph, weights) = residual();
    let plain = on_cpu(graph.clone(), &weights);
    let device = DeviceChoice::Cpu.open().unwrap();
    let learning = Network::new(graph, &weights, &device, Some(&|_| true)).unwrap();
    for method in Method::available(plain.graph()) {
        let map = explain(&plain, &scattered(256), method);
        assert!(map.iter().any(|v| *v != 0.0), "{method} finds nothing");
        assert_eq!(map, explain(&plain, &scattered(256), method), "{method}");
        // Without gradients the processor's own engine answers, with them the framework: alike up to rounding.
        close(&explain(&learning, &scattered(256), method), &map, 1e-5);
    }
}

#[test]
fn maps_of_the_cam_family_are_never_negative() {
    let (graph, weights) = residual();
    let network = on_cpu(graph, &weights);
    for layer in ["input", "conv1", "relu1", "block.conv", "block"] {
        for method in CAMS
            .into_iter()
            .chain([Method::GradCamPlusPlus, Method::ScoreCam])
        {
            let map = attribute(
                &network,
                &scattered(256),
                &ClassSet::tumor(),
                TUMOR,
                method,
                Some(layer),
            )
            .unwrap();
            assert!(map.values.iter().all(|v| *v >= 0.0), "{method} at {layer}");
            assert_eq!(map.values.len(), 256);
        }
    }
}

#[test]
fn a_wrong_layer_is_answered_with_the_names_or_the_reason() {
    let (graph, weights) = residual();
    let network = on_cpu(graph, &weights);
    let ask = |method, layer| {
        attribute(
            &network,
            &scattered(256),
            &ClassSet::tumor(),
            TUMOR,
            method,
            Some(layer),
        )
        .unwrap_err()
        .to_string()
    };
    let unknown = ask(Method::GradCam, "layer9");
    assert!(
        unknown.contains("'layer9'") && unknown.contains("conv1, relu1, block.conv"),
        "{unknown}"
    );
    assert!(ask(Method::GradCam, "avgpool").contains("[4, 1, 1]"));
    assert!(ask(Method::Occlusion, "conv1").contains("occlusion does not look at a layer"));
    let none = attribute(
        &network,
        &scattered(256),
        &ClassSet::tumor(),
        TUMOR,
        Method::Evidence,
        None,
    );
    assert_eq!(none.unwrap_err(), ExplainError::NoEvidence);
    assert!(
        feature_maps(&network, &scattered(256), Some("nope"))
            .unwrap_err()
            .to_string()
            .contains("block.relu")
    );
    let names: Vec<String> = layers(network.graph())
        .unwrap()
        .into_iter()
        .map(|l| l.name)
        .collect();
    assert_eq!(names[..2], ["input", "conv1"]);
}

#[test]
fn an_input_that_does_not_fit_is_refused() {
    let network = linear(1, scattered(64));
    let ask = |input: &[f32], class| {
        attribute(
            &network,
            input,
            &ClassSet::tumor(),
            class,
            Method::Occlusion,
            None,
        )
        .unwrap_err()
    };
    assert_eq!(
        ask(&[0.0; 63], TUMOR),
        ExplainError::InputLength {
            found: 63,
            expected: [1, 8, 8]
        }
    );
    assert!(matches!(
        ask(&[f32::NAN; 64], TUMOR),
        ExplainError::NotFinite { .. }
    ));
    assert_eq!(
        ask(&[0.0; 64], ClassIndex(2)),
        ExplainError::UnknownClass {
            index: 2,
            classes: 2
        }
    );
    let broken = linear(1, vec![f32::MAX; 64]);
    let map = attribute(
        &broken,
        &[1e9; 64],
        &ClassSet::tumor(),
        TUMOR,
        Method::Occlusion,
        None,
    );
    assert!(matches!(map.unwrap_err(), ExplainError::NotFinite { .. }));
}

#[test]
fn names_are_read_and_written_alike() {
    for method in Method::ALL {
        assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
        assert_eq!(
            serde_json::to_string(&method).unwrap(),
            format!("\"{method}\"")
        );
    }
    assert!(
        "gradcam"
            .parse::<Method>()
            .unwrap_err()
            .to_string()
            .contains("grad_cam, grad_cam_plus_plus")
    );
}

#[test]
fn what_a_map_costs_is_told() {
    let mut g = GraphBuilder::new([1, 128, 128]);
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
    let graph = g.finish(conv, None, conv);
    assert_eq!(Method::Occlusion.passes(&graph, 4).forward, 226);
    assert_eq!(Method::ScoreCam.passes(&graph, 4).forward, 5);
    for method in Method::ALL {
        assert_eq!(
            method.passes(&graph, 4).backward > 0,
            method.needs_gradients(),
            "{method}"
        );
    }
}

#[test]
fn filters_are_the_weights_of_the_first_convolution() {
    let (graph, weights) = residual();
    let found = filters(&graph, &weights).unwrap();
    assert_eq!(
        (
            found.layer.as_str(),
            found.outputs,
            found.inputs,
            found.side
        ),
        ("conv1", 4, 1, 3)
    );
    assert_eq!(
        found.values[..],
        weights.get("conv1.weight").unwrap().values[..]
    );
    assert_eq!(
        filters(linear(1, scattered(64)).graph(), &weights),
        Err(ExplainError::NoFilters)
    );
}

#[test]
fn every_family_of_networks_is_explained_by_every_method_at_its_default_layer() {
    let heads = [
        Head::Gap,
        Head::Evidence {
            stride: 8,
            top: 0.02,
            sharpness: None,
            channels: 4,
        },
    ];
    for architecture in [
        Architecture::Cnn,
        Architecture::Vgg11,
        Architecture::Resnet18,
    ] {
        for head in heads {
            let mut config = ModelConfig {
                head,
                ..ModelConfig::new(architecture)
            };
            match architecture {
                Architecture::Cnn => config.widths = Some(vec![4, 4, 4]),
                _ => config.base_width = Some(4),
            }
            let graph = config.graph([1, 64, 64], 1).unwrap();
            let weights = Weights::initial(&graph, Seed(2));
            let network = on_cpu(graph, &weights);
            for method in Method::available(network.graph()) {
                let map = attribute(
                    &network,
                    &scattered(4096),
                    &ClassSet::tumor(),
                    TUMOR,
                    method,
                    None,
                );
                assert_eq!(
                    map.unwrap().values.len(),
                    4096,
                    "{method} of {architecture}"
                );
            }
        }
    }
}
