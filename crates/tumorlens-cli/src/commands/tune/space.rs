//! What is searched: parameters, their ranges, and the configuration that values make.

use crate::config::RunConfig;
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use tumorlens_core::ClassSet;
use tumorlens_nn::model::{Architecture, Head};
use tumorlens_nn::optimizer::OptimizerConfig;

/// A choice in how a network is made or trained. The order is that in which values are applied: the width means another
/// thing in another architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Parameter {
    /// Family and number of layers: the name of an architecture.
    Depth,
    /// Channels of the first stage.
    Width,
    /// Non-linearity.
    Activation,
    /// `gap`, `flatten` or `evidence`.
    Head,
    /// Dropout rate before the last layer.
    Dropout,
    /// Peak of the learning rate.
    LearningRate,
    /// Weight decay of the optimiser.
    WeightDecay,
    /// Factor on every magnitude and probability of the augmentation.
    Augmentation,
}

impl Parameter {
    const ALL: [Self; 8] = [
        Self::Depth,
        Self::Width,
        Self::Activation,
        Self::Head,
        Self::Dropout,
        Self::LearningRate,
        Self::WeightDecay,
        Self::Augmentation,
    ];

    /// Its name in `space.toml`, `study.jsonl` and on the page.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Width => "width",
            Self::Activation => "activation",
            Self::Head => "head",
            Self::Dropout => "dropout",
            Self::LearningRate => "learning_rate",
            Self::WeightDecay => "weight_decay",
            Self::Augmentation => "augmentation",
        }
    }
}

/// A number or a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    Number(f64),
    Word(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) if number.fract() == 0.0 => write!(f, "{number}"),
            Self::Number(number) => f.write_str(&tumorlens_report::number::number(*number)),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// Where a parameter may lie.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Range {
    /// One of these.
    Choices(Vec<Value>),
    /// Any number between two, in equal shares of the number or of its logarithm.
    Between(Between),
}

/// A stretch of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    pub(super) low: f64,
    pub(super) high: f64,
    #[serde(default)]
    pub(super) log: bool,
}

/// A value for each parameter that is searched.
pub(super) type Values = BTreeMap<Parameter, Value>;

/// The parameters that are searched, with their ranges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Space(pub(super) BTreeMap<Parameter, Range>);

impl Default for Space {
    fn default() -> Self {
        let words = |all: &[&str]| {
            let word = |w: &&str| Value::Word((*w).to_owned());
            Range::Choices(all.iter().map(word).collect())
        };
        let between = |low, high, log| Range::Between(Between { low, high, log });
        Self(BTreeMap::from([
            (Parameter::Depth, words(&["cnn", "resnet18", "resnet34"])),
            (
                Parameter::Width,
                Range::Choices([8.0, 16.0, 24.0, 32.0].map(Value::Number).to_vec()),
            ),
            (Parameter::Activation, words(&["relu", "gelu", "silu"])),
            (Parameter::Head, words(&["gap", "evidence"])),
            (Parameter::Dropout, between(0.0, 0.5, false)),
            (Parameter::LearningRate, between(3e-4, 1e-2, true)),
            (Parameter::WeightDecay, between(1e-3, 0.1, true)),
            (Parameter::Augmentation, between(0.0, 2.0, false)),
        ]))
    }
}

impl Space {
    /// Reads a file of ranges; parameters that it does not name are not searched.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Keeps the parameters of these names.
    pub(super) fn only(mut self, names: &[String]) -> anyhow::Result<Self> {
        for name in names {
            ensure!(
                self.0.keys().any(|p| p.name() == name),
                "--only: '{name}' is not searched; there are: {}",
                self.0
                    .keys()
                    .map(|p| p.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
        self.0
            .retain(|p, _| names.is_empty() || names.iter().any(|n| n == p.name()));
        Ok(self)
    }

    /// Checks that every end and every choice makes a configuration that can be trained.
    ///
    /// # Errors
    /// Names the parameter and the value that cannot.
    pub(super) fn check(&self, base: &RunConfig, classes: &ClassSet) -> anyhow::Result<()> {
        ensure!(!self.0.is_empty(), "no parameter to search");
        for (parameter, range) in &self.0 {
            let name = parameter.name();
            let values = match range {
                Range::Choices(choices) => {
                    ensure!(choices.len() > 1, "{name}: fewer than two choices");
                    choices.clone()
                }
                Range::Between(Between { low, high, log }) => {
                    ensure!(
                        low.is_finite() && high.is_finite() && low < high,
                        "{name}: low {low} is not below high {high}"
                    );
                    ensure!(
                        !log || *low > 0.0,
                        "{name}: low must be above 0 on a logarithmic range"
                    );
                    vec![Value::Number(*low), Value::Number(*high)]
                }
            };
            for value in values {
                let one = Values::from([(*parameter, value.clone())]);
                configuration(base, &one)
                    .and_then(|c| {
                        c.train.check(classes.len())?;
                        c.augment.check()?;
                        c.model
                            .graph(c.preprocess.input_shape(), classes.logits())?;
                        Ok(())
                    })
                    .with_context(|| format!("{name} = {value}"))?;
            }
        }
        Ok(())
    }
}

/// The value that a configuration has already, where it is one that the parameter can name.
pub(super) fn value_of(base: &RunConfig, parameter: Parameter) -> Option<Value> {
    let model = &base.model;
    Some(match parameter {
        Parameter::Depth => Value::Word(model.architecture.to_string()),
        Parameter::Width => Value::Number(width(base) as f64),
        Parameter::Activation => Value::Word(
            serde_json::to_value(model.activation)
                .ok()?
                .as_str()?
                .into(),
        ),
        Parameter::Head => Value::Word(
            match model.head {
                Head::Gap => "gap",
                Head::Flatten => "flatten",
                Head::Evidence { .. } => "evidence",
            }
            .to_owned(),
        ),
        Parameter::Dropout => {
            let dense = model.architecture.has_dense() && model.head == Head::Gap;
            let default = if dense { 0.5 } else { 0.0 };
            Value::Number(model.dropout.map_or(default, f64::from))
        }
        Parameter::LearningRate => Value::Number(base.train.learning_rate),
        Parameter::WeightDecay => Value::Number(match base.train.optimizer {
            OptimizerConfig::AdamW(adam) => adam.weight_decay,
            OptimizerConfig::Sgd(sgd) => sgd.weight_decay,
        }),
        Parameter::Augmentation => Value::Number(1.0),
    })
}

/// Channels of the first stage.
fn width(config: &RunConfig) -> usize {
    let model = &config.model;
    match (&model.widths, model.base_width, model.architecture) {
        (Some(widths), ..) => widths.first().copied().unwrap_or(32),
        (None, Some(base), _) => base,
        (None, None, architecture) => architecture.published_width(),
    }
}

/// `base` with these values.
///
/// # Errors
/// When a value is not one of its parameter.
pub(super) fn configuration(base: &RunConfig, values: &Values) -> anyhow::Result<RunConfig> {
    let mut config = base.clone();
    for parameter in Parameter::ALL {
        match (parameter, values.get(&parameter)) {
            (_, None) => {}
            (Parameter::Depth, Some(Value::Word(name))) => {
                let architecture = name.parse()?;
                if architecture != config.model.architecture {
                    let width = width(&config);
                    config.model.architecture = architecture;
                    // Its own stages and layers are another architecture's.
                    config.model.widths = None;
                    config.model.dense = None;
                    set_width(&mut config, width);
                }
            }
            (Parameter::Width, Some(Value::Number(width))) => {
                set_width(&mut config, width.round().max(1.0) as usize);
            }
            (Parameter::Activation, Some(Value::Word(name))) => {
                let name = serde_json::Value::String(name.clone());
                config.model.activation = serde_json::from_value(name)?;
            }
            (Parameter::Head, Some(Value::Word(name))) => {
                config.model.head = match (name.as_str(), config.model.head) {
                    ("evidence", own @ Head::Evidence { .. }) => own,
                    ("evidence", _) => RunConfig::evidence(),
                    ("gap", _) => Head::Gap,
                    ("flatten", _) => Head::Flatten,
                    _ => bail!("unknown head '{name}': use gap, flatten, evidence"),
                };
                config.model.dense = config
                    .model
                    .dense
                    .filter(|_| !matches!(config.model.head, Head::Evidence { .. }));
            }
            (Parameter::Dropout, Some(Value::Number(rate))) => {
                config.model.dropout = Some(*rate as f32);
            }
            (Parameter::LearningRate, Some(Value::Number(rate))) => {
                config.train.learning_rate = *rate;
            }
            (Parameter::WeightDecay, Some(Value::Number(decay))) => {
                match &mut config.train.optimizer {
                    OptimizerConfig::AdamW(adam) => adam.weight_decay = *decay,
                    OptimizerConfig::Sgd(sgd) => sgd.weight_decay = *decay,
                }
            }
            (Parameter::Augmentation, Some(Value::Number(strength))) => {
                config.augment = config.augment.scaled(*strength as f32);
            }
            (parameter, Some(value)) => bail!(
                "{} cannot be '{value}': {} is expected",
                parameter.name(),
                match value {
                    Value::Number(_) => "a word",
                    Value::Word(_) => "a number",
                }
            ),
        }
    }
    Ok(config)
}

/// Sets the channels of the first stage; stages that are given one by one keep their proportions.
fn set_width(config: &mut RunConfig, width: usize) {
    let model = &mut config.model;
    match (&mut model.widths, model.architecture) {
        (Some(widths), _) if !widths.is_empty() => {
            let first = widths[0].max(1);
            for stage in widths {
                *stage = (*stage * width / first).max(1);
            }
        }
        (widths, Architecture::Cnn) => {
            *widths = Some(vec![width, 2 * width, 4 * width]);
            model.base_width = None;
        }
        (widths, _) => {
            *widths = None;
            model.base_width = Some(width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_the_default_space_can_be_trained() {
        Space::default()
            .check(&RunConfig::default(), &ClassSet::tumor())
            .unwrap();
    }

    #[test]
    fn a_space_is_read_from_a_file_and_what_cannot_be_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("space.toml");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let space = Space::load(&file)?;
            space.check(&RunConfig::default(), &ClassSet::tumor())?;
            anyhow::Ok(space)
        };
        let space =
            read("width = [8, 16]\nlearning_rate = { low = 1e-4, high = 1e-2, log = true }\n");
        assert_eq!(space.unwrap().0.len(), 2);
        for (text, word) in [
            ("widths = [8, 16]", "widths"),
            ("width = [8]", "fewer than two"),
            ("depth = [\"cnn\", \"vgg12\"]", "vgg12"),
            ("dropout = { low = 0.0, high = 1.0 }", "dropout = 1"),
            (
                "learning_rate = { low = 0.0, high = 1.0, log = true }",
                "above 0",
            ),
            ("head = [1, 2]", "a word is expected"),
            ("width = { low = 3.0, high = 2.0 }", "not below"),
        ] {
            let error = read(text).unwrap_err();
            assert!(format!("{error:#}").contains(word), "{text}: {error:#}");
        }
    }

    #[test]
    fn a_width_means_the_first_stage_in_every_architecture() {
        let base = RunConfig::default();
        let with = |depth: &str| {
            let values = Values::from([
                (Parameter::Width, Value::Number(8.0)),
                (Parameter::Depth, Value::Word(depth.to_owned())),
            ]);
            configuration(&base, &values).unwrap().model
        };
        assert_eq!(with("cnn").widths, Some(vec![8, 16, 32]));
        assert_eq!(with("resnet34").base_width, Some(8));
        assert_eq!(with("resnet34").widths, None);
    }

    #[test]
    fn the_values_of_a_configuration_make_that_configuration_and_another_width_keeps_its_proportions()
     {
        let mut base = RunConfig::default();
        base.model.architecture = "resnet18".parse().unwrap();
        base.model.base_width = None;
        base.model.widths = Some(vec![32, 64, 128, 128]);
        let values: Values = Parameter::ALL
            .into_iter()
            .filter_map(|parameter| Some((parameter, value_of(&base, parameter)?)))
            .collect();
        assert_eq!(values[&Parameter::Width], Value::Number(32.0));
        let again = configuration(&base, &values).unwrap();
        assert_eq!(again.model.widths, base.model.widths);
        assert_eq!(again.model.base_width, None);
        let narrow = Values::from([(Parameter::Width, Value::Number(8.0))]);
        let narrow = configuration(&base, &narrow).unwrap().model;
        assert_eq!(narrow.widths, Some(vec![8, 16, 32, 32]));
    }

    #[test]
    fn a_configuration_names_its_own_values() {
        let base = RunConfig::default();
        for parameter in Parameter::ALL {
            let Some(value) = value_of(&base, parameter) else {
                continue;
            };
            let values = Values::from([(parameter, value)]);
            let again = configuration(&base, &values).unwrap();
            assert_eq!(value_of(&again, parameter), value_of(&base, parameter));
        }
    }
}
