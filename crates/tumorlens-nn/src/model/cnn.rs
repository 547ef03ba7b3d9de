//! The small net: blocks of 3x3 convolution (with bias), batch normalisation, activation and 2x2 max pooling,
//! then one hidden dense layer.

use super::trunk::{Level, Trunk, shape_of};
use super::{Head, ModelConfig, ModelError};
use crate::graph::{ConvShape, Graph, GraphBuilder, Op};

pub(super) fn trunk(g: &mut GraphBuilder, config: &ModelConfig, input_channels: usize) -> Trunk {
    let mut trunk = Trunk {
        levels: vec![],
        features: g.input(),
    };
    let (mut x, mut channels) = (g.input(), input_channels);
    for (index, &width) in config.widths().iter().enumerate() {
        let n = index + 1;
        let shape = ConvShape {
            channels: [channels, width],
            kernel: 3,
            stride: 1,
            bias: true,
        };
        x = g.conv(format!("conv{n}"), x, shape);
        x = g.batch_norm(format!("bn{n}"), x, width);
        x = g.activate(format!("relu{n}"), x, config.activation);
        trunk.features = x;
        x = g.push(
            format!("pool{n}"),
            Op::MaxPool {
                kernel: 2,
                stride: 2,
                padding: 0,
            },
            &[x],
        );
        g.stage(format!("block{n}"), x);
        trunk.levels.push(Level {
            node: x,
            channels: width,
            stride: 1 << n,
        });
        channels = width;
    }
    trunk
}

/// Mean (or every value), dense layer, activation, dropout, logits: `fc1`, `fc2`.
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
    let [inputs, ..] = shape_of(&g, x)?;
    x = g.push(
        "fc1",
        Op::Linear {
            inputs,
            outputs: config.dense(),
        },
        &[x],
    );
    x = g.activate("fc1_relu", x, config.activation);
    x = g.push(
        "drop",
        Op::Dropout {
            rate: config.dropout(true),
        },
        &[x],
    );
    x = g.push(
        "fc2",
        Op::Linear {
            inputs: config.dense(),
            outputs,
        },
        &[x],
    );
    g.stage("head", x);
    Ok(g.finish(x, None, trunk.features))
}
