//! Searching for a way to train, and planning one, from the command line.

use crate::program::{fail, succeed, tumorlens};
use crate::verbs::TINY;
use std::fs;
use std::path::Path;

fn phantoms(at: &Path) {
    let phantom = ["phantom", "--out", "p", "--subjects", "20", "--slices", "2"];
    succeed(at, &[&phantom[..], &["--size", "48"]].concat());
    succeed(at, &["prepare", "p", "--out", "d"]);
    fs::write(at.join("tiny.toml"), TINY).unwrap();
    let space = "learning_rate = { low = 1e-3, high = 1e-2, log = true }\nactivation = [\"relu\", \"gelu\"]\n";
    fs::write(at.join("space.toml"), space).unwrap();
}

const TUNE: [&str; 10] = [
    "tune",
    "d",
    "--folds",
    "2",
    "--trials",
    "4",
    "--config",
    "tiny.toml",
    "--space",
    "space.toml",
];

#[test]
fn a_search_never_opens_the_test_part_and_is_the_same_in_pieces_and_by_several_workers() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    phantoms(at);
    // A test image that cannot be read any more: the search does not look at it.
    let manifest = fs::read_to_string(at.join("d/manifest.csv")).unwrap();
    let test = manifest
        .lines()
        .find(|line| line.contains(",test,"))
        .unwrap();
    let image = at.join("d").join(test.split(',').next().unwrap());
    fs::write(image, "gone").unwrap();

    let said = succeed(at, &[&TUNE[..], &["--out", "whole"]].concat());
    assert!(
        said.contains("4 trials") && said.contains("test part"),
        "{said}"
    );
    let study = fs::read_to_string(at.join("whole/study.jsonl")).unwrap();
    assert_eq!(study.matches("\"event\":\"ended\"").count(), 4);
    let page = fs::read_to_string(at.join("whole/tuning.html")).unwrap();
    assert!(page.contains("learning rate") && !page.contains("<script"));
    assert!(!at.join("whole/trials/0/fold-0/checkpoints").exists());

    // As a kill leaves it in the middle of the second trial: its last lines are gone, one of them torn.
    fs::create_dir_all(at.join("pieces")).unwrap();
    for name in ["config.toml", "space.toml"] {
        fs::copy(at.join("whole").join(name), at.join("pieces").join(name)).unwrap();
    }
    let second = study.find("\"event\":\"ended\",\"trial\":0").unwrap();
    let cut = second
        + study[second..]
            .find("\"event\":\"step\",\"trial\":1")
            .unwrap()
        + 20;
    fs::write(at.join("pieces/study.jsonl"), &study[..cut]).unwrap();
    succeed(at, &["tune", "d", "--out", "pieces", "--resume"]);
    assert_eq!(
        fs::read_to_string(at.join("pieces/study.jsonl")).unwrap(),
        study,
        "the same lines as in one piece"
    );
    assert_eq!(
        fs::read(at.join("pieces/best.toml")).unwrap(),
        fs::read(at.join("whole/best.toml")).unwrap()
    );

    let more = ["tune", "d", "--out", "whole", "--resume", "--trials", "6"];
    succeed(at, &[&more[..], &["--workers", "2"]].concat());
    let study = fs::read_to_string(at.join("whole/study.jsonl")).unwrap();
    assert_eq!(study.matches("\"event\":\"ended\"").count(), 6);
    assert_eq!(study.matches("\"event\":\"begun\"").count(), 6);

    // What was found can be trained: the image of the test part is missed now.
    let train = ["train", "d", "--config", "whole/best.toml", "--out", "r"];
    fail(at, &train, 1, &["changed"]);
}

#[test]
fn a_search_that_makes_no_sense_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    phantoms(at);
    fs::write(at.join("bad.toml"), "widht = [8, 16]\n").unwrap();
    let bad = ["tune", "d", "--out", "s", "--space", "bad.toml"];
    fail(at, &bad, 1, &["bad.toml", "widht"]);
    let unknown = ["tune", "d", "--out", "s", "--only", "depht"];
    fail(at, &unknown, 1, &["depht", "learning_rate"]);
    succeed(at, &["prepare", "p", "--out", "k", "--split", "kfold"]);
    fail(at, &["tune", "k", "--out", "s"], 1, &["folds", "test part"]);
    assert!(!at.join("s/study.jsonl").exists(), "nothing was begun");
    fs::create_dir_all(at.join("t")).unwrap();
    fs::write(at.join("t/study.jsonl"), "{}\n").unwrap();
    fail(
        at,
        &["tune", "d", "--out", "t"],
        1,
        &["holds a study already"],
    );
    let resumed = ["tune", "d", "--out", "t", "--resume"];
    fail(at, &resumed, 1, &["study.jsonl", "line 1"]);
    assert!(!tumorlens(at, &["tune", "d"]).status.success());
}

#[test]
fn a_plan_gives_reasons_and_a_configuration_that_training_takes() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    phantoms(at);
    let said = succeed(at, &["plan", "d", "--out", "plan.toml"]);
    for word in ["48 px", "outlines", "model = resnet18", "train.epochs = "] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let text = fs::read_to_string(at.join("plan.toml")).unwrap();
    assert!(
        text.contains("[plan]") && text.contains("size = 32"),
        "{text}"
    );
    let json = succeed(at, &["plan", "d", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["config"]["preprocess"]["size"], 32);
    assert_eq!(json["fingerprint"]["median_side"], 48);
    let train = [
        "train",
        "d",
        "--config",
        "plan.toml",
        "--epochs",
        "1",
        "--out",
        "r",
    ];
    succeed(at, &train);
    let own = fs::read_to_string(at.join("r/config.toml")).unwrap();
    assert!(
        own.contains("[plan]") && !own.contains("\"train.epochs\" ="),
        "{own}"
    );
}
