//! Pictures of a reference corpus decode to the reference values or are refused, and never panic.
//!
//! The corpus is not part of the repository: TUMORLENS_CORPUS names its folder (default `../shared/corpus` beside the
//! workspace). Its `images.csv` says for each file what is expected, `reference.jsonl` holds the 16x16 area means.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails like the test itself"
)]

use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tumorlens_data::format::error::DecodeError;
use tumorlens_data::format::file::read_file;
use tumorlens_data::format::raster::decode_stored;
use tumorlens_data::format::raster::facts::{Facts, facts};
use tumorlens_data::limits::Limits;

#[derive(serde::Deserialize)]
struct Row {
    path: String,
    expect: String,
    tier: String,
    dtype: String,
    mean: Option<f64>,
    sha256_rgba: String,
    tol_max: Option<f64>,
    tol_mean: Option<f64>,
}

fn corpus() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("TUMORLENS_CORPUS").map_or(default, PathBuf::from);
    folder.join("images.csv").is_file().then_some(folder)
}

fn thumbs(folder: &Path) -> BTreeMap<String, Vec<f64>> {
    let text = std::fs::read_to_string(folder.join("reference.jsonl")).unwrap();
    // Lines about floating point files hold NaN, which is no JSON; such files are refused and need no reference.
    let lines = text
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let thumb = |v: serde_json::Value| {
        let means = v["reference"]["thumb16"]
            .as_array()?
            .iter()
            .map(|m| m.as_f64().unwrap())
            .collect();
        Some((v["path"].as_str()?.to_owned(), means))
    };
    lines.filter_map(thumb).collect()
}

fn compare(row: &Row, found: &Facts, thumb: Option<&Vec<f64>>) -> Result<(), String> {
    if !row.dtype.is_empty() && found.dtype != row.dtype {
        return Err(format!("WRONG dtype {} for {}", found.dtype, row.dtype));
    }
    let Some(tolerance) = row.tol_max else {
        return if row.sha256_rgba.is_empty() || row.sha256_rgba == found.sha256_rgba {
            Ok(())
        } else {
            Err(format!(
                "WRONG values, mean {} for {:?}",
                found.mean, row.mean
            ))
        };
    };
    let (mean, mean_tolerance) = (row.mean.unwrap(), row.tol_mean.unwrap());
    if (found.mean - mean).abs() > mean_tolerance {
        return Err(format!("WRONG mean {} for {mean}", found.mean));
    }
    let Some(thumb) = thumb.filter(|t| t.len() == found.thumb16.len()) else {
        return Ok(());
    };
    let worst = thumb
        .iter()
        .zip(&found.thumb16)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    if worst > 2.0 * tolerance {
        Err(format!("WRONG thumb16 by {worst}"))
    } else {
        Ok(())
    }
}

fn judge(
    row: &Row,
    result: &Result<Facts, DecodeError>,
    thumb: Option<&Vec<f64>>,
) -> Result<(), String> {
    match (row.expect.as_str(), result) {
        ("decode" | "decode_tol", Err(e)) => Err(format!("must decode: {e}")),
        ("refuse", Ok(_)) => Err("must be refused".to_owned()),
        (expect, Ok(found)) if expect.starts_with("decode") => compare(row, found, thumb),
        _ => Ok(()),
    }
}

/// Decodes one file of the corpus, in time.
fn decoded(folder: &Path, row: &Row) -> Result<Facts, DecodeError> {
    let limits = Limits::default();
    let started = std::time::Instant::now();
    let bytes = read_file(&folder.join(&row.path), &limits)?;
    let result = decode_stored(&bytes, &limits).map(|stored| facts(&stored));
    let took = started.elapsed();
    assert!(took.as_secs() < 20, "{} took {took:?}", row.path);
    result
}

#[test]
fn the_reference_corpus_decodes_to_its_reference_or_is_refused() {
    let Some(folder) = corpus() else {
        println!("skipped: no reference corpus (TUMORLENS_CORPUS)");
        return;
    };
    let thumbs = thumbs(&folder);
    let mut table = csv::Reader::from_path(folder.join("images.csv")).unwrap();
    let rows: Vec<Row> = table.deserialize().map(Result::unwrap).collect();
    let results: Vec<_> = rows.par_iter().map(|row| decoded(&folder, row)).collect();
    let mut failures = Vec::new();
    let mut core_right = 0;
    for (row, result) in rows.iter().zip(&results) {
        let verdict = judge(row, result, thumbs.get(&row.path));
        core_right += usize::from(row.tier == "core" && verdict.is_ok());
        let Err(failure) = verdict else {
            continue;
        };
        failures.push(format!(
            "{} ({}, {}): {failure}",
            row.path, row.tier, row.expect
        ));
    }
    let core = rows.iter().filter(|row| row.tier == "core").count();
    println!("core files right: {core_right} of {core}");
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
