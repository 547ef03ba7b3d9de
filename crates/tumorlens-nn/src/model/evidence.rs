//! A head whose score is what its map shows.
//!
//! A top-down decoder in the manner of feature pyramid networks (Lin et al. 2017) carries what the deepest stage
//! knows down to a finer stride; a 1x1 convolution turns each pixel into a logit per class, and the mean of the
//! strongest pixels is the score. So the map is the explanation, and outlines can supervise it.

use super::trunk::{Level, Trunk, shape_of};
use super::{ModelConfig, ModelError};
use crate::graph::{ConvShape, Graph, GraphBuilder, NodeId, Op};

/// Bias of the map's logits at the start of training: a probability of 12 % for every pixel. Most pixels show no
/// lesion, so a map that starts at 50 % would spend the first steps unlearning that (RetinaNet's prior, Lin et al.
/// 2017, is 1 % because it has 100,000 anchors; here the score pools the strongest pixels and must be able to rise).
pub const INITIAL_BIAS: f32 = -2.0;

/// How the head is built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) stride: usize,
    /// From the map to the score.
    pub(super) pool: Op,
    pub(super) channels: usize,
    pub(super) outputs: usize,
}

pub(super) fn default_stride() -> usize {
    4
}

pub(super) fn default_top() -> f32 {
    0.02
}

pub(super) fn pool(top: f32, sharpness: Option<f32>) -> Op {
    match sharpness {
        Some(sharpness) => Op::SoftMaximum { sharpness },
        None => Op::EvidencePool { top },
    }
}

pub(super) fn default_channels() -> usize {
    64
}

pub(super) fn finish(
    mut g: GraphBuilder,
    trunk: &Trunk,
    config: &ModelConfig,
    shape: Shape,
) -> Result<Graph, ModelError> {
    if !trunk
        .levels
        .iter()
        .any(|level| level.stride == shape.stride)
    {
        return Err(ModelError::Stride {
            architecture: config.architecture,
            found: shape.stride,
            known: trunk.levels.iter().map(|level| level.stride).collect(),
        });
    }
    let channels = shape.channels;
    let mut deeper: Option<NodeId> = None;
    for level in trunk
        .levels
        .iter()
        .rev()
        .take_while(|level| level.stride >= shape.stride)
    {
        let lateral = lateral(&mut g, level, channels);
        deeper = Some(match deeper {
            None => lateral,
            Some(above) => merge(&mut g, above, lateral, level.stride, channels, config)?,
        });
    }
    let start = deeper.unwrap_or(trunk.features);
    let features = refine(&mut g, "head.refine", start, channels, config);
    let mut x = features;
    let rate = config.dropout(false);
    if rate > 0.0 {
        x = g.push("head.drop", Op::Dropout { rate }, &[x]);
    }
    let logits = ConvShape {
        channels: [channels, shape.outputs],
        kernel: 1,
        stride: 1,
        bias: true,
    };
    let map = g.conv("head.map", x, logits);
    let score = g.push("head.pool", shape.pool, &[map]);
    g.stage("head", score);
    Ok(g.finish(score, Some(map), features))
}

/// 1x1 convolution of a stage's output to the decoder's channels, with batch normalisation.
fn lateral(g: &mut GraphBuilder, level: &Level, channels: usize) -> NodeId {
    let shape = ConvShape {
        channels: [level.channels, channels],
        kernel: 1,
        stride: 1,
        bias: false,
    };
    let x = g.conv(format!("head.lateral{}", level.stride), level.node, shape);
    g.batch_norm(format!("head.lateral{}_bn", level.stride), x, channels)
}

/// The deeper map, enlarged, plus the lateral one, smoothed.
fn merge(
    g: &mut GraphBuilder,
    above: NodeId,
    lateral: NodeId,
    stride: usize,
    channels: usize,
    config: &ModelConfig,
) -> Result<NodeId, ModelError> {
    let [_, height, width] = shape_of(g, lateral)?;
    let up = g.push(
        format!("head.up{stride}"),
        Op::Upsample { height, width },
        &[above],
    );
    let sum = g.push(format!("head.sum{stride}"), Op::Add, &[up, lateral]);
    Ok(refine(
        g,
        &format!("head.smooth{stride}"),
        sum,
        channels,
        config,
    ))
}

/// 3x3 convolution, batch normalisation, activation; the last node carries `name` with `_relu`.
fn refine(
    g: &mut GraphBuilder,
    name: &str,
    from: NodeId,
    channels: usize,
    config: &ModelConfig,
) -> NodeId {
    let shape = ConvShape {
        channels: [channels, channels],
        kernel: 3,
        stride: 1,
        bias: false,
    };
    let x = g.conv(name, from, shape);
    let x = g.batch_norm(format!("{name}_bn"), x, channels);
    g.activate(format!("{name}_relu"), x, config.activation)
}
