//! What suits a dataset on two cores: model, size, epochs and augmentation, each with its reason.
//!
//! The rules rest on what was measured on the open sets (docs/explanation/cross-validation.md and generalisation.md).

mod fingerprint;

pub(crate) use fingerprint::Fingerprint;

use crate::config::{Calibration, RunConfig};
use serde::Serialize;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::transform::augment::Affine;
use tumorlens_data::transform::exchange::Exchange;
use tumorlens_nn::model::{Architecture, ModelConfig};
use tumorlens_nn::optimizer::{AdamW, OptimizerConfig};
use tumorlens_nn::train::{Balance, Images, Keep};

/// Training images that a proposed schedule shows in all; more are not worth a laptop's evening.
const IMAGES_SHOWN: usize = 14_000;
/// Epochs at least, with one source and with several.
const LEAST_EPOCHS: [usize; 2] = [12, 25];
/// Side of the network's input, px.
const SIDE: usize = 96;
/// Groups below which they are few.
const FEW: usize = 1000;
/// A class is rare that has less than one image in so many.
const RARE: usize = 3;
/// Outlined images from which lesions can be exchanged.
const OUTLINED: usize = 100;

/// A choice and its reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Choice {
    /// Field of the configuration.
    pub(crate) field: &'static str,
    /// What was chosen.
    pub(crate) value: String,
    pub(crate) reason: String,
}

/// A configuration with the reasons for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) choices: Vec<Choice>,
    pub(crate) config: RunConfig,
}

impl Plan {
    /// What suits a dataset.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        Self::from(Fingerprint::of(dataset))
    }

    fn from(fingerprint: Fingerprint) -> Self {
        let mut plan = Self {
            fingerprint,
            choices: Vec::new(),
            config: RunConfig::default(),
        };
        plan.model();
        plan.size();
        plan.asymmetry();
        plan.sampling();
        plan.epochs();
        plan.restraint();
        plan.exchange();
        plan.pointing();
        plan.calibration();
        let reasons = plan.choices.iter();
        plan.config.plan = reasons
            .map(|c| (c.field.to_owned(), format!("{}: {}", c.value, c.reason)))
            .collect();
        plan
    }

    fn choose(&mut self, field: &'static str, value: impl Into<String>, reason: impl Into<String>) {
        self.choices.push(Choice {
            field,
            value: value.into(),
            reason: reason.into(),
        });
    }

    fn model(&mut self) {
        self.config.model = ModelConfig {
            architecture: Architecture::Resnet18,
            head: RunConfig::evidence(),
            base_width: Some(16),
            ..ModelConfig::default()
        };
        let outlined = self.fingerprint.outlined;
        let map = if outlined > 0 {
            format!("its map learns from {outlined} outlines where a tumor is, not only whether")
        } else {
            "its score is what its map shows, also without outlines".to_owned()
        };
        self.choose(
            "model",
            "resnet18, width 16, evidence map",
            format!(
                "a quarter of the usual width did as well on the open sets as wider ones and is four times as fast; {map}"
            ),
        );
    }

    fn size(&mut self) {
        let side = match self.fingerprint.median_side {
            // A multiple of what the stages halve, and no pixels that the images do not have.
            Some(median) if median < SIDE => (median / 32 * 32).max(32),
            _ => SIDE,
        };
        self.config.preprocess.size = side;
        let reason = match self.fingerprint.median_side {
            Some(median) if median < SIDE => {
                format!("half of the images are no larger than {median} px")
            }
            Some(median) => format!(
                "images are about {median} px; larger inputs cost time by the square and gained little on the open sets"
            ),
            None => "no image could be read".to_owned(),
        };
        self.choose("preprocess.size", format!("{side} px"), reason);
    }

    fn asymmetry(&mut self) {
        let images = self.fingerprint.images;
        let sagittal = self.fingerprint.planes.get("sagittal");
        let sagittal = sagittal.copied().unwrap_or(0);
        let compared = 2 * sagittal <= images;
        self.config.preprocess.asymmetry = compared;
        let (value, reason) = if compared {
            (
                "yes",
                "a healthy head is nearly its own mirror image, which few images do not teach; it helped on small sets and on other people's scans".to_owned(),
            )
        } else {
            let reason = format!(
                "{sagittal} of {images} images show heads from the side, which have no two halves"
            );
            ("no", reason)
        };
        self.choose("preprocess.asymmetry", value, reason);
    }

    fn sampling(&mut self) {
        let Fingerprint {
            subjects,
            images,
            ref classes,
            ..
        } = self.fingerprint;
        let rarest = classes.values().min().copied().unwrap_or(0);
        let sampling = &mut self.config.train.sampling;
        let (which, reason) = if subjects {
            sampling.images = Images::All;
            (
                "every image",
                "slices of one subject differ, and each teaches something",
            )
        } else {
            sampling.images = Images::OnePerGroup;
            (
                "one image of each group an epoch",
                "copies of one slice teach it once",
            )
        };
        let (how, why) = if RARE * rarest < images {
            sampling.balance = Balance::Classes;
            (
                "classes equally often",
                "the rarer class would be seldom seen",
            )
        } else {
            sampling.balance = Balance::None;
            ("classes as they are", "none is rare")
        };
        self.choose(
            "train.sampling",
            format!("{which}, {how}"),
            format!("{reason}; {why}"),
        );
    }

    fn epochs(&mut self) {
        let shown = if self.fingerprint.subjects {
            self.fingerprint.images
        } else {
            self.fingerprint.units
        };
        let sources = self.fingerprint.sources.len();
        let least = LEAST_EPOCHS[usize::from(sources > 1)];
        let epochs = (IMAGES_SHOWN / shown.max(1)).clamp(least, 100);
        let train = &mut self.config.train;
        train.epochs = epochs;
        train.learning_rate = 2e-3;
        train.average = 0.98;
        train.early_stopping.keep = Keep::Last;
        self.choose(
            "train.epochs",
            epochs.to_string(),
            format!(
                "{shown} images an epoch: as many epochs as show about {IMAGES_SHOWN}, at least {least}{}, at most 100",
                if sources > 1 {
                    " with several sources, for ranking on other people's scans rose from 7 to 25 epochs"
                } else {
                    ""
                }
            ),
        );
        self.choose(
            "train.early_stopping",
            "the last epoch",
            "the average of the weights at the end of a falling learning rate is steady; the best of many epochs on a small validation part is mostly luck",
        );
    }

    /// Few images are learnt by heart.
    fn restraint(&mut self) {
        let units = self.fingerprint.units;
        if units >= FEW {
            self.choose(
                "augment",
                "as usual",
                format!("{units} groups show many heads in many positions and tones by themselves"),
            );
            return;
        }
        let train = &mut self.config.train;
        train.mixup = 0.3;
        train.loss.label_smoothing = 0.1;
        train.optimizer = OptimizerConfig::AdamW(AdamW {
            weight_decay: 0.05,
            ..AdamW::default()
        });
        let augment = &mut self.config.augment;
        augment.flip.vertical = 0.15;
        augment.affine = Affine {
            probability: 0.9,
            rotation: 20.0,
            scale: 0.15,
            shift: 0.08,
            ..augment.affine
        };
        augment.elastic.probability = 0.3;
        augment.contrast.probability = 0.4;
        augment.gamma.probability = 0.5;
        augment.noise.probability = 0.3;
        self.choose(
            "augment",
            "stronger than usual, sometimes upside down",
            format!("{units} groups show few heads in few positions and tones"),
        );
        self.choose(
            "train.mixup",
            "0.3, with smoothed labels and weight decay",
            format!(
                "{units} groups are soon known by heart: images mixed with each other, labels that are never quite sure and small weights keep a network from that"
            ),
        );
    }

    fn exchange(&mut self) {
        let Fingerprint {
            one_class,
            outlined,
            ..
        } = &self.fingerprint;
        if one_class.is_empty() {
            return;
        }
        let names = one_class.join(", ");
        if *outlined < OUTLINED {
            let reason = format!(
                "{names}: one class only, so that the source tells the class; {outlined} outlines are too few to exchange lesions against that: add images of the other class, or outlines"
            );
            self.choose("exchange", "off", reason);
            return;
        }
        let reason = format!(
            "{names}: one class only, so that the source tells the class; lesions cut out, pasted and healed break that"
        );
        self.config.exchange = Exchange {
            cut: 0.3,
            paste: 0.3,
            heal: 0.3,
        };
        self.choose("exchange", "cut, paste and heal, 0.3 each", reason);
    }

    fn pointing(&mut self) {
        let outlined = self.fingerprint.outlined;
        if outlined == 0 {
            return;
        }
        self.config.train.loss.outline_pointing = 1.0;
        self.choose(
            "train.loss.outline_pointing",
            "1",
            format!(
                "{outlined} outlines: where cells of the map compete, held-out tumors of the open sets were pointed at more often and outlined far better"
            ),
        );
    }

    fn calibration(&mut self) {
        let sources = self.fingerprint.sources.len();
        if sources < 2 {
            return;
        }
        self.config.calibration = Calibration {
            views: 4,
            shift: true,
            ..Calibration::default()
        };
        self.choose(
            "calibration",
            "on varied copies, with a shift",
            format!(
                "{sources} sources: probabilities are fitted on images that vary as another site's do, or they are too sure of themselves there"
            ),
        );
    }
}

#[cfg(test)]
mod tests;
