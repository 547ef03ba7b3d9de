//! What suits a dataset on two cores: model, size, epochs and augmentation, each with its reason.
//!
//! The rules rest on what was measured on the open sets (docs/explanation/cross-validation.md and generalisation.md).

use crate::config::{Calibration, RunConfig};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::limits::Limits;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::slice::Volumes;
use tumorlens_data::transform::augment::Affine;
use tumorlens_data::transform::exchange::Exchange;
use tumorlens_nn::model::{Architecture, ModelConfig};
use tumorlens_nn::optimizer::{AdamW, OptimizerConfig};
use tumorlens_nn::train::{Balance, Images, Keep};

/// Training images that a proposed schedule shows in all; more are not worth a laptop's evening.
const IMAGES_SHOWN: usize = 14_000;
/// Epochs at least, with one source and with several.
const LEAST_EPOCHS: [usize; 2] = [12, 25];
/// Images whose size is looked at.
const SAMPLED: usize = 60;
/// Side of the network's input, px.
const SIDE: usize = 96;
/// Groups below which they are few.
const FEW: usize = 1000;
/// A class is rare that has less than one image in so many.
const RARE: usize = 3;
/// Outlined images from which lesions can be exchanged.
const OUTLINED: usize = 100;

/// What a plan looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Fingerprint {
    /// Images that would be learnt from.
    pub(crate) images: usize,
    /// Units among them: what counts as one.
    pub(crate) units: usize,
    /// Images of each class.
    pub(crate) classes: BTreeMap<String, usize>,
    /// Images of each source.
    pub(crate) sources: BTreeMap<String, usize>,
    /// Sources that bring one class only.
    pub(crate) one_class: Vec<String>,
    /// Images with outline.
    pub(crate) outlined: usize,
    /// Images of each plane; `unknown` for the others.
    pub(crate) planes: BTreeMap<String, usize>,
    /// Whether subjects are known.
    pub(crate) subjects: bool,
    /// Median of the shorter side over some images, px; none where none could be read.
    pub(crate) median_side: Option<usize>,
}

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

impl Fingerprint {
    /// Looks at a dataset: at its training part, or at all of it where it has none.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        let mut rows: Vec<&ManifestRow> = dataset.part("train").collect();
        if rows.is_empty() {
            // Folds: nearly all images train in turn.
            rows = dataset.rows.iter().collect();
        }
        let count = |of: &dyn Fn(&ManifestRow) -> String| {
            let mut counts = BTreeMap::new();
            for row in &rows {
                *counts.entry(of(row)).or_insert(0) += 1;
            }
            counts
        };
        let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &rows {
            labels.entry(&row.source).or_default().insert(&row.label);
        }
        Self {
            images: rows.len(),
            units: rows.iter().map(|r| r.unit()).collect::<BTreeSet<_>>().len(),
            classes: count(&|r| r.label.clone()),
            sources: count(&|r| r.source.clone()),
            one_class: labels
                .into_iter()
                .filter(|(_, labels)| labels.len() == 1)
                .map(|(source, _)| source.to_owned())
                .collect(),
            outlined: rows.iter().filter(|r| !r.mask.is_empty()).count(),
            planes: count(&|r| match r.plane.as_str() {
                "" => "unknown".to_owned(),
                plane => plane.to_owned(),
            }),
            subjects: rows.iter().any(|r| !r.subject.is_empty()),
            median_side: median_side(dataset, &rows),
        }
    }
}

fn median_side(dataset: &Dataset, rows: &[&ManifestRow]) -> Option<usize> {
    let step = rows.len().div_ceil(SAMPLED).max(1);
    let (volumes, limits) = (Volumes::default(), Limits::default());
    let mut sides: Vec<usize> = rows
        .iter()
        .step_by(step)
        .filter_map(|row| volumes.read(&dataset.file(row), &limits).ok())
        .map(|slice| slice.image.width().min(slice.image.height()))
        .collect();
    sides.sort_unstable();
    sides.get(sides.len() / 2).copied()
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
        let planes = &self.fingerprint.planes;
        let sagittal = planes.get("sagittal").copied().unwrap_or(0);
        let from_the_side = 2 * sagittal > self.fingerprint.images;
        self.config.preprocess.asymmetry = !from_the_side;
        let (value, reason) = if from_the_side {
            (
                "no",
                format!(
                    "{sagittal} of {} images show heads from the side, which have no two halves",
                    self.fingerprint.images
                ),
            )
        } else {
            (
                "yes",
                "a healthy head is nearly its own mirror image, which few images do not teach; it helped on small sets and on other people's scans".to_owned(),
            )
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
mod tests {
    use super::*;

    fn fingerprint() -> Fingerprint {
        Fingerprint {
            images: 2000,
            units: 400,
            classes: BTreeMap::from([("no_tumor".into(), 1000), ("tumor".into(), 1000)]),
            sources: BTreeMap::from([("a".into(), 2000)]),
            one_class: vec![],
            outlined: 0,
            planes: BTreeMap::from([("unknown".into(), 2000)]),
            subjects: false,
            median_side: Some(256),
        }
    }

    fn reason(plan: &Plan, field: &str) -> Option<String> {
        let found = plan.choices.iter().find(|c| c.field == field);
        found.map(|c| format!("{}: {}", c.value, c.reason))
    }

    #[test]
    fn every_choice_stands_in_the_configuration_with_its_reason() {
        let plan = Plan::from(fingerprint());
        assert_eq!(plan.config.train.epochs, 35);
        assert_eq!(plan.config.preprocess.size, 96);
        assert!(plan.config.exchange.is_off());
        for choice in &plan.choices {
            assert!(plan.config.plan[choice.field].contains(&choice.reason));
        }
        let text = plan.config.to_toml().unwrap();
        assert!(text.contains("[plan]"), "{text}");
        assert_eq!(toml::from_str::<RunConfig>(&text).unwrap(), plan.config);
    }

    #[test]
    fn subjects_small_images_and_few_units_change_it() {
        let plan = Plan::from(Fingerprint {
            subjects: true,
            median_side: Some(70),
            ..fingerprint()
        });
        assert_eq!(plan.config.train.sampling.images, Images::All);
        assert_eq!(plan.config.train.epochs, 12);
        assert_eq!(plan.config.preprocess.size, 64);
    }

    #[test]
    fn halves_are_compared_unless_most_images_show_heads_from_the_side() {
        for (sagittal, compared) in [(0, true), (1000, true), (1001, false), (2000, false)] {
            let planes = BTreeMap::from([
                ("sagittal".into(), sagittal),
                ("unknown".into(), 2000 - sagittal),
            ]);
            let plan = Plan::from(Fingerprint {
                planes,
                ..fingerprint()
            });
            assert_eq!(plan.config.preprocess.asymmetry, compared, "{sagittal}");
            let said = reason(&plan, "preprocess.asymmetry").unwrap();
            assert_eq!(said.starts_with("yes"), compared, "{said}");
        }
    }

    #[test]
    fn classes_are_shown_equally_often_where_one_is_rare() {
        for (rarer, balance) in [(666, Balance::Classes), (667, Balance::None)] {
            let counts = [("no_tumor".into(), rarer), ("tumor".into(), 2000 - rarer)];
            let plan = Plan::from(Fingerprint {
                classes: BTreeMap::from(counts),
                ..fingerprint()
            });
            assert_eq!(plan.config.train.sampling.balance, balance, "{rarer}");
        }
    }

    #[test]
    fn few_groups_are_kept_from_being_learnt_by_heart() {
        let mixed = |units: usize| {
            let plan = Plan::from(Fingerprint {
                units,
                ..fingerprint()
            });
            assert_eq!(reason(&plan, "train.mixup").is_some(), units < FEW);
            plan.config.train.mixup > 0.0
        };
        assert!(mixed(150) && mixed(FEW - 1) && !mixed(FEW));
    }

    #[test]
    fn a_source_of_one_class_is_met_with_exchange_where_there_are_outlines() {
        let mixed = Fingerprint {
            sources: BTreeMap::from([("a".into(), 1000), ("b".into(), 1000)]),
            one_class: vec!["b".into()],
            outlined: 500,
            ..fingerprint()
        };
        let plan = Plan::from(mixed.clone());
        assert!(!plan.config.exchange.is_off());
        assert_eq!(plan.config.train.epochs, 35);
        let many = Plan::from(Fingerprint {
            units: 4000,
            ..mixed.clone()
        });
        assert_eq!(many.config.train.epochs, 25);
        assert_eq!(plan.config.calibration.views, 4);
        let few = Plan::from(Fingerprint {
            outlined: 10,
            ..mixed
        });
        assert!(few.config.exchange.is_off());
        assert!(reason(&few, "exchange").unwrap().contains("too few"));
    }
}
