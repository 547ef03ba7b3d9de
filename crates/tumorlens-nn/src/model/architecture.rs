//! Names of the architectures.

use super::ModelError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Family and depth of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Blocks of convolution, batch normalisation, activation and pooling; the small net of many a tutorial.
    #[default]
    Cnn,
    /// 8 convolutions, with batch normalisation (Simonyan and Zisserman 2015, configuration A).
    Vgg11,
    /// 10 convolutions (configuration B).
    Vgg13,
    /// 13 convolutions (configuration D).
    Vgg16,
    /// 16 convolutions (configuration E).
    Vgg19,
    /// 8 basic blocks (He et al. 2016).
    Resnet18,
    /// 16 basic blocks.
    Resnet34,
    /// 16 bottleneck blocks.
    Resnet50,
    /// As ConvNeXt-Atto, with batch normalisation.
    #[serde(rename = "convnext-like")]
    ConvNextLike,
    /// As EfficientNet-B0, without squeeze-and-excitation.
    #[serde(rename = "efficientnet-like")]
    EfficientNetLike,
}

/// What tells one architecture of a family from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Cnn,
    /// Convolutions in each of the five stages.
    Vgg([usize; 5]),
    ResNet(Blocks),
    ConvNext,
    EfficientNet,
}

/// Residual blocks of each of the four stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocks {
    Basic([usize; 4]),
    Bottleneck([usize; 4]),
}

impl Architecture {
    /// All of them, smallest family first.
    pub const ALL: [Self; 10] = [
        Self::Cnn,
        Self::Vgg11,
        Self::Vgg13,
        Self::Vgg16,
        Self::Vgg19,
        Self::Resnet18,
        Self::Resnet34,
        Self::Resnet50,
        Self::ConvNextLike,
        Self::EfficientNetLike,
    ];

    /// Name in configurations and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cnn => "cnn",
            Self::Vgg11 => "vgg11",
            Self::Vgg13 => "vgg13",
            Self::Vgg16 => "vgg16",
            Self::Vgg19 => "vgg19",
            Self::Resnet18 => "resnet18",
            Self::Resnet34 => "resnet34",
            Self::Resnet50 => "resnet50",
            Self::ConvNextLike => "convnext-like",
            Self::EfficientNetLike => "efficientnet-like",
        }
    }

    pub(super) fn depth(self) -> Depth {
        match self {
            Self::Cnn => Depth::Cnn,
            Self::Vgg11 => Depth::Vgg([1, 1, 2, 2, 2]),
            Self::Vgg13 => Depth::Vgg([2, 2, 2, 2, 2]),
            Self::Vgg16 => Depth::Vgg([2, 2, 3, 3, 3]),
            Self::Vgg19 => Depth::Vgg([2, 2, 4, 4, 4]),
            Self::Resnet18 => Depth::ResNet(Blocks::Basic([2, 2, 2, 2])),
            Self::Resnet34 => Depth::ResNet(Blocks::Basic([3, 4, 6, 3])),
            Self::Resnet50 => Depth::ResNet(Blocks::Bottleneck([3, 4, 6, 3])),
            Self::ConvNextLike => Depth::ConvNext,
            Self::EfficientNetLike => Depth::EfficientNet,
        }
    }

    /// Channels of the first stage in its published form.
    #[must_use]
    pub fn published_width(self) -> usize {
        match self.depth() {
            Depth::Cnn => 32,
            Depth::Vgg(_) | Depth::ResNet(_) => 64,
            Depth::ConvNext => 40,
            Depth::EfficientNet => 16,
        }
    }

    /// Whether its own head has hidden dense layers.
    #[must_use]
    pub fn has_dense(self) -> bool {
        matches!(self.depth(), Depth::Cnn | Depth::Vgg(_))
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        Self::ALL
            .into_iter()
            .find(|a| a.name() == text)
            .ok_or_else(|| ModelError::Unknown {
                found: text.escape_debug().to_string(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}
