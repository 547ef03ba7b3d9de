//! `tumorlens audit`: what is wrong with images before anybody trains on them.

use crate::args::AuditArgs;
use crate::assessment::write_json;
use crate::commands::prepare;
use crate::exit_code::{Exit, Stopped};
use crate::progress::Progress;
use anyhow::Context;
use tumorlens_core::{Observer, Seed};
use tumorlens_data::audit::{self, AuditError, AuditReport, read_image};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::limits::Limits;
use tumorlens_data::prepare::{OnConflict, SplitChoice};

pub(crate) fn run(args: &AuditArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let seed = Seed(args.seed);
    let report = match args.paths.as_slice() {
        [path] if Dataset::is_in(path) => audit(&Dataset::load(path)?, seed, progress)?,
        _ => bare(args, seed, progress)?,
    };
    if let Some(out) = &args.out {
        write_json(out, &report)?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{}", report.table());
    }
    Ok(Exit::Done)
}

/// Folders or CSV files that were never prepared: nothing is set aside and nothing is split, so that contradictions and
/// leaks of somebody else's split stay visible.
fn bare(args: &AuditArgs, seed: Seed, progress: &Progress) -> anyhow::Result<AuditReport> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut options = prepare::options(&args.dataset, seed)?;
    options.on_conflict = OnConflict::Keep;
    options.split = SplitChoice::None;
    let (dataset, report) = prepare::make(&args.paths, &options, folder.path(), progress)?;
    for note in &report.notes {
        progress.say(note);
    }
    audit(&dataset, seed, progress)
}

/// Audits a dataset.
pub(crate) fn audit(
    dataset: &Dataset,
    seed: Seed,
    observer: &dyn Observer,
) -> anyhow::Result<AuditReport> {
    let load = |row: &_| read_image(&dataset.file(row), &Limits::default());
    audit::audit(&dataset.rows, load, seed, observer).map_err(|error| match error {
        AuditError::Stopped => Stopped.into(),
        error => error.into(),
    })
}
