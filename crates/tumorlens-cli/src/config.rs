//! The effective configuration of a run: `config.toml`.

use crate::args::TrainingArgs;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tumorlens_core::{PreprocessSpec, Seed};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::model::{Architecture, Head, ModelConfig};
use tumorlens_nn::train::TrainConfig;

/// Training images that a proposed schedule shows in all; more are not worth a laptop's evening.
const IMAGES_SHOWN: usize = 6_000;

/// Everything that decides what a run gives. A field left out takes its default; an unknown field is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RunConfig {
    /// Where the network runs.
    #[serde(default, skip_serializing_if = "is_cpu")]
    pub(crate) device: Device,
    /// Weights to start from, and stages that keep them.
    #[serde(skip_serializing_if = "Start::is_default")]
    pub(crate) start: Start,
    /// From a decoded slice to the network's input.
    pub(crate) preprocess: PreprocessSpec,
    /// What training makes of an input.
    pub(crate) augment: AugmentConfig,
    /// The network.
    pub(crate) model: ModelConfig,
    /// How it is trained.
    pub(crate) train: TrainConfig,
}

/// A device by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Device(pub(crate) DeviceChoice);

impl TryFrom<String> for Device {
    type Error = tumorlens_nn::device::DeviceError;
    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse().map(Self)
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.0.to_string()
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_cpu(device: &Device) -> bool {
    device.0 == DeviceChoice::Cpu
}

/// Transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Start {
    /// File with weights (.safetensors or .pth).
    pub(crate) init: Option<PathBuf>,
    /// Stages that keep their initial weights.
    pub(crate) freeze: Vec<String>,
}

impl Start {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl RunConfig {
    /// The configuration for a dataset: the file's, or a proposal; then what the command line says.
    ///
    /// # Errors
    /// When the file or a value on the command line is wrong.
    pub(crate) fn effective(args: &TrainingArgs, dataset: &Dataset) -> anyhow::Result<Self> {
        let mut config = match &args.config {
            Some(path) => Self::load(path)?,
            None => Self::proposed(dataset),
        };
        if let Some(seed) = args.seed {
            config.train.seed = Seed(seed);
        }
        if let Some(name) = &args.model {
            let architecture: Architecture = name.parse()?;
            if architecture != config.model.architecture {
                config.model = ModelConfig {
                    architecture,
                    head: config.model.head,
                    ..ModelConfig::default()
                };
            }
        }
        if let Some(size) = args.size {
            config.preprocess.size = size;
        }
        if let Some(epochs) = args.epochs {
            config.train.epochs = epochs;
            config.preprocess.size = 64;
            config.train.learning_rate = 2e-3;
            config.train.average = 0.98;
            config.train.warm_up_epochs = config.train.warm_up_epochs.min(epochs as f64 / 4.0);
        }
        if let Some(device) = &args.device {
            config.device = Device(device.parse()?);
        }
        if let Some(init) = &args.init {
            config.start.init = Some(std::path::absolute(init)?);
        }
        if !args.freeze.is_empty() {
            config.start.freeze.clone_from(&args.freeze);
        }
        config.preprocess.check()?;
        config.train.check(dataset.classes.len())?;
        Ok(config)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or holds something else; names the file and the field.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// The text of `config.toml`.
    ///
    /// # Errors
    /// Never for a value made here; an error rather than a panic all the same.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// What suits a dataset on two cores: a ResNet-18 of a quarter of the width on small images, whose evidence map
    /// learns from the outlines where there are some, and as many epochs as a fixed number of images allows.
    fn proposed(dataset: &Dataset) -> Self {
        let groups: BTreeSet<&str> = dataset.rows.iter().map(|r| r.unit()).collect();
        let epochs = (IMAGES_SHOWN / groups.len().max(1)).clamp(12, 80);
        let head = Head::Evidence {
            stride: 4,
            top: 0.02,
            channels: 32,
        };
        let model = ModelConfig {
            architecture: Architecture::Resnet18,
            head,
            base_width: Some(16),
            ..ModelConfig::default()
        };
        let mut config = Self {
            model,
            ..Self::default()
        };
        config.train.epochs = epochs;
        config.preprocess.size = 64;
        config.train.learning_rate = 2e-3;
        config.train.average = 0.98;
        config.train.sampling.balance = tumorlens_nn::train::Balance::Classes;
        config
    }
}
