//! How a network is trained: every choice, with defaults, ranges and a check.

use crate::optimizer::OptimizerConfig;
use crate::precision::Precision;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::ops::RangeBounds;
use tumorlens_core::Seed;

/// Every choice of a training run. A field left out takes its default; an unknown field is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Root of all randomness of the run.
    pub seed: Seed,
    /// Passes over the training images, 1 to 10,000.
    pub epochs: usize,
    /// Images in a step at most, 1 to 4,096. An epoch is cut into steps of equal size, give or take one image.
    pub batch_size: usize,
    /// Peak of the learning rate, above 0, at most 100.
    pub learning_rate: f64,
    /// Epochs during which the learning rate rises in a line to its peak; 0 or above, below `epochs`. The one-cycle
    /// schedule has a rise of its own.
    pub warm_up_epochs: f64,
    /// What maps and the factors of convolutions are stored in; 16 bits on the device cpu. Left out where it is the default,
    /// so that a run of a version without it can be resumed.
    #[serde(skip_serializing_if = "Precision::is_single")]
    pub precision: Precision,
    /// Clips the gradient to this global norm; 0 leaves it.
    pub clip_norm: f64,
    /// Memory of the exponential moving average of the weights, 0 (none) to below 1. With an average, validation and
    /// the result use it. Young averages forget faster: after `t` steps the memory is at most `(1 + t) / (10 + t)`.
    pub average: f64,
    /// Alpha of mixup (Zhang et al. 2018), 0 (none) or 0.05 to 1.
    pub mixup: f64,
    /// Which images an epoch shows.
    pub sampling: Sampling,
    /// What is minimised.
    pub loss: LossConfig,
    /// When to stop, and which epoch is the best.
    pub early_stopping: EarlyStopping,
    /// Optimiser.
    pub optimizer: OptimizerConfig,
    /// Learning rate over time.
    pub schedule: Schedule,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: Seed(0),
            epochs: 60,
            batch_size: 32,
            learning_rate: 1e-3,
            warm_up_epochs: 2.0,
            precision: Precision::default(),
            clip_norm: 1.0,
            average: 0.99,
            mixup: 0.0,
            sampling: Sampling::default(),
            loss: LossConfig::default(),
            early_stopping: EarlyStopping::default(),
            optimizer: OptimizerConfig::default(),
            schedule: Schedule::default(),
        }
    }
}

/// Which images an epoch shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Whether copies count.
    pub images: Images,
    /// What is shown equally often.
    pub balance: Balance,
}

/// Whether copies of one slice, or slices of one subject, count once or each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// One image of every group, another one each epoch as the seed has it.
    #[default]
    OnePerGroup,
    /// Every image.
    All,
}

/// What is shown equally often. An epoch keeps its length: small parts are repeated, of large ones each epoch shows
/// another choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Images as they come.
    #[default]
    None,
    /// Every class.
    Classes,
    /// Every pair of source and class that exists, so that a source does not betray the class by its size.
    SourcesAndClasses,
}

/// What is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossConfig {
    /// Share of every target that is spread over all classes, 0 to below 1.
    pub label_smoothing: f64,
    /// Exponent of the focal loss, 0 (plain cross entropy) to 10.
    pub focal_gamma: f64,
    /// Weights of the classes.
    pub class_weights: ClassWeights,
    /// Weight of the evidence map's loss against outlines, 0 to 100. Matters only for a network with an evidence map
    /// and images with outlines.
    pub outline_weight: f64,
    /// How far that loss weighs the outlined area and the rest alike: 1, a small lesion counts as much as the background around
    /// it, to 0, every cell counts the same. Left out where it is the default, so that a run of a version without it can be
    /// resumed.
    #[serde(skip_serializing_if = "is_one")]
    pub outline_balance: f64,
    /// Weight, within that loss, of the map's highest cell lying inside the outline, 0 to 100. Left out where it is 0, for
    /// the same reason.
    #[serde(skip_serializing_if = "is_zero")]
    pub outline_pointing: f64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_one(balance: &f64) -> bool {
    *balance == 1.0
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(weight: &f64) -> bool {
    *weight == 0.0
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            label_smoothing: 0.0,
            focal_gamma: 0.0,
            class_weights: ClassWeights::None,
            outline_weight: 0.5,
            outline_balance: 1.0,
            outline_pointing: 0.0,
        }
    }
}

/// Weights of the classes in the image loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// Each counts as often as it is shown.
    #[default]
    None,
    /// All together count the same: `images / (classes * images of the class)`, counted over what an epoch shows.
    Balanced,
    /// As given, one a class in the order of the classes, each above 0.
    Given(Vec<f64>),
}

/// When to stop, and which epoch's weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// Which epoch's weights are kept.
    pub keep: Keep,
    /// The validation figure that decides; equal figures are decided by the loss.
    pub metric: Metric,
    /// Stop after this many epochs without a better one; 0 never stops early.
    pub patience: usize,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            keep: Keep::Best,
            metric: Metric::Auroc,
            patience: 20,
        }
    }
}

/// Which epoch's weights are the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The best on validation.
    #[default]
    Best,
    /// The last: nothing is chosen, and nothing stops early. On a few dozen validation images the best of many epochs is
    /// mostly luck, while the average of the weights at the end of a falling learning rate is steady.
    Last,
}

/// A validation figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Area under the ROC curve; with more than two classes the mean over each class against the rest.
    Auroc,
    /// Mean cross entropy.
    Loss,
    /// Mean over the classes of the share called right.
    BalancedAccuracy,
}

impl Metric {
    /// Its name, as it is written in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auroc => "auroc",
            Self::Loss => "loss",
            Self::BalancedAccuracy => "balanced_accuracy",
        }
    }
}

/// A field of the configuration is out of range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("training: {field} is {found}, expected {expected}")]
pub struct ConfigError {
    /// Field.
    pub field: &'static str,
    /// Value found.
    pub found: String,
    /// Values allowed.
    pub expected: &'static str,
}

impl TrainConfig {
    /// Checks every field for a network of `classes` classes.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(&self, classes: usize) -> Result<(), ConfigError> {
        within("epochs", self.epochs, 1..=10_000, "1 to 10000")?;
        within("batch_size", self.batch_size, 1..=4096, "1 to 4096")?;
        within(
            "learning_rate",
            self.learning_rate,
            f64::MIN_POSITIVE..=100.0,
            "above 0, at most 100",
        )?;
        within(
            "warm_up_epochs",
            self.warm_up_epochs,
            0.0..self.epochs as f64,
            "0 or above, below epochs",
        )?;
        within("clip_norm", self.clip_norm, 0.0..=1e6, "0 to 1e6")?;
        within("average", self.average, 0.0..1.0, "0 to below 1")?;
        if self.mixup != 0.0 {
            within("mixup", self.mixup, 0.05..=1.0, "0 or 0.05 to 1")?;
        }
        self.loss.check(classes)?;
        self.check_optimizer()?;
        self.check_schedule()
    }

    fn check_optimizer(&self) -> Result<(), ConfigError> {
        match self.optimizer {
            OptimizerConfig::AdamW(adam) => {
                within("optimizer.beta1", adam.beta1, 0.0..1.0, "0 to below 1")?;
                within("optimizer.beta2", adam.beta2, 0.0..1.0, "0 to below 1")?;
                within("optimizer.epsilon", adam.epsilon, 1e-16..=1.0, "1e-16 to 1")?;
                within(
                    "optimizer.weight_decay",
                    adam.weight_decay,
                    0.0..=10.0,
                    "0 to 10",
                )
            }
            OptimizerConfig::Sgd(sgd) => {
                within("optimizer.momentum", sgd.momentum, 0.0..1.0, "0 to below 1")?;
                within(
                    "optimizer.weight_decay",
                    sgd.weight_decay,
                    0.0..=10.0,
                    "0 to 10",
                )?;
                let lone = sgd.nesterov && sgd.momentum == 0.0;
                require(
                    "optimizer.nesterov",
                    !lone,
                    "true without momentum",
                    "false where momentum is 0",
                )
            }
        }
    }

    fn check_schedule(&self) -> Result<(), ConfigError> {
        match self.schedule {
            Schedule::Constant => Ok(()),
            Schedule::Cosine { floor } => within("schedule.floor", floor, 0.0..=1.0, "0 to 1"),
            Schedule::OneCycle {
                rise,
                start_divisor,
                end_divisor,
            } => {
                within("schedule.rise", rise, 0.001..=0.999, "0.001 to 0.999")?;
                within(
                    "schedule.start_divisor",
                    start_divisor,
                    1.0..=1e9,
                    "1 to 1e9",
                )?;
                within("schedule.end_divisor", end_divisor, 1.0..=1e9, "1 to 1e9")?;
                let expected = "0 with the one-cycle schedule, which rises by itself";
                within("warm_up_epochs", self.warm_up_epochs, 0.0..=0.0, expected)
            }
            Schedule::Step { epochs, factor } => {
                within("schedule.epochs", epochs, 1..=10_000, "1 to 10000")?;
                within(
                    "schedule.factor",
                    factor,
                    f64::MIN_POSITIVE..=1.0,
                    "above 0, at most 1",
                )
            }
        }
    }
}

impl LossConfig {
    fn check(&self, classes: usize) -> Result<(), ConfigError> {
        within(
            "loss.label_smoothing",
            self.label_smoothing,
            0.0..1.0,
            "0 to below 1",
        )?;
        within("loss.focal_gamma", self.focal_gamma, 0.0..=10.0, "0 to 10")?;
        within(
            "loss.outline_weight",
            self.outline_weight,
            0.0..=100.0,
            "0 to 100",
        )?;
        within(
            "loss.outline_balance",
            self.outline_balance,
            0.0..=1.0,
            "0 to 1",
        )?;
        within(
            "loss.outline_pointing",
            self.outline_pointing,
            0.0..=100.0,
            "0 to 100",
        )?;
        let ClassWeights::Given(weights) = &self.class_weights else {
            return Ok(());
        };
        let sound = weights.len() == classes && weights.iter().all(|w| w.is_finite() && *w > 0.0);
        let expected = "one number above 0 for each class";
        require(
            "loss.class_weights",
            sound,
            &format!("{weights:?}"),
            expected,
        )
    }
}

fn within<T: PartialOrd + ToString>(
    field: &'static str,
    value: T,
    range: impl RangeBounds<T>,
    expected: &'static str,
) -> Result<(), ConfigError> {
    require(field, range.contains(&value), &value.to_string(), expected)
}

fn require(
    field: &'static str,
    sound: bool,
    found: &str,
    expected: &'static str,
) -> Result<(), ConfigError> {
    if sound {
        Ok(())
    } else {
        Err(ConfigError {
            field,
            found: found.to_owned(),
            expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::Sgd;

    #[test]
    fn the_default_is_sound_and_survives_a_round_trip() {
        let config = TrainConfig::default();
        config.check(2).unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&text).unwrap(), config);
        assert_eq!(serde_json::from_str::<TrainConfig>("{}").unwrap(), config);
    }

    #[test]
    fn an_unknown_field_is_refused_at_every_depth() {
        for text in [
            r#"{"epoch":3}"#,
            r#"{"loss":{"smoothing":0.1}}"#,
            r#"{"sampling":{"balance":"all"}}"#,
            r#"{"schedule":{"kind":"cosine","end":0.1}}"#,
            r#"{"optimizer":{"kind":"sgd","dampening":0.1}}"#,
        ] {
            assert!(serde_json::from_str::<TrainConfig>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        type Change = fn(&mut TrainConfig);
        let changes: [(&str, Change); 9] = [
            ("epochs", |c| c.epochs = 0),
            ("batch_size", |c| c.batch_size = 0),
            ("learning_rate", |c| c.learning_rate = f64::NAN),
            ("warm_up_epochs", |c| c.warm_up_epochs = 60.0),
            ("average", |c| c.average = 1.0),
            ("mixup", |c| c.mixup = 0.01),
            ("loss.class_weights", |c| {
                c.loss.class_weights = ClassWeights::Given(vec![1.0])
            }),
            ("optimizer.nesterov", |c| {
                c.optimizer = OptimizerConfig::Sgd(Sgd {
                    momentum: 0.0,
                    ..Sgd::default()
                });
            }),
            ("warm_up_epochs", |c| {
                c.schedule = Schedule::OneCycle {
                    rise: 0.3,
                    start_divisor: 25.0,
                    end_divisor: 1e4,
                };
            }),
        ];
        for (field, change) in changes {
            let mut config = TrainConfig::default();
            change(&mut config);
            assert_eq!(config.check(2).unwrap_err().field, field);
        }
    }
}
