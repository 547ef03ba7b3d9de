//! Arguments of verbs that judge images, explain and report.

use super::data::{PlaneArg, sequence};
use clap::Args;
use std::path::PathBuf;
use tumorlens_data::format::sequence::Weighting as Sequence;

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
    /// Also score heat maps by method and by layer on up to 64 outlined images, one of each group.
    #[arg(long)]
    pub(crate) layers: bool,
    /// Also tell how well the model's features betray the source of an image; the lower, the better.
    #[arg(long)]
    pub(crate) source_probe: bool,
    /// cpu, wgpu, wgpu:N, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
    /// f32, or bf16 on the device cpu: faster on processors with a unit for it; a probability near a threshold may fall on its
    /// other side.
    #[arg(long, default_value = "f32")]
    pub(crate) precision: String,
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
    /// f32, or bf16 on the device cpu: faster on processors with a unit for it; a probability near a threshold may fall on its
    /// other side.
    #[arg(long, default_value = "f32")]
    pub(crate) precision: String,
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
