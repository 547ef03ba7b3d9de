//! `tumorlens deidentify`: DICOM files without what tells who is in them.

use super::prepare::subject_key;
use crate::args::DeidentifyArgs;
use crate::exit_code::{Exit, Stopped};
use crate::progress::Progress;
use anyhow::Context;
use tumorlens_core::Observer;
use tumorlens_data::deidentify::{Deidentifier, ExportError, ExportReport, export};

pub(crate) fn run(args: &DeidentifyArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let key = args.subject_key.as_deref().map(subject_key).transpose()?;
    let deidentifier =
        Deidentifier::new(key, args.accept_burned_in).context("no key could be made")?;
    let report = export(&args.paths, &args.out, &deidentifier, progress).map_err(
        |error| -> anyhow::Error {
            match error {
                ExportError::Stopped => Stopped.into(),
                error => error.into(),
            }
        },
    )?;
    for skipped in &report.skipped {
        progress.say(&format!("{}: {}", skipped.path, skipped.reason));
    }
    for line in lines(&report) {
        println!("{line}");
    }
    println!("de-identified: {}", args.out.display());
    Ok(if report.skipped.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    })
}

/// What a person should know about the export.
fn lines(report: &ExportReport) -> Vec<String> {
    let mut lines = vec![format!(
        "{} files written, {} there already, of {} subjects",
        report.written,
        report.present,
        report.subjects.len()
    )];
    if !report.skipped.is_empty() {
        lines.push(format!("{} files refused", report.skipped.len()));
    }
    let others: usize = report.ignored.0.values().sum();
    if others > 0 {
        lines.push(format!(
            "{others} others left: hidden, found already, or no DICOM files"
        ));
    }
    lines
}
