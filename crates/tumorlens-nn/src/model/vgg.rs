//! VGG with batch normalisation (Simonyan and Zisserman 2015), layers named as in torchvision's `vgg*_bn`.

use super::trunk::{Level, Trunk, shape_of};
use super::{Head, ModelConfig, ModelError};
use crate::graph::{ConvShape, Graph, GraphBuilder, Op};

/// Width of each stage in units of the base width.
const WIDTHS: [usize; 5] = [1, 2, 4, 8, 8];

pub(super) fn trunk(
    g: &mut GraphBuilder,
    config: &ModelConfig,
    input_channels: usize,
    convolutions: [usize; 5],
) -> Trunk {
    let mut trunk = Trunk {
        levels: vec![],
        features: g.input(),
    };
    let (mut x, mut channels) = (g.input(), input_channels);
    // torchvision counts every layer of `features`, weights or not.
    let mut layer = 0;
    let mut name = || {
        layer += 1;
        format!("features.{}", layer - 1)
    };
    for (index, (count, width)) in convolutions.into_iter().zip(WIDTHS).enumerate() {
        let width = width * config.base_width();
        for _ in 0..count {
            let shape = ConvShape {
                channels: [channels, width],
                kernel: 3,
                stride: 1,
                bias: true,
            };
            x = g.conv(name(), x, shape);
            x = g.batch_norm(name(), x, width);
            x = g.activate(name(), x, config.activation);
            channels = width;
        }
        trunk.features = x;
        x = g.push(
            name(),
            Op::MaxPool {
                kernel: 2,
                stride: 2,
                padding: 0,
            },
            &[x],
        );
        g.stage(format!("block{}", index + 1), x);
        trunk.levels.push(Level {
            node: x,
            channels: width,
            stride: 2 << index,
        });
    }
    trunk
}

/// Mean over 7 x 7 cells (or every value), then `classifier.0`, `.3` and `.6`.
pub(super) fn finish(
    mut g: GraphBuilder,
    trunk: &Trunk,
    config: &ModelConfig,
    outputs: usize,
) -> Result<Graph, ModelError> {
    let mut x = trunk.end();
    if config.head == Head::Gap {
        x = g.push("avgpool", Op::AvgPool { side: 7 }, &[x]);
    }
    x = g.push("flatten", Op::Flatten, &[x]);
    let [mut inputs, ..] = shape_of(&g, x)?;
    let dense = config.dense();
    for first in [0, 3] {
        x = g.push(
            format!("classifier.{first}"),
            Op::Linear {
                inputs,
                outputs: dense,
            },
            &[x],
        );
        x = g.activate(format!("classifier.{}", first + 1), x, config.activation);
        x = g.push(
            format!("classifier.{}", first + 2),
            Op::Dropout {
                rate: config.dropout(true),
            },
            &[x],
        );
        inputs = dense;
    }
    x = g.push("classifier.6", Op::Linear { inputs, outputs }, &[x]);
    g.stage("head", x);
    Ok(g.finish(x, None, trunk.features))
}
