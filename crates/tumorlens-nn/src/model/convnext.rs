//! A small ConvNeXt (Liu et al. 2022) in the sizes of ConvNeXt-Atto (2, 2, 6 and 2 blocks; 40 channels first), with batch
//! normalisation in place of layer normalisation and layer scale, and two 3x3 convolutions in place of the 4x4 stem.

use super::ModelConfig;
use super::trunk::{Level, Trunk};
use crate::graph::{ConvShape, GraphBuilder, NodeId, Op};

/// Blocks of each stage.
const BLOCKS: [usize; 4] = [2, 2, 6, 2];
/// Inner width of a block in units of its own.
const EXPANSION: usize = 4;
const KERNEL: usize = 7;

pub(super) fn trunk(g: &mut GraphBuilder, config: &ModelConfig, input_channels: usize) -> Trunk {
    let base = config.base_width();
    let halved = conv(g, "stem.0", g.input(), [input_channels, base], [3, 2]);
    let halved = g.activate("stem.2", halved, config.activation);
    let mut levels = vec![Level {
        node: halved,
        channels: base,
        stride: 2,
    }];
    let mut x = conv(g, "stem.3", halved, [base, base], [3, 2]);
    g.stage("stem", x);
    for (index, count) in BLOCKS.into_iter().enumerate() {
        let channels = base << index;
        let name = format!("stages.{index}");
        if index > 0 {
            let down = format!("{name}.downsample");
            x = conv(g, &down, x, [channels / 2, channels], [3, 2]);
        }
        for number in 0..count {
            x = block(g, &format!("{name}.blocks.{number}"), x, channels, config);
        }
        g.stage(&name, x);
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

/// Depthwise convolution, then two of 1x1 with the non-linearity between, and the sum with the input.
fn block(
    g: &mut GraphBuilder,
    name: &str,
    input: NodeId,
    channels: usize,
    config: &ModelConfig,
) -> NodeId {
    let x = g.depthwise(format!("{name}.conv_dw"), input, channels, KERNEL, 1);
    let x = g.batch_norm(format!("{name}.norm"), x, channels);
    let inner = EXPANSION * channels;
    let shape = ConvShape {
        channels: [channels, inner],
        kernel: 1,
        stride: 1,
        bias: true,
    };
    let x = g.conv(format!("{name}.fc1"), x, shape);
    let x = g.activate(format!("{name}.act"), x, config.activation);
    let x = conv(g, &format!("{name}.fc2"), x, [inner, channels], [1, 1]);
    g.push(name, Op::Add, &[x, input])
}

/// Convolution and batch normalisation; `kernel` and stride.
pub(super) fn conv(
    g: &mut GraphBuilder,
    name: &str,
    from: NodeId,
    channels: [usize; 2],
    [kernel, stride]: [usize; 2],
) -> NodeId {
    let shape = ConvShape {
        channels,
        kernel,
        stride,
        bias: false,
    };
    let x = g.conv(name, from, shape);
    g.batch_norm(format!("{name}_bn"), x, channels[1])
}
