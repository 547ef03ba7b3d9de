//! A process that is killed loses the steps since its last checkpoint, and nothing else.

use crate::scene::{Scene, busy_config, cnn, files, finished};
use std::process::{Command, Stdio};
use std::time::Duration;
use tumorlens_core::{Quiet, Seed};
use tumorlens_nn::train::{Outcome, Start};

const FOLDER: &str = "TUMORLENS_TEST_RUN_FOLDER";

/// Long enough that kills fall into steps, validations and writes alike.
fn scene() -> Scene {
    let mut scene = Scene::new(cnn(), busy_config());
    scene.config.epochs = 120;
    scene
}

/// Not a test by itself: the process that the next one starts and kills.
#[test]
fn a_run_in_a_process_of_its_own() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    scene().fit(folder.as_ref(), Start::Resume, &Quiet).unwrap();
}

#[test]
fn killed_at_any_time_a_run_resumes_and_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    scene().finish(whole.path());
    let folder = tempfile::tempdir().unwrap();
    let mut kills = 0;
    for attempt in 0..15 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killing::a_run_in_a_process_of_its_own"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(10 + Seed(attempt).index(0).0 % 60));
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
    }
    assert!(kills > 0, "no attempt was killed in time");
    let outcome: Outcome = scene().fit(folder.path(), Start::Resume, &Quiet).unwrap();
    finished(outcome);
    let expected = files(whole.path());
    for (name, bytes) in files(folder.path()) {
        assert!(
            expected[&name] == bytes,
            "{name} differs after {kills} kills"
        );
    }
}
