//! Verbs beside the main way: cross-validation, timing, ensembles and recalibration.

use super::program::{fail, succeed};
use std::fs;
use std::path::Path;

pub(crate) const TINY: &str = "[preprocess]\nsize = 32\n[model]\narchitecture = \"cnn\"\nwidths = [4]\ndense = 4\n[train]\nepochs = 1\nwarm_up_epochs = 0\n";

#[test]
fn members_of_a_fold_are_trained_apart_and_judge_together() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    succeed(
        at,
        &["phantom", "--out", "p", "--subjects", "16", "--size", "32"],
    );
    succeed(at, &["prepare", "p", "--out", "d"]);
    fs::write(at.join("tiny.toml"), TINY).unwrap();
    let run = |out: &str, more: &[&str]| {
        let args = ["crossval", "d", "--folds", "2", "--out", out];
        succeed(at, &[&args, more].concat())
    };
    let read = |file: &str| fs::read_to_string(at.join(file)).unwrap();
    let crossval = |out: &str, more: &[&str]| {
        run(out, &[&["--config", "tiny.toml"], more].concat());
        read(&format!("{out}/predictions.csv"))
    };
    let one = crossval("one", &[]);
    let two = crossval("two", &["--members", "2", "--mirror"]);
    assert_eq!(one.lines().count(), two.lines().count());
    assert_ne!(one, two);
    let weights = |member: &str| {
        let folder = at.join("two/fold0").join(member).join("checkpoints");
        let best = fs::read_dir(folder).unwrap().flatten().next().unwrap();
        fs::read(best.path()).unwrap()
    };
    assert_ne!(weights("member-1"), weights("member-2"));
    assert_eq!(two, crossval("again", &["--members", "2", "--mirror"]));

    let text = run("more", &["--config", "tiny.toml", "--repeats", "2"]);
    assert!(text.contains("2 repeats"), "{text}");
    assert_eq!(read("more/repeat-1/predictions.csv"), one);
    assert_ne!(read("more/repeat-2/predictions.csv"), one);
    let found = read("more/repeated.json");
    assert_eq!(run("more", &["--resume", "--repeats", "2"]), text);
    assert_eq!(read("more/repeated.json"), found);
}

#[test]
fn bench_prints_what_it_measured_and_refuses_what_it_cannot_time() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "bench", "--json", "--model", "cnn", "--size", "16", "--batch", "2", "--mode",
    ];
    for (mode, precision) in [
        ("train", "f32"),
        ("infer", "f32"),
        ("train", "bf16"),
        ("infer", "bf16"),
    ] {
        let how = [&args[..], &[mode, "--precision", precision]].concat();
        let text = succeed(dir.path(), &how);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        // Judging in 16 bits is for processors that have products of them.
        let judged_single = mode == "infer" && line["precision"] == "f32";
        assert!(judged_single || line["precision"] == precision, "{text}");
        assert!(line["images_per_s"].as_f64().unwrap() > 0.0, "{text}");
        assert!(line["spread"].as_f64().unwrap() >= 0.0, "{text}");
        let of = |key: &str| line[key].as_f64().unwrap();
        let share = of("gflops") / of("peak_gflops");
        assert!((share - of("share_of_peak")).abs() < 1e-9 && share > 0.0);
        assert!(line.get("layers").is_none(), "{text}");
    }
    let unknown = ["bench", "--model", "lenet"];
    fail(dir.path(), &unknown, 1, &["lenet"]);
    let small = ["bench", "--model", "vgg11", "--size", "8"];
    fail(dir.path(), &small, 1, &["vgg11", "8 pixels"]);
}

#[test]
fn bench_tells_where_the_time_goes_layer_by_layer() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "bench", "--model", "cnn", "--size", "16", "--batch", "2", "--layers",
    ];
    let json = [&args[..], &["--json", "--out", "roofline.svg"]].concat();
    let text = succeed(dir.path(), &json);
    let figures: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(figures["bandwidth_gbs"].as_f64().unwrap() > 0.0, "{text}");
    let layers = figures["layers"].as_array().unwrap();
    for work in ["forward", "by input", "by weights", "normalise", "pool"] {
        assert!(layers.iter().any(|row| row["work"] == work), "{work}");
    }
    for row in layers.iter().filter(|row| row["layer"] == "conv2") {
        for key in [
            "ms",
            "share_of_step",
            "gflops",
            "share_of_peak",
            "gbs",
            "share_of_roof",
        ] {
            assert!(row[key].as_f64().unwrap() > 0.0, "{key} of {row}");
        }
        assert!(row["bound"] == "arithmetic" || row["bound"] == "memory");
    }
    let svg = fs::read_to_string(dir.path().join("roofline.svg")).unwrap();
    assert!(svg.starts_with("<svg xmlns") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("conv2, by weights"), "{svg}");

    let table = succeed(dir.path(), &[&args[..], &["--mode", "infer"]].concat());
    for word in [
        "of roof",
        "conv1",
        "forward",
        "between the parts",
        "GB/s from memory",
    ] {
        assert!(table.contains(word), "{word} in {table}");
    }
    let elsewhere = [&args[..], &["--device", "wgpu"]].concat();
    fail(dir.path(), &elsewhere, 1, &["--layers", "cpu", "wgpu"]);
    let alone = ["bench", "--out", "x.svg"];
    fail(dir.path(), &alone, 2, &["--help"]);
    assert!(!dir.path().join("x.svg").exists());
}

/// What a run of an ensemble says of its calls.
fn explained(run: &Path) {
    let json = |file: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(run.join(file)).unwrap()).unwrap()
    };
    // Of the head, and of the evidence region.
    let texture = json("texture.json");
    assert_eq!(texture["features"].as_array().unwrap().len(), 100);
    let explanation = &json("report.json")["explanation"];
    let sheets = explanation["feature_maps"].as_array().unwrap();
    assert!(sheets[0]["layer"].as_str().unwrap().starts_with("member0."));
    let predictions = fs::read_to_string(run.join("predictions.csv")).unwrap();
    let header = predictions.lines().next().unwrap();
    assert!(header.ends_with(",verdict,reason"), "{header}");
}

#[test]
fn an_ensemble_is_one_bundle_and_a_site_recalibrates_it_on_its_own_images() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let phantom = [
        "phantom",
        "--out",
        "p",
        "--subjects",
        "24",
        "--size",
        "48",
        "-q",
    ];
    succeed(at, &phantom);
    succeed(at, &["prepare", "p", "--out", "d", "-q"]);
    let config = "[preprocess]\nsize = 32\nasymmetry = true\n\
         [exchange]\ncut = 0.5\npaste = 0.5\nheal = 0.5\n\
         [model]\narchitecture = \"resnet18\"\nwidths = [4, 8, 16, 16]\n\
         [model.head]\nkind = \"evidence\"\nstride = 4\nchannels = 8\n\
         [train]\nepochs = 2\nwarm_up_epochs = 0.5\n\
         [calibration]\nviews = 1\nshift = true\nerror = 0.2\n\
         [distillation]\nteachers = 1\n\
         [ensemble]\nmembers = 2\nscores = [{ top = 0.02 }, { sharpness = 0.7 }]\n\
         [guard]\nepochs = 1\n";
    fs::write(at.join("c.toml"), config).unwrap();
    for (right, wrong, named) in [
        (
            "teachers = 1",
            "weight = 1.5",
            "distillation.weight is 1.5, expected 0 to 1",
        ),
        (
            "epochs = 1",
            "epochs = 5000",
            "guard.epochs is 5000, expected 0 to 1000",
        ),
        (
            "kind = \"evidence\"\nstride = 4\nchannels = 8",
            "kind = \"gap\"",
            "ensemble.scores needs model.head.kind",
        ),
    ] {
        fs::write(at.join("w.toml"), config.replace(right, wrong)).unwrap();
        let refused = ["train", "d", "--config", "w.toml", "--out", "w"];
        fail(at, &refused, 1, &[named]);
    }
    succeed(
        at,
        &["train", "d", "--config", "c.toml", "--out", "r", "-q"],
    );
    for folder in ["teacher", "member-1", "guard"] {
        assert!(at.join("r").join(folder).join("checkpoints").is_dir());
    }
    let bundle = fs::read(at.join("r/model.tumorlens")).unwrap();
    let guarded = bundle.windows(12).any(|w| w == b"guard.conv1.");
    assert!(guarded, "the guard is part of the bundle");
    let card = succeed(at, &["verify", "r/model.tumorlens", "--card"]);
    for part in [
        "mean of 2",
        "widths [4, 8, 16, 16]",
        "(top 2 %)",
        "(soft maximum, 0.7)",
    ] {
        assert!(card.contains(part), "{card}");
    }
    let text = succeed(at, &["evaluate", "r", "d", "-q"]);
    assert!(text.contains("AUROC"), "{text}");
    explained(&at.join("r"));

    let again = [
        "recalibrate",
        "r",
        "d",
        "--error",
        "0.2",
        "--out",
        "own.tumorlens",
        "-q",
    ];
    let text = succeed(at, &again);
    assert!(text.contains("called, not referred"), "{text}");
    assert!(succeed(at, &["verify", "own.tumorlens", "--card"]).contains("Recalibrated on"));
    fail(at, &again, 1, &["own.tumorlens", "exists"]);
    let strict = [
        "recalibrate",
        "r",
        "d",
        "--error",
        "0.001",
        "--out",
        "x",
        "-q",
    ];
    fail(at, &strict, 1, &["0.001", "999"]);
}
