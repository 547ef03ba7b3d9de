//! Weights of other networks: files by torchvision, transfer, and files that must be refused.
//! Witness: `reference/models/make_golden.py`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and may say why it is skipped"
)]

#[path = "golden/formula.rs"]
mod formula;

use burn::tensor::Device;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tumorlens_core::Seed;
use tumorlens_nn::graph::Graph;
use tumorlens_nn::model::{Head, ModelConfig};
use tumorlens_nn::network::{Mode, Network};
use tumorlens_nn::weights::file::{self, StoredTensors};
use tumorlens_nn::weights::safetensors::{Precision, write};
use tumorlens_nn::weights::transfer::{Frozen, TransferOptions, TransferReport, load_into};
use tumorlens_nn::weights::{Parameter, Weights};

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../reference/models")
        .join(name)
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Refused by the way that `--init FILE` takes, in one line that names the file.
fn assert_refused(path: &Path) -> String {
    let graph = ModelConfig::default().graph([1, 32, 32], 1).unwrap();
    let initial = Weights::initial(&graph, Seed(0));
    let mut weights = initial.clone();
    let error = match load_into(&graph, &mut weights, path, TransferOptions::default()) {
        Ok(_) => panic!("{} was loaded", path.display()),
        Err(error) => error.to_string(),
    };
    assert!(
        error.contains(path.file_name().unwrap().to_str().unwrap()),
        "{error}"
    );
    assert!(
        !error.contains(char::is_control) && error.len() < 400,
        "{error}"
    );
    assert_eq!(weights, initial);
    error
}

#[test]
fn a_file_by_pytorch_is_read_in_every_form() {
    let text = std::fs::read_to_string(reference("tiny.json")).unwrap();
    let expected: BTreeMap<String, Vec<f32>> = serde_json::from_str(&text).unwrap();
    let check = |tensors: &StoredTensors, tolerance: f32| {
        assert!(tensors.keys().eq(expected.keys()), "{:?}", tensors.keys());
        for (name, values) in &expected {
            for (a, b) in tensors[name].values.iter().zip(values) {
                assert!((a - b).abs() <= tolerance * b.abs(), "{name}: {a} {b}");
            }
        }
        assert_eq!(tensors["conv1.weight"].shape, [4, 3, 3, 3]);
    };
    for (name, tolerance) in [
        ("tiny.pth", 0.0),
        ("tiny.safetensors", 0.0),
        ("tiny_channels_last.pth", 0.0),
        ("tiny_float16.pth", 1.0 / 2048.0),
        ("tiny_float16.safetensors", 1.0 / 2048.0),
        ("tiny_bfloat16.pth", 1.0 / 256.0),
        ("tiny_bfloat16.safetensors", 1.0 / 256.0),
    ] {
        check(&file::read(&reference(name)).unwrap(), tolerance);
    }
}

#[test]
fn a_checkpoint_that_is_no_plain_state_dict_is_refused_with_its_reason() {
    let expected = BTreeMap::from([
        ("bare_pickle.pth", "Python pickle"),
        (
            "checkpoint_with_epoch.pth",
            "'epoch' is no tensor; save model.state_dict()",
        ),
        ("command.pth", "'posix.system'"),
        ("compressed.pth", "compressed"),
        ("expanded.pth", "gaps or repeats"),
        ("integers.pth", "integers"),
        ("legacy.pth", "before version 1.6"),
        ("list.pth", "EMPTY_LIST"),
        ("nan.pth", "not finite"),
        ("whole_module.pth", "'torch.nn.modules.linear.Linear'"),
    ]);
    for path in files_in(&reference("refused")) {
        let error = assert_refused(&path);
        let part = expected[path.file_name().unwrap().to_str().unwrap()];
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn every_hostile_model_file_of_the_corpus_is_refused() {
    let folder = std::env::var_os("TUMORLENS_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let folder = folder.join("models");
    if !folder.is_dir() {
        println!("skipped: no folder {}", folder.display());
        return;
    }
    let files = files_in(&folder);
    assert!(!files.is_empty());
    for path in files {
        println!("{}", assert_refused(&path));
    }
}

fn config(name: &str) -> ModelConfig {
    let name = name.parse().unwrap();
    let small = matches!(name, tumorlens_nn::model::Architecture::Resnet18).then_some(8);
    ModelConfig {
        base_width: small,
        ..ModelConfig::new(name)
    }
}

fn save(folder: &Path, weights: &Weights) -> PathBuf {
    let path = folder.join("weights.safetensors");
    std::fs::write(&path, write(weights, Precision::Single).unwrap()).unwrap();
    path
}

/// Saves random weights of one model and loads them into another.
fn transfer(
    from: &Graph,
    to: &Graph,
    options: TransferOptions,
) -> (Weights, Weights, Result<TransferReport, String>) {
    let folder = tempfile::tempdir().unwrap();
    let source = Weights::initial(from, Seed(1));
    let mut target = Weights::initial(to, Seed(2));
    let report = load_into(to, &mut target, &save(folder.path(), &source), options);
    (source, target, report.map_err(|error| error.to_string()))
}

fn logits(graph: &Graph, weights: &Weights, images: Vec<f32>) -> Vec<f32> {
    let network = Network::new(graph.clone(), weights, &Device::flex(), None).unwrap();
    network
        .forward(network.batch(images), Mode::Inference)
        .logits
        .into_data()
        .try_to_vec()
        .unwrap()
}

#[test]
fn a_grey_net_from_a_colour_one_answers_as_that_does_to_equal_channels() {
    for name in ["resnet18", "cnn"] {
        let colour = config(name).graph([3, 32, 32], 2).unwrap();
        let grey = config(name).graph([1, 32, 32], 2).unwrap();
        let image = formula::images(1, grey.input);
        let thrice = image.repeat(3);

        let (source, target, report) = transfer(&colour, &grey, TransferOptions::default());
        let report = report.unwrap();
        assert_eq!(report.adapted, ["'conv1.weight' from 3 to 1 channels"]);
        assert!(report.skipped.is_empty() && report.unused.is_empty());
        assert_close(
            &logits(&colour, &source, thrice.clone()),
            &logits(&grey, &target, image.clone()),
        );

        let (source, target, report) = transfer(&grey, &colour, TransferOptions::default());
        assert_eq!(
            report.unwrap().adapted,
            ["'conv1.weight' from 1 to 3 channels"]
        );
        assert_close(
            &logits(&grey, &source, image),
            &logits(&colour, &target, thrice),
        );
    }
}

fn assert_close(found: &[f32], expected: &[f32]) {
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() < 1e-4 * (1.0 + b.abs()),
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn a_head_for_other_classes_keeps_its_initial_values_and_says_so() {
    let thousand = config("resnet18").graph([1, 32, 32], 1000).unwrap();
    let one = config("resnet18").graph([1, 32, 32], 1).unwrap();
    let (source, target, report) = transfer(&thousand, &one, TransferOptions::default());
    let report = report.unwrap();
    assert_eq!(report.loaded.len(), 40);
    assert_eq!(
        target.get("layer4.1.bn2.running_var"),
        source.get("layer4.1.bn2.running_var")
    );
    assert_eq!(
        target.get("fc.weight"),
        Weights::initial(&one, Seed(2)).get("fc.weight")
    );
    let text = report.to_string();
    assert!(
        text.contains("initial 'fc': it has shape [1000, 64] in the file, [1, 64] here"),
        "{text}"
    );
}

#[test]
fn an_evidence_head_is_not_in_a_file_of_another_head_and_the_trunk_still_loads() {
    let plain = config("resnet18").graph([1, 32, 32], 1).unwrap();
    let head = Head::Evidence {
        stride: 8,
        top: 0.1,
        sharpness: None,
        channels: 8,
    };
    let evidence = ModelConfig {
        head,
        ..config("resnet18")
    }
    .graph([1, 32, 32], 1)
    .unwrap();
    let report = transfer(&plain, &evidence, TransferOptions::default())
        .2
        .unwrap();
    assert_eq!(report.loaded.len(), 40);
    assert_eq!(report.unused, ["fc.bias", "fc.weight"]);
    assert!(
        report
            .skipped
            .iter()
            .all(|skipped| skipped.layer.starts_with("head."))
    );
}

#[test]
fn the_file_of_another_architecture_is_refused_unless_a_part_is_enough() {
    let narrow = config("resnet18").graph([1, 32, 32], 1).unwrap();
    let wide = ModelConfig {
        base_width: Some(16),
        ..config("resnet18")
    }
    .graph([1, 32, 32], 1)
    .unwrap();
    let error = transfer(&narrow, &wide, TransferOptions::default())
        .2
        .unwrap_err();
    assert!(
        error.contains("layer 'conv1' has shape [8, 1, 7, 7] in the file, [16, 1, 7, 7] here"),
        "{error}"
    );
    let cnn = config("cnn").graph([1, 32, 32], 1).unwrap();
    let error = transfer(&cnn, &narrow, TransferOptions { partial: true })
        .2
        .unwrap_err();
    assert!(error.contains("no layer of this model"), "{error}");

    let deeper = ModelConfig {
        widths: Some(vec![32, 64, 128, 128]),
        ..ModelConfig::default()
    };
    let deeper = deeper.graph([1, 32, 32], 1).unwrap();
    assert!(
        transfer(&cnn, &deeper, TransferOptions::default())
            .2
            .unwrap_err()
            .contains("'conv4' is not in the file")
    );
    let report = transfer(&cnn, &deeper, TransferOptions { partial: true })
        .2
        .unwrap();
    let skipped: Vec<&str> = report
        .skipped
        .iter()
        .map(|skipped| skipped.layer.as_str())
        .collect();
    assert_eq!(skipped, ["conv4", "bn4"]);
}

#[test]
fn frozen_stages_do_not_learn_and_an_unknown_one_is_named() {
    let graph = config("resnet18").graph([1, 32, 32], 1).unwrap();
    let frozen = Frozen::new(&graph, &["stem".to_owned(), "layer1".to_owned()]).unwrap();
    for (name, expected) in [
        ("conv1.weight", true),
        ("layer1.1.bn2.bias", true),
        ("layer1.1.bn2.running_var", true),
        ("layer2.0.downsample.0.weight", false),
        ("fc.bias", false),
    ] {
        assert_eq!(frozen.contains(name), expected, "{name}");
    }

    let weights = Weights::initial(&graph, Seed(1));
    let learn: &dyn Fn(&Parameter) -> bool = &|parameter| !frozen.contains(&parameter.name);
    let network = Network::new(graph.clone(), &weights, &Device::flex(), Some(learn)).unwrap();
    let pass = network.forward(
        network.batch(formula::images(2, graph.input)),
        Mode::Training(Seed(0)),
    );
    let gradients = pass.logits.sum().backward();
    assert!(
        network
            .parameter("layer1.0.conv1.weight")
            .unwrap()
            .grad(&gradients)
            .is_none()
    );
    assert!(
        network
            .parameter("layer2.0.conv1.weight")
            .unwrap()
            .grad(&gradients)
            .is_some()
    );

    let error = Frozen::new(&graph, &["layer9".to_owned()])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "no stage 'layer9' to freeze: use stem, layer1, layer2, layer3, layer4, head"
    );
}

#[derive(serde::Deserialize)]
struct Answers {
    logits: Vec<f32>,
    grey_logits: Vec<f32>,
}

/// Needs Python with torchvision: set `TUMORLENS_PYTHON` to the interpreter.
#[test]
#[ignore = "needs Python with torchvision"]
fn a_whole_torchvision_net_loads_and_answers_alike() {
    let Some(python) = std::env::var_os("TUMORLENS_PYTHON") else {
        println!("skipped: TUMORLENS_PYTHON names no interpreter");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script = reference("make_golden.py");
    let status = std::process::Command::new(python)
        .arg(script)
        .arg("--random")
        .arg(folder.path())
        .status();
    assert!(status.unwrap().success());
    let text = std::fs::read_to_string(folder.path().join("resnet18.json")).unwrap();
    let answers: Answers = serde_json::from_str(&text).unwrap();
    let resnet = ModelConfig::new("resnet18".parse().unwrap());
    for name in ["resnet18.pth", "resnet18.safetensors"] {
        for (channels, expected) in [(3, &answers.logits), (1, &answers.grey_logits)] {
            let graph = resnet.graph([channels, 64, 64], 1000).unwrap();
            let mut weights = Weights::initial(&graph, Seed(0));
            load_into(
                &graph,
                &mut weights,
                &folder.path().join(name),
                TransferOptions::default(),
            )
            .unwrap();
            assert_close(
                &logits(&graph, &weights, formula::images(1, graph.input)),
                expected,
            );
        }
    }
}
