//! What is left out of training, from the command line.

use crate::program::{fail, succeed};
use crate::verbs::TINY;
use std::fs;

#[test]
fn a_site_is_left_out_and_another_cross_validated_in_one_table() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    for (name, seed) in [("p", "1"), ("q", "2")] {
        let phantom = [
            "phantom",
            "--out",
            name,
            "--subjects",
            "16",
            "--slices",
            "2",
            "--size",
            "64",
            "--seed",
            seed,
        ];
        succeed(at, &phantom);
    }
    succeed(at, &["prepare", "p", "q", "--out", "d"]);
    let listed = succeed(at, &["protocols", "d", "--out", "r", "--list"]);
    for name in [
        "site p: ",
        "site q: ",
        "plane axial: ",
        "folds p: ",
        "folds all: ",
    ] {
        assert!(listed.contains(name), "{listed}");
    }
    assert!(!at.join("r").exists(), "--list trains nothing");

    fs::write(at.join("tiny.toml"), TINY).unwrap();
    let run = [
        "protocols",
        "d",
        "--out",
        "r",
        "--folds",
        "2",
        "--only",
        "site q",
        "--only",
        "folds p",
    ];
    succeed(at, &[&run[..], &["--config", "tiny.toml"]].concat());
    let table = fs::read_to_string(at.join("r/protocols.md")).unwrap();
    assert!(table.contains("\n| site q | "), "{table}");
    assert!(table.contains("\n| folds p | "), "{table}");
    assert!(at.join("r/site-q/report.html").is_file());
    let before = fs::metadata(at.join("r/site-q/report.html"))
        .unwrap()
        .modified()
        .unwrap();
    succeed(at, &[&run[..], &["--resume"]].concat());
    let after = fs::metadata(at.join("r/site-q/report.html"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(before, after, "a finished protocol is kept");
    assert_eq!(
        table,
        fs::read_to_string(at.join("r/protocols.md")).unwrap()
    );

    fail(at, &run, 1, &["holds protocols already"]);
    let unknown = ["protocols", "d", "--out", "s", "--only", "site z"];
    fail(at, &unknown, 1, &["site z", "site p"]);
    let nowhere = ["protocols", "d", "--out", "s", "--site", "p+z"];
    fail(at, &nowhere, 1, &["'z'", "p, q"]);
}
