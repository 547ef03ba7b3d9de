//! The effective configuration of a run: `config.toml`.

use crate::args::TrainingArgs;
use crate::plan::Plan;
use anyhow::{Context, ensure};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tumorlens_core::{PreprocessSpec, Seed};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_data::transform::exchange::Exchange;
use tumorlens_nn::bundle::Scaling;
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::model::{Head, ModelConfig};
use tumorlens_nn::train::{LossConfig, TrainConfig};
use tumorlens_stats::calibration::Temperature;

/// Everything that decides what a run gives. A field left out takes its default; an unknown field is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RunConfig {
    /// Where the network runs.
    #[serde(default, skip_serializing_if = "is_cpu")]
    pub(crate) device: Device,
    /// What the bundle's card says that cannot be measured.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) card: Card,
    /// Weights to start from, and stages that keep them.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) start: Start,
    /// From a decoded slice to the network's input.
    #[serde(deserialize_with = "over_default")]
    pub(crate) preprocess: PreprocessSpec,
    /// What training makes of an input.
    pub(crate) augment: AugmentConfig,
    /// Lesions exchanged between training images.
    #[serde(skip_serializing_if = "Exchange::is_off")]
    pub(crate) exchange: Exchange,
    /// The network.
    pub(crate) model: ModelConfig,
    /// How it is trained.
    pub(crate) train: TrainConfig,
    /// From scores to calls.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) calibration: Calibration,
    /// Networks that learn from others.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) distillation: Distillation,
    /// Several networks as one.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) ensemble: Ensemble,
    /// A network that tells heads from other pictures.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) guard: Guard,
    /// Why fields are as they are, where `plan` chose them. For readers; nothing depends on it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) plan: BTreeMap<String, String>,
}

/// From scores to calls, on the validation part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Calibration {
    /// Augmented copies of each image that calibrate beside it: probabilities and thresholds then fit images that vary
    /// as other sites' do, and are less sure of themselves.
    pub(crate) views: u64,
    /// Whether the logit is shifted as well as divided (Platt scaling).
    pub(crate) shift: bool,
    /// With `shift`, what the temperature is at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) least_temperature: Option<Temperature>,
    /// Name of the operating point in use; absent: the rule that suits the number of validation images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operating_point: Option<String>,
    /// Largest share of each class that may be called wrongly; what cannot be called so is referred. 0 never refers.
    pub(crate) error: f64,
    /// Whether slices of a series are joined by the usual rule, even where validation subjects could choose another: for
    /// datasets whose subjects are groups of copies.
    pub(crate) usual_aggregation: bool,
}

impl Calibration {
    /// How probabilities are made of logits.
    pub(crate) fn scaling(&self) -> Scaling {
        if self.shift {
            let least = self.least_temperature.unwrap_or(Temperature::MIN);
            Scaling::Platt { least }
        } else {
            Scaling::Temperature
        }
    }
}

/// Networks joined to one, or teaching together: 1 to this many.
const MOST: usize = 16;

/// Networks trained first, on the same images, whose mean teaches those that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Distillation {
    /// Networks that teach, 0 to 16; 0 is off. They are trained in `teacher`.
    pub(crate) teachers: usize,
    /// Share of what they say in the targets, 0 to 1; the rest is the label's.
    pub(crate) weight: f64,
}

impl Default for Distillation {
    fn default() -> Self {
        Self {
            teachers: 0,
            weight: 0.5,
        }
    }
}

impl Distillation {
    fn check(self) -> anyhow::Result<()> {
        let Self { teachers, weight } = self;
        ensure!(
            teachers <= MOST,
            "distillation.teachers is {teachers}, expected 0 to {MOST}"
        );
        ensure!(
            (0.0..=1.0).contains(&weight),
            "distillation.weight is {weight}, expected 0 to 1"
        );
        Ok(())
    }
}

/// Several networks that differ in their seed, joined to one: the mean of their maps (or logits) is the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ensemble {
    /// Networks, 1 to 16. Each is trained in a folder of its own, `member-0` and so on.
    pub(crate) members: usize,
    /// How the members score their maps, in turn, where they do so in different ways; the mean of the scores is then the
    /// answer. Absent: as `model.head` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scores: Vec<MapScore>,
    /// What it costs the members, in turn, that their maps point beside an outline. Absent: as `train.loss` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outline_pointing: Vec<f64>,
}

/// From an evidence map to a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MapScore {
    /// The mean of this share of the map, of its highest values.
    Top(f32),
    /// A soft maximum of this sharpness.
    Sharpness(f32),
}

impl Default for Ensemble {
    fn default() -> Self {
        Self {
            members: 1,
            scores: Vec::new(),
            outline_pointing: Vec::new(),
        }
    }
}

impl Ensemble {
    fn check(&self, model: &ModelConfig) -> anyhow::Result<()> {
        let Self {
            members,
            scores,
            outline_pointing,
        } = self;
        ensure!(
            (1..=MOST).contains(members),
            "ensemble.members is {members}, expected 1 to {MOST}"
        );
        ensure!(
            scores.is_empty() || matches!(model.head, Head::Evidence { .. }),
            "ensemble.scores needs model.head.kind = \"evidence\""
        );
        ensure!(
            outline_pointing.iter().all(|w| (0.0..=100.0).contains(w)),
            "ensemble.outline_pointing is {outline_pointing:?}, expected 0 to 100 each"
        );
        Ok(())
    }

    /// What member `i` minimises.
    fn loss(&self, loss: &LossConfig, i: usize) -> LossConfig {
        let mut loss = loss.clone();
        if let Some(weight) = self.outline_pointing.iter().cycle().nth(i) {
            loss.outline_pointing = *weight;
        }
        loss
    }

    /// The network of member `i`.
    fn model(&self, model: &ModelConfig, i: usize) -> ModelConfig {
        let mut model = model.clone();
        let score = self.scores.iter().cycle().nth(i);
        if let (Some(score), Head::Evidence { top, sharpness, .. }) = (score, &mut model.head) {
            match *score {
                MapScore::Top(share) => (*top, *sharpness) = (share, None),
                MapScore::Sharpness(of) => *sharpness = Some(of),
            }
        }
        model
    }
}

/// A small network beside those that judge, which learns to tell the training images from decoys and refuses what is no
/// head. It is trained in a folder of its own, `guard`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Guard {
    /// Passes over the training images and as many decoys, 0 to 1000; 0 is off.
    pub(crate) epochs: usize,
}

impl Guard {
    fn check(self) -> anyhow::Result<()> {
        let Self { epochs } = self;
        ensure!(
            epochs <= 1000,
            "guard.epochs is {epochs}, expected 0 to 1000"
        );
        Ok(())
    }
}

/// A part that is as it is by default is left out of the file.
fn is_default<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}

/// In a bundle every field of the preprocessing must be there; in a configuration those left out take their default.
fn over_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PreprocessSpec, D::Error> {
    let given = toml::Table::deserialize(deserializer)?;
    let mut table = toml::Table::try_from(PreprocessSpec::default()).map_err(D::Error::custom)?;
    table.extend(given);
    table.try_into().map_err(D::Error::custom)
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

/// What the bundle's card says that cannot be measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Card {
    /// Name of the model. Default: tumorlens.
    pub(crate) name: Option<String>,
    /// Licence of each source, as its owner states it.
    pub(crate) licences: BTreeMap<String, String>,
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

impl RunConfig {
    /// The configuration for a dataset: the file's, or a proposal; then what the command line says.
    ///
    /// # Errors
    /// When the file or a value on the command line is wrong.
    pub(crate) fn effective(args: &TrainingArgs, dataset: &Dataset) -> anyhow::Result<Self> {
        let mut config = match &args.config {
            Some(path) => Self::load(path)?,
            None => Plan::of(dataset).config,
        };
        if let Some(seed) = args.seed {
            config.train.seed = Seed(seed);
        }
        if let Some(name) = &args.model {
            // In its published form: full width and its own head, so that published weights fit.
            config.model = ModelConfig {
                architecture: name.parse()?,
                ..ModelConfig::default()
            };
            config.plan.remove("model");
        }
        if let Some(size) = args.size {
            config.preprocess.size = size;
            config.plan.remove("preprocess.size");
        }
        if let Some(epochs) = args.epochs {
            config.train.epochs = epochs;
            config.plan.remove("train.epochs");
            config.train.warm_up_epochs = config.train.warm_up_epochs.min(epochs as f64 / 4.0);
        }
        if let Some(device) = &args.device {
            config.device = Device(device.parse()?);
        }
        if let Some(precision) = &args.precision {
            config.train.precision = precision.parse()?;
        }
        config.train.precision.check(config.device.0)?;
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
        let read = || {
            let config: Self = toml::from_str(&text)?;
            config.distillation.check()?;
            config.ensemble.check(&config.model)?;
            config.guard.check()?;
            anyhow::Ok(config)
        };
        read().with_context(|| path.display().to_string())
    }

    /// As member `i` is trained, but for its seed.
    pub(crate) fn member(&self, i: usize) -> Self {
        let mut own = self.clone();
        own.model = self.ensemble.model(&self.model, i);
        own.train.loss = self.ensemble.loss(&self.train.loss, i);
        own
    }

    /// The networks in words.
    pub(crate) fn architecture(&self) -> String {
        let members = self.ensemble.members;
        // Later members are as these, in turn.
        let ways = self.ensemble.scores.len().max(1).min(members);
        let each = (0..ways).map(|i| self.ensemble.model(&self.model, i).summary());
        let mut kinds: Vec<String> = each.collect();
        kinds.dedup();
        let kinds = kinds.join("; ");
        if members == 1 {
            kinds
        } else {
            format!("mean of {members}: {kinds}")
        }
    }

    /// The text of `config.toml`.
    ///
    /// # Errors
    /// Never for a value made here; an error rather than a panic all the same.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// An evidence map with its defaults and half of its channels: the head of a network of a quarter of the width.
    pub(crate) fn evidence() -> Head {
        Head::Evidence {
            stride: 4,
            top: 0.02,
            sharpness: None,
            channels: 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_left_out_takes_its_default_and_an_unknown_one_is_named() {
        let config: RunConfig = toml::from_str("[preprocess]\nsize = 48\n").unwrap();
        let expected = PreprocessSpec {
            size: 48,
            ..PreprocessSpec::default()
        };
        assert_eq!(config.preprocess, expected);
        let error = toml::from_str::<RunConfig>("[preprocess]\nsizes = 48\n").unwrap_err();
        assert!(error.to_string().contains("sizes"), "{error}");
    }

    #[test]
    fn members_score_their_maps_in_turn() {
        let text = "[model]\narchitecture = \"resnet18\"\nhead = { kind = \"evidence\", top = 0.1 }\n\
            [ensemble]\nmembers = 3\nscores = [{ top = 0.02 }, { sharpness = 0.7 }]\n";
        let config: RunConfig = toml::from_str(text).unwrap();
        config.ensemble.check(&config.model).unwrap();
        let said = [0, 1, 2].map(|i| config.ensemble.model(&config.model, i).summary());
        assert!(said[0].ends_with("(top 2 %)"), "{said:?}");
        assert!(said[1].ends_with("(soft maximum, 0.7)"), "{said:?}");
        assert_eq!(said[2], said[0]);
        let without = config.ensemble.check(&ModelConfig::default());
        assert!(without.unwrap_err().to_string().contains("evidence"));
    }

    #[test]
    fn members_point_in_turn() {
        let text = "[train]\nloss = { outline_pointing = 3 }\n[ensemble]\nmembers = 3\noutline_pointing = [0, 1]\n";
        let config: RunConfig = toml::from_str(text).unwrap();
        let pointing = |ensemble: &Ensemble| {
            [0, 1, 2].map(|i| ensemble.loss(&config.train.loss, i).outline_pointing)
        };
        assert_eq!(pointing(&config.ensemble), [0.0, 1.0, 0.0]);
        assert_eq!(pointing(&Ensemble::default()), [3.0; 3]);
        let wrong = Ensemble {
            outline_pointing: vec![-1.0],
            ..Ensemble::default()
        };
        let error = wrong.check(&config.model).unwrap_err().to_string();
        assert!(error.contains("0 to 100"), "{error}");
    }

    #[test]
    fn a_configuration_survives_a_round_trip() {
        let mut config = RunConfig::default();
        config.preprocess.size = 80;
        assert_eq!(
            toml::from_str::<RunConfig>(&config.to_toml().unwrap()).unwrap(),
            config
        );
    }
}
