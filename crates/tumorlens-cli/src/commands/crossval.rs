//! `tumorlens crossval`: grouped k folds; mean, spread and pooled intervals.

use crate::args::CrossvalArgs;
use crate::assessment::{scored, write_json, write_predictions};
use crate::commands::train;
use crate::config::RunConfig;
use crate::exit_code::Exit;
use crate::progress::Progress;
use crate::training::{self, Parts};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;
use tumorlens_core::{Measured, Observer};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::split::{MixedGroups, Part, SplitItem, SplitName, SplitPlan, assign, rotate};
use tumorlens_data::transform::AugmentConfig;
use tumorlens_report::terminal::Table;
use tumorlens_stats::crossval::{CrossValidation, Fold, Spreads, cross_validate};
use tumorlens_stats::evaluation::{EvaluationSettings, Scored};
use tumorlens_stats::metric::Metric;
use tumorlens_stats::operating_point::OperatingPoint;

/// Share of the images outside the test fold that chooses epoch and threshold.
const VALIDATION: f64 = 0.15;

pub(crate) fn run(args: &CrossvalArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let mut dataset = Dataset::load(&args.dataset)?;
    if args.distinct {
        let mut groups = BTreeSet::new();
        dataset
            .rows
            .retain(|row| groups.insert(row.unit().to_owned()));
    }
    dataset.verify_files(progress)?;
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let config = train::effective(&args.training, &dataset, &args.out, args.resume)?;
    std::fs::write(args.out.join("config.toml"), config.to_toml()?)?;
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
    let names = assign(
        &items,
        SplitPlan::KFold { k: args.folds },
        mixed,
        seed.derive("folds"),
    )?;
    let mut folds = Vec::new();
    for test in 0..args.folds {
        progress.say(&format!("fold {} of {}", test + 1, args.folds));
        let parts = rotate(&items, &names, test, VALIDATION, mixed, seed)?;
        let folder = args.out.join(SplitName::Fold(test).to_string());
        folds.push(fold(
            &dataset,
            &parts,
            &config,
            &folder,
            args.resume,
            progress,
        )?);
    }
    let result = cross_validate(
        &dataset.classes,
        &folds,
        &EvaluationSettings::seeded(seed.derive("evaluation")),
    )?;
    write_json(&args.out.join("crossval.json"), &result)?;
    print(&result, args.out.as_path());
    Ok(Exit::Done)
}

/// What a finished fold leaves behind, so that a resumed cross-validation does not train it again.
#[derive(Serialize, Deserialize)]
struct Finished {
    images: Vec<Scored>,
    points: Vec<OperatingPoint>,
}

fn fold(
    dataset: &Dataset,
    parts: &[Part],
    config: &RunConfig,
    folder: &Path,
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
    let model = training::fit(
        dataset,
        &train,
        config,
        folder,
        train::start(resume),
        observer,
    )?;
    let source = training::source(dataset, &test, config, &AugmentConfig::none())?;
    let logits = training::logits(&model.graph, &model.weights, &source, config, observer)?;
    let images = scored(&test, &logits, &dataset.classes, &model.decision)?;
    write_predictions(
        &folder.join("predictions.csv"),
        &[("test", &images)],
        &dataset.classes,
        &model.decision,
    )?;
    let result = Finished {
        images,
        points: model.decision.operating_points,
    };
    write_json(&finished, &result)?;
    Ok(Fold {
        images: result.images,
        points: result.points,
    })
}

fn print(result: &CrossValidation, out: &Path) {
    let counts = &result.pooled.counts;
    println!(
        "{} folds over {} images of {} groups",
        result.folds.len(),
        counts.images,
        counts.groups
    );
    let mut table = Table::new([
        "",
        "mean over folds",
        "deviation",
        "lowest",
        "highest",
        "pooled",
    ]);
    rows(&mut table, "", &result.scores, |m| {
        result.pooled.assessment.scores.get(&m)
    });
    for point in &result.points {
        let pooled = result
            .pooled
            .assessment
            .points
            .iter()
            .find(|p| p.name == point.name);
        rows(&mut table, &point.name, &point.figures, |m| {
            pooled.and_then(|p| p.figures.get(&m))
        });
    }
    print!("{}", table.text());
    println!("written: {}", out.join("crossval.json").display());
}

fn rows<'a>(
    table: &mut Table,
    point: &str,
    spreads: &Spreads,
    pooled: impl Fn(Metric) -> Option<&'a Measured>,
) {
    for (metric, spread) in spreads {
        let name = if point.is_empty() {
            metric.label().to_owned()
        } else {
            format!("{} ({point})", metric.label())
        };
        let number = tumorlens_report::number::measured;
        let pooled = pooled(*metric).map(number).unwrap_or_default();
        table.row([
            name,
            number(&spread.mean),
            number(&spread.standard_deviation),
            number(&spread.lowest),
            number(&spread.highest),
            pooled,
        ]);
    }
}
