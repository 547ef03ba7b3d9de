//! Binary `tumorlens`: arguments, wiring, progress, exit codes.
//!
//! Every verb is one file under `commands`; everything they do is a library call.
#![allow(
    clippy::print_stdout,
    reason = "results go to stdout, everything else to stderr"
)]

mod args;
mod assessment;
mod commands;
mod config;
mod document;
mod environment;
mod exit_code;
mod explanation;
mod familiar;
mod guard;
mod learning;
mod members;
mod model;
mod networks;
mod npy;
mod pictures;
mod plan;
mod progress;
mod stop;
mod study;
mod tags;
mod texture;
mod threads;
mod training;

/// A training step walks through hundreds of megabytes.
#[global_allocator]
static ALLOCATOR: tumorlens_nn::HugePages = tumorlens_nn::HugePages;

use args::{Arguments, Command};
use clap::Parser;
use exit_code::Exit;
use progress::Progress;
use std::process::ExitCode;

fn main() -> ExitCode {
    ALLOCATOR.spread();
    let arguments = Arguments::parse();
    let exit = match start(&arguments) {
        Ok(exit) => exit,
        Err(error) => {
            let exit = exit_code::of(&error);
            eprintln!("error: {}", exit_code::one_line(&error));
            exit
        }
    };
    exit.into()
}

fn start(arguments: &Arguments) -> anyhow::Result<Exit> {
    stop::install()?;
    let short = matches!(arguments.command, Command::Predict(_) | Command::Explain(_));
    threads::start(arguments.threads, short)?;
    let progress = Progress::new(arguments.quiet);
    match &arguments.command {
        Command::Run(a) => commands::run::run(a, &progress),
        Command::Prepare(a) => commands::prepare::run(a, &progress),
        Command::Audit(a) => commands::audit::run(a, &progress),
        Command::Plan(a) => commands::plan::run(a),
        Command::Train(a) => commands::train::run(a, &progress),
        Command::Evaluate(a) => commands::evaluate::run(a, &progress),
        Command::Recalibrate(a) => commands::recalibrate::run(a, &progress),
        Command::Crossval(a) => commands::crossval::run(a, &progress),
        Command::Protocols(a) => commands::protocols::run(a, &progress),
        Command::Tune(a) => commands::tune::run(a, &progress),
        Command::Compare(a) => commands::compare::run(a),
        Command::Predict(a) => commands::predict::run(a, &progress),
        Command::Explain(a) => commands::explain::run(a, &progress),
        Command::Inspect(a) => commands::inspect::run(a),
        Command::Deidentify(a) => commands::deidentify::run(a, &progress),
        Command::Report(a) => commands::report::run(a),
        Command::Bench(a) => commands::bench::run(a),
        Command::Verify(a) => commands::verify::run(a),
        Command::Phantom(a) => commands::phantom::run(a, &progress),
    }
}
