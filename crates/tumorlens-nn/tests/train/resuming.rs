//! A run that was interrupted ends as if it had not been.

use crate::scene::{Patience, Scene, busy_config, cnn, evidence_cnn, files, finished};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use tumorlens_core::Quiet;
use tumorlens_nn::train::{EpochRecord, Outcome, Start, TrainError};

/// Stops and resumes until the run is over; returns the number of interruptions.
fn in_pieces(scene: &Scene, folder: &Path, mut pieces: impl Iterator<Item = usize>) -> usize {
    let mut interruptions = 0;
    loop {
        let observer = Patience::new(pieces.next().unwrap());
        match scene.fit(folder, Start::Resume, &observer).unwrap() {
            Outcome::Finished(_) => return interruptions,
            Outcome::Stopped { .. } => interruptions += 1,
        }
    }
}

#[test]
fn stopping_anywhere_and_resuming_changes_no_byte() {
    for graph in [cnn, evidence_cnn] {
        let scene = Scene::new(graph(), busy_config());
        let whole = tempfile::tempdir().unwrap();
        scene.finish(whole.path());
        let expected = files(whole.path());
        // Ten groups in steps of at most four: three steps an epoch, nine in all.
        for (pieces, interruptions) in [(vec![1], 9), (vec![2], 4), (vec![4, 1], 3), (vec![7], 1)] {
            let folder = tempfile::tempdir().unwrap();
            let stops = in_pieces(&scene, folder.path(), pieces.iter().copied().cycle());
            assert_eq!(stops, interruptions, "{pieces:?}");
            for (name, bytes) in files(folder.path()) {
                // A stop saves once more, so the checkpoint before the last is another one.
                assert!(
                    name == "checkpoints/previous" || expected[&name] == bytes,
                    "{name} differs, {pieces:?}"
                );
            }
        }
    }
}

#[test]
fn who_looks_at_the_epochs_may_end_the_run_and_sees_them_again_when_it_is_resumed() {
    let scene = Scene::new(cnn(), busy_config());
    let whole = tempfile::tempdir().unwrap();
    let expected = scene.finish(whole.path());
    let folder = tempfile::tempdir().unwrap();
    let seen = Mutex::new(Vec::new());
    let two = |history: &[EpochRecord]| {
        seen.lock().unwrap().push(history.len());
        if history.len() < 2 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let stopped = scene
        .fit_watched(folder.path(), Start::Fresh, &Quiet, &two)
        .unwrap();
    assert_eq!(stopped, Outcome::Stopped { epochs: 2, step: 0 });
    let all = |history: &[EpochRecord]| {
        seen.lock().unwrap().push(history.len());
        ControlFlow::Continue(())
    };
    let resumed = scene.fit_watched(folder.path(), Start::Resume, &Quiet, &all);
    assert_eq!(finished(resumed.unwrap()), expected);
    assert_eq!(seen.into_inner().unwrap(), [1, 2, 2, 3]);
}

#[test]
fn a_finished_run_gives_its_result_again() {
    let scene = Scene::new(cnn(), busy_config());
    let folder = tempfile::tempdir().unwrap();
    let first = scene.finish(folder.path());
    let again = finished(scene.fit(folder.path(), Start::Resume, &Quiet).unwrap());
    assert_eq!(first, again);
}

#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before_and_records_are_mended() {
    let scene = Scene::new(cnn(), busy_config());
    let whole = tempfile::tempdir().unwrap();
    scene.finish(whole.path());
    let folder = tempfile::tempdir().unwrap();
    // Two epochs and a step: `last` is in the third epoch, `previous` after the second.
    let stopped = scene
        .fit(folder.path(), Start::Fresh, &Patience::new(7))
        .unwrap();
    assert_eq!(stopped, Outcome::Stopped { epochs: 2, step: 1 });
    let last = folder.path().join("checkpoints/last");
    let mut bytes = fs::read(&last).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&last, bytes).unwrap();
    for name in ["metrics.jsonl", "events.out.tfevents.0.run"] {
        let path = folder.path().join(name);
        let torn = [fs::read(&path).unwrap(), b"{\"epoch\":3,\"st".to_vec()].concat();
        fs::write(path, torn).unwrap();
    }
    let observer = Patience::new(usize::MAX);
    finished(scene.fit(folder.path(), Start::Resume, &observer).unwrap());
    let said = observer.said.into_inner().unwrap();
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("checksum") && said[0].contains("after 2 epochs"),
        "{}",
        said[0]
    );
    assert!(
        folder.path().join("checkpoints/damaged").exists(),
        "kept, to be looked at"
    );
    let expected = files(whole.path());
    for (name, bytes) in files(folder.path()) {
        assert!(expected[&name] == bytes, "{name} differs");
    }
}

#[test]
fn a_kill_between_two_checkpoints_costs_only_the_steps_since() {
    let scene = Scene::new(cnn(), busy_config());
    let whole = tempfile::tempdir().unwrap();
    scene.finish(whole.path());
    let folder = tempfile::tempdir().unwrap();
    scene
        .fit(folder.path(), Start::Fresh, &Patience::new(4))
        .unwrap();
    // As a kill between the two renames leaves it: the old checkpoint is set aside, the new one not yet in place.
    let checkpoint = |name: &str| folder.path().join("checkpoints").join(name);
    fs::rename(checkpoint("last"), checkpoint("next")).unwrap();
    let observer = Patience::new(usize::MAX);
    finished(scene.fit(folder.path(), Start::Resume, &observer).unwrap());
    assert!(observer.said.into_inner().unwrap()[0].contains("after 1 epochs"));
    assert_eq!(
        files(folder.path())["checkpoints/last"],
        files(whole.path())["checkpoints/last"]
    );
}

#[test]
fn damage_without_a_way_back_is_an_error() {
    let scene = Scene::new(cnn(), busy_config());
    let folder = tempfile::tempdir().unwrap();
    scene.finish(folder.path());
    let checkpoint = |name: &str| folder.path().join("checkpoints").join(name);
    fs::write(checkpoint("best"), b"").unwrap();
    let error = scene.fit(folder.path(), Start::Resume, &Quiet).unwrap_err();
    assert!(
        matches!(&error, TrainError::Checkpoint { path, .. } if path.ends_with("best")),
        "{error}"
    );
    fs::write(checkpoint("last"), b"nothing").unwrap();
    fs::remove_file(checkpoint("previous")).unwrap();
    let error = scene
        .fit(folder.path(), Start::Resume, &Quiet)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("last") && error.contains("checksum"),
        "{error}"
    );
}

#[test]
fn resuming_where_nothing_was_saved_begins() {
    let scene = Scene::new(cnn(), busy_config());
    let folder = tempfile::tempdir().unwrap();
    let observer = Patience::new(2);
    scene.fit(folder.path(), Start::Resume, &observer).unwrap();
    assert!(observer.said.into_inner().unwrap()[0].contains("from the beginning"));
}
