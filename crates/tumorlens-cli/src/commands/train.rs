//! `tumorlens train`: a study on a prepared dataset.

use crate::args::{TrainArgs, TrainingArgs};
use crate::config::RunConfig;
use crate::exit_code::Exit;
use crate::progress::Progress;
use crate::study::{Results, Study};
use std::path::Path;
use tumorlens_data::dataset::Dataset;
use tumorlens_nn::train::Start;
use tumorlens_report::terminal;
use tumorlens_stats::metric::Metric;

pub(crate) fn run(args: &TrainArgs, progress: &Progress) -> anyhow::Result<Exit> {
    start(args.resume).admit(&args.out)?;
    let dataset = Dataset::load(&args.dataset)?;
    let config = effective(&args.training, &dataset, &args.out, args.resume)?;
    let command = format!(
        "tumorlens train DATASET --config {} --out RUN",
        "config.toml"
    );
    let study = Study {
        dataset: &dataset,
        config: &config,
        audit: None,
        folder: &args.out,
        command,
    };
    let results = study.conduct(start(args.resume), progress)?;
    print(&results, &args.out);
    Ok(Exit::Done)
}

/// A resumed run keeps its own configuration.
pub(crate) fn effective(
    args: &TrainingArgs,
    dataset: &Dataset,
    folder: &Path,
    resume: bool,
) -> anyhow::Result<RunConfig> {
    let own = folder.join("config.toml");
    if resume && own.is_file() {
        RunConfig::load(&own)
    } else {
        RunConfig::effective(args, dataset)
    }
}

pub(crate) fn start(resume: bool) -> Start {
    if resume { Start::Resume } else { Start::Fresh }
}

/// The figures on a terminal, and where the report lies.
pub(crate) fn print(results: &Results, folder: &Path) {
    let figures = results
        .evaluation
        .key_figures(&results.model.decision.default);
    let rows: Vec<_> = figures
        .iter()
        .map(|(m, v): (&Metric, _)| (m.label(), v))
        .collect();
    let counts = &results.evaluation.counts;
    println!(
        "test part: {} images of {} groups, opened once; 95 % intervals",
        counts.images, counts.groups
    );
    print!("{}", terminal::figures(rows));
    println!("report: {}", folder.join("report.html").display());
    println!("model:  {}", folder.join(crate::model::BUNDLE).display());
    println!("For research use only. Not a medical device.");
}
