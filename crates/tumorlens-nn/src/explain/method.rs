//! The methods by name, with what a reader must know to choose one.

use super::{integrated_gradients, occlusion, smooth_grad};
use crate::graph::Graph;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a map is made. `c` below is the number of channels of the layer, a pass is that of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// The network's own evidence map, the logits that its score is pooled from, only resized. What the score rests
    /// on by construction (after Pinheiro and Collobert 2015; Oquab et al. 2015). Needs an evidence head.
    ///
    /// Range: logits, both signs. No gradients. 1 forward pass.
    Evidence,
    /// Channels weighted by the mean of their gradient, summed, rectified
    /// (Selvaraju et al. 2017, "Grad-CAM", <https://arxiv.org/abs/1610.02391>).
    ///
    /// Range: at least 0. Gradients. 1 forward, 1 backward pass.
    GradCam,
    /// As Grad-CAM, weighted so that several objects of one class count alike
    /// (Chattopadhay et al. 2018, <https://arxiv.org/abs/1710.11063>, equation 19).
    ///
    /// Range: at least 0. Gradients. 1 forward, 1 backward pass.
    GradCamPlusPlus,
    /// Activation times gradient, pixel by pixel, summed over channels, rectified
    /// (Draelos and Carin 2020, <https://arxiv.org/abs/2011.08891>). Equals Grad-CAM behind a global mean and one dense
    /// layer, and stays true to the network behind flattening and one dense layer, where Grad-CAM does not.
    ///
    /// Range: at least 0. Gradients. 1 forward, 1 backward pass.
    HiresCam,
    /// Activation times positive gradient, pixel by pixel; also sharp at early layers
    /// (Jiang et al. 2021, <https://ieeexplore.ieee.org/document/9462463>).
    ///
    /// Range: at least 0. Gradients. 1 forward, 1 backward pass.
    LayerCam,
    /// Channels weighted by the score of the image seen through them, softmax over channels
    /// (Wang et al. 2020, <https://arxiv.org/abs/1910.01279>).
    ///
    /// Range: at least 0. No gradients. 1 + c forward passes.
    ScoreCam,
    /// Channels weighted by what the score loses without them (Ramaswamy and Desai 2020,
    /// "Ablation-CAM", WACV). The loss is in logits, not divided by the score as in the paper: a division would turn the map over
    /// where the score is negative, and changes nothing else within one image.
    ///
    /// Range: at least 0. No gradients. 1 + c forward passes.
    AblationCam,
    /// Gradients on the straight way from the darkest image to this one, times the way
    /// (Sundararajan et al. 2017, <https://arxiv.org/abs/1703.01365>). The darkest image holds the smallest value of
    /// each channel everywhere: background. Midpoint rule, 32 steps.
    ///
    /// Range: logits, both signs; the values sum to the score's difference between the two images, up to the
    /// rule's error. Gradients. 32 forward, 32 backward passes.
    IntegratedGradients,
    /// Size of the gradient's mean over 32 copies of the image with normal noise, whose deviation is 0.15 times
    /// the image's range (Smilkov et al. 2017, <https://arxiv.org/abs/1706.03825>). Sensitivity, not evidence.
    ///
    /// Range: at least 0, logits per unit of input. Gradients. 32 forward, 32 backward passes.
    SmoothGrad,
    /// What the score loses when a square is painted with mean grey (0 in the network's units), averaged over the
    /// squares that cover a pixel (Zeiler and Fergus 2014, <https://arxiv.org/abs/1311.2901>). The square's side is
    /// an eighth of the shorter side of the image, moved by half of it.
    ///
    /// Range: logits, both signs. No gradients. About 226 forward passes for a square image.
    Occlusion,
}

/// Passes of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Forward passes.
    pub forward: usize,
    /// Backward passes.
    pub backward: usize,
}

/// Not a method name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown explanation method '{0}': use {all}", all = Method::ALL.map(|m| m.to_string()).join(", "))]
pub struct UnknownMethod(pub String);

impl Method {
    /// All methods, the order of every table.
    pub const ALL: [Self; 10] = [
        Self::Evidence,
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::HiresCam,
        Self::LayerCam,
        Self::ScoreCam,
        Self::AblationCam,
        Self::IntegratedGradients,
        Self::SmoothGrad,
        Self::Occlusion,
    ];

    /// The default for a network: its own evidence map where it has one, else HiResCAM. Of the CAM family that is the
    /// one whose map sums to the score, up to the bias and before rectifying, behind a global mean as well as behind
    /// flattening and one dense layer (Draelos and Carin 2020), at the price of a single backward pass.
    #[must_use]
    pub fn default_for(graph: &Graph) -> Self {
        if graph.evidence.is_some() {
            Self::Evidence
        } else {
            Self::HiresCam
        }
    }

    /// The methods that this network can be explained by, in the order of [`Method::ALL`].
    #[must_use]
    pub fn available(graph: &Graph) -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|m| *m != Self::Evidence || graph.evidence.is_some())
            .collect()
    }

    /// Whether the method looks at a layer of choice: the CAM family.
    #[must_use]
    pub fn takes_layer(self) -> bool {
        !matches!(
            self,
            Self::Evidence | Self::IntegratedGradients | Self::SmoothGrad | Self::Occlusion
        )
    }

    /// Whether the method needs gradients of the score.
    #[must_use]
    pub fn needs_gradients(self) -> bool {
        !matches!(
            self,
            Self::Evidence | Self::ScoreCam | Self::AblationCam | Self::Occlusion
        )
    }

    /// What one map costs at a layer of `channels` channels, for a graph's input.
    #[must_use]
    pub fn passes(self, graph: &Graph, channels: usize) -> Passes {
        let (forward, backward) = match self {
            Self::Evidence => (1, 0),
            Self::GradCam | Self::GradCamPlusPlus | Self::HiresCam | Self::LayerCam => (1, 1),
            Self::ScoreCam | Self::AblationCam => (1 + channels, 0),
            Self::IntegratedGradients => (integrated_gradients::STEPS, integrated_gradients::STEPS),
            Self::SmoothGrad => (smooth_grad::SAMPLES, smooth_grad::SAMPLES),
            Self::Occlusion => (1 + occlusion::windows(graph.input).count(), 0),
        };
        Passes { forward, backward }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::GradCam => "grad_cam",
            Self::GradCamPlusPlus => "grad_cam_plus_plus",
            Self::HiresCam => "hires_cam",
            Self::LayerCam => "layer_cam",
            Self::ScoreCam => "score_cam",
            Self::AblationCam => "ablation_cam",
            Self::IntegratedGradients => "integrated_gradients",
            Self::SmoothGrad => "smooth_grad",
            Self::Occlusion => "occlusion",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    /// Also with hyphens, as people write them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|m| m.name() == name)
            .ok_or_else(|| UnknownMethod(text.to_owned()))
    }
}
