//! DICOM and NIfTI files of a reference corpus decode to the reference values or are refused, and never panic.
//!
//! The corpus is not part of the repository: TUMORLENS_CORPUS names its folder (default `../shared/corpus` beside the
//! workspace). Its `dicom.csv` and `nifti.csv` say for each file what is expected, `equal.csv` which files must decode
//! to one array.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails like the test itself"
)]

use rayon::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tumorlens_data::inspect::inspect;
use tumorlens_data::limits::Limits;

#[derive(serde::Deserialize)]
struct Row {
    path: String,
    expect: String,
    dtype: String,
    mean: Option<f64>,
    sha256: String,
    sha256_alt: String,
    tol_max: Option<f64>,
    tol_mean: Option<f64>,
    rescaled_mean: Option<f64>,
    #[serde(rename = "sha256_canonical_f64_F")]
    canonical: String,
}

fn corpus() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("TUMORLENS_CORPUS").map_or(default, PathBuf::from);
    folder.join("dicom.csv").is_file().then_some(folder)
}

fn facts(path: &Path) -> Result<Value, String> {
    inspect(path, &Limits::default())
        .map(|found| serde_json::to_value(found).unwrap())
        .map_err(|e| e.to_string())
}

fn judge(row: &Row, found: &Result<Value, String>) -> Result<(), String> {
    let found = match (found, row.expect.as_str()) {
        (Err(reason), "decode" | "decode_tol") => return Err(format!("refused: {reason}")),
        (Err(reason), _) if reason.is_empty() || reason.contains('\n') => {
            return Err(format!("the reason is not one line: {reason:?}"));
        }
        (Err(_), _) => return Ok(()),
        (Ok(_), "refuse") => return Err("accepted".to_owned()),
        (Ok(found), _) => found,
    };
    // No reference decoder read it: any clean outcome will do.
    if !row.expect.starts_with("decode") || row.sha256.is_empty() {
        return Ok(());
    }
    if found["dtype"] != row.dtype {
        return Err(format!("dtype {} for {}", found["dtype"], row.dtype));
    }
    if row.tol_max.is_some() {
        let mean = found["mean"].as_f64().unwrap();
        if (mean - row.mean.unwrap()).abs() > row.tol_mean.unwrap() {
            return Err(format!("mean {mean} for {:?}", row.mean));
        }
    } else {
        let sha256 = found["sha256"].as_str().unwrap();
        if sha256 != row.sha256 && !row.sha256_alt.split('|').any(|alt| alt == sha256) {
            return Err("other values".to_owned());
        }
    }
    if let (Some(expected), Some(mean)) = (row.rescaled_mean, found["rescaled"]["mean"].as_f64())
        && (mean - expected).abs() > 1e-3 * expected.abs().max(1.0)
    {
        return Err(format!("rescaled mean {mean} for {expected}"));
    }
    if !row.canonical.is_empty() && found["sha256_canonical"] != row.canonical {
        return Err("other values after turning to RAS+".to_owned());
    }
    Ok(())
}

fn check(kind: &str) {
    let Some(folder) = corpus() else {
        println!("SKIPPED: no reference corpus (TUMORLENS_CORPUS)");
        return;
    };
    let rows: Vec<Row> = csv::Reader::from_path(folder.join(format!("{kind}.csv")))
        .unwrap()
        .deserialize()
        .map(Result::unwrap)
        .collect();
    let wrong: Vec<String> = rows
        .par_iter()
        .filter_map(|row| {
            let found = facts(&folder.join(&row.path));
            judge(row, &found)
                .err()
                .map(|why| format!("{}: {why}", row.path))
        })
        .collect();
    println!("{kind}: {} files, {} wrong", rows.len(), wrong.len());
    assert!(rows.len() > 100, "a corpus of {} {kind} files", rows.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dicom_files_of_the_corpus_decode_exactly_or_are_refused() {
    check("dicom");
}

#[test]
fn nifti_files_of_the_corpus_decode_exactly_or_are_refused() {
    check("nifti");
}

#[test]
fn files_that_hold_one_array_give_one_array() {
    let Some(folder) = corpus() else {
        println!("SKIPPED: no reference corpus (TUMORLENS_CORPUS)");
        return;
    };
    let mut counts: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for record in csv::Reader::from_path(folder.join("equal.csv"))
        .unwrap()
        .records()
    {
        let record = record.unwrap();
        let field = match &record[0] {
            "dicom" => "sha256",
            "nifti" => "sha256_canonical",
            _ => continue, // pictures: tests/corpus.rs compares each with its own hash
        };
        let found: Vec<(String, Result<Value, String>)> = record[4]
            .split('|')
            .map(|path| (path.to_owned(), facts(&folder.join(path))))
            .collect();
        let count = counts.entry(record[0].to_owned()).or_default();
        count.0 += 1;
        for (path, facts) in found {
            match facts {
                Ok(facts) => {
                    assert_eq!(facts[field], record[2], "{path}");
                    count.1 += 1;
                }
                Err(reason) => {
                    println!("{path}: {reason}");
                    count.2 += 1;
                }
            }
        }
    }
    for (kind, (groups, equal, refused)) in counts {
        println!("{kind}: {groups} groups, {equal} files equal, {refused} refused");
        assert!(equal > 5 * refused, "{kind}: {refused} refused");
    }
}
