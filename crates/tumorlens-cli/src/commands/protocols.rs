//! `tumorlens protocols`: how a way of training does on sources, planes and sequences that it has not seen, and in folds.
//!
//! Every protocol trains anew with one configuration, and opens its test part once. Nothing is chosen between protocols:
//! the table has all of them, and one that fails stands there with its reason.

mod outcome;
mod table;

use super::crossval::{self, Plan};
use super::predict::write;
use crate::args::ProtocolsArgs;
use crate::assessment::write_json;
use crate::commands::train::{effective, start};
use crate::config::RunConfig;
use crate::exit_code::{Exit, Stopped};
use crate::progress::Progress;
use crate::study::Study;
use anyhow::{Context, ensure};
use outcome::Outcome;
use std::collections::BTreeSet;
use std::path::Path;
use tumorlens_core::Observer;
use tumorlens_data::dataset::{Dataset, HeldOut};

/// What one protocol asks.
enum Protocol {
    /// Left out of training, and tested on.
    HeldOut(HeldOut),
    /// Cross-validation of a site, or of everything.
    Folds(String, Option<Vec<String>>),
}

impl Protocol {
    fn name(&self) -> String {
        match self {
            Self::HeldOut(what) => what.name(),
            Self::Folds(site, _) => format!("folds {site}"),
        }
    }
}

pub(crate) fn run(args: &ProtocolsArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let dataset = Dataset::load(&args.dataset)?;
    let protocols = chosen(args, &dataset)?;
    let config = effective(&args.training, &dataset, &args.out, args.resume)?;
    if args.list {
        for protocol in &protocols {
            println!("{}", described(protocol, &dataset, args, &config));
        }
        return Ok(Exit::Done);
    }
    ensure!(
        args.resume || !args.out.join("config.toml").exists(),
        "{}: holds protocols already; go on with --resume, or choose another folder",
        args.out.display()
    );
    dataset.verify_files(progress)?;
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    write(&args.out.join("config.toml"), config.to_toml()?.as_bytes())?;
    let mut outcomes = Vec::new();
    for (number, protocol) in protocols.iter().enumerate() {
        let name = protocol.name();
        progress.say(&format!(
            "protocol {} of {}: {name}",
            number + 1,
            protocols.len()
        ));
        let folder = args.out.join(name.replace([' ', '+', '/'], "-"));
        let file = folder.join("outcome.json");
        let outcome = match Outcome::read(&file)? {
            Some(finished) if args.resume => finished,
            _ => {
                let tested = match protocol {
                    Protocol::HeldOut(what) => {
                        held_out(&dataset, what, args.validation, &config, &folder, progress)
                    }
                    Protocol::Folds(_, sources) => {
                        let seeded = dataset_of(&dataset, sources.as_deref());
                        folds(&seeded, args, &config, &folder, progress)
                    }
                };
                let outcome = match tested {
                    Ok(outcome) => Outcome { name, ..outcome },
                    Err(error) if error.is::<Stopped>() => return Err(error),
                    Err(error) => Outcome::failed(name, &error),
                };
                std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
                write_json(&file, &outcome)?;
                outcome
            }
        };
        outcomes.push(outcome);
        write(
            &args.out.join("protocols.md"),
            table::markdown(&outcomes, config.train.seed).as_bytes(),
        )?;
    }
    write_json(&args.out.join("protocols.json"), &outcomes)?;
    print!("{}", table::terminal(&outcomes));
    println!("written: {}", args.out.join("protocols.md").display());
    let failed = outcomes.iter().any(|o| o.failed.is_some());
    Ok(if failed { Exit::Partial } else { Exit::Done })
}

/// The protocols that were asked for, or all.
fn chosen(args: &ProtocolsArgs, dataset: &Dataset) -> anyhow::Result<Vec<Protocol>> {
    let sites: Vec<Vec<String>> = args
        .site
        .iter()
        .map(|site| site.split('+').map(str::to_owned).collect())
        .collect();
    let sources: BTreeSet<&str> = dataset.rows.iter().map(|r| r.source.as_str()).collect();
    for source in sites.iter().flatten() {
        ensure!(
            sources.contains(source.as_str()),
            "--site: no image comes from '{source}'; the sources are {}",
            sources.iter().copied().collect::<Vec<_>>().join(", ")
        );
    }
    let held_out = HeldOut::all(dataset, &sites);
    let mut all = Vec::new();
    if args.folds > 0 {
        for source in &sources {
            let alone = vec![(*source).to_owned()];
            all.push(Protocol::Folds((*source).to_owned(), Some(alone)));
        }
        if sources.len() > 1 {
            all.push(Protocol::Folds("all".to_owned(), None));
        }
    }
    let mut protocols: Vec<Protocol> = held_out.into_iter().map(Protocol::HeldOut).collect();
    protocols.append(&mut all);
    let names: Vec<String> = protocols.iter().map(Protocol::name).collect();
    for name in &args.only {
        ensure!(
            names.contains(name),
            "--only: no protocol is called '{name}'; there are: {}",
            names.join(", ")
        );
    }
    protocols.retain(|p| args.only.is_empty() || args.only.contains(&p.name()));
    ensure!(
        !protocols.is_empty(),
        "{}: nothing can be left out: one source, no plane or sequence known, and no folds asked for",
        dataset.dir.display()
    );
    Ok(protocols)
}

/// The rows of some sources, or all, without a split.
fn dataset_of(dataset: &Dataset, sources: Option<&[String]>) -> Dataset {
    let mut part = dataset.clone();
    part.rows
        .retain(|row| sources.is_none_or(|sources| sources.contains(&row.source)));
    part.rows.iter_mut().for_each(|row| row.split.clear());
    part
}

fn held_out(
    dataset: &Dataset,
    what: &HeldOut,
    validation: f64,
    config: &RunConfig,
    folder: &Path,
    observer: &dyn Observer,
) -> anyhow::Result<Outcome> {
    let split = dataset.held_out(what, validation, config.train.seed)?;
    let study = Study {
        dataset: &split,
        config,
        audit: None,
        folder,
        command: format!("tumorlens protocols DATASET --only '{}'", what.name()),
    };
    let begun = folder.join("config.toml").is_file();
    let results = study.conduct(start(begun), observer)?;
    Outcome::of_study(&split, &results, folder)
}

fn folds(
    dataset: &Dataset,
    args: &ProtocolsArgs,
    config: &RunConfig,
    folder: &Path,
    observer: &dyn Observer,
) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let plan = Plan {
        folds: args.folds,
        validation: args.validation,
        members: 1,
        mirror: false,
        resume: true,
    };
    let result = crossval::cross(dataset, config, folder, &plan, observer)?;
    Ok(Outcome::of_folds(dataset, &result))
}

/// One line: the name, and how many images are learnt from and tested on.
fn described(
    protocol: &Protocol,
    dataset: &Dataset,
    args: &ProtocolsArgs,
    config: &RunConfig,
) -> String {
    let name = protocol.name();
    match protocol {
        Protocol::HeldOut(what) => {
            match dataset.held_out(what, args.validation, config.train.seed) {
                Ok(split) => {
                    let count = |part| split.part(part).count();
                    let learnt = count("train") + count("validation");
                    format!(
                        "{name}: {learnt} images to learn from, {} to test on",
                        count("test")
                    )
                }
                Err(error) => format!("not possible: {error}"),
            }
        }
        Protocol::Folds(_, sources) => {
            let images = dataset_of(dataset, sources.as_deref()).rows.len();
            format!("{name}: {images} images in {} folds", args.folds)
        }
    }
}
