//! It learns.

use crate::scene::{Patience, Scene, Squares, cnn, evidence_cnn, linear};
use std::process::Command;
use tumorlens_core::Quiet;
use tumorlens_nn::optimizer::{OptimizerConfig, Sgd};
use tumorlens_nn::precision::Precision;
use tumorlens_nn::train::{EarlyStopping, Keep, Metric, Start, TrainConfig};

#[test]
fn a_small_network_learns_eight_images_by_heart_in_every_precision() {
    let losses = [Precision::F32, Precision::Bf16].map(learns_by_heart);
    // Rounding moves the way, not where it leads.
    let halfway = losses.each_ref().map(|losses| losses[10]);
    assert!(
        (halfway[0] - halfway[1]).abs() < 0.1 * halfway[0],
        "{halfway:?}"
    );
    assert!(losses[0] != losses[1]);
}

/// Losses of the epochs.
fn learns_by_heart(precision: Precision) -> Vec<f64> {
    let config = TrainConfig {
        precision,
        epochs: 100,
        batch_size: 8,
        learning_rate: 0.05,
        average: 0.0,
        sampling: tumorlens_nn::train::Sampling {
            images: tumorlens_nn::train::Images::All,
            ..Default::default()
        },
        ..TrainConfig::default()
    };
    let mut scene = Scene::new(cnn(), config);
    scene.train = Squares::new(0, 8);
    scene.validation = Squares::new(0, 8);
    let folder = tempfile::tempdir().unwrap();
    let trained = scene.finish(folder.path());
    let best = &trained.history[trained.best_epoch - 1];
    assert!(best.validation.loss < 0.05, "{best:?}");
    assert_eq!(best.validation.balanced_accuracy.get(), Some(1.0));
    assert!(trained.history[0].train.loss > 0.5);
    trained
        .history
        .iter()
        .map(|epoch| epoch.train.loss)
        .collect()
}

#[test]
fn an_evidence_map_learns_where_the_square_is() {
    let config = TrainConfig {
        epochs: 40,
        batch_size: 10,
        learning_rate: 0.03,
        average: 0.0,
        ..TrainConfig::default()
    };
    let scene = Scene::new(evidence_cnn(), config);
    let folder = tempfile::tempdir().unwrap();
    let trained = scene.finish(folder.path());
    let outline = |epoch: usize| trained.history[epoch].train.outline.unwrap();
    let (first, last) = (outline(0), outline(trained.history.len() - 1));
    assert!(last < 0.5 * first, "{first} {last}");
    assert_eq!(
        trained.history[trained.best_epoch - 1]
            .validation
            .auroc
            .get(),
        Some(1.0)
    );
}

#[test]
fn training_stops_when_nothing_gets_better() {
    let config = TrainConfig {
        epochs: 30,
        learning_rate: 1e-30,
        average: 0.0,
        early_stopping: EarlyStopping {
            metric: Metric::BalancedAccuracy,
            patience: 3,
            ..EarlyStopping::default()
        },
        ..TrainConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let trained = Scene::new(linear(), config).finish(folder.path());
    assert_eq!((trained.best_epoch, trained.history.len()), (1, 4));
}

#[test]
fn the_last_epoch_can_be_kept_whatever_validation_says() {
    let config = TrainConfig {
        epochs: 4,
        learning_rate: 1e-30,
        average: 0.0,
        early_stopping: EarlyStopping {
            keep: Keep::Last,
            patience: 1,
            ..EarlyStopping::default()
        },
        ..TrainConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let trained = Scene::new(linear(), config).finish(folder.path());
    assert_eq!((trained.best_epoch, trained.history.len()), (4, 4));
}

#[test]
fn divergence_is_an_error_that_names_its_place() {
    let mut scene = Scene::new(
        linear(),
        TrainConfig {
            learning_rate: 100.0,
            clip_norm: 0.0,
            warm_up_epochs: 0.0,
            optimizer: OptimizerConfig::Sgd(Sgd {
                weight_decay: 10.0,
                ..Sgd::default()
            }),
            ..TrainConfig::default()
        },
    );
    scene.train.gain = 1e30;
    let folder = tempfile::tempdir().unwrap();
    let error = scene
        .fit(folder.path(), Start::Fresh, &Quiet)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("epoch ")
            && error.contains("is not a finite number; lower learning_rate"),
        "{error}"
    );
}

#[test]
fn progress_says_loss_figure_speed_and_time() {
    let config = TrainConfig {
        epochs: 2,
        warm_up_epochs: 0.0,
        batch_size: 5,
        ..TrainConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let observer = Patience::new(usize::MAX);
    Scene::new(linear(), config)
        .fit(folder.path(), Start::Fresh, &observer)
        .unwrap();
    let notes = observer.notes.into_inner().unwrap();
    // Ten groups, one image of each: two steps an epoch.
    assert_eq!(
        (notes.len(), notes[0].as_str(), notes[3].as_str()),
        (6, "epoch 1/2", "epoch 2/2")
    );
    assert!(
        notes[1].starts_with("loss 0.") && !notes[1].contains("val"),
        "{}",
        notes[1]
    );
    for part in ["loss 0.", " | val auroc ", " images/s | ", " s left"] {
        assert!(notes[5].contains(part), "{}", notes[5]);
    }
}

#[test]
fn tensorboard_reads_what_metrics_jsonl_says() {
    let Some(python) = std::env::var_os("TUMORLENS_PYTHON") else {
        println!("skipped: TUMORLENS_PYTHON does not name a Python with tensorboard");
        return;
    };
    let config = TrainConfig {
        epochs: 3,
        ..TrainConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let trained = Scene::new(evidence_cnn(), config).finish(folder.path());
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../reference/train/read_events.py"
    );
    let file = folder.path().join("events.out.tfevents.0.run");
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let mut areas = 0;
    for line in text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
    {
        let epoch = line["step"].as_u64().unwrap() as usize;
        if line["tag"] == "validation/auroc" {
            areas += 1;
            let expected = trained.history[epoch - 1].validation.auroc.get().unwrap();
            assert!((line["value"].as_f64().unwrap() - expected).abs() < 1e-6);
        }
    }
    assert_eq!((areas, text.lines().count()), (3, 21));
}
