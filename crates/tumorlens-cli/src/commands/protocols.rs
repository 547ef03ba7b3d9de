//! `tumorlens protocols`: how a way of training does on sources, planes and sequences that it has not seen, and in folds.
//!
//! Every protocol trains anew and opens its test part once. Nothing is chosen between protocols: the table has all of them,
//! and one that fails stands there with its reason. What is chosen within one, between configurations, is chosen without its
//! test part.

mod candidates;
mod choice;
mod log;
mod outcome;
mod table;

use super::crossval::{self, Plan};
use super::predict::write;
use crate::args::ProtocolsArgs;
use crate::assessment::write_json;
use crate::commands::train::start;
use crate::config::RunConfig;
use crate::exit_code::{Exit, Stopped};
use crate::explanation::localisation;
use crate::members::side_by_side;
use crate::model;
use crate::progress::Progress;
use crate::study::Study;
use anyhow::{Context, ensure};
use candidates::Candidate;
use outcome::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tumorlens_core::{Observer, Seed};
use tumorlens_data::dataset::{Dataset, HeldOut, HeldOutError, MANIFEST};

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

/// What all protocols of one command share.
struct Terms<'a> {
    dataset: &'a Dataset,
    /// Sources that are one site.
    sites: Vec<Vec<String>>,
    args: &'a ProtocolsArgs,
    /// At least one; where there are several, a protocol chooses.
    candidates: Vec<Candidate>,
    /// Folder of the table, with one for each protocol.
    out: &'a Path,
}

pub(crate) fn run(args: &ProtocolsArgs, progress: &Progress) -> anyhow::Result<Exit> {
    let dataset = Dataset::load(&args.dataset)?;
    // Absent where nothing is written.
    let out = args.out.as_deref().unwrap_or(Path::new(""));
    let terms = Terms {
        dataset: &dataset,
        sites: joined(args, &dataset)?,
        args,
        candidates: candidates::of(args, &dataset, out)?,
        out,
    };
    let (protocols, notes) = terms.distinct(terms.chosen()?);
    if args.list {
        for protocol in &protocols {
            println!("{}", terms.described(protocol));
        }
        notes.iter().for_each(|note| println!("{note}"));
        return Ok(Exit::Done);
    }
    ensure!(
        args.resume || !out.join("config.toml").exists(),
        "{}: holds protocols already; go on with --resume, or choose another folder",
        out.display()
    );
    dataset.verify_files(progress)?;
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    candidates::keep(&terms.candidates, out)?;
    let outcomes = terms.outcomes(&protocols, &notes, progress)?;
    write_json(&out.join("protocols.json"), &outcomes)?;
    print!("{}", table::terminal(&outcomes, &notes));
    println!("written: {}", out.join("protocols.md").display());
    let failed = outcomes.iter().any(|o| o.failed.is_some());
    Ok(if failed { Exit::Partial } else { Exit::Done })
}

/// The folder of a protocol, or of what is left out within one.
fn folder_name(name: &str) -> String {
    name.replace([' ', '+', '/'], "-")
}

/// The sites that the user joined, whose sources must be there.
fn joined(args: &ProtocolsArgs, dataset: &Dataset) -> anyhow::Result<Vec<Vec<String>>> {
    let sites: Vec<Vec<String>> = args
        .site
        .iter()
        .map(|site| site.split('+').map(str::to_owned).collect())
        .collect();
    let sources = sources(dataset);
    for source in sites.iter().flatten() {
        ensure!(
            sources.contains(source.as_str()),
            "--site: no image comes from '{source}'; the sources are {}",
            sources.iter().copied().collect::<Vec<_>>().join(", ")
        );
    }
    Ok(sites)
}

fn sources(dataset: &Dataset) -> BTreeSet<&str> {
    dataset.rows.iter().map(|r| r.source.as_str()).collect()
}

/// The rows of some sources, or all, without a split.
fn dataset_of(dataset: &Dataset, sources: Option<&[String]>) -> Dataset {
    let mut part = dataset.clone();
    part.rows
        .retain(|row| sources.is_none_or(|sources| sources.contains(&row.source)));
    part.rows.iter_mut().for_each(|row| row.split.clear());
    part
}

impl Terms<'_> {
    /// What splits are dealt from, whichever configuration is taken.
    fn seed(&self) -> Seed {
        self.candidates[0].config.train.seed
    }

    /// The protocols that were asked for, or all.
    fn chosen(&self) -> anyhow::Result<Vec<Protocol>> {
        let (args, dataset) = (self.args, self.dataset);
        let held_out = HeldOut::all(dataset, &self.sites);
        let mut protocols: Vec<Protocol> = held_out.into_iter().map(Protocol::HeldOut).collect();
        if args.folds > 0 {
            let sources = sources(dataset);
            for source in &sources {
                let alone = vec![(*source).to_owned()];
                protocols.push(Protocol::Folds((*source).to_owned(), Some(alone)));
            }
            if sources.len() > 1 {
                protocols.push(Protocol::Folds("all".to_owned(), None));
            }
        }
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

    /// Protocols without those whose split one before them has, and a note on each of these: nothing is trained twice for
    /// one result. Between configurations they may choose otherwise, so then all are kept.
    fn distinct(&self, protocols: Vec<Protocol>) -> (Vec<Protocol>, Vec<String>) {
        let mut first_with = BTreeMap::new();
        let (mut kept, mut notes) = (Vec::new(), Vec::new());
        for protocol in protocols {
            let split = match &protocol {
                Protocol::HeldOut(what) if self.candidates.len() == 1 => self.split(what).ok(),
                _ => None,
            };
            let name = protocol.name();
            if let Some(split) = split.and_then(|split| split.manifest_sha256().ok()) {
                if let Some(first) = first_with.get(&split) {
                    notes.push(format!("{name}: leaves out the same images as {first}"));
                    continue;
                }
                first_with.insert(split, name);
            }
            kept.push(protocol);
        }
        (kept, notes)
    }

    /// What is left out as the test part, and the rest dealt into training and validation.
    fn split(&self, what: &HeldOut) -> Result<Dataset, HeldOutError> {
        self.dataset
            .held_out(what, self.args.validation, self.seed())
    }

    /// Conducts protocols side by side. Whenever one is done, the table and the log are written anew.
    fn outcomes(
        &self,
        protocols: &[Protocol],
        notes: &[String],
        observer: &dyn Observer,
    ) -> anyhow::Result<Vec<Outcome>> {
        let done: Mutex<Vec<Option<Outcome>>> = Mutex::new(vec![None; protocols.len()]);
        side_by_side("protocol", protocols.len(), observer, |number, observer| {
            let protocol = &protocols[number];
            let name = protocol.name();
            observer.say(&name);
            let folder = self.out.join(folder_name(&name));
            let outcome = self.outcome(name, &folder, || match protocol {
                Protocol::HeldOut(what) => self.held_out(what, &folder, observer),
                Protocol::Folds(_, sources) => self.folds(sources.as_deref(), &folder, observer),
            })?;
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done[number] = Some(outcome.clone());
            self.write_down(&done.iter().flatten().cloned().collect::<Vec<_>>(), notes)?;
            Ok(outcome)
        })
    }

    fn write_down(&self, outcomes: &[Outcome], notes: &[String]) -> anyhow::Result<()> {
        let page = table::markdown(outcomes, notes, self.seed());
        write(&self.out.join("protocols.md"), page.as_bytes())?;
        write(&self.out.join("runs.csv"), &log::csv(outcomes, self.out)?)
    }

    /// The outcome in a folder: the finished one where the command goes on, else that of `conduct`, which is kept. What
    /// fails has an outcome too; only the user's wish to stop is an error.
    fn outcome(
        &self,
        name: String,
        folder: &Path,
        conduct: impl FnOnce() -> anyhow::Result<Outcome>,
    ) -> anyhow::Result<Outcome> {
        let file = folder.join("outcome.json");
        if self.args.resume
            && let Some(finished) = Outcome::read(&file)?
        {
            return Ok(finished);
        }
        let outcome = match conduct() {
            Ok(outcome) => Outcome { name, ..outcome },
            Err(error) if error.is::<Stopped>() => return Err(error),
            Err(error) => Outcome::failed(name, &error),
        };
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write_json(&file, &outcome)?;
        Ok(outcome)
    }

    fn held_out(
        &self,
        what: &HeldOut,
        folder: &Path,
        observer: &dyn Observer,
    ) -> anyhow::Result<Outcome> {
        let split = self.split(what)?;
        let (candidate, tried) = self.choose(&split, what, folder, observer)?;
        let outcome = self.conduct(&split, what, &candidate.config, folder, observer)?;
        Ok(Outcome {
            configuration: candidate.name.clone(),
            tried,
            ..outcome
        })
    }

    /// Trains on what is not left out, and tests on what is.
    fn conduct(
        &self,
        split: &Dataset,
        what: &HeldOut,
        config: &RunConfig,
        folder: &Path,
        observer: &dyn Observer,
    ) -> anyhow::Result<Outcome> {
        let begun = folder.join("config.toml").is_file();
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write(&folder.join(MANIFEST), &split.manifest()?)?;
        let study = Study {
            dataset: split,
            config,
            audit: None,
            folder,
            command: format!("tumorlens protocols DATASET --only '{}'", what.name()),
        };
        let results = study.conduct(start(begun), observer)?;
        let bundle = model::load(Some(folder))?;
        let located = localisation(split, config, &bundle, &results.test_rows, observer)?;
        Outcome::of_study(split, &results, located, folder)
    }

    fn folds(
        &self,
        sources: Option<&[String]>,
        folder: &Path,
        observer: &dyn Observer,
    ) -> anyhow::Result<Outcome> {
        let dataset = dataset_of(self.dataset, sources);
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let plan = Plan {
            folds: self.args.folds,
            validation: self.args.validation,
            members: 1,
            mirror: false,
            resume: true,
        };
        let candidate = &self.candidates[0];
        let result = crossval::cross(&dataset, &candidate.config, folder, &plan, observer)?;
        let outcome = Outcome::of_folds(&dataset, &result);
        Ok(Outcome {
            configuration: candidate.name.clone(),
            ..outcome
        })
    }

    /// One line: the name, and how many images are learnt from and tested on.
    fn described(&self, protocol: &Protocol) -> String {
        let name = protocol.name();
        match protocol {
            Protocol::HeldOut(what) => {
                let split = match self.split(what) {
                    Ok(split) => split,
                    Err(error) => return format!("not possible: {error}"),
                };
                let count = |part| split.part(part).count();
                let mut line = format!(
                    "{name}: {} images to learn from, {} to test on",
                    count("train") + count("validation"),
                    count("test")
                );
                if self.candidates.len() > 1 {
                    let within = self.within(&split, what);
                    let names: Vec<String> = within.iter().map(|(what, _)| what.name()).collect();
                    line.push_str(&format!(
                        "; chooses of {} by {}",
                        self.candidates.len(),
                        if names.is_empty() {
                            "nothing: no site with both classes".to_owned()
                        } else {
                            names.join(", ")
                        }
                    ));
                }
                line
            }
            Protocol::Folds(_, sources) => {
                let images = dataset_of(self.dataset, sources.as_deref()).rows.len();
                format!("{name}: {images} images in {} folds", self.args.folds)
            }
        }
    }
}
