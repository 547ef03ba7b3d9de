//! `tumorlens prepare`: folders and CSV files to a dataset.

use crate::args::{DataArgs, OnConflict, PrepareArgs, SplitKind};
use crate::exit_code::{Exit, Stopped};
use crate::progress::Progress;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use tumorlens_core::{Observer, Seed};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::label_table::ClassMode;
use tumorlens_data::prepare::{
    self, PrepareError, PrepareOptions, PrepareReport, SplitChoice, prepare,
};
use tumorlens_data::scan::{SubjectKey, Subjects};
use tumorlens_data::split::SplitPlan;

pub(crate) fn run(args: &PrepareArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let options = options(&args.dataset, Seed(args.seed))?;
    let (_, report) = make(&args.paths, &options, &args.out, progress)?;
    for line in lines(&report) {
        println!("{line}");
    }
    println!("dataset: {}", args.out.display());
    Ok(if report.skipped.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    })
}

/// Checked options from the command line.
pub(crate) fn options(args: &DataArgs, seed: Seed) -> anyhow::Result<PrepareOptions> {
    let mut options = PrepareOptions {
        positive: args.positive.clone(),
        ..PrepareOptions::default()
    };
    for mapping in &args.labels {
        let (name, class) = mapping
            .split_once('=')
            .with_context(|| format!("--label {mapping}: write NAME=CLASS, e.g. yes=tumor"))?;
        options
            .scan
            .labels
            .push((name.to_owned(), class.to_owned()));
    }
    if args.multi_class {
        options.scan.classes = ClassMode::Types;
    }
    options.scan.subject_column.clone_from(&args.subject_column);
    options.scan.subjects = match &args.subject_key {
        Some(file) => Subjects::Keyed(subject_key(file)?),
        None if args.keep_identifiers => Subjects::Kept,
        None => Subjects::Numbered,
    };
    options.scan.sequences.clone_from(&args.sequences);
    options.scan.planes = args.planes.iter().map(|p| p.plane()).collect();
    options.on_conflict = match args.on_conflict {
        OnConflict::Error => prepare::OnConflict::Error,
        OnConflict::Exclude => prepare::OnConflict::Exclude,
        OnConflict::Keep => prepare::OnConflict::Keep,
    };
    options.split = match args.split {
        SplitKind::None => SplitChoice::None,
        SplitKind::Official => SplitChoice::Official,
        SplitKind::Holdout => SplitChoice::New {
            plan: holdout(&args.shares)?,
            seed,
        },
        SplitKind::Kfold => SplitChoice::New {
            plan: SplitPlan::KFold { k: args.folds },
            seed,
        },
        SplitKind::Source => SplitChoice::New {
            plan: SplitPlan::LeaveOneSourceOut,
            seed,
        },
    };
    Ok(options)
}

/// The key in a file.
pub(crate) fn subject_key(file: &Path) -> anyhow::Result<SubjectKey> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    SubjectKey::new(&bytes).with_context(|| file.display().to_string())
}

fn holdout(shares: &[f64]) -> anyhow::Result<SplitPlan> {
    match *shares {
        [train, validation, test] => Ok(SplitPlan::Holdout {
            train,
            validation,
            test,
        }),
        _ => bail!("--shares: three numbers are needed, e.g. 0.7,0.15,0.15"),
    }
}

/// Prepares, and turns a stop into the stop of the program.
pub(crate) fn make(
    inputs: &[PathBuf],
    options: &PrepareOptions,
    out: &Path,
    observer: &dyn Observer,
) -> anyhow::Result<(Dataset, PrepareReport)> {
    prepare(inputs, options, out, observer).map_err(|error| match error {
        PrepareError::Stopped => Stopped.into(),
        error => error.into(),
    })
}

/// What a person should know about the preparation.
pub(crate) fn lines(report: &PrepareReport) -> Vec<String> {
    let classes: Vec<String> = report
        .classes
        .iter()
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    let copies = &report.copies;
    let mut lines = vec![
        format!(
            "{} images: {}; {} with an outline",
            report.images,
            classes.join(", "),
            report.masks
        ),
        format!(
            "{} distinct files, {} distinct slices, {} units that stay together (largest {})",
            copies.distinct_files, copies.distinct_slices, copies.units, copies.largest_unit
        ),
    ];
    if !report.splits.is_empty() {
        let parts: Vec<String> = report
            .splits
            .iter()
            .map(|(name, n)| format!("{name} {n}"))
            .collect();
        lines.push(format!("split by unit: {}", parts.join(", ")));
    }
    if report.set_aside > 0 {
        lines.push(format!(
            "{} images set aside: copies of one slice carry different labels (see dataset.json)",
            report.set_aside
        ));
    }
    if !report.skipped.is_empty() {
        lines.push(format!(
            "{} files skipped, e.g. {}",
            report.skipped.len(),
            first(report)
        ));
    }
    lines.extend(report.notes.iter().cloned());
    lines
}

fn first(report: &PrepareReport) -> String {
    report
        .skipped
        .first()
        .map(|s| format!("{}: {}", s.path, s.reason))
        .unwrap_or_default()
}
