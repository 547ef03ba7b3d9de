//! EfficientNet-B0 (Tan and Le 2019) without squeeze-and-excitation: inverted bottlenecks around depthwise convolutions.

use super::ModelConfig;
use super::convnext::conv;
use super::trunk::{Level, Trunk};
use crate::graph::{GraphBuilder, NodeId, Op};

/// A stage of equal blocks.
struct Stage {
    expansion: usize,
    kernel: usize,
    stride: usize,
    blocks: usize,
    /// Channels where the first stage has 16.
    width: usize,
}

const fn stage(
    expansion: usize,
    kernel: usize,
    stride: usize,
    blocks: usize,
    width: usize,
) -> Stage {
    Stage {
        expansion,
        kernel,
        stride,
        blocks,
        width,
    }
}

/// Table 1 of the paper.
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(6, 3, 2, 2, 24),
    stage(6, 5, 2, 2, 40),
    stage(6, 3, 2, 3, 80),
    stage(6, 5, 1, 3, 112),
    stage(6, 5, 2, 4, 192),
    stage(6, 3, 1, 1, 320),
];

pub(super) fn trunk(g: &mut GraphBuilder, config: &ModelConfig, input_channels: usize) -> Trunk {
    let base = config.base_width();
    let scaled = |width: usize| (width * base).div_ceil(16);
    let stem = scaled(32);
    let x = conv(g, "stem", g.input(), [input_channels, stem], [3, 2]);
    let mut x = g.activate("stem_act", x, config.activation);
    g.stage("stem", x);
    let (mut channels, mut stride) = (stem, 2);
    let mut levels: Vec<Level> = Vec::new();
    for (index, stage) in STAGES.iter().enumerate() {
        let width = scaled(stage.width);
        stride *= stage.stride;
        for number in 0..stage.blocks {
            let block = Block {
                name: format!("blocks.{index}.{number}"),
                channels: [channels, channels * stage.expansion, width],
                kernel: stage.kernel,
                stride: if number == 0 { stage.stride } else { 1 },
            };
            x = block.append(g, x, config);
            channels = width;
        }
        g.stage(format!("blocks.{index}"), x);
        let level = Level {
            node: x,
            channels,
            stride,
        };
        // Of stages that share a stride the last counts.
        levels.retain(|l| l.stride != stride);
        levels.push(level);
    }
    Trunk {
        levels,
        features: x,
    }
}

/// An inverted bottleneck.
struct Block {
    name: String,
    /// In, inside, out.
    channels: [usize; 3],
    kernel: usize,
    stride: usize,
}

impl Block {
    fn append(&self, g: &mut GraphBuilder, input: NodeId, config: &ModelConfig) -> NodeId {
        let [from, inner, out] = self.channels;
        let name = |what: &str| format!("{}.{what}", self.name);
        let mut x = input;
        if inner != from {
            x = conv(g, &name("expand"), x, [from, inner], [1, 1]);
            x = g.activate(name("expand_act"), x, config.activation);
        }
        x = g.depthwise(name("depthwise"), x, inner, self.kernel, self.stride);
        x = g.batch_norm(name("depthwise_bn"), x, inner);
        x = g.activate(name("depthwise_act"), x, config.activation);
        x = conv(g, &name("project"), x, [inner, out], [1, 1]);
        if self.stride == 1 && from == out {
            x = g.push(self.name.clone(), Op::Add, &[x, input]);
        }
        x
    }
}
