//! The forward pass.

use super::dense;
use super::plan::{self, Norm, Step, activation, conv};
use super::record::Task;
use super::{Collected, Engine, LayerStatistics, LayerWeights, Output, PackedLayer, Statistics};
use crate::graph::Op;
use crate::network::{EPSILON, Mode, dropout_factors};
use crate::weights::Weights;
use std::sync::{Arc, Mutex};
use tumorlens_kernels::conv::{Conv, Ending, Start, Storage};
use tumorlens_kernels::depthwise::{self, Depthwise, Taps};
use tumorlens_kernels::norm::{self, in_blocks, moments};
use tumorlens_kernels::pool;
use tumorlens_kernels::{Blocked, Lane, Shape, element};

impl<P: Storage> Engine<P> {
    /// Runs a batch `[images, channels, height, width]`.
    pub(crate) fn forward(&mut self, weights: &Weights, input: &[f32], mode: Mode) -> Output {
        let statistics = self.pass(weights, input, mode, 0..self.graph.nodes.len());
        Output {
            logits: self.result(self.graph.logits.0),
            evidence: self.graph.evidence.map(|id| self.result(id.0)),
            statistics,
        }
    }

    /// Runs some nodes of which each stands after what it reads.
    pub(super) fn pass(
        &mut self,
        weights: &Weights,
        input: &[f32],
        mode: Mode,
        nodes: impl Iterator<Item = usize>,
    ) -> Vec<LayerStatistics> {
        self.fit_to(input);
        if mode != Mode::Inference {
            self.packed.fill(None);
        }
        let mut statistics = Vec::new();
        self.start_clock();
        for index in nodes {
            match self.plan.steps[index] {
                Step::Later => {}
                Step::Norm(norm) => self.norm(weights, index, norm, mode, &mut statistics),
                Step::Node => self.node(weights, index, input, mode),
            }
            self.lap_forward(index, mode);
            self.give_back(index);
        }
        statistics
    }

    fn node(&mut self, weights: &Weights, index: usize, input: &[f32], mode: Mode) {
        let op = self.graph.nodes[index].op;
        // A normalised convolution runs with its normalisation, which knows what to do with each plane.
        if self.plan.normalised_by[index].is_some() {
            return;
        }
        let mut out = self.take_value(index);
        let from = self.graph.nodes[index].inputs.first().map_or(0, |id| id.0);
        match op {
            Op::Input if self.plan.planar_input && P::READS_PLANAR => {
                self.buffers.planar.fill(out.shape(), input);
                self.buffers.is_planar = true;
            }
            Op::Input => {
                out.fill_planar(input);
                self.buffers.is_planar = false;
            }
            Op::Conv { .. } => {
                if let Some(conv) = conv(op) {
                    let layer = self.plain(weights, index, conv, out.shape(), mode);
                    let ending = Ending::of(start(&layer.bias));
                    if let LayerWeights::Conv(weights) = &layer.weights {
                        let x = self.source(from);
                        P::forward(conv, x, weights, ending, &mut out, &|_, _, _| {});
                    }
                }
            }
            Op::Depthwise { .. } => {
                if let Some(of) = plan::depthwise(op) {
                    let layer = self.by_channel(weights, index, of, mode);
                    if let LayerWeights::Depthwise(taps) = &layer.weights {
                        depthwise::forward(of, self.value(from), taps, &[], &mut out);
                    }
                }
            }
            Op::Activate { activation: which } => {
                element::activate(activation(which), self.value(from), &mut out);
            }
            Op::MaxPool { .. } => {
                if let Some(of) = plan::max_pool(op) {
                    pool::max(of, self.value(from), &mut out);
                }
            }
            Op::AvgPool { .. } => pool::mean(self.value(from), &mut out),
            Op::Flatten => dense::flatten(self.value(from), &mut out),
            Op::Linear { inputs, outputs } => {
                self.linear(weights, index, [inputs, outputs], mode, &mut out);
            }
            Op::Dropout { rate } => {
                element::copy(self.value(from), &mut out);
                self.buffers.factors[index] = match mode {
                    Mode::Training(seed) if rate > 0.0 => {
                        let [c, h, w] = dims(out.shape());
                        let count = self.buffers.images * c * h * w;
                        let seed = seed.derive(&self.graph.nodes[index].name);
                        dropout_factors(count, rate, seed)
                    }
                    _ => Vec::new(),
                };
                if !self.buffers.factors[index].is_empty() {
                    element::scale(&self.buffers.factors[index], &mut out);
                }
            }
            Op::Add => {
                element::copy(self.value(from), &mut out);
                let other = self.graph.nodes[index].inputs[1].0;
                element::add(self.value(other), &mut out);
            }
            Op::Upsample { .. } => pool::upsample(self.value(from), &mut out),
            Op::EvidencePool { .. } | Op::SoftMaximum { .. } => {
                self.score(op, [from, index], &mut out)
            }
            Op::BatchNorm { .. } => unreachable!("the plan makes a step of its own of it"),
        }
        self.buffers.values[index] = Some(out);
    }

    /// Weights and bias of a convolution as they are.
    pub(super) fn plain(
        &mut self,
        weights: &Weights,
        index: usize,
        conv: Conv,
        output: Shape,
        mode: Mode,
    ) -> Arc<PackedLayer<P>> {
        self.packed_layer(weights, index, mode, |values| {
            LayerWeights::Conv(if mode == Mode::Inference {
                P::for_judging(conv, values, output)
            } else {
                P::for_training(conv, values, output)
            })
        })
    }

    /// Weights of a convolution of each channel by itself.
    fn by_channel(
        &mut self,
        weights: &Weights,
        index: usize,
        of: Depthwise,
        mode: Mode,
    ) -> Arc<PackedLayer<P>> {
        self.packed_layer(weights, index, mode, |values| {
            LayerWeights::Depthwise(Taps::new(of, values))
        })
    }

    /// Pools the maps of the node `from`.
    fn score(&mut self, op: Op, [from, index]: [usize; 2], out: &mut Blocked<P>) {
        let shape = self.value(from).shape();
        let area = shape.height * shape.width;
        let mut maps = std::mem::take(&mut self.buffers.maps);
        maps.resize(shape.numbers(), 0.0);
        self.value(from).read_planar(&mut maps);
        let scores = self.buffers.scores[index].get_or_insert_default();
        scores.fill(op, &maps, area);
        out.fill_planar(&scores.scores);
        self.buffers.maps = maps;
    }

    /// A layer's weights by `pack`, kept while nothing learns.
    pub(super) fn packed_layer(
        &mut self,
        weights: &Weights,
        index: usize,
        mode: Mode,
        pack: impl FnOnce(&[f32]) -> LayerWeights<P>,
    ) -> Arc<PackedLayer<P>> {
        self.kept(index, mode, |engine| {
            let packed = pack(&engine.read_once(weights, index, 0));
            engine.biased(weights, index, packed)
        })
    }

    /// What a node has packed, made if it is not there, and kept while nothing learns.
    pub(super) fn kept(
        &mut self,
        node: usize,
        mode: Mode,
        make: impl FnOnce(&Self) -> PackedLayer<P>,
    ) -> Arc<PackedLayer<P>> {
        if let Some(layer) = &self.packed[node] {
            return Arc::clone(layer);
        }
        let layer = Arc::new(make(self));
        if mode == Mode::Inference && self.keeps {
            self.packed[node] = Some(Arc::clone(&layer));
        }
        layer
    }

    /// A layer as it is, with its bias.
    pub(super) fn biased(
        &self,
        weights: &Weights,
        index: usize,
        packed: LayerWeights<P>,
    ) -> PackedLayer<P> {
        PackedLayer {
            weights: packed,
            bias: in_blocks(self.values_of(weights, index, 1)),
        }
    }

    /// A normalisation with what follows it, and the convolution before it.
    fn norm(
        &mut self,
        weights: &Weights,
        index: usize,
        of: Norm,
        mode: Mode,
        statistics: &mut Vec<LayerStatistics>,
    ) {
        let mut out = self.take_value(index);
        let of_conv = self.plan.normalised_by[of.from].is_some();
        if mode == Mode::Inference {
            if of_conv && let Some(pool) = of.pool {
                let mut whole = self.take_value(of.from);
                self.pooled_conv(weights, of, pool, [&mut whole, &mut out]);
                self.buffers.values[of.from] = Some(whole);
            } else if of_conv {
                self.folded_conv(weights, of, &mut out);
            } else {
                let layer = self.kept(of.node, mode, |engine| engine.scale(weights, of));
                if let LayerWeights::Scale(scale) = &layer.weights {
                    self.apply(of, [scale, &layer.bias], &mut out);
                }
            }
            if self.plan.goes_back {
                self.buffers.norms[of.node] = Some(self.running(weights, of));
            }
        } else {
            let collected = if of_conv {
                self.measured_conv(weights, of.from, mode)
            } else {
                let x = self.value(of.from);
                let (s, blocks) = (x.shape(), x.blocks());
                (0..s.images * blocks)
                    .map(|i| moments(s, x.plane(i / blocks, i % blocks)))
                    .collect()
            };
            let shape = self.value(of.from).shape();
            let (mean, variance) = norm::statistics::<P>(shape, &collected);
            statistics.push(LayerStatistics {
                layer: self.graph.nodes[of.node].name.clone(),
                mean: mean.clone(),
                variance: variance.clone(),
                count: shape.images * shape.height * shape.width,
            });
            let known = Statistics {
                mean,
                variance,
                of_batch: true,
            };
            let (scale, shift) = self.line(weights, of, &known);
            self.apply(of, [&in_blocks(&scale), &in_blocks(&shift)], &mut out);
            self.buffers.norms[of.node] = Some(known);
        }
        self.buffers.values[index] = Some(out);
    }

    /// Scale and shift of a normalisation, a value a channel.
    pub(super) fn line(
        &self,
        weights: &Weights,
        of: Norm,
        known: &Statistics,
    ) -> (Vec<f32>, Vec<f32>) {
        let gamma = self.values_of(weights, of.node, 0);
        let beta = self.values_of(weights, of.node, 1);
        let scale: Vec<f32> = gamma
            .iter()
            .zip(&known.variance)
            .map(|(g, v)| g * inverse(*v))
            .collect();
        let shift = beta
            .iter()
            .zip(known.mean.iter().zip(&scale))
            .map(|(b, (m, s))| b - m * s)
            .collect();
        (scale, shift)
    }

    fn apply(&self, of: Norm, [scale, shift]: [&[Lane]; 2], out: &mut Blocked<P>) {
        if let Some(pool) = of.pool {
            let x = self.value(of.from);
            norm::apply_pooled(x, [scale, shift], of.activation, pool, out);
            return;
        }
        let add = of.add.map(|add| self.value(add));
        norm::apply(self.value(of.from), scale, shift, add, of.activation, out);
    }

    /// The convolution of a training step: each plane is measured while it is in the cache.
    fn measured_conv(&mut self, weights: &Weights, index: usize, mode: Mode) -> Vec<norm::Moments> {
        let mut out = self.take_value(index);
        let shape = out.shape();
        let node = &self.graph.nodes[index];
        let (op, from, blocks) = (node.op, node.inputs[0].0, out.blocks());
        let zero = norm::Moments::default();
        let collected: Collected = (0..shape.images * blocks)
            .map(|_| Mutex::new(zero))
            .collect();
        if let Some(conv) = conv(op) {
            let layer = self.plain(weights, index, conv, shape, mode);
            let measure = |image: usize, block: usize, planes: &mut [P]| {
                for (i, plane) in planes.chunks_exact(shape.plane()).enumerate() {
                    if let Ok(mut slot) = collected[image * blocks + block + i].lock() {
                        *slot = moments(shape, plane);
                    }
                }
            };
            let (x, ending) = (self.source(from), Ending::of(start(&layer.bias)));
            if let LayerWeights::Conv(weights) = &layer.weights {
                P::forward(conv, x, weights, ending, &mut out, &measure);
            }
        }
        self.buffers.values[index] = Some(out);
        self.lap(Some(index), Task::Forward);
        collected
            .into_iter()
            .map(|slot| slot.into_inner().unwrap_or(zero))
            .collect()
    }
}

/// 1 / deviation.
pub(super) fn inverse(variance: f32) -> f32 {
    (1.0 / (f64::from(variance) + EPSILON).sqrt()) as f32
}

pub(super) fn start(bias: &[Lane]) -> Start<'_> {
    if bias.is_empty() {
        Start::Zero
    } else {
        Start::Bias(bias)
    }
}

pub(super) fn dims(s: Shape) -> [usize; 3] {
    [s.channels, s.height, s.width]
}
