//! Residual networks (He et al. 2016), layers named as in torchvision. As there, a bottleneck's stride is in its
//! 3x3 convolution.

use super::architecture::Blocks;
use super::trunk::{Level, Trunk, shape_of};
use super::{Head, ModelConfig, ModelError};
use crate::graph::{Activation, ConvShape, Graph, GraphBuilder, NodeId, Op};

/// A bottleneck's outputs in units of its inner width.
const EXPANSION: usize = 4;

pub(super) fn trunk(
    g: &mut GraphBuilder,
    config: &ModelConfig,
    input_channels: usize,
    blocks: Blocks,
) -> Trunk {
    let widths = config.stages();
    let base = widths[0];
    let activation = config.activation;
    let stem = ConvShape {
        channels: [input_channels, base],
        kernel: 7,
        stride: 2,
        bias: false,
    };
    let x = g.conv("conv1", g.input(), stem);
    let x = g.batch_norm("bn1", x, base);
    let stem = g.activate("relu", x, activation);
    let mut x = g.push(
        "maxpool",
        Op::MaxPool {
            kernel: 3,
            stride: 2,
            padding: 1,
        },
        &[stem],
    );
    g.stage("stem", x);
    let mut levels = vec![Level {
        node: stem,
        channels: base,
        stride: 2,
    }];
    let (counts, expansion) = match blocks {
        Blocks::Basic(counts) => (counts, 1),
        Blocks::Bottleneck(counts) => (counts, EXPANSION),
    };
    let mut channels = base;
    for (index, (count, inner)) in counts.into_iter().zip(widths).enumerate() {
        for number in 0..count {
            let block = Block {
                name: format!("layer{}.{number}", index + 1),
                channels: [channels, inner, inner * expansion],
                stride: if index > 0 && number == 0 { 2 } else { 1 },
                activation,
            };
            x = block.append(g, x, blocks);
            channels = inner * expansion;
        }
        g.stage(format!("layer{}", index + 1), x);
        levels.push(Level {
            node: x,
            channels,
            stride: 4 << index,
        });
    }
    Trunk {
        levels,
        features: x,
    }
}

/// Mean (or every value), then `fc`.
pub(super) fn finish(
    mut g: GraphBuilder,
    trunk: &Trunk,
    config: &ModelConfig,
    outputs: usize,
) -> Result<Graph, ModelError> {
    let mut x = trunk.end();
    if config.head == Head::Gap {
        x = g.push("avgpool", Op::AvgPool { side: 1 }, &[x]);
    }
    x = g.push("flatten", Op::Flatten, &[x]);
    let rate = config.dropout(false);
    if rate > 0.0 {
        x = g.push("drop", Op::Dropout { rate }, &[x]);
    }
    let [inputs, ..] = shape_of(&g, x)?;
    x = g.push("fc", Op::Linear { inputs, outputs }, &[x]);
    g.stage("head", x);
    Ok(g.finish(x, None, trunk.features))
}

/// One residual block; its output node carries the block's own name.
struct Block {
    name: String,
    /// In, inside, out.
    channels: [usize; 3],
    stride: usize,
    activation: Activation,
}

impl Block {
    fn append(&self, g: &mut GraphBuilder, input: NodeId, blocks: Blocks) -> NodeId {
        let [c, inner, out] = self.channels;
        let branch = match blocks {
            Blocks::Basic(_) => {
                let x = self.conv(g, input, 1, 3, self.stride, [c, inner]);
                let x = g.activate(format!("{}.relu1", self.name), x, self.activation);
                self.conv(g, x, 2, 3, 1, [inner, out])
            }
            Blocks::Bottleneck(_) => {
                let x = self.conv(g, input, 1, 1, 1, [c, inner]);
                let x = g.activate(format!("{}.relu1", self.name), x, self.activation);
                let x = self.conv(g, x, 2, 3, self.stride, [inner, inner]);
                let x = g.activate(format!("{}.relu2", self.name), x, self.activation);
                self.conv(g, x, 3, 1, 1, [inner, out])
            }
        };
        let shortcut = if self.stride == 1 && c == out {
            input
        } else {
            let shape = ConvShape {
                channels: [c, out],
                kernel: 1,
                stride: self.stride,
                bias: false,
            };
            let x = g.conv(format!("{}.downsample.0", self.name), input, shape);
            g.batch_norm(format!("{}.downsample.1", self.name), x, out)
        };
        let sum = g.push(format!("{}.add", self.name), Op::Add, &[branch, shortcut]);
        g.activate(self.name.clone(), sum, self.activation)
    }

    /// Convolution and batch normalisation number `n` of the block.
    fn conv(
        &self,
        g: &mut GraphBuilder,
        from: NodeId,
        n: usize,
        kernel: usize,
        stride: usize,
        channels: [usize; 2],
    ) -> NodeId {
        let shape = ConvShape {
            channels,
            kernel,
            stride,
            bias: false,
        };
        let x = g.conv(format!("{}.conv{n}", self.name), from, shape);
        g.batch_norm(format!("{}.bn{n}", self.name), x, channels[1])
    }
}
