//! The command line as typed. Checked values are made from it in `commands` and `config`.

mod data;
mod judging;
mod training;

pub(crate) use data::*;
pub(crate) use judging::*;
pub(crate) use training::*;

use clap::{Parser, Subcommand};

/// Finds brain tumors in MRI images with convolutional networks and shows what it saw.
#[derive(Debug, Parser)]
#[command(name = "tumorlens", version, about, after_help = crate::exit_code::TABLE)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Threads to use (default: all). Results do not depend on it.
    #[arg(long, global = true, value_parser = clap::value_parser!(usize))]
    pub(crate) threads: Option<usize>,

    /// No progress on stderr.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once")]
pub(crate) enum Command {
    /// The whole way: prepare, audit, split, train, evaluate, explain, report. Without --data on built-in phantoms.
    Run(RunArgs),
    /// Folders or CSV files of images to a dataset: scan, label, find copies, group, split.
    Prepare(PrepareArgs),
    /// Copies, label conflicts, leaks of a split, and shortcuts that predict the label without looking at the brain.
    Audit(AuditArgs),
    /// The configuration that suits a dataset, with the reason of each choice; what `run` and `train` use by default.
    Plan(PlanArgs),
    /// Train on a dataset.
    Train(TrainArgs),
    /// Evaluate a bundle on the test part of a dataset.
    Evaluate(EvaluateArgs),
    /// Fit a bundle's probabilities, thresholds and triage to a site's own labelled images.
    Recalibrate(RecalibrateArgs),
    /// Grouped cross-validation.
    Crossval(CrossvalArgs),
    /// How a way of training does on what it has not seen: each source, plane, sequence left out, and folds.
    Protocols(ProtocolsArgs),
    /// Search over ways to train, on inner folds alone.
    Tune(TuneArgs),
    /// Compare two runs on the images they share: paired DeLong, McNemar, bootstrap difference.
    Compare(CompareArgs),
    /// Judge images; without --model by the built-in model.
    Predict(PredictArgs),
    /// Draw what a call rests on: any method, any layer.
    Explain(ExplainArgs),
    /// What a file holds, and exactly how it decoded.
    Inspect(InspectArgs),
    /// DICOM files without what tells who is in them, by the Basic Profile of PS3.15 annex E.
    Deidentify(DeidentifyArgs),
    /// Write report.html of a run again.
    Report(ReportArgs),
    /// Check a bundle's hashes and replay its golden inputs.
    Verify(VerifyArgs),
    /// Write built-in phantoms as a folder of images.
    Phantom(PhantomArgs),
    /// Time a model on this machine: images per second.
    Bench(BenchArgs),
}
