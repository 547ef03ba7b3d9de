//! `tumorlens run`: the whole way from images to a report.

use crate::args::RunArgs;
use crate::assessment::write_json;
use crate::commands::{audit, prepare, train};
use crate::exit_code::Exit;
use crate::progress::Progress;
use crate::study::Study;
use anyhow::Context;
use std::path::{Path, PathBuf};
use tumorlens_core::{Observer, Seed};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::phantom::{PhantomSpec, write_dataset};

pub(crate) fn run(args: &RunArgs, progress: &Progress) -> anyhow::Result<Exit> {
    train::start(args.resume).admit(&args.out)?;
    let seed = Seed(args.training.seed.unwrap_or_default());
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let dataset = dataset(args, seed, progress)?;
    let config = train::effective(&args.training, &dataset, &args.out, args.resume)?;
    let audit = audit::audit(&dataset, seed, progress)?;
    write_json(&args.out.join("audit.json"), &audit)?;
    let command = command(args, config.train.seed.0);
    let study = Study {
        dataset: &dataset,
        config: &config,
        audit: Some(&audit),
        folder: &args.out,
        command,
    };
    let results = study.conduct(train::start(args.resume), progress)?;
    train::print(&results, &args.out);
    Ok(Exit::Done)
}

/// The dataset given, or one prepared into the run's folder.
fn dataset(args: &RunArgs, seed: Seed, progress: &Progress) -> anyhow::Result<Dataset> {
    if let [path] = args.data.as_slice()
        && Dataset::is_in(path)
    {
        return Ok(Dataset::load(path)?);
    }
    let out = args.out.join("dataset");
    if args.resume && Dataset::is_in(&out) {
        return Ok(Dataset::load(&out)?);
    }
    let inputs = if args.data.is_empty() {
        vec![phantoms(&args.out, seed, progress)?]
    } else {
        args.data.clone()
    };
    let options = prepare::options(&args.dataset, seed)?;
    let (dataset, report) = prepare::make(&inputs, &options, &out, progress)?;
    for line in prepare::lines(&report) {
        progress.say(&line);
    }
    Ok(dataset)
}

fn phantoms(run: &Path, seed: Seed, progress: &Progress) -> anyhow::Result<PathBuf> {
    let folder = run.join("phantoms");
    let finished = folder.join("manifest.csv");
    if !finished.is_file() {
        write_dataset(&folder, &PhantomSpec::default(), seed, progress)?;
    }
    Ok(folder)
}

/// Names the last component of each input only: a report is passed on, and paths say who and where one is.
fn command(args: &RunArgs, seed: u64) -> String {
    let data: String = args
        .data
        .iter()
        .map(|p| {
            format!(
                " --data {}",
                p.file_name()
                    .map_or_else(|| "DATA".into(), |n| n.to_string_lossy())
            )
        })
        .collect();
    format!("tumorlens run{data} --seed {seed} --config config.toml --out RUN")
}
