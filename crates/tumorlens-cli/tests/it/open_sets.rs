//! The built-in model on the open sets. TUMORLENS_DATA names their folder (default `../shared/data` beside the workspace).

use crate::program::tumorlens;
use std::path::{Path, PathBuf};

/// Pictures of a set that were judged, and how many of them were refused.
fn refused(folder: &Path) -> (usize, usize) {
    let folder = folder.to_string_lossy();
    let output = tumorlens(Path::new("."), &["-q", "predict", "--json", &folder]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &lines {
        let open = ["refer", "refused"].contains(&line["verdict"].as_str().unwrap());
        assert!(!open || line["reason"].is_string(), "{line}");
    }
    let count = lines.iter().filter(|l| l["verdict"] == "refused").count();
    (lines.len(), count)
}

#[test]
fn what_is_no_brain_mri_is_refused_and_slices_of_healthy_brains_are_not() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("TUMORLENS_DATA").map_or(default, PathBuf::from);
    if !data.join("ood").is_dir() {
        println!("SKIPPED: no collections (TUMORLENS_DATA)");
        return;
    }
    let (all, found) = refused(&data.join("ood"));
    assert!(all > 0 && found * 100 >= all * 97, "{found} of {all}");
    let (all, found) = refused(&data.join("healthy_slices"));
    assert!(all > 0 && found == 0, "{found} of {all}");
}
