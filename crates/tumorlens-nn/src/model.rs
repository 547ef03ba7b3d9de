//! Models by name: a small configuration becomes a [`Graph`].
//!
//! Architectures and layer names are torchvision's where there are any, so that its weights load by name.

mod architecture;
mod cnn;
mod convnext;
mod efficientnet;
mod evidence;
mod limits;
mod resnet;
mod trunk;
mod vgg;

pub use architecture::Architecture;
pub use evidence::INITIAL_BIAS as EVIDENCE_INITIAL_BIAS;

use crate::graph::{Activation, Graph, GraphBuilder, ShapeError};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// What to build. An option that the architecture does not have is an error, never ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Family and depth.
    pub architecture: Architecture,
    /// From the last feature map to the logits.
    pub head: Head,
    /// Non-linearity everywhere. Default: ReLU.
    pub activation: Activation,
    /// `cnn`: channels of each block, so its length is the number of blocks; default 32, 64, 128. `resnet*`: (inner) channels of
    /// each of the four stages, in place of `base_width`; as published they double, and the last stage holds three weights of
    /// four.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Vec<usize>>,
    /// All others: channels of the first stage, from which those of the rest follow. Default: as published (64 for `vgg*` and
    /// `resnet*`, 40 for `convnext-like`, 16 for `efficientnet-like`); 32 of 64 is a net of half the width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_width: Option<usize>,
    /// `cnn`, `vgg*`: features of the hidden dense layer(s). Default: 128 and 64 times the base width (4096).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dense: Option<usize>,
    /// Dropout rate of the head, 0 to below 1. Default: 0.5 after each hidden dense layer, 0 elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f32>,
}

/// From the last feature map to the logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Head {
    /// The architecture's own: mean over the map (`vgg*`: over a grid of 7 x 7 cells), then its dense layers.
    #[default]
    Gap,
    /// Every value of the map is a feature; the number of weights then depends on the size of the image.
    Flatten,
    /// A map of logits, one per class, decoded top-down from all stages; its strongest part is the score.
    /// No hidden dense layer.
    Evidence {
        /// Pixels of the image per pixel of the map, a power of two that the architecture reaches. Default: 4.
        #[serde(default = "evidence::default_stride")]
        stride: usize,
        /// Share of the map's pixels whose mean is the score, above 0, at most 1. Default: 0.02, the share of the
        /// image that a small lesion fills.
        #[serde(default = "evidence::default_top")]
        top: f32,
        /// In place of the mean of the top: a soft maximum of the whole map of this sharpness, above 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sharpness: Option<f32>,
        /// Channels of the decoder. Default: 64.
        #[serde(default = "evidence::default_channels")]
        channels: usize,
    },
}

/// A configuration from which no network can be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// Not the name of an architecture.
    #[error("unknown model '{found}': use {known}")]
    Unknown {
        /// What was asked for.
        found: String,
        /// All names.
        known: String,
    },
    /// The architecture has no such option.
    #[error("model {architecture}: has no option '{option}'{hint}")]
    NotAnOption {
        /// Architecture.
        architecture: Architecture,
        /// The option.
        option: &'static str,
        /// What to use instead, or nothing.
        hint: &'static str,
    },
    /// An option is out of range.
    #[error("model: '{option}' is {found}, expected {expected}")]
    Range {
        /// The option.
        option: &'static str,
        /// What was given.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// The architecture has no map at this stride.
    #[error("model {architecture}: no evidence map at stride {found}, use one of {known:?}")]
    Stride {
        /// Architecture.
        architecture: Architecture,
        /// Stride asked for.
        found: usize,
        /// Strides of its stages.
        known: Vec<usize>,
    },
    /// The network would be too large.
    #[error(
        "model: more than {limit} weights; use the head 'gap', a smaller image or fewer channels"
    )]
    TooLarge {
        /// Most weights allowed.
        limit: usize,
    },
    /// The image is too small for it.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl ModelConfig {
    /// An architecture with its defaults.
    #[must_use]
    pub fn new(architecture: Architecture) -> Self {
        Self {
            architecture,
            ..Self::default()
        }
    }

    /// Checks everything that does not depend on the image.
    ///
    /// # Errors
    /// When an option is out of range or the architecture does not have it.
    pub fn check(&self) -> Result<(), ModelError> {
        limits::check(self)
    }

    /// Builds the graph for images of shape `input`, `[channels, height, width]`, with `outputs` logits
    /// (one for two classes, otherwise one per class).
    ///
    /// # Errors
    /// When the configuration is wrong or does not fit the image.
    pub fn graph(&self, input: [usize; 3], outputs: usize) -> Result<Graph, ModelError> {
        self.check()?;
        limits::check_sizes(input, outputs)?;
        let mut builder = GraphBuilder::new(input);
        let trunk = match self.architecture.depth() {
            architecture::Depth::Cnn => cnn::trunk(&mut builder, self, input[0]),
            architecture::Depth::Vgg(convolutions) => {
                vgg::trunk(&mut builder, self, input[0], convolutions)
            }
            architecture::Depth::ResNet(blocks) => {
                resnet::trunk(&mut builder, self, input[0], blocks)
            }
            architecture::Depth::ConvNext => convnext::trunk(&mut builder, self, input[0]),
            architecture::Depth::EfficientNet => efficientnet::trunk(&mut builder, self, input[0]),
        };
        let graph = match (self.head, self.architecture.depth()) {
            (
                Head::Evidence {
                    stride,
                    top,
                    sharpness,
                    channels,
                },
                _,
            ) => {
                let shape = evidence::Shape {
                    stride,
                    pool: evidence::pool(top, sharpness),
                    channels,
                    outputs,
                };
                evidence::finish(builder, &trunk, self, shape)?
            }
            (_, architecture::Depth::Cnn) => cnn::finish(builder, &trunk, self, outputs)?,
            (_, architecture::Depth::Vgg(_)) => vgg::finish(builder, &trunk, self, outputs)?,
            _ => resnet::finish(builder, &trunk, self, outputs)?,
        };
        graph.shapes()?;
        limits::check_weights(&graph)?;
        Ok(graph)
    }

    /// One line for the model card, e.g. `resnet18 (base width 32, relu), evidence map at stride 4 (top 2 %)`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = format!("{} (", self.architecture);
        // Writing to a string cannot fail.
        let _ = match (&self.widths, self.architecture.depth()) {
            (Some(_), _) | (None, architecture::Depth::Cnn) => {
                write!(text, "widths {:?}", self.widths())
            }
            (None, _) => write!(text, "base width {}", self.base_width()),
        };
        let _ = write!(text, ", {}), ", activation_name(self.activation));
        let _ = match self.head {
            Head::Gap => write!(text, "global average pool"),
            Head::Flatten => write!(text, "flatten"),
            Head::Evidence {
                stride,
                sharpness: Some(sharpness),
                ..
            } => write!(
                text,
                "evidence map at stride {stride} (soft maximum, {sharpness})"
            ),
            Head::Evidence { stride, top, .. } => write!(
                text,
                "evidence map at stride {stride} (top {} %)",
                f64::from(top * 1000.0).round() / 10.0
            ),
        };
        let has_dense =
            self.architecture.has_dense() && !matches!(self.head, Head::Evidence { .. });
        if has_dense {
            let _ = write!(text, ", dense {}", self.dense());
        }
        if self.dropout(has_dense) > 0.0 {
            let _ = write!(text, ", dropout {}", self.dropout(has_dense));
        }
        text
    }

    fn widths(&self) -> &[usize] {
        self.widths.as_deref().unwrap_or(&[32, 64, 128])
    }

    /// Of a residual network.
    fn stages(&self) -> [usize; 4] {
        let published = || std::array::from_fn(|stage| self.base_width() << stage);
        let given = self.widths.as_deref().map(<[usize; 4]>::try_from);
        given.and_then(Result::ok).unwrap_or_else(published)
    }

    fn base_width(&self) -> usize {
        self.base_width
            .unwrap_or_else(|| self.architecture.published_width())
    }

    fn dense(&self) -> usize {
        match self.architecture.depth() {
            architecture::Depth::Cnn => self.dense.unwrap_or(128),
            _ => self.dense.unwrap_or(64 * self.base_width()),
        }
    }

    fn dropout(&self, after_dense: bool) -> f32 {
        self.dropout.unwrap_or(if after_dense { 0.5 } else { 0.0 })
    }
}

fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Relu => "relu",
        Activation::LeakyRelu => "leaky_relu",
        Activation::Gelu => "gelu",
        Activation::Silu => "silu",
        Activation::Elu => "elu",
    }
}

#[cfg(test)]
mod tests;
