use super::*;
use crate::weights::slots;

fn learned(config: &ModelConfig, input: [usize; 3], outputs: usize) -> usize {
    let graph = config.graph(input, outputs).unwrap();
    let learned = slots(&graph).into_iter().filter(|s| s.role.is_learned());
    learned.map(|s| s.shape.iter().product::<usize>()).sum()
}

fn evidence(stride: usize) -> Head {
    Head::Evidence {
        stride,
        top: 0.02,
        sharpness: None,
        channels: 64,
    }
}

/// Witness: the parameter counts in torchvision's model documentation (3 channels, 1000 classes).
#[test]
fn every_architecture_has_as_many_weights_as_torchvisions() {
    for (architecture, expected) in [
        (Architecture::Vgg11, 132_868_840),
        (Architecture::Vgg13, 133_053_736),
        (Architecture::Vgg16, 138_365_992),
        (Architecture::Vgg19, 143_678_248),
        (Architecture::Resnet18, 11_689_512),
        (Architecture::Resnet34, 21_797_672),
        (Architecture::Resnet50, 25_557_032),
    ] {
        assert_eq!(
            learned(&ModelConfig::new(architecture), [3, 224, 224], 1000),
            expected,
            "{architecture}"
        );
    }
}

#[test]
fn every_architecture_head_channel_count_and_odd_size_makes_a_graph() {
    for architecture in Architecture::ALL {
        for head in [Head::Gap, Head::Flatten, evidence(4), evidence(8)] {
            let base_width = (architecture != Architecture::Cnn).then_some(8);
            let config = ModelConfig {
                architecture,
                head,
                base_width,
                ..ModelConfig::default()
            };
            for input in [[1, 64, 64], [3, 50, 77], [1, 131, 97]] {
                let graph = config.graph(input, 3).unwrap();
                let shapes = graph.shapes().unwrap();
                assert_eq!(
                    shapes[graph.logits.0],
                    [3, 1, 1],
                    "{} {input:?}",
                    config.summary()
                );
                assert_eq!(
                    graph.stages.last().unwrap(),
                    &("head".to_owned(), graph.logits)
                );
                assert_eq!(
                    graph.evidence.is_some(),
                    matches!(head, Head::Evidence { .. })
                );
            }
        }
    }
}

#[test]
fn names_of_layers_are_unique() {
    for architecture in Architecture::ALL {
        let config = ModelConfig {
            architecture,
            head: evidence(4),
            ..ModelConfig::default()
        };
        let graph = config.graph([1, 64, 64], 1).unwrap();
        let names: std::collections::BTreeSet<&str> =
            graph.nodes.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names.len(), graph.nodes.len(), "{architecture}");
    }
}

#[test]
fn the_evidence_map_lies_at_the_stride_asked_for() {
    for (stride, side) in [(2, 64), (4, 32), (8, 16), (32, 4)] {
        let config = ModelConfig {
            architecture: Architecture::Resnet18,
            head: evidence(stride),
            ..ModelConfig::default()
        };
        let graph = config.graph([1, 128, 128], 1).unwrap();
        assert_eq!(
            graph.shapes().unwrap()[graph.evidence.unwrap().0],
            [1, side, side]
        );
    }
}

#[test]
fn options_that_the_architecture_lacks_or_that_are_out_of_range_are_named() {
    let resnet = ModelConfig::new(Architecture::Resnet18);
    let cnn = ModelConfig::default();
    for (config, part) in [
        (
            ModelConfig {
                dense: Some(8),
                ..resnet.clone()
            },
            "'dense'",
        ),
        (
            ModelConfig {
                dense: Some(8),
                head: evidence(4),
                ..cnn.clone()
            },
            "'dense' with an evidence head",
        ),
        (
            ModelConfig {
                base_width: Some(8),
                ..cnn.clone()
            },
            "'base_width'; use 'widths'",
        ),
        (
            ModelConfig {
                base_width: Some(0),
                ..resnet.clone()
            },
            "'base_width' is 0",
        ),
        (
            ModelConfig {
                widths: Some(vec![]),
                ..cnn.clone()
            },
            "'widths' is 0",
        ),
        (
            ModelConfig {
                dropout: Some(1.0),
                ..cnn.clone()
            },
            "'dropout' is 1",
        ),
        (
            ModelConfig {
                dropout: Some(f32::NAN),
                ..cnn.clone()
            },
            "'dropout' is NaN",
        ),
        (
            ModelConfig {
                head: evidence(3),
                ..resnet.clone()
            },
            "stride 3, use one of [2, 4, 8, 16, 32]",
        ),
        (
            ModelConfig {
                head: Head::Evidence {
                    stride: 4,
                    top: 0.0,
                    sharpness: None,
                    channels: 8,
                },
                ..cnn.clone()
            },
            "'top' is 0",
        ),
        (
            ModelConfig {
                head: Head::Evidence {
                    stride: 4,
                    top: 0.02,
                    sharpness: Some(-1.0),
                    channels: 8,
                },
                ..cnn.clone()
            },
            "'sharpness' is -1",
        ),
    ] {
        let error = config.graph([1, 64, 64], 1).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_residual_network_takes_the_widths_of_its_four_stages() {
    let with = |architecture, widths: &[usize], base_width| ModelConfig {
        widths: Some(widths.to_vec()),
        base_width,
        ..ModelConfig::new(architecture)
    };
    let stages = |config: &ModelConfig| {
        let graph = config.graph([1, 64, 64], 1).unwrap();
        let shapes = graph.shapes().unwrap();
        [1, 2, 3, 4].map(|stage| {
            let last = graph.find(&format!("layer{stage}.1")).unwrap();
            shapes[last.0][0]
        })
    };
    let narrow = with(Architecture::Resnet18, &[8, 16, 24, 24], None);
    assert_eq!(stages(&narrow), [8, 16, 24, 24]);
    assert!(narrow.summary().contains("widths [8, 16, 24, 24]"));
    let bottleneck = with(Architecture::Resnet50, &[4, 6, 8, 8], None);
    assert_eq!(stages(&bottleneck), [16, 24, 32, 32]);
    for (config, part) in [
        (
            with(Architecture::Resnet18, &[8], None),
            "'number of widths' is 1, expected 4",
        ),
        (
            with(Architecture::Resnet18, &[8; 4], Some(8)),
            "'base_width' beside 'widths'",
        ),
        (
            with(Architecture::Vgg11, &[8; 4], None),
            "'widths'; use 'base_width'",
        ),
    ] {
        let error = config.graph([1, 64, 64], 1).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn an_image_that_does_not_fit_is_refused_before_any_memory_is_taken() {
    let error = |config: &ModelConfig, input| config.graph(input, 1).unwrap_err().to_string();
    let cnn = ModelConfig::default();
    assert!(
        error(&cnn, [1, 4, 4]).contains("pool3"),
        "{}",
        error(&cnn, [1, 4, 4])
    );
    assert!(error(&cnn, [0, 64, 64]).contains("input channels"));
    assert!(error(&cnn, [1, usize::MAX, 64]).contains("image height"));
    let flat = ModelConfig {
        architecture: Architecture::Vgg16,
        head: Head::Flatten,
        ..ModelConfig::default()
    };
    assert!(error(&flat, [1, 1024, 1024]).contains("more than 500000000 weights"));
}

#[test]
fn a_configuration_is_read_with_defaults_and_unknown_keys_are_refused() {
    let read = serde_json::from_str::<ModelConfig>;
    let config =
        read(r#"{"architecture": "resnet18", "head": {"kind": "evidence", "stride": 8}}"#).unwrap();
    assert_eq!(
        config.head,
        Head::Evidence {
            stride: 8,
            top: 0.02,
            sharpness: None,
            channels: 64
        }
    );
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(read(&written).unwrap(), config);
    assert_eq!(read("{}").unwrap(), ModelConfig::default());
    assert!(read(r#"{"architecure": "cnn"}"#).is_err());
    assert!(read(r#"{"head": {"kind": "evidence", "strid": 8}}"#).is_err());
    let error = "resnet19".parse::<Architecture>().unwrap_err().to_string();
    assert!(error.contains("resnet18, resnet34"), "{error}");
}

#[test]
fn the_summary_is_one_line_that_tells_models_apart() {
    assert_eq!(
        ModelConfig::default().summary(),
        "cnn (widths [32, 64, 128], relu), global average pool, dense 128, dropout 0.5"
    );
    let config = ModelConfig {
        architecture: Architecture::Resnet18,
        head: evidence(4),
        base_width: Some(32),
        ..ModelConfig::default()
    };
    assert_eq!(
        config.summary(),
        "resnet18 (base width 32, relu), evidence map at stride 4 (top 2 %)"
    );
}
