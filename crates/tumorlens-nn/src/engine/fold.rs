//! Judging a convolution: its normalisation is part of its weights, and what follows is done while a plane is in the
//! cache.

use super::dense::dense;
use super::plan::{Norm, Step, conv, depthwise};
use super::{Engine, LayerWeights, Layers, PackedLayer, Statistics};
use crate::graph::Op;
use crate::network::Mode;
use crate::weights::Weights;
use rayon::prelude::*;
use std::sync::Arc;
use tumorlens_kernels::conv::{Conv, Ending, Packed, Start, Storage};
use tumorlens_kernels::depthwise::Taps;
use tumorlens_kernels::norm::in_blocks;
use tumorlens_kernels::pool::MaxPool;
use tumorlens_kernels::{Blocked, Shape};

impl<P: Storage> Engine<P> {
    pub(super) fn running(&self, weights: &Weights, of: Norm) -> Statistics {
        Statistics {
            mean: self.values_of(weights, of.node, 2).to_vec(),
            variance: self.values_of(weights, of.node, 3).to_vec(),
            of_batch: false,
        }
    }

    /// Packed weights of every layer, for judging.
    pub(super) fn pack(&self, weights: &Weights) -> Layers<P> {
        let layers = (0..self.graph.nodes.len()).into_par_iter();
        let layers: Vec<_> = layers
            .filter_map(|i| self.layer_to_judge(weights, i))
            .collect();
        let mut packed = vec![None; self.graph.nodes.len()];
        for (index, layer) in layers {
            packed[index] = Some(Arc::new(layer));
        }
        packed
    }

    /// What a step needs of its layer, with the layer's node; nothing where it has no weights that are packed.
    fn layer_to_judge(&self, weights: &Weights, index: usize) -> Option<(usize, PackedLayer<P>)> {
        let shape = |node: usize| self.plan.shape(node, 1, 0);
        let conv_of = |node: usize| conv(self.graph.nodes[node].op);
        let alone = |node: usize| self.plan.normalised_by[node].is_none();
        match (self.plan.steps[index], self.graph.nodes[index].op) {
            (Step::Norm(of), _) => {
                let Some(conv) = conv_of(of.from).filter(|_| !alone(of.from)) else {
                    return Some((of.node, self.scale(weights, of)));
                };
                let layer = self.folded(weights, of, conv, shape(of.from));
                Some((of.from, layer))
            }
            (Step::Node, Op::Linear { inputs, outputs }) => {
                let values = self.read_once(weights, index, 0);
                let packed = Packed::for_judging(dense(inputs, outputs), &values, shape(index));
                let layer = self.biased(weights, index, LayerWeights::Dense(packed));
                Some((index, layer))
            }
            (Step::Node, op) if let Some(of) = depthwise(op) => {
                let taps = Taps::new(of, &self.read_once(weights, index, 0));
                let layer = self.biased(weights, index, LayerWeights::Depthwise(taps));
                Some((index, layer))
            }
            (Step::Node, _) => {
                let conv = conv_of(index).filter(|_| alone(index))?;
                let values = self.read_once(weights, index, 0);
                let packed = P::for_judging(conv, &values, shape(index));
                let layer = self.biased(weights, index, LayerWeights::Conv(packed));
                Some((index, layer))
            }
            (Step::Later, _) => None,
        }
    }

    /// A normalisation with nothing to fold it into.
    pub(super) fn scale(&self, weights: &Weights, of: Norm) -> PackedLayer<P> {
        let (scale, shift) = self.line(weights, of, &self.running(weights, of));
        PackedLayer {
            weights: LayerWeights::Scale(in_blocks(&scale)),
            bias: in_blocks(&shift),
        }
    }

    /// Weights and bias of a convolution with its normalisation folded in.
    fn folded(&self, weights: &Weights, of: Norm, conv: Conv, output: Shape) -> PackedLayer<P> {
        let (scale, mut shift) = self.line(weights, of, &self.running(weights, of));
        let taps = conv.kernel * conv.kernel;
        let mut values = self.read_once(weights, of.from, 0).into_owned();
        let rows = values.chunks_exact_mut((conv.inputs * taps).max(1));
        for (row, scale) in rows.zip(&scale) {
            row.iter_mut().for_each(|w| *w *= scale);
        }
        let bias = self.values_of(weights, of.from, 1);
        for (shift, (bias, scale)) in shift.iter_mut().zip(bias.iter().zip(&scale)) {
            *shift += bias * scale;
        }
        PackedLayer {
            weights: LayerWeights::Conv(P::for_judging(conv, &values, output)),
            bias: in_blocks(&shift),
        }
    }

    /// The convolution of a judgement: the normalisation is part of its weights, and what follows is done before a value
    /// is written, or while a plane is in the cache.
    pub(super) fn folded_conv(&mut self, weights: &Weights, of: Norm, out: &mut Blocked<P>) {
        let Some((conv, layer)) = self.judged(weights, of, out.shape()) else {
            return;
        };
        let (x, ending) = (self.source(self.read_by(of)), self.ending(of, &layer));
        if let LayerWeights::Conv(weights) = &layer.weights {
            P::forward(conv, x, weights, ending, out, &|_, _, _| {});
        }
    }

    /// The same with the pool that alone reads it; `whole` is room for what is pooled.
    pub(super) fn pooled_conv(
        &mut self,
        weights: &Weights,
        of: Norm,
        pool: MaxPool,
        [whole, out]: [&mut Blocked<P>; 2],
    ) {
        let Some((conv, layer)) = self.judged(weights, of, whole.shape()) else {
            return;
        };
        let (x, ending) = (self.source(self.read_by(of)), self.ending(of, &layer));
        if let LayerWeights::Conv(weights) = &layer.weights {
            P::pooled(conv, x, weights, ending, pool, [whole, out]);
        }
    }

    /// The node that the normalised convolution reads.
    fn read_by(&self, of: Norm) -> usize {
        self.graph.nodes[of.from].inputs[0].0
    }

    fn ending<'a>(&'a self, of: Norm, layer: &'a PackedLayer<P>) -> Ending<'a, P> {
        Ending {
            start: Start::Bias(&layer.bias),
            add: of.add.map(|add| self.value(add)),
            activation: of.activation,
        }
    }

    /// A normalised convolution with its packed weights.
    fn judged(
        &mut self,
        weights: &Weights,
        of: Norm,
        output: Shape,
    ) -> Option<(Conv, Arc<PackedLayer<P>>)> {
        let conv = conv(self.graph.nodes[of.from].op)?;
        let make = |engine: &Self| engine.folded(weights, of, conv, output);
        Some((conv, self.kept(of.from, Mode::Inference, make)))
    }
}
