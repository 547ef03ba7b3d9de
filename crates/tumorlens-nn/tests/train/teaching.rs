//! Learning from a teacher.

use crate::scene::{Patience, Scene, busy_config, cnn, evidence_cnn, finished, linear};
use std::sync::Arc;
use tumorlens_core::{ClassSet, MapLine, Quiet, Seed};
use tumorlens_nn::evaluate::{Reading, predict_logits};
use tumorlens_nn::graph::Graph;
use tumorlens_nn::network::Network;
use tumorlens_nn::precision::Precision;
use tumorlens_nn::train::{EarlyStopping, Keep, Start, Teacher, TrainConfig};
use tumorlens_nn::weights::Weights;

fn teacher(graph: &Graph, weights: Weights, weight: f64) -> Teacher {
    let classes = ClassSet::tumor();
    Teacher::new(
        graph,
        Arc::new(weights),
        &classes,
        Some(MapLine {
            threshold: 0.0,
            share: 0.0,
        }),
        weight,
        Precision::F32,
    )
    .unwrap()
}

/// Says the same logit of every image.
fn constant(logit: f32) -> Teacher {
    let graph = linear();
    let mut weights = Weights::initial(&graph, Seed(1));
    for parameter in &mut weights.parameters {
        let value = if parameter.name == "fc.bias" {
            logit
        } else {
            0.0
        };
        parameter.values.fill(value);
    }
    teacher(&graph, weights, 1.0)
}

#[test]
fn a_student_of_a_teacher_alone_says_what_the_teacher_says() {
    let config = TrainConfig {
        epochs: 40,
        batch_size: 4,
        learning_rate: 0.01,
        average: 0.0,
        early_stopping: EarlyStopping {
            keep: Keep::Last,
            ..EarlyStopping::default()
        },
        ..TrainConfig::default()
    };
    let mut scene = Scene::new(cnn(), config);
    scene.teacher = Some(constant(1.5));
    let folder = tempfile::tempdir().unwrap();
    let trained = scene.finish(folder.path());
    let device = tumorlens_nn::device::DeviceChoice::Cpu.open().unwrap();
    let network = Network::new(cnn(), &trained.weights, &device, None).unwrap();
    let said = predict_logits(&network, &scene.validation, Reading::default(), &Quiet).unwrap();
    // The labels say 0 of every second image.
    for image in said {
        assert!((image.logits[0] - 1.5).abs() < 0.5, "{:?}", image.logits);
    }
}

#[test]
fn a_taught_run_goes_on_where_it_stopped_and_only_with_its_teacher() {
    let taught = |by: Option<u64>| {
        let mut scene = Scene::new(evidence_cnn(), busy_config());
        scene.teacher = by.map(|seed| {
            let graph = evidence_cnn();
            let weights = Weights::initial(&graph, Seed(seed));
            teacher(&graph, weights, 0.5)
        });
        scene
    };
    let scene = taught(Some(7));
    let (whole, pieces) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = scene.finish(whole.path());
    let alone = tempfile::tempdir().unwrap();
    assert_ne!(taught(None).finish(alone.path()).weights, expected.weights);
    scene
        .fit(pieces.path(), Start::Fresh, &Patience::new(4))
        .unwrap();
    for other in [None, Some(8)] {
        let refused = taught(other).fit(pieces.path(), Start::Resume, &Quiet);
        let reason = refused.unwrap_err().to_string();
        assert!(reason.contains("the teacher changed since"), "{reason}");
    }
    let resumed = scene.fit(pieces.path(), Start::Resume, &Quiet);
    assert_eq!(finished(resumed.unwrap()), expected);
}
