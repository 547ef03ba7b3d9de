//! Running a graph.

use super::Network;
use super::evidence_pool::{evidence_pool, soft_maximum};
use super::upsample::upsample;
use crate::graph::{Activation, Node, NodeId, Op};
use burn::tensor::module::{
    adaptive_avg_pool2d, batch_norm, batch_norm_train, conv2d, linear, max_pool2d,
};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, TensorData, activation};
use rand::RngExt;
use tumorlens_core::Seed;

/// Epsilon of every batch normalisation, PyTorch's default.
pub(crate) const EPSILON: f64 = 1e-5;

/// Whether the network is used or trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, no dropout.
    Inference,
    /// Batch statistics; dropout draws from the seed, so a step has its own.
    Training(Seed),
}

/// The output of one node during a pass, offered to a tap.
#[derive(Debug)]
pub struct NodeValue<'a> {
    /// Which node.
    pub id: NodeId,
    /// The node.
    pub node: &'a Node,
    /// Its output, `[batch, channels, height, width]`.
    pub value: Tensor<4>,
}

/// What one pass gives.
#[derive(Debug)]
pub struct Pass {
    /// Logits `[batch, outputs]`.
    pub logits: Tensor<2>,
    /// Evidence map `[batch, outputs, h, w]`, where the graph has one.
    pub evidence: Option<Tensor<4>>,
    /// In training: name of each batch normalisation with mean and biased variance `[channels]` of the batch,
    /// and the number of values each was taken over.
    pub batch_statistics: Vec<BatchStatistics>,
}

/// Statistics of one batch normalisation over one batch.
#[derive(Debug)]
pub struct BatchStatistics {
    /// Name of the layer.
    pub layer: String,
    /// Mean `[channels]`.
    pub mean: Tensor<1>,
    /// Biased variance `[channels]`.
    pub variance: Tensor<1>,
    /// Values each mean was taken over.
    pub count: usize,
}

impl Network {
    /// Runs a batch `[batch, channels, height, width]`.
    #[must_use]
    pub fn forward(&self, input: Tensor<4>, mode: Mode) -> Pass {
        self.forward_tapped(input, mode, &mut |tapped| tapped.value)
    }

    /// Runs a batch and hands every node's output to `tap`, which returns the value to go on with: the same one,
    /// or e.g. `value.detach().require_grad()` to read the gradient there.
    pub fn forward_tapped(
        &self,
        input: Tensor<4>,
        mode: Mode,
        tap: &mut dyn FnMut(NodeValue<'_>) -> Tensor<4>,
    ) -> Pass {
        let graph = &self.graph;
        let last_use = last_uses(graph);
        let mut values: Vec<Option<Tensor<4>>> = vec![None; graph.nodes.len()];
        let mut statistics = Vec::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            let take = |id: NodeId, values: &mut Vec<Option<Tensor<4>>>| {
                if last_use[id.0] == index {
                    values[id.0].take()
                } else {
                    values[id.0].clone()
                }
            };
            let inputs: Vec<Tensor<4>> = node
                .inputs
                .iter()
                .filter_map(|&id| take(id, &mut values))
                .collect();
            let value = match inputs.as_slice() {
                [] => input.clone(),
                _ => self.apply(node, inputs, mode, &mut statistics),
            };
            values[index] = Some(tap(NodeValue {
                id: NodeId(index),
                node,
                value,
            }));
        }
        let evidence = graph.evidence.and_then(|id| values[id.0].take());
        // The logits are kept to the end by `last_uses`, so the value is there.
        let logits = values[graph.logits.0].take().unwrap_or(input);
        let [n, outputs, _, _] = logits.dims();
        Pass {
            logits: logits.reshape([n, outputs]),
            evidence,
            batch_statistics: statistics,
        }
    }

    fn apply(
        &self,
        node: &Node,
        mut inputs: Vec<Tensor<4>>,
        mode: Mode,
        statistics: &mut Vec<BatchStatistics>,
    ) -> Tensor<4> {
        let second = (inputs.len() > 1).then(|| inputs.remove(1));
        let x = inputs.remove(0);
        match node.op {
            Op::Input | Op::Flatten => {
                let [n, c, h, w] = x.dims();
                if node.op == Op::Input {
                    x
                } else {
                    x.reshape([n, c * h * w, 1, 1])
                }
            }
            Op::Conv {
                inputs,
                outputs,
                kernel,
                stride,
                padding,
                bias,
            } => {
                let weight = self
                    .get(node, "weight")
                    .reshape([outputs, inputs, kernel, kernel]);
                let bias = bias.then(|| self.get(node, "bias"));
                conv2d(
                    x,
                    weight,
                    bias,
                    ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1),
                )
            }
            Op::Depthwise {
                channels,
                kernel,
                stride,
                padding,
            } => {
                let weight = self
                    .get(node, "weight")
                    .reshape([channels, 1, kernel, kernel]);
                let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], channels);
                conv2d(x, weight, None, options)
            }
            Op::BatchNorm { .. } => self.normalise(node, x, mode, statistics),
            Op::Activate { activation } => activate(x, activation),
            Op::MaxPool {
                kernel,
                stride,
                padding,
            } => {
                let mut options = MaxPoolOptions::new([kernel; 2]);
                options.stride = [stride; 2];
                options.padding = [(padding, padding); 2];
                max_pool2d(x, options)
            }
            Op::AvgPool { side: 1 } => x.mean_dim(3).mean_dim(2),
            Op::AvgPool { side } => adaptive_avg_pool2d(x, [side; 2]),
            Op::Linear { inputs, outputs } => {
                let [n, ..] = x.dims();
                // The framework keeps dense weights the other way round: [inputs, outputs].
                let weight = self
                    .get(node, "weight")
                    .reshape([outputs, inputs])
                    .transpose();
                let y = linear(x.reshape([n, inputs]), weight, Some(self.get(node, "bias")));
                y.reshape([n, outputs, 1, 1])
            }
            Op::Dropout { rate } => match mode {
                Mode::Inference => x,
                Mode::Training(seed) => dropout(x, rate, seed.derive(&node.name)),
            },
            Op::Add => match second {
                Some(second) => x + second,
                None => x,
            },
            Op::Upsample { height, width } => upsample(x, [height, width]),
            Op::EvidencePool { top } => evidence_pool(x, top),
            Op::SoftMaximum { sharpness } => soft_maximum(x, sharpness),
        }
    }

    fn normalise(
        &self,
        node: &Node,
        x: Tensor<4>,
        mode: Mode,
        statistics: &mut Vec<BatchStatistics>,
    ) -> Tensor<4> {
        let (scale, shift) = (self.get(node, "weight"), self.get(node, "bias"));
        match mode {
            Mode::Inference => {
                let (mean, variance) = (
                    self.get(node, "running_mean"),
                    self.get(node, "running_var"),
                );
                batch_norm(x, scale, shift, mean, variance, EPSILON)
            }
            Mode::Training(_) => {
                let [n, _, h, w] = x.dims();
                let result = batch_norm_train(x, scale, shift, EPSILON);
                statistics.push(BatchStatistics {
                    layer: node.name.clone(),
                    mean: result.mean,
                    variance: result.variance,
                    count: n * h * w,
                });
                result.output
            }
        }
    }

    /// Every slot of the graph was checked in `new`, so the parameter is there.
    fn get(&self, node: &Node, suffix: &str) -> Tensor<1> {
        self.values()[&format!("{}.{suffix}", node.name)].clone()
    }
}

/// For every node the index of the last node that needs it; outputs are needed to the end.
fn last_uses(graph: &crate::graph::Graph) -> Vec<usize> {
    let mut last = vec![0; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for id in &node.inputs {
            last[id.0] = index;
        }
    }
    for id in graph.evidence.iter().chain([&graph.logits]) {
        last[id.0] = usize::MAX;
    }
    last
}

fn activate(x: Tensor<4>, which: Activation) -> Tensor<4> {
    match which {
        Activation::Relu => activation::relu(x),
        Activation::LeakyRelu => activation::leaky_relu(x, 0.01),
        Activation::Gelu => activation::gelu(x),
        Activation::Silu => activation::silu(x),
        Activation::Elu => activation::elu(x, 1.0),
    }
}

fn dropout(x: Tensor<4>, rate: f32, seed: Seed) -> Tensor<4> {
    if rate <= 0.0 {
        return x;
    }
    let shape = x.dims();
    let mask = dropout_factors(shape.iter().product(), rate, seed);
    let mask = Tensor::<4>::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}

/// For every value 0 with probability `rate`, else what keeps the mean.
pub(crate) fn dropout_factors(count: usize, rate: f32, seed: Seed) -> Vec<f32> {
    let mut rng = seed.rng();
    let keep = 1.0 / (1.0 - rate);
    (0..count)
        .map(|_| {
            if rng.random::<f32>() < rate {
                0.0
            } else {
                keep
            }
        })
        .collect()
}
