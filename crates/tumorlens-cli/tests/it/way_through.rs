//! Phantoms, prepare, audit, train, evaluate, predict, explain, compare, report: small, but all of it.

use super::program::{fail, succeed};
use std::fs;
use std::path::Path;

/// A network that learns nothing worth having, in seconds.
const TINY: &str = r#"
[preprocess]
crop = { head = { margin = 0.02 } }
fit = "pad"
size = 32
window = { low = 1.0, high = 99.5, mean = 0.3, std = 0.25 }
channels = 1

[model]
architecture = "cnn"
widths = [4, 8]
head = { kind = "evidence", stride = 4, channels = 8 }

[train]
seed = 3
epochs = 2
warm_up_epochs = 0.5
batch_size = 16
"#;

fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn a_few_phantoms_go_the_whole_way_to_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::write(at.join("tiny.toml"), TINY).unwrap();
    succeed(
        at,
        &[
            "phantom",
            "--out",
            "phantoms",
            "--subjects",
            "24",
            "--size",
            "64",
            "--seed",
            "1",
        ],
    );
    let out = succeed(at, &["prepare", "phantoms", "--out", "data"]);
    assert!(out.contains("distinct slices"), "{out}");
    let audit = succeed(at, &["audit", "data", "--json"]);
    serde_json::from_str::<serde_json::Value>(&audit).unwrap();

    let out = succeed(
        at,
        &["train", "data", "--out", "run", "--config", "tiny.toml"],
    );
    assert!(
        out.contains("AUROC") && out.contains("report.html"),
        "{out}"
    );
    for file in [
        "config.toml",
        "metrics.jsonl",
        "predictions.csv",
        "evaluation.json",
        "report.html",
        "model.tumorlens",
    ] {
        assert!(
            fs::metadata(at.join("run").join(file)).unwrap().len() > 0,
            "{file}"
        );
    }
    fail(
        at,
        &["train", "data", "--out", "run", "--config", "tiny.toml"],
        1,
        &["run"],
    );

    predicts(at);
    same_seed_same_bytes(at);
    let out = succeed(at, &["compare", "run", "again", "--json"]);
    let compared: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(compared["differences"]["accuracy"]["value"], 0.0, "{out}");
    succeed(at, &["evaluate", "run", "data", "--out", "e"]);
    let [ours, theirs] = ["run/evaluation.json", "e/evaluation.json"]
        .map(|f| fs::read_to_string(at.join(f)).unwrap());
    let [ours, theirs] =
        [ours, theirs].map(|t| serde_json::from_str::<serde_json::Value>(&t).unwrap());
    assert_eq!(ours["assessment"], theirs["assessment"]);

    let page = fs::read(at.join("run/report.html")).unwrap();
    succeed(at, &["report", "run"]);
    assert_eq!(page, fs::read(at.join("run/report.html")).unwrap());
}

fn predicts(at: &Path) {
    succeed(at, &["verify", "run/model.tumorlens"]);
    let args = [
        "predict",
        "--model",
        "run",
        "--json",
        "--maps",
        "m",
        "--heatmaps",
        "h",
        "phantoms/tumor",
    ];
    let lines = json_lines(&succeed(at, &args));
    assert!(!lines.is_empty());
    for line in &lines {
        assert!((0.0..=1.0).contains(&line["probability"].as_f64().unwrap()));
        assert!(["tumor", "no_tumor", "refer"].contains(&line["verdict"].as_str().unwrap()));
    }
    let maps = fs::read_dir(at.join("m")).unwrap().count();
    assert_eq!(
        (maps, fs::read_dir(at.join("h")).unwrap().count()),
        (lines.len(), lines.len())
    );
    succeed(
        at,
        &[
            "explain",
            "--model",
            "run",
            "--method",
            "grad_cam",
            "--method",
            "evidence",
            "--out",
            "x",
            "phantoms/tumor",
        ],
    );
    assert_eq!(fs::read_dir(at.join("x")).unwrap().count(), 4 * lines.len());
    let csv = succeed(
        at,
        &["predict", "--model", "run", "--csv", "phantoms/no_tumor"],
    );
    assert!(
        csv.starts_with("path,probability,threshold,label,verdict,reason,model"),
        "{csv}"
    );
}

fn same_seed_same_bytes(at: &Path) {
    succeed(
        at,
        &[
            "--threads",
            "1",
            "train",
            "data",
            "--out",
            "again",
            "--config",
            "tiny.toml",
        ],
    );
    for file in [
        "model.tumorlens",
        "metrics.jsonl",
        "predictions.csv",
        "evaluation.json",
        "report.html",
    ] {
        let read = |run: &str| fs::read(at.join(run).join(file)).unwrap();
        assert_eq!(
            read("run"),
            read("again"),
            "{file} differs between two threads and one"
        );
    }
}
