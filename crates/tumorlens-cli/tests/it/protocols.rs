//! What is left out of training, from the command line.

use crate::program::{fail, succeed, tumorlens};
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
    let manifest = fs::read_to_string(at.join("d/manifest.csv")).unwrap();
    let agent = |line: &str| match line.rsplit_once(',') {
        Some((row, "")) if row.contains(",p,") => format!("{row},no\n"),
        Some((row, "")) => format!("{row},yes\n"),
        _ => format!("{line}\n"),
    };
    let manifest: String = manifest.lines().map(agent).collect();
    fs::write(at.join("d/manifest.csv"), manifest).unwrap();
    let listed = succeed(at, &["protocols", "d", "--list"]);
    let same = "contrast no: leaves out the same images as site p\n\
         contrast yes: leaves out the same images as site q\n";
    assert!(listed.ends_with(same), "{listed}");
    assert_eq!(listed.matches("contrast").count(), 2, "{listed}");
    for name in [
        "site p: ",
        "site q: ",
        "plane axial: ",
        "folds p: ",
        "folds all: ",
    ] {
        assert!(listed.contains(name), "{listed}");
    }
    let only_listed = ["protocols", "d", "--out", "r", "--list"];
    assert_eq!(listed, succeed(at, &only_listed));
    assert!(!at.join("r").exists(), "--list trains nothing");
    let nowhere = tumorlens(at, &["protocols", "d"]);
    assert_eq!(nowhere.status.code(), Some(2), "a table needs a folder");

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
    let report = fs::read_to_string(at.join("r/site-q/report.html")).unwrap();
    assert!(report.contains("No image of q was learnt from."));
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

#[test]
fn the_map_is_judged_on_every_outlined_image_of_the_test_part() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    for (name, seed) in [("p", "0"), ("q", "2")] {
        let phantom = ["phantom", "--out", name, "--subjects", "24", "--size", "48"];
        succeed(at, &[&phantom[..], &["--seed", seed]].concat());
    }
    succeed(at, &["prepare", "p", "q", "--out", "d"]);
    let mapped = "[preprocess]\nsize = 32\n[augment.affine]\nprobability = 0.0\n\
         [model]\narchitecture = \"cnn\"\nwidths = [8, 16]\n\
         [model.head]\nkind = \"evidence\"\nstride = 4\nchannels = 8\n\
         [train]\nepochs = 40\nlearning_rate = 0.02\nwarm_up_epochs = 0.5\n\
         [train.loss]\noutline_weight = 1.0\n";
    fs::write(at.join("mapped.toml"), mapped).unwrap();
    let run = ["protocols", "d", "--out", "r", "--config", "mapped.toml"];
    succeed(at, &[&run[..], &["--only", "site q"]].concat());
    succeed(at, &["prepare", "q", "--split", "none", "--out", "dq"]);
    let all = ["evaluate", "r/site-q", "dq", "--part", "all", "--out", "e"];
    succeed(at, &all);
    let read = |file: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(at.join(file)).unwrap()).unwrap()
    };
    let (table, located) = (read("r/site-q/outcome.json"), read("e/explanation.json"));
    let figures = table["figures"].as_array().unwrap();
    let peak = figures.iter().find(|f| f[0] == "peak inside").unwrap();
    assert_eq!(peak[1], located["rows"][0]["pointing_game"]);
    let compared = read("r/site-q/explanation.json");
    assert!(located["images"].as_u64() > compared["images"].as_u64());
}

#[test]
fn a_configuration_is_chosen_without_the_test_part_and_the_log_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    for (name, seed) in [("p", "1"), ("q", "2"), ("r", "3")] {
        let phantom = ["phantom", "--out", name, "--subjects", "16", "--size", "32"];
        succeed(at, &[&phantom[..], &["--seed", seed]].concat());
    }
    succeed(at, &["prepare", "p", "q", "r", "--out", "d"]);
    fs::write(at.join("tiny.toml"), TINY).unwrap();
    let wide = TINY.replace("widths = [4]", "widths = [6]");
    fs::write(at.join("wide.toml"), wide).unwrap();
    let run = ["protocols", "d", "--out", "o", "--only", "site r"];
    let two = ["--config", "tiny.toml", "--alternative", "wide.toml"];
    let listed = succeed(at, &[&run[..], &two, &["--list"]].concat());
    assert!(
        listed.contains("; chooses of 2 by site p, site q"),
        "{listed}"
    );
    succeed(at, &[&run[..], &two].concat());
    let read = |file: &str| fs::read_to_string(at.join("o").join(file)).unwrap();

    let lines = |text: &str| -> Vec<Vec<String>> {
        let lines = text.lines().skip(1);
        lines
            .map(|line| line.split(',').map(str::to_owned).collect())
            .collect()
    };
    let log = lines(&read("runs.csv"));
    let what: Vec<String> = log.iter().map(|run| run[1..4].join(" ")).collect();
    assert_eq!(
        what[..4],
        [
            "choice config site p",
            "choice config site q",
            "choice wide site p",
            "choice wide site q"
        ]
    );
    let mean = |of: &str| {
        let figures = log.iter().filter(|run| run[1] == "choice" && run[2] == of);
        figures
            .map(|run| run[6].parse::<f64>().unwrap())
            .sum::<f64>()
            / 2.0
    };
    let better = if mean("wide") > mean("config") {
        "wide"
    } else {
        "config"
    };
    assert_eq!(what[4], format!("test {better} site r"));
    assert!(
        read("protocols.md").contains(&format!("site r: {better} chosen without the test part"))
    );
    let widths = if better == "wide" { "[6]" } else { "[4]" };
    assert!(read("site-r/config.toml").contains(&format!("widths = {widths}")));

    let paths = |manifest: &str, part: Option<&str>| -> Vec<String> {
        let text = read(manifest);
        let split = text.lines().next().unwrap().split(',');
        let split = split.clone().position(|name| name == "split").unwrap();
        let rows = lines(&text).into_iter();
        let rows = rows.filter(|row| part.is_none_or(|part| row[split] == part));
        rows.map(|row| row[0].clone()).collect()
    };
    let tested = paths("site-r/manifest.csv", Some("test"));
    assert!(!tested.is_empty());
    for inner in [
        "config/site-p",
        "config/site-q",
        "wide/site-p",
        "wide/site-q",
    ] {
        let seen = paths(&format!("site-r/choice/{inner}/manifest.csv"), None);
        assert!(!seen.is_empty());
        assert!(seen.iter().all(|path| !tested.contains(path)), "{inner}");
    }
    let seen: Vec<&str> = log.iter().map(|run| run[7].as_str()).collect();
    assert_eq!(seen[..4], ["0"; 4]);
    assert_eq!(seen[4], tested.len().to_string());

    let (before, table) = (read("runs.csv"), read("protocols.md"));
    fs::remove_file(at.join("o/site-r/outcome.json")).unwrap();
    fs::remove_file(at.join("o/site-r/choice/wide/site-q/outcome.json")).unwrap();
    succeed(at, &[&run[..], &["--resume"]].concat());
    assert_eq!(before, read("runs.csv"), "a resumed choice is the same");
    assert_eq!(table, read("protocols.md"));

    let twice = [&run[..], &two, &["--alternative", "wide.toml", "--list"]].concat();
    fail(at, &twice, 1, &["two configurations are called 'wide'"]);
    let few = ["protocols", "d2", "--out", "o2", "--only", "site q"];
    succeed(at, &["prepare", "p", "q", "--out", "d2"]);
    let listed = succeed(at, &[&few[..], &two, &["--list"]].concat());
    assert!(listed.contains("chooses of 2 by nothing"), "{listed}");
    let output = tumorlens(at, &[&few[..], &two].concat());
    assert_eq!(output.status.code(), Some(3));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("site q: nothing to choose"), "{table}");
}
