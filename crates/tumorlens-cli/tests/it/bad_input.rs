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
    fail(dir.path(), &["predict", "nowhere.png"], 1, &["nowhere.png"]);
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
fn a_damaged_bundle_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = include_bytes!("../../assets/builtin.tumorlens").to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(dir.path().join("m.tumorlens"), bytes).unwrap();
    fail(
        dir.path(),
        &["verify", "m.tumorlens"],
        1,
        &["m.tumorlens", "damaged"],
    );
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
