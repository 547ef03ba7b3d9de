//! What cannot give a result that holds is refused, with the reason.

use crate::scene::{Patience, Scene, Squares, busy_config, cnn};
use std::path::PathBuf;
use std::sync::Mutex;
use tumorlens_core::{Observer, Quiet, Seed};
use tumorlens_nn::precision::Precision;
use tumorlens_nn::train::{EarlyStopping, Metric, Outcome, Start, TrainError};

/// Starts a second run in the folder while the first is at work.
struct Intruder {
    folder: PathBuf,
    answer: Mutex<Option<String>>,
}

impl Observer for Intruder {
    fn begin(&self, _stage: &str, _steps: Option<u64>) {}

    fn advance(&self, _done: u64, _note: &str) {
        let second = Scene::new(cnn(), busy_config()).fit(&self.folder, Start::Resume, &Quiet);
        *self.answer.lock().unwrap() = Some(second.unwrap_err().to_string());
    }

    fn end(&self) {}

    fn say(&self, _message: &str) {}

    fn should_stop(&self) -> bool {
        true
    }
}

#[test]
fn a_second_run_in_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let intruder = Intruder {
        folder: folder.path().to_owned(),
        answer: Mutex::default(),
    };
    Scene::new(cnn(), busy_config())
        .fit(folder.path(), Start::Fresh, &intruder)
        .unwrap();
    let answer = intruder.answer.into_inner().unwrap().unwrap();
    assert!(
        answer.contains(&format!(
            "another run (process {}) is at work",
            std::process::id()
        )),
        "{answer}"
    );
}

#[test]
fn a_new_run_does_not_overwrite_an_old_one() {
    let scene = Scene::new(cnn(), busy_config());
    let folder = tempfile::tempdir().unwrap();
    scene
        .fit(folder.path(), Start::Fresh, &Patience::new(1))
        .unwrap();
    let error = scene.fit(folder.path(), Start::Fresh, &Quiet).unwrap_err();
    assert!(matches!(error, TrainError::Used { .. }), "{error}");
}

#[test]
fn a_run_goes_on_only_as_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = Scene::new(cnn(), busy_config())
        .fit(folder.path(), Start::Fresh, &Patience::new(4))
        .unwrap();
    assert_eq!(stopped, Outcome::Stopped { epochs: 1, step: 1 });
    let refused = |change: fn(&mut Scene)| {
        let mut scene = Scene::new(cnn(), busy_config());
        change(&mut scene);
        scene
            .fit(folder.path(), Start::Resume, &Quiet)
            .unwrap_err()
            .to_string()
    };
    let error = refused(|scene| {
        scene.config.epochs = 9;
        scene.config.mixup = 0.0;
    });
    assert!(
        error.contains("the configuration (epochs, mixup) changed"),
        "{error}"
    );
    let error = refused(|scene| scene.train = Squares::new(0, 24));
    assert!(
        error.contains("the images, their labels or their split changed"),
        "{error}"
    );
    let error = refused(|scene| scene.graph = crate::scene::linear());
    assert!(
        error.contains("the network, its classes or what of it is frozen changed"),
        "{error}"
    );
    let error = refused(|scene| scene.config.seed = Seed(5));
    assert!(
        error.contains("the configuration (seed) changed"),
        "{error}"
    );
    let error = refused(|scene| scene.config.precision = Precision::Bf16);
    assert!(
        error.contains("the configuration (precision) changed"),
        "{error}"
    );
}

#[test]
fn parts_that_cannot_train_or_judge_are_refused_before_the_first_step() {
    let refused = |change: fn(&mut Scene)| {
        let mut scene = Scene::new(cnn(), busy_config());
        change(&mut scene);
        let folder = tempfile::tempdir().unwrap();
        scene
            .fit(folder.path(), Start::Fresh, &Quiet)
            .unwrap_err()
            .to_string()
    };
    type Change = fn(&mut Scene);
    let cases: [(Change, &str); 5] = [
        (
            |s| s.validation = Squares::of_class(0, 4),
            "no validation image of class 'tumor', so 'auroc' is undefined",
        ),
        (
            |s| s.train = Squares::of_class(1, 4),
            "no training image of class 'no_tumor'",
        ),
        (
            |s| s.train = Squares::of_class(2, 4),
            "0.png: has an unknown class",
        ),
        (|s| s.validation = Squares::new(0, 0), "no validation image"),
        (|s| s.config.epochs = 0, "epochs is 0, expected 1 to 10000"),
    ];
    for (change, expected) in cases {
        let error = refused(change);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_loss_can_judge_a_validation_part_of_one_class() {
    let mut scene = Scene::new(cnn(), busy_config());
    scene.validation = Squares::of_class(0, 4);
    scene.config.early_stopping = EarlyStopping {
        metric: Metric::Loss,
        patience: 0,
        ..EarlyStopping::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let trained = scene.finish(folder.path());
    assert!(
        trained
            .history
            .iter()
            .all(|record| record.validation.auroc.get().is_none())
    );
    let metrics = std::fs::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
    assert!(metrics.contains(r#""auroc":{"undefined":"#), "{metrics}");
}
