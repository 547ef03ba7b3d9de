//! The command line as typed. Checked values are made from it in `commands` and `config`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use tumorlens_core::Plane;
use tumorlens_data::format::sequence::Weighting as Sequence;
use tumorlens_data::phantom::Weighting;

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

/// A plane through the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlaneArg {
    /// Axial.
    Axial,
    /// Coronal.
    Coronal,
    /// Sagittal.
    Sagittal,
}

impl PlaneArg {
    pub(crate) fn plane(self) -> Plane {
        match self {
            Self::Axial => Plane::Axial,
            Self::Coronal => Plane::Coronal,
            Self::Sagittal => Plane::Sagittal,
        }
    }
}

/// A sequence by its BIDS name, in any case.
fn sequence(name: &str) -> Result<Sequence, String> {
    Sequence::ALL
        .into_iter()
        .find(|w| w.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| "expected T1w, T2w, FLAIR, PDw, T2starw, dwi or bold".to_owned())
}

/// How images become a dataset.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// Name of a label and the class it stands for, e.g. `--label yes=tumor`; again for more.
    #[arg(long = "label", value_name = "NAME=CLASS")]
    pub(crate) labels: Vec<String>,

    /// Keep every class apart instead of tumor / no_tumor.
    #[arg(long)]
    pub(crate) multi_class: bool,

    /// The positive class (default: tumor, or the first tumor class).
    #[arg(long, value_name = "CLASS")]
    pub(crate) positive: Option<String>,

    /// Column of a CSV that names the subject; images of a subject stay together.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) subject_column: Option<String>,

    /// File with a secret key: patients of DICOM files are named by a keyed hash, the same in every dataset (default: they
    /// are numbered).
    #[arg(long, value_name = "FILE", conflicts_with = "keep_identifiers")]
    pub(crate) subject_key: Option<PathBuf>,

    /// Name patients of DICOM files by their identifiers.
    #[arg(long)]
    pub(crate) keep_identifiers: bool,

    /// Plane in which volumes are cut; again for more (default: the one in which each is finest).
    #[arg(long = "plane", value_name = "PLANE", value_enum)]
    pub(crate) planes: Vec<PlaneArg>,

    /// Sequence of scans to take: T1w, T2w, FLAIR, PDw, T2starw, dwi or bold; again for more (default: all).
    #[arg(long = "sequence", value_name = "SEQUENCE", value_parser = sequence)]
    pub(crate) sequences: Vec<Sequence>,

    /// What to do with copies of one slice that carry different labels.
    #[arg(long, value_enum, default_value = "exclude")]
    pub(crate) on_conflict: OnConflict,

    /// How to split.
    #[arg(long, value_enum, default_value = "holdout")]
    pub(crate) split: SplitKind,

    /// Folds of `--split kfold`.
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: usize,

    /// Shares of training, validation and test of `--split holdout`.
    #[arg(
        long,
        value_name = "A,B,C",
        default_value = "0.7,0.15,0.15",
        value_delimiter = ','
    )]
    pub(crate) shares: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// An error.
    Error,
    /// Set the whole group aside.
    Exclude,
    /// Keep them as they are.
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitKind {
    /// Training, validation and test.
    Holdout,
    /// Folds for cross-validation.
    Kfold,
    /// A fold for each source.
    Source,
    /// As the folders or the CSV say (train, validation, test).
    Official,
    /// Not at all.
    None,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Folder, CSV or dataset; again for more sources. Without it, built-in phantoms.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Vec<PathBuf>,
    /// Folder of the run.
    #[arg(long, value_name = "RUN", default_value = "RUN")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) dataset: DataArgs,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// Go on where a stopped run ended; its own configuration is used.
    #[arg(long, conflicts_with_all = TRAINING)]
    pub(crate) resume: bool,
}

/// The arguments of [`TrainingArgs`], by their names.
const TRAINING: [&str; 8] = [
    "config", "seed", "model", "size", "epochs", "init", "freeze", "device",
];

/// What training may be told on the command line; everything else is in a configuration file.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrainingArgs {
    /// Configuration (TOML); a run's own config.toml works.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Seed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// cnn, vgg11, vgg13, vgg16, vgg19, resnet18, resnet34 or resnet50, in full width and with its own head (default: a
    /// ResNet-18 of a quarter of the width with an evidence map).
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Side of the input in pixels.
    #[arg(long)]
    pub(crate) size: Option<usize>,
    /// Epochs.
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Weights to start from: .safetensors, .pth, a bundle or the folder of a run.
    #[arg(long, value_name = "FILE")]
    pub(crate) init: Option<PathBuf>,
    /// Stage of the network that keeps its initial weights; again for more.
    #[arg(long, value_name = "STAGE")]
    pub(crate) freeze: Vec<String>,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long)]
    pub(crate) device: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    /// Folders of class folders, or CSV files.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Folder of the dataset.
    #[arg(long, value_name = "DATASET")]
    pub(crate) out: PathBuf,
    /// Seed of the split.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) dataset: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Dataset, folder or CSV; several folders are audited together.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Where audit.json is written.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Seed of the folds.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) dataset: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Dataset.
    pub(crate) dataset: PathBuf,
    /// Folder of the run.
    #[arg(long, value_name = "RUN")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// Go on where a stopped run ended; its own configuration is used.
    #[arg(long, conflicts_with_all = TRAINING)]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// Bundle, or the folder of a run.
    pub(crate) model: PathBuf,
    /// Dataset.
    pub(crate) dataset: PathBuf,
    /// Part of the dataset.
    #[arg(long, default_value = "test")]
    pub(crate) part: String,
    /// Where evaluation.json and predictions.csv are written.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

#[derive(Debug, Args)]
pub(crate) struct RecalibrateArgs {
    /// Bundle, or the folder of a run.
    pub(crate) model: PathBuf,
    /// Dataset of labelled images that took no part in training.
    pub(crate) dataset: PathBuf,
    /// The new bundle.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Part of the dataset.
    #[arg(long, default_value = "all")]
    pub(crate) part: String,
    /// Largest share of each class that may be called wrongly; what cannot be called so is referred.
    #[arg(long, default_value_t = 0.05)]
    pub(crate) error: f64,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

#[derive(Debug, Args)]
pub(crate) struct CrossvalArgs {
    /// Dataset. Folds made by `prepare --split kfold` or `--split source` are used as they are; else its groups are dealt
    /// into folds.
    pub(crate) dataset: PathBuf,
    /// Folder of the result.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Folds.
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: usize,
    /// Keep one image of each group.
    #[arg(long)]
    pub(crate) distinct: bool,
    /// Share of the images outside a test fold that is kept from training: it fits the temperature, chooses the thresholds
    /// and, where the configuration keeps the best epoch, that epoch.
    #[arg(long, value_name = "SHARE", default_value_t = 0.15)]
    pub(crate) validation: f64,
    /// Networks of each fold, which differ in their seed alone; the mean of their logits is judged.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100))]
    pub(crate) members: usize,
    /// Judge each image together with its mirror image; the mean of the logits counts.
    #[arg(long)]
    pub(crate) mirror: bool,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// Go on where a stopped cross-validation ended; its own configuration is used.
    #[arg(long, conflicts_with_all = TRAINING)]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProtocolsArgs {
    /// Dataset with what is known of source, plane, sequence and contrast; its own split is not used.
    pub(crate) dataset: PathBuf,
    /// Folder of the runs and of protocols.md, the table.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Sources that are left out together, joined by `+`; again for more. Others are left out alone.
    #[arg(long, value_name = "SOURCE+SOURCE")]
    pub(crate) site: Vec<String>,
    /// Folds of the cross-validations of each site and of all; 0 for none.
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: usize,
    /// Share of the images outside a test part that is kept from training.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub(crate) validation: f64,
    /// Run only the protocol of this name, as --list has it; again for more.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Name the protocols and how many images each learns from and is tested on; train nothing.
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// Go on where a stopped command ended; finished protocols and the own configuration are kept.
    #[arg(long, conflicts_with_all = TRAINING)]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// First run, or its predictions.csv.
    pub(crate) first: PathBuf,
    /// Second run, or its predictions.csv.
    pub(crate) second: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Images and folders.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Bundle or run folder (default: the built-in model).
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) model: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// CSV with a header.
    #[arg(long)]
    pub(crate) csv: bool,
    /// Plane in which volumes are cut; again for more (default: the one in which each is finest).
    #[arg(long = "plane", value_name = "PLANE", value_enum)]
    pub(crate) planes: Vec<PlaneArg>,
    /// Sequence of scans to judge: T1w, T2w, FLAIR, PDw, T2starw, dwi or bold; again for more (default: all).
    #[arg(long = "sequence", value_name = "SEQUENCE", value_parser = sequence)]
    pub(crate) sequences: Vec<Sequence>,
    /// Judge pictures too that do not look like a slice through a head.
    #[arg(long)]
    pub(crate) no_guard: bool,
    /// Folder for overlays as PNG.
    #[arg(long, value_name = "DIR")]
    pub(crate) heatmaps: Option<PathBuf>,
    /// Folder for raw attributions as .npy, float32, on the image's own pixel grid; for volumes and DICOM series also
    /// as a NIfTI volume in the place of the scan.
    #[arg(long, value_name = "DIR")]
    pub(crate) maps: Option<PathBuf>,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Images and folders.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Bundle or run folder (default: the built-in model).
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) model: Option<PathBuf>,
    /// Method; again for more (default: the model's own). `--method list` names them.
    #[arg(long)]
    pub(crate) method: Vec<String>,
    /// Layer; `--layer list` names them.
    #[arg(long)]
    pub(crate) layer: Option<String>,
    /// Draw the feature maps of the layer too.
    #[arg(long)]
    pub(crate) features: bool,
    /// Folder of the pictures.
    #[arg(long, value_name = "DIR", default_value = "explained")]
    pub(crate) out: PathBuf,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Image file.
    pub(crate) path: PathBuf,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeidentifyArgs {
    /// DICOM files and folders.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Folder of the de-identified files; nothing in it is replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// File with a secret key: patients get the names that `prepare` gives with it, and identifiers are the same in every
    /// export (default: a key that is forgotten after this one).
    #[arg(long, value_name = "FILE")]
    pub(crate) subject_key: Option<PathBuf>,
    /// Take files too that say or suggest that text is burned into their pixels. Look at them first: pixels are not changed.
    #[arg(long)]
    pub(crate) accept_burned_in: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Folder of the run.
    pub(crate) run: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Bundle or run folder (default: the built-in model).
    pub(crate) bundle: Option<PathBuf>,
    /// Print the model card as JSON too: data, licences, figures, limits.
    #[arg(long)]
    pub(crate) card: bool,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Architecture: cnn, vgg11 to vgg19, resnet18 to resnet50.
    #[arg(long, default_value = "resnet18")]
    pub(crate) model: String,
    /// Height and width of the images.
    #[arg(long, default_value_t = 128, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(8..=1024))]
    pub(crate) size: usize,
    /// Images in a step.
    #[arg(long, default_value_t = 32, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub(crate) batch: usize,
    /// Channels of the images (default: 1 for cnn, else 3).
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16))]
    pub(crate) channels: Option<usize>,
    /// What a step is.
    #[arg(long, value_enum, default_value_t = BenchMode::Train)]
    pub(crate) mode: BenchMode,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

/// What a step of `bench` is.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum BenchMode {
    /// Forward, backward and the optimiser.
    Train,
    /// Forward.
    Infer,
}

#[derive(Debug, Args)]
pub(crate) struct PhantomArgs {
    /// Folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Subjects.
    #[arg(long, default_value_t = 60)]
    pub(crate) subjects: usize,
    /// Slices of each subject.
    #[arg(long, default_value_t = 4)]
    pub(crate) slices: usize,
    /// Side of the pictures in pixels.
    #[arg(long, default_value_t = 160)]
    pub(crate) size: usize,
    /// t1, t1_contrast, t2 or flair; again for more (default: t1_contrast and flair).
    #[arg(long, value_name = "NAME")]
    pub(crate) weighting: Vec<Weighting>,
    /// Seed.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}
