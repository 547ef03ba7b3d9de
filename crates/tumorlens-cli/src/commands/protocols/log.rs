//! The log of runs: every training, what it was for, and whether it saw an image on which its protocol is tested.

use super::choice::run_folder;
use super::folder_name;
use super::outcome::{COLUMNS, Outcome};
use anyhow::Context;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;
use tumorlens_data::dataset::MANIFEST;
use tumorlens_data::manifest::{self, ManifestRow};

/// One row of `runs.csv`.
#[derive(Serialize)]
struct Run<'a> {
    protocol: &'a str,
    /// `choice`: of a configuration; `test`: of the protocol.
    purpose: &'static str,
    configuration: &'a str,
    left_out: &'a str,
    learnt: usize,
    tested: usize,
    auroc: Option<f64>,
    /// Images of this run, whatever their part, that are images of the protocol's test part, or share a unit with one.
    of_test_part: usize,
    manifest_sha256: &'a str,
    failed: &'a str,
}

/// The text of `runs.csv`. What a run saw is counted from the manifests in the folders, not from what was meant.
pub(super) fn csv(outcomes: &[Outcome], out: &Path) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for outcome in outcomes {
        let folder = out.join(folder_name(&outcome.name));
        let own = rows(&folder)?;
        let test: Vec<&ManifestRow> = own.iter().filter(|row| row.split == "test").collect();
        for tried in &outcome.tried {
            for run in &tried.runs {
                let folder = run_folder(&folder, &tried.configuration, &run.name);
                let seen = shared(&rows(&folder)?, &test);
                writer.serialize(Run {
                    purpose: "choice",
                    configuration: &tried.configuration,
                    of_test_part: seen,
                    ..row(&outcome.name, run)
                })?;
            }
        }
        writer.serialize(Run {
            of_test_part: test.len(),
            ..row(&outcome.name, outcome)
        })?;
    }
    Ok(writer.into_inner().map_err(|e| e.into_error())?)
}

fn row<'a>(protocol: &'a str, run: &'a Outcome) -> Run<'a> {
    Run {
        protocol,
        purpose: "test",
        configuration: &run.configuration,
        left_out: &run.name,
        learnt: run.learnt[0],
        tested: run.tested[0],
        auroc: run.figure(COLUMNS[0]).and_then(|figure| figure.get()),
        of_test_part: 0,
        manifest_sha256: &run.manifest_sha256,
        failed: run.failed.as_deref().unwrap_or_default(),
    }
}

/// The manifest in a folder; none where a run did not come so far, or deals folds.
fn rows(folder: &Path) -> anyhow::Result<Vec<ManifestRow>> {
    let file = folder.join(MANIFEST);
    if !file.is_file() {
        return Ok(Vec::new());
    }
    manifest::read(&file).with_context(|| file.display().to_string())
}

/// How many rows are one of these, or of the unit of one of these.
fn shared(rows: &[ManifestRow], these: &[&ManifestRow]) -> usize {
    let paths: BTreeSet<&str> = these.iter().map(|row| row.path.as_str()).collect();
    let units: BTreeSet<&str> = these.iter().map(|row| row.unit()).collect();
    let seen = |row: &&ManifestRow| paths.contains(&*row.path) || units.contains(row.unit());
    rows.iter().filter(seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_or_kin_of_the_test_part_is_counted() {
        let row = |path: &str, unit: &str| ManifestRow {
            path: path.to_owned(),
            unit: unit.to_owned(),
            ..ManifestRow::default()
        };
        let test = [row("a.png", "u1"), row("b.png", "u2")];
        let test: Vec<&ManifestRow> = test.iter().collect();
        assert_eq!(shared(&[row("c.png", "u3")], &test), 0);
        assert_eq!(shared(&[row("a.png", "u9"), row("c.png", "u2")], &test), 2);
    }
}
