//! `tumorlens evaluate`: a bundle on the test part, or any other part, of a dataset.

mod layers;
mod source_probe;

use crate::args::EvaluateArgs;
use crate::assessment::{assess, scored, write_json, write_predictions};
use crate::config::{Device, RunConfig};
use crate::exit_code::Exit;
use crate::explanation::localisation;
use crate::progress::Progress;
use crate::{model, training};
use anyhow::{Context, bail};
use std::path::Path;
use tumorlens_core::{Measured, Observer, Seed};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::bundle::{Bundle, Decision, Familiarity};
use tumorlens_nn::evaluate::{Reading, ScoredLogits};
use tumorlens_nn::explain::scores::Scores;
use tumorlens_nn::precision::Precision;
use tumorlens_report::terminal;
use tumorlens_stats::evaluation::{Evaluation, Scored};

/// A bundle and what it says of a part of a dataset.
pub(super) struct Read {
    pub(super) bundle: Bundle,
    pub(super) rows: Vec<ManifestRow>,
    pub(super) logits: Vec<ScoredLogits>,
    pub(super) dataset: Dataset,
    pub(super) config: RunConfig,
}

impl Read {
    pub(super) fn scored(
        &self,
        decision: &Decision,
        familiarity: Option<&Familiarity>,
    ) -> anyhow::Result<Vec<Scored>> {
        scored(
            &self.rows,
            &self.logits,
            &self.bundle.card.classes,
            decision,
            familiarity,
        )
    }
}

/// Asks a bundle about every image of a part.
pub(super) fn reading(
    model: &Path,
    folder: &Path,
    part: &str,
    (device, precision): (&str, Precision),
    progress: &Progress,
) -> anyhow::Result<Read> {
    let device = Device(device.parse()?);
    precision.check(device.0)?;
    let bundle = model::load(Some(model))?;
    let dataset = Dataset::load(folder)?;
    let classes = &bundle.card.classes;
    if dataset.classes != *classes {
        bail!(
            "the model knows the classes {} (positive: {}), the dataset {} (positive: {})",
            classes.names().join(", "),
            classes.name(classes.positive()),
            dataset.classes.names().join(", "),
            dataset.classes.name(dataset.classes.positive())
        );
    }
    dataset.verify_files(progress)?;
    let rows: Vec<ManifestRow> = if part == "all" {
        dataset.rows.clone()
    } else {
        dataset.part(part).cloned().collect()
    };
    if rows.is_empty() {
        bail!(
            "{}: no image in the part '{part}'; use train, validation, test, foldN or all",
            folder.display()
        );
    }
    let config = RunConfig {
        preprocess: bundle.preprocess.clone(),
        device,
        ..RunConfig::default()
    };
    let source = training::source(&dataset, &rows, &config, &AugmentConfig::none())?;
    let network = bundle.network_in(precision, &device.0.open()?)?;
    let logits = training::logits_of(&network, &source, Reading::default(), progress)?;
    Ok(Read {
        bundle,
        rows,
        logits,
        dataset,
        config,
    })
}

/// The table of figures.
pub(super) fn print(evaluation: &Evaluation, part: &str, decision: &Decision) {
    let mut figures: Vec<(&str, Measured)> = evaluation
        .key_figures(&decision.default)
        .iter()
        .map(|(m, v)| (m.label(), v.clone()))
        .collect();
    if let Some(triage) = &evaluation.triage {
        figures.extend([
            ("called, not referred", triage.called.clone()),
            ("right where called", triage.right.clone()),
            ("tumors called none", triage.missed.clone()),
            ("others called tumor", triage.false_alarms.clone()),
        ]);
    }
    println!(
        "{part}: {} images of {} groups; 95 % intervals",
        evaluation.counts.images, evaluation.counts.groups
    );
    print!(
        "{}",
        terminal::figures(figures.iter().map(|(name, v)| (*name, v)))
    );
}

/// Where the evidence map points, on images with outlines, beside the middle of the picture.
fn print_located(scores: &Scores) {
    println!("\n{} images with an outline:", scores.images);
    let mut figures: Vec<(String, &Measured)> = Vec::new();
    for row in &scores.rows {
        let of = |what: &str| format!("{what}, {}", row.method.replace('_', " "));
        if row.method == "random" {
            continue;
        }
        figures.extend([
            (of("peak inside"), &row.pointing_game),
            (of("overlap (IoU)"), &row.iou),
        ]);
    }
    print!(
        "{}",
        terminal::figures(figures.iter().map(|(name, v)| (name.as_str(), *v)))
    );
}

pub(crate) fn run(args: &EvaluateArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let say = |note: &str| progress.say(note);
    let precision = model::precision_to_judge(&args.precision, &args.device, say)?;
    let read = reading(
        &args.model,
        &args.dataset,
        &args.part,
        (&args.device, precision),
        progress,
    )?;
    let (classes, decision) = (&read.bundle.card.classes, &read.bundle.decision);
    let images = read.scored(decision, read.bundle.familiarity.as_ref())?;
    let evaluation = assess(&images, classes, decision, Seed(read.bundle.card.seed))?;
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        write_json(&out.join("evaluation.json"), &evaluation)?;
        write_predictions(
            &out.join("predictions.csv"),
            &[(&args.part, &images)],
            classes,
            decision,
        )?;
    }
    print(&evaluation, &args.part, decision);
    if args.source_probe {
        let seed = Seed(read.bundle.card.seed);
        let told = source_probe::probe(&read.rows, &read.logits, classes, seed)?;
        if told.is_empty() {
            bail!(
                "{}: no class has two sources of 20 images or more: nothing to probe",
                args.dataset.display()
            );
        }
        if let Some(out) = &args.out {
            write_json(&out.join("source_probe.json"), &told)?;
        }
        print!("\n{}", source_probe::table(&told));
    }
    if args.layers {
        let rows = layers::by_layer(&read, progress)?;
        if let Some(out) = &args.out {
            write_json(&out.join("layers.json"), &rows)?;
        }
        print!("\n{}", layers::table(&rows));
    }
    let located = localisation(
        &read.dataset,
        &read.config,
        &read.bundle,
        &read.rows,
        progress,
    )?;
    if let Some(scores) = located {
        if let Some(out) = &args.out {
            write_json(&out.join("explanation.json"), &scores)?;
        }
        print_located(&scores);
    }
    Ok(Exit::Done)
}
