//! `tumorlens tune`: a search over ways to train, judged on inner folds alone; the test part stays closed.

mod importance;
mod ladder;
mod page;
mod proposal;
mod space;
mod study_file;
mod trial;

use super::predict::write;
use super::train::effective;
use crate::args::TuneArgs;
use crate::assessment::write_json;
use crate::config::RunConfig;
use crate::exit_code::{Exit, Stopped};
use crate::members::side_by_side;
use crate::progress::Progress;
use anyhow::{Context, bail, ensure};
use space::{Space, configuration};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use study_file::{End, Event, Study, StudyFile, Terms, Trial};
use trial::Bench;
use tumorlens_core::{Observer, Seed};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::split::{MixedGroups, Part, SplitItem, SplitName, SplitPlan, assign};
use tumorlens_nn::train::Keep;
use tumorlens_report::terminal::Table;

pub(crate) fn run(args: &TuneArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let dataset = inner(Dataset::load(&args.dataset)?, progress)?;
    let file = StudyFile::new(&args.out);
    ensure!(
        args.resume || !file.path().exists(),
        "{}: holds a study already; go on with --resume, or choose another folder",
        file.path().display()
    );
    let base = effective(&args.training, &dataset, &args.out, args.resume)?;
    let searched = searched_on(base.clone());
    dataset.verify_files(progress)?;
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let terms = terms(args, &dataset, &searched, &file)?;
    let trials = args.trials.unwrap_or(terms.trials);
    if !file.path().exists() {
        write(&args.out.join("config.toml"), base.to_toml()?.as_bytes())?;
        let ranges = toml::to_string(&terms.space)?;
        write(&args.out.join("space.toml"), ranges.as_bytes())?;
        file.begin(terms.clone())?;
    }
    let bench = Bench {
        folds: folds(&dataset, &terms)?,
        dataset: &dataset,
        base: &searched,
        file: &file,
        folder: &args.out,
    };
    side_by_side("worker", args.workers, progress, |_, observer| {
        work(&bench, trials, observer)
    })?;
    let study = file.read()?;
    conclude(&study, &dataset, &base, &args.out)?;
    Ok(Exit::Done)
}

/// The images that a search may use.
fn inner(dataset: Dataset, observer: &dyn Observer) -> anyhow::Result<Dataset> {
    let test = Part::Test.to_string();
    let splits: BTreeSet<&str> = dataset.rows.iter().map(|r| r.split.as_str()).collect();
    if splits
        .iter()
        .any(|s| matches!(s.parse(), Ok(SplitName::Fold(_))))
    {
        bail!(
            "{}: is split into folds, and each of them would be seen by the search; use a dataset with a test part (`prepare --split holdout`)",
            dataset.dir.display()
        );
    }
    if !splits.contains(test.as_str()) {
        observer.say("no test part: every image takes part in the search, and none is left to judge what it finds");
    }
    Ok(dataset.without_test())
}

/// What does not depend on the trial: the last epoch counts, since to choose the best on the fold that judges would
/// favour unsteady trials, and one network at a time.
fn searched_on(mut config: RunConfig) -> RunConfig {
    config.train.early_stopping.keep = Keep::Last;
    config.train.early_stopping.patience = 0;
    config.ensemble.members = 1;
    config.distillation.teachers = 0;
    config
}

/// The terms of the study that is there, or of a new one.
fn terms(
    args: &TuneArgs,
    dataset: &Dataset,
    base: &RunConfig,
    file: &StudyFile,
) -> anyhow::Result<Terms> {
    let manifest_sha256 = dataset.manifest_sha256()?;
    if file.path().exists() {
        let terms = file.read()?.terms;
        ensure!(
            terms.manifest_sha256 == manifest_sha256,
            "{}: the study was begun on another dataset, or its manifest changed since",
            file.path().display()
        );
        return Ok(terms);
    }
    let space = match &args.space {
        Some(path) => Space::load(path)?,
        None => Space::default(),
    };
    let space = space.only(&args.only)?;
    space.check(base, &dataset.classes)?;
    Ok(Terms {
        version: 1,
        seed: base.train.seed.0,
        trials: args.trials.unwrap_or(30),
        folds: args.folds,
        epochs: base.train.epochs,
        manifest_sha256,
        space,
    })
}

/// Fold of each row: by unit, so that no copy and no subject is on two sides.
fn folds(dataset: &Dataset, terms: &Terms) -> anyhow::Result<Vec<usize>> {
    let items: Vec<SplitItem<'_>> = dataset
        .rows
        .iter()
        .map(|r| SplitItem {
            group: r.unit(),
            label: &r.label,
            source: &r.source,
        })
        .collect();
    let plan = SplitPlan::KFold { k: terms.folds };
    let seed = Seed(terms.seed).derive("inner folds");
    let names = assign(&items, plan, MixedGroups::Allow, seed)?;
    names
        .into_iter()
        .map(|name| match name {
            SplitName::Fold(fold) => Ok(fold),
            other => bail!("'{other}' is no fold"),
        })
        .collect()
}

/// Takes trials until none is left.
fn work(bench: &Bench<'_>, trials: usize, observer: &dyn Observer) -> anyhow::Result<()> {
    while let Some((trial, _claim)) = take(bench, trials)? {
        if observer.should_stop() {
            return Err(Stopped.into());
        }
        let number = trial.number;
        let shown: Vec<String> = trial
            .values
            .iter()
            .map(|(parameter, value)| format!("{} {value}", parameter.name()))
            .collect();
        observer.say(&format!(
            "trial {} of {trials}: {}",
            number + 1,
            shown.join(", ")
        ));
        let end = bench.conduct(number, &trial.values, observer)?;
        let study = bench.file.change(|_| {
            vec![Event::Ended {
                trial: number,
                end: end.clone(),
            }]
        })?;
        let figure = study.trials[number].steps.last().map(|(_, figure)| *figure);
        let figure = figure.map_or_else(String::new, |f| {
            format!("AUROC {}, ", tumorlens_report::number::number(f))
        });
        observer.say(&format!("trial {}: {figure}{}", number + 1, ended(&end)));
    }
    Ok(())
}

/// How a trial ended, in words.
fn ended(end: &End) -> String {
    match end {
        End::Complete => "complete".to_owned(),
        End::Halted => "ended early, others were better".to_owned(),
        End::Failed(reason) => format!("failed: {reason}"),
    }
}

/// A trial that another worker left, or a new one. It is the caller's as long as the file is open: a worker that dies
/// gives it back.
fn take(bench: &Bench<'_>, trials: usize) -> anyhow::Result<Option<(Trial, Claim)>> {
    let mut taken: anyhow::Result<Option<Claim>> = Ok(None);
    let mut number = 0;
    let study = bench.file.change(|study| {
        let open = study.trials.iter().filter(|t| t.end.is_none());
        for trial in open {
            number = trial.number;
            taken = claim(bench.folder, number);
            if !matches!(taken, Ok(None)) {
                return Vec::new();
            }
        }
        if study.trials.len() >= trials {
            return Vec::new();
        }
        number = study.trials.len();
        match proposal::next(study, bench.base) {
            Ok(values) => {
                taken = claim(bench.folder, number);
                vec![Event::Begun {
                    trial: number,
                    values,
                }]
            }
            Err(error) => {
                taken = Err(error);
                Vec::new()
            }
        }
    })?;
    Ok(taken?.map(|claim| (study.trials[number].clone(), claim)))
}

/// A trial that is this worker's.
struct Claim(File);

impl Drop for Claim {
    fn drop(&mut self) {
        // Where unlocking fails, closing does it.
        self.0.unlock().ok();
    }
}

/// Locks a trial; none while another worker has it.
fn claim(folder: &Path, number: usize) -> anyhow::Result<Option<Claim>> {
    let folder = trial::folder(folder, number);
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let path = folder.join("worker");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options
        .open(&path)
        .with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Claim(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Writes what was found.
fn conclude(study: &Study, dataset: &Dataset, base: &RunConfig, out: &Path) -> anyhow::Result<()> {
    let Some(best) = study.best() else {
        bail!("no trial came to its end: nothing was found");
    };
    let found = configuration(base, &best.values)?.to_toml()?;
    write(&out.join("best.toml"), found.as_bytes())?;
    let page = page::page(study, dataset, &found);
    write_json(&out.join("tuning.json"), &page)?;
    let html = tumorlens_report::render_tuning(&page)?;
    write(&out.join("tuning.html"), html.as_bytes())?;
    print!("{}", summary(study, best));
    println!("configuration: {}", out.join("best.toml").display());
    println!("report:        {}", out.join("tuning.html").display());
    println!(
        "The figure of the best of many trials flatters it; train with it and look at the test part:\n  tumorlens train DATASET --config best.toml --out RUN"
    );
    Ok(())
}

/// The best trial beside the first.
fn summary(study: &Study, best: &Trial) -> String {
    let mut table = Table::new(["", "best", "as given"]);
    let first = study.trials.first();
    for (parameter, value) in &best.values {
        let given = first.and_then(|t| t.values.get(parameter));
        table.row([
            parameter.name().to_owned(),
            value.to_string(),
            given.map(ToString::to_string).unwrap_or_default(),
        ]);
    }
    let figure = |trial: Option<&Trial>| {
        let figure = trial.and_then(Trial::figure);
        figure.map_or_else(|| "none".to_owned(), tumorlens_report::number::number)
    };
    table.row([
        "AUROC, mean over inner folds".to_owned(),
        figure(Some(best)),
        figure(first),
    ]);
    let complete = study.trials.iter().filter(|t| t.figure().is_some()).count();
    format!(
        "{} trials, {complete} of them to their end; best: trial {}\n{}",
        study.trials.len(),
        best.number + 1,
        table.text()
    )
}
