//! Arguments of verbs that train.

use super::data::DataArgs;
use clap::Args;
use std::path::PathBuf;

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
const TRAINING: [&str; 9] = [
    "config",
    "seed",
    "model",
    "size",
    "epochs",
    "init",
    "freeze",
    "device",
    "precision",
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
    /// cnn, vgg11, vgg13, vgg16, vgg19, resnet18, resnet34, resnet50, convnext-like or efficientnet-like, in full width and
    /// with its own head (default: what `plan` says, a ResNet-18 of a quarter of the width with an evidence map).
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
    /// f32, or bf16: maps and products of 16 bits, everything else in single precision; on the device cpu.
    #[arg(long)]
    pub(crate) precision: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Dataset.
    pub(crate) dataset: PathBuf,
    /// Write the configuration (TOML), for --config.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object: what was found, each choice with its reason, the configuration.
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Deal the groups into folds so many times, each time anew, and average: less hangs on one deal.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100))]
    pub(crate) repeats: usize,
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
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    pub(crate) out: Option<PathBuf>,
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
    /// Configuration (TOML) that may be better than that of --config; again for more. Each protocol takes the one that does
    /// best where, within what it learns from, one site after the other is left out (of planes: one plane); its test part
    /// plays no part in that. Folds take that of --config.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) alternative: Vec<PathBuf>,
    /// Name the protocols and how many images each learns from and is tested on; train nothing.
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// Go on where a stopped command ended; finished protocols and the own configuration are kept.
    #[arg(long, requires = "out", conflicts_with_all = TRAINING)]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// Dataset; its test part takes no part.
    pub(crate) dataset: PathBuf,
    /// Folder of the study.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Ways to train that are tried in all (default: 30). The first is the configuration as it is given.
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub(crate) trials: Option<usize>,
    /// Inner folds on which each is judged, dealt by group.
    #[arg(long, default_value_t = 3, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(2..=100), conflicts_with = "resume")]
    pub(crate) folds: usize,
    /// Trials at a time; they share the threads. A second command with --resume on the same folder joins in.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub(crate) workers: usize,
    /// Ranges of the parameters (TOML); space.toml of a study is an example. Default: depth, width, activation, head,
    /// dropout, learning rate, weight decay and strength of augmentation.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) space: Option<PathBuf>,
    /// Search only this parameter; again for more.
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) only: Vec<String>,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    /// Go on with a study; its own configuration, ranges and folds are kept.
    #[arg(long, conflicts_with_all = TRAINING)]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Architecture: cnn, vgg11 to vgg19, resnet18 to resnet50, convnext-like, efficientnet-like.
    #[arg(long, default_value = "resnet18")]
    pub(crate) model: String,
    /// Time this model's own network: a bundle or the folder of a run; "built-in" for the built-in model.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "size", "channels"])]
    pub(crate) bundle: Option<PathBuf>,
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
    /// Where the time goes: each part of each layer, beside the peak of the processor and the speed of its memory, both
    /// measured in the same run. On the device cpu.
    #[arg(long)]
    pub(crate) layers: bool,
    /// Write the layers as a roofline picture (SVG).
    #[arg(long, value_name = "FILE", requires = "layers")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    /// f32, or bf16 on the device cpu.
    #[arg(long, default_value = "f32")]
    pub(crate) precision: String,
}

/// What a step of `bench` is.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum BenchMode {
    /// Forward, backward and the optimiser.
    Train,
    /// Forward.
    Infer,
}
