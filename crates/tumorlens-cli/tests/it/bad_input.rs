//! Mistakes get one line that names what and why, and the exit code of the table.

use super::program::{fail, tumorlens};

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fail(
        dir.path(),
        &["prepare", "nowhere", "--out", "d"],
        1,
        &["nowhere"],
    );
    fail(
        dir.path(),
        &["train", "nowhere", "--out", "r"],
        1,
        &["nowhere"],
    );
    fail(
        dir.path(),
        &["verify", "nowhere.tumorlens"],
        1,
        &["nowhere.tumorlens"],
    );
}

#[test]
fn a_damaged_picture_is_refused_with_its_name_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.jpg"), b"\xff\xd8\xff\xe0 cut short").unwrap();
    let output = tumorlens(dir.path(), &["predict", "--json", "bad.jpg"]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["verdict"], "refused");
    assert!(!line["reason"].as_str().unwrap().is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("bad.jpg"));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_picture_that_is_not_there_is_refused_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let output = tumorlens(dir.path(), &["predict", "--json", "nowhere.png"]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["verdict"], "refused");
    assert!(line["path"].as_str().unwrap().ends_with("nowhere.png"));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_used_folder_is_refused_before_anything_in_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("r");
    std::fs::create_dir(&run).unwrap();
    std::fs::write(run.join("metrics.jsonl"), "").unwrap();
    std::fs::write(run.join("config.toml"), "# mine").unwrap();
    fail(
        dir.path(),
        &["run", "--out", "r"],
        1,
        &["holds a run already"],
    );
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    assert_eq!(config, "# mine");
    assert!(!run.join("phantoms").exists());
}

#[test]
fn a_resumed_run_takes_no_new_settings() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["train", "d", "--out", "r", "--resume", "--epochs", "3"];
    let output = tumorlens(dir.path(), &arguments);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("--resume") && stderr.contains("--epochs"),
        "{stderr}"
    );
}

#[test]
fn a_damaged_bundle_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = include_bytes!("../../assets/builtin.tumorlens").to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(dir.path().join("m.tumorlens"), bytes).unwrap();
    fail(
        dir.path(),
        &["verify", "m.tumorlens"],
        4,
        &["m.tumorlens", "damaged"],
    );
}

#[test]
fn a_precision_that_is_none_or_that_a_device_does_not_have_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for verb in [&["bench"][..], &["predict", "x.png"]] {
        let elsewhere = [verb, &["--device", "wgpu", "--precision", "bf16"]].concat();
        let reason = "precision bf16 is for the device cpu only, not for wgpu";
        fail(dir.path(), &elsewhere, 1, &[reason]);
        let unknown = [verb, &["--precision", "f16"]].concat();
        fail(dir.path(), &unknown, 1, &["'f16': use f32 or bf16"]);
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_is_not_compiled_in_names_its_feature() {
    let dir = tempfile::tempdir().unwrap();
    fail(
        dir.path(),
        &["predict", "--device", "cuda", "x.png"],
        1,
        &["--features cuda"],
    );
}

#[test]
fn an_unknown_field_of_a_configuration_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.toml"), "[train]\nepoch = 3\n").unwrap();
    std::fs::create_dir(dir.path().join("d")).unwrap();
    fail(
        dir.path(),
        &["train", "d", "--out", "r", "--config", "c.toml"],
        1,
        &[],
    );
}

#[test]
fn the_built_in_model_is_sound_and_small() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = include_bytes!("../../assets/builtin.tumorlens");
    assert!(bytes.len() <= 8 << 20, "{} bytes", bytes.len());
    std::fs::write(dir.path().join("m.tumorlens"), bytes).unwrap();
    super::program::succeed(dir.path(), &["verify", "m.tumorlens"]);
}
