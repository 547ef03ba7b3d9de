//! Arguments of verbs on files and datasets.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tumorlens_core::Plane;
use tumorlens_data::format::sequence::Weighting as Sequence;
use tumorlens_data::phantom::Weighting;

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
pub(super) fn sequence(name: &str) -> Result<Sequence, String> {
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
