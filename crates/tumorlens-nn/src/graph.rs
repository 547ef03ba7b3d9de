//! An architecture as a value: named operations in order of evaluation.
//!
//! Shapes are those of one image, `[channels, height, width]`; a flat vector of `n` features is `[n, 1, 1]`.

mod builder;
pub mod ensemble;
mod shape;

pub use builder::{ConvShape, GraphBuilder};
pub use shape::ShapeError;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Position of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub usize);

/// Non-linearity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, x).
    #[default]
    Relu,
    /// x for x > 0, else 0.01 x.
    LeakyRelu,
    /// x times the normal distribution function of x (Hendrycks and Gimpel 2016).
    Gelu,
    /// x times the logistic function of x (Elfwing et al. 2017).
    Silu,
    /// exp(x) - 1 below 0, x above (Clevert et al. 2015).
    Elu,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Op {
    /// The image itself.
    Input,
    /// 2-D convolution, square kernel, same stride and zero padding on all sides.
    /// Weight `[outputs, inputs, kernel, kernel]`, bias `[outputs]`.
    Conv {
        /// Channels in.
        inputs: usize,
        /// Channels out.
        outputs: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Zero padding.
        padding: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// 2-D convolution of every channel by itself, square kernel, same stride and zero padding on all sides.
    /// Weight `[channels, 1, kernel, kernel]`, no bias.
    Depthwise {
        /// Channels in and out.
        channels: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Zero padding.
        padding: usize,
    },
    /// Batch normalisation over batch, height and width (Ioffe and Szegedy 2015), epsilon 1e-5, momentum 0.1.
    BatchNorm {
        /// Channels.
        channels: usize,
    },
    /// Non-linearity.
    Activate {
        /// Which.
        activation: Activation,
    },
    /// Maximum over square windows.
    MaxPool {
        /// Side of the window.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Padding that never wins.
        padding: usize,
    },
    /// Mean over a grid of `side` x `side` cells, as PyTorch's adaptive_avg_pool2d; 1 is the global mean.
    AvgPool {
        /// Cells a side.
        side: usize,
    },
    /// `[c, h, w]` to `[c h w, 1, 1]`.
    Flatten,
    /// Dense layer. Weight `[outputs, inputs]`, bias `[outputs]`.
    Linear {
        /// Features in.
        inputs: usize,
        /// Features out.
        outputs: usize,
    },
    /// Sets each value to 0 with probability `rate` while training, and scales the rest (Srivastava et al. 2014).
    Dropout {
        /// Probability, 0 to below 1.
        rate: f32,
    },
    /// Sum of two inputs of one shape.
    Add,
    /// Bilinear upsampling to a size, half-pixel centres, as PyTorch's interpolate without align_corners.
    Upsample {
        /// Height, at least the input's.
        height: usize,
        /// Width, at least the input's.
        width: usize,
    },
    /// Evidence map to score: mean of the largest `top` share of the map's logits, per channel.
    /// `[k, h, w]` to `[k, 1, 1]`.
    EvidencePool {
        /// Share of the pixels, above 0, at most 1; at least one pixel is taken.
        top: f32,
    },
    /// Evidence map to score: the logarithm of the mean of `exp(sharpness x)` over the map, divided by `sharpness`, per
    /// channel; it lies between the mean (sharpness near 0) and the maximum (large). Pinheiro and Collobert 2015.
    /// `[k, h, w]` to `[k, 1, 1]`.
    SoftMaximum {
        /// Above 0.
        sharpness: f32,
    },
}

/// A named operation and where its inputs come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique name, torchvision's where there is one, e.g. `layer1.0.conv1`.
    pub name: String,
    /// The operation.
    pub op: Op,
    /// Earlier nodes whose outputs it takes.
    pub inputs: Vec<NodeId>,
}

/// A whole architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Shape of the input, `[channels, height, width]`.
    pub input: [usize; 3],
    /// Operations in order of evaluation; the first is [`Op::Input`].
    pub nodes: Vec<Node>,
    /// The logits, `[classes, 1, 1]`.
    pub logits: NodeId,
    /// The evidence map `[classes, h, w]`, where the score is pooled from one.
    pub evidence: Option<NodeId>,
    /// The last feature map `[c, h, w]`: the default target of Grad-CAM and its kin.
    pub features: NodeId,
    /// Stages from the input on, for freezing: name and the last node of each.
    pub stages: Vec<(String, NodeId)>,
    /// Where a [guard](crate::guard) stands beside the network: its logit `[1, 1, 1]`, above 0 for what is no head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<NodeId>,
}

impl Graph {
    /// The node at `id`; ids come from this graph's builder.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|n| n.name == name).map(NodeId)
    }

    /// The answers whose mean is this graph's: its map or logits, or those of the members of an ensemble, each scaled by
    /// one over their number. Of members that score their own maps, their scores.
    #[must_use]
    pub fn members(&self) -> Vec<NodeId> {
        let mut members = Vec::new();
        let is_sum = self.node(self.logits).op == Op::Add;
        let mut answer = self.evidence.filter(|_| !is_sum).unwrap_or(self.logits);
        while let (Op::Add, [before, own]) =
            (self.node(answer).op, self.node(answer).inputs.as_slice())
        {
            members.push(*own);
            answer = *before;
        }
        members.push(answer);
        members.reverse();
        members
    }

    /// The map that knows most of an image and least of where things are: of the (first member's) maps behind a
    /// non-linearity the last with the most channels; [`Graph::features`] where there is none.
    #[must_use]
    pub fn deepest(&self) -> NodeId {
        let levels = self.levels();
        levels.last().copied().unwrap_or(self.features)
    }

    /// Of the maps behind a non-linearity the last of each number of channels, as far as the deepest; of every member of an
    /// ensemble, the first member's last, so that the last of all is [`Graph::deepest`]. [`Graph::features`] alone where there
    /// is none.
    #[must_use]
    pub fn levels(&self) -> Vec<NodeId> {
        let first = self.levels_of_first();
        let others = 1..self.members().len();
        let in_member = |member: usize, level: &NodeId| {
            let name = self.node(*level).name.strip_prefix("member0.")?;
            self.find(&format!("member{member}.{name}"))
        };
        let others =
            others.flat_map(|member| first.iter().filter_map(move |l| in_member(member, l)));
        let levels: Vec<NodeId> = others.chain(first.iter().copied()).collect();
        if levels.is_empty() {
            return vec![self.features];
        }
        levels
    }

    fn levels_of_first(&self) -> Vec<NodeId> {
        let shapes = self.shapes().unwrap_or_default();
        let last = self.members()[0].0;
        let of_map = |node: &Node| {
            let before = node.inputs.first().map(|id| self.node(*id).op);
            matches!(node.op, Op::Activate { .. }) && !matches!(before, Some(Op::Linear { .. }))
        };
        let maps = self.nodes.iter().zip(&shapes).enumerate().take(last + 1);
        let maps: Vec<(NodeId, usize)> = maps
            .filter(|(_, (node, _))| of_map(node))
            .map(|(index, (_, [channels, ..]))| (NodeId(index), *channels))
            .collect();
        // What stands behind the deepest leads back to finer maps.
        let deepest = maps.iter().max_by_key(|(_, channels)| *channels).copied();
        let trunk = maps
            .iter()
            .filter(|(id, _)| deepest.is_some_and(|d| *id <= d.0));
        let of_channels: BTreeMap<usize, NodeId> = trunk.map(|(id, c)| (*c, *id)).collect();
        let mut levels: Vec<NodeId> = of_channels.into_values().collect();
        levels.sort_unstable();
        levels
    }

    /// Shape of every node's output for one image.
    ///
    /// # Errors
    /// When an operation does not fit its inputs; names the node.
    pub fn shapes(&self) -> Result<Vec<[usize; 3]>, ShapeError> {
        shape::infer(self)
    }

    /// Number of classes' logits.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.shapes().map_or(0, |shapes| shapes[self.logits.0][0])
    }
}
