//! `tumorlens crossval`: grouped k folds; mean, spread and pooled intervals.

mod table;

use crate::args::CrossvalArgs;
use crate::assessment::{scored, write_json, write_predictions};
use crate::commands::train;
use crate::config::RunConfig;
use crate::exit_code::Exit;
use crate::members::side_by_side;
use crate::progress::Progress;
use crate::training::{self, Parts};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;
use tumorlens_core::Observer;
use tumorlens_data::atomic_write::atomic_write;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::split::{MixedGroups, Part, SplitItem, SplitName, SplitPlan, assign, rotate};
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::bundle::Decision;
use tumorlens_nn::evaluate::{Flips, Reading, ScoredLogits};
use tumorlens_stats::crossval::{CrossValidation, Fold, Repeated, cross_validate, repeated};
use tumorlens_stats::evaluation::{EvaluationSettings, Scored};
use tumorlens_stats::operating_point::OperatingPoint;

pub(crate) fn run(args: &CrossvalArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let mut dataset = Dataset::load(&args.dataset)?;
    if args.distinct {
        let mut groups = BTreeSet::new();
        dataset.rows.retain(|row| groups.insert(row.group.clone()));
    }
    dataset.verify_files(progress)?;
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let config = train::effective(&args.training, &dataset, &args.out, args.resume)?;
    let file = args.out.join("config.toml");
    atomic_write(&file, config.to_toml()?.as_bytes())
        .with_context(|| file.display().to_string())?;
    let plan = Plan {
        folds: args.folds,
        validation: args.validation,
        members: args.members,
        mirror: args.mirror,
        resume: args.resume,
    };
    if args.repeats > 1 {
        let result = repeat(&dataset, &config, &args.out, &plan, args.repeats, progress)?;
        table::print_repeated(&result, &args.out);
    } else {
        let result = cross(&dataset, &config, &args.out, &plan, progress)?;
        table::print(&result, &args.out);
    }
    Ok(Exit::Done)
}

/// Cross-validates again and again, each time with other folds and seeds, and writes repeated.json.
fn repeat(
    dataset: &Dataset,
    config: &RunConfig,
    out: &Path,
    plan: &Plan,
    times: usize,
    progress: &dyn Observer,
) -> anyhow::Result<Repeated> {
    anyhow::ensure!(
        own_folds(dataset).is_none(),
        "the dataset brings its own folds, which --repeats cannot deal anew"
    );
    let mut repeats = Vec::new();
    for number in 1..=times {
        progress.say(&format!("repeat {number} of {times}"));
        let mut config = config.clone();
        if number > 1 {
            config.train.seed = config.train.seed.derive(&format!("repeat {number}"));
        }
        let folder = out.join(format!("repeat-{number}"));
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let folds = folds(dataset, &config, &folder, plan, progress)?;
        summarise(dataset, &config, &folder, &folds)?;
        repeats.push(folds);
    }
    let settings = EvaluationSettings::seeded(config.train.seed.derive("evaluation"));
    let result = repeated(&dataset.classes, &repeats, &settings)?;
    write_json(&out.join("repeated.json"), &result)?;
    Ok(result)
}

/// How a dataset is cross-validated.
pub(super) struct Plan {
    /// Folds, where the dataset brings none.
    pub(super) folds: usize,
    /// Share of the other folds that is kept from training.
    pub(super) validation: f64,
    /// Networks of each fold, at least 1.
    pub(super) members: usize,
    /// Each image is judged with its mirror image.
    pub(super) mirror: bool,
    /// Finished folds are kept.
    pub(super) resume: bool,
}

/// Trains and tests each fold, and writes crossval.json and predictions.csv.
pub(super) fn cross(
    dataset: &Dataset,
    config: &RunConfig,
    out: &Path,
    plan: &Plan,
    progress: &dyn Observer,
) -> anyhow::Result<CrossValidation> {
    let folds = folds(dataset, config, out, plan, progress)?;
    summarise(dataset, config, out, &folds)
}

fn summarise(
    dataset: &Dataset,
    config: &RunConfig,
    out: &Path,
    folds: &[Fold],
) -> anyhow::Result<CrossValidation> {
    let result = cross_validate(
        &dataset.classes,
        folds,
        &EvaluationSettings::seeded(config.train.seed.derive("evaluation")),
    )?;
    write_json(&out.join("crossval.json"), &result)?;
    pool(out, folds.len())?;
    Ok(result)
}

/// Trains and tests each fold, as many at a time as there are threads.
fn folds(
    dataset: &Dataset,
    config: &RunConfig,
    out: &Path,
    plan: &Plan,
    progress: &dyn Observer,
) -> anyhow::Result<Vec<Fold>> {
    let items: Vec<SplitItem<'_>> = dataset
        .rows
        .iter()
        .map(|r| SplitItem {
            group: r.unit(),
            label: &r.label,
            source: &r.source,
        })
        .collect();
    // Loading refused copies that contradict each other. What is mixed now is a subject, or kin with different labels, of
    // which `prepare` told, or was kept on the user's word.
    let mixed = MixedGroups::Allow;
    let seed = config.train.seed;
    let names = match own_folds(dataset) {
        Some(names) => names,
        None => assign(
            &items,
            SplitPlan::KFold { k: plan.folds },
            mixed,
            seed.derive("folds"),
        )?,
    };
    let count = names.iter().collect::<BTreeSet<_>>().len();
    side_by_side("fold", count, progress, |test, observer| {
        let parts = rotate(&items, &names, test, plan.validation, mixed, seed)?;
        let folder = out.join(SplitName::Fold(test).to_string());
        let many = Members {
            count: plan.members,
            flips: if plan.mirror {
                Flips::LeftRight
            } else {
                Flips::None
            },
        };
        fold(
            dataset,
            &parts,
            config,
            &folder,
            many,
            plan.resume,
            observer,
        )
    })
}

/// One `predictions.csv` of all folds, each image judged by the model that had not seen it: what `compare` reads.
fn pool(out: &Path, folds: usize) -> anyhow::Result<()> {
    let mut pooled = String::new();
    for fold in 0..folds {
        let file = out
            .join(SplitName::Fold(fold).to_string())
            .join("predictions.csv");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let rows = match text.split_once('\n') {
            Some((_, rows)) if fold > 0 => rows,
            _ => &text,
        };
        pooled.push_str(rows);
    }
    let file = out.join("predictions.csv");
    atomic_write(&file, pooled.as_bytes()).with_context(|| file.display().to_string())
}

/// The folds into which the dataset was split when it was prepared (`--split kfold` or `--split source`), where it was.
fn own_folds(dataset: &Dataset) -> Option<Vec<SplitName>> {
    let fold = |row: &ManifestRow| match row.split.parse() {
        Ok(name @ SplitName::Fold(_)) => Some(name),
        _ => None,
    };
    dataset.rows.iter().map(fold).collect()
}

/// What a finished fold leaves behind, so that a resumed cross-validation does not train it again.
#[derive(Serialize, Deserialize)]
struct Finished {
    images: Vec<Scored>,
    points: Vec<OperatingPoint>,
}

/// How a fold judges.
#[derive(Clone, Copy)]
struct Members {
    /// Networks, at least 1.
    count: usize,
    flips: Flips,
}

fn fold(
    dataset: &Dataset,
    parts: &[Part],
    config: &RunConfig,
    folder: &Path,
    many: Members,
    resume: bool,
    observer: &dyn Observer,
) -> anyhow::Result<Fold> {
    let finished = folder.join("fold.json");
    if resume && finished.is_file() {
        let text =
            std::fs::read_to_string(&finished).with_context(|| finished.display().to_string())?;
        let Finished { images, points } =
            serde_json::from_str(&text).with_context(|| finished.display().to_string())?;
        return Ok(Fold { images, points });
    }
    let rows = |part: Part| -> Vec<ManifestRow> {
        dataset
            .rows
            .iter()
            .zip(parts)
            .filter(|(_, p)| **p == part)
            .map(|(r, _)| r.clone())
            .collect()
    };
    let train = Parts {
        train: rows(Part::Train),
        validation: rows(Part::Validation),
    };
    let test = rows(Part::Test);
    let source = training::source(dataset, &test, config, &AugmentConfig::none())?;
    let seen = training::source(dataset, &train.validation, config, &AugmentConfig::none())?;
    let reading = Reading {
        flips: many.flips,
        ..Reading::default()
    };
    let (mut validation, mut logits) = (Vec::new(), Vec::new());
    for member in 0..many.count {
        let (mut config, mut place) = (config.clone(), folder.to_owned());
        if many.count > 1 {
            observer.say(&format!("member {} of {}", member + 1, many.count));
            place = folder.join(format!("member-{}", member + 1));
        }
        if member > 0 {
            let name = format!("member {member}");
            config.train.seed = config.train.seed.derive(&name);
        }
        let start = train::start(resume && place.join("checkpoints").is_dir());
        let model = training::fit(dataset, &train, &config, &place, start, observer)?;
        let (graph, weights) = (&model.graph, &model.weights);
        let ask = |source| training::logits(graph, weights, source, &config, reading, observer);
        add(&mut validation, ask(&seen)?);
        add(&mut logits, ask(&source)?);
    }
    for scored in validation.iter_mut().chain(&mut logits) {
        for logit in &mut scored.logits {
            *logit /= many.count as f32;
        }
    }
    let decision = Decision::choose(&dataset.classes, &validation);
    let images = scored(&test, &logits, &dataset.classes, &decision, None)?;
    write_predictions(
        &folder.join("predictions.csv"),
        &[("test", &images)],
        &dataset.classes,
        &decision,
    )?;
    let result = Finished {
        images,
        points: decision.operating_points,
    };
    write_json(&finished, &result)?;
    Ok(Fold {
        images: result.images,
        points: result.points,
    })
}

/// Adds logits to those of the members before.
fn add(sum: &mut Vec<ScoredLogits>, more: Vec<ScoredLogits>) {
    if sum.is_empty() {
        *sum = more;
        return;
    }
    for (sum, more) in sum.iter_mut().zip(more) {
        for (sum, more) in sum.logits.iter_mut().zip(more.logits) {
            *sum += more;
        }
    }
}
