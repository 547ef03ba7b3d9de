//! Judging a convolution: its normalisation is part of its weights, and what follows is done while a plane is in the
//! cache.

use super::plan::{Norm, Step, conv};
use super::{Engine, LayerWeights, PackedLayer, Statistics};
use crate::graph::Op;
use crate::network::Mode;
use crate::weights::Weights;
use std::sync::{Arc, Mutex};
use tumorlens_kernels::conv::{After, Conv, Ending, Start, Storage};
use tumorlens_kernels::norm::in_blocks;
use tumorlens_kernels::pool::{self, MaxPool};
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
    pub(super) fn pack(mut self, weights: &Weights) -> Vec<Option<Arc<PackedLayer<P>>>> {
        for index in 0..self.graph.nodes.len() {
            let mode = Mode::Inference;
            match (self.plan.steps[index], self.graph.nodes[index].op) {
                (Step::Norm(of), _) => {
                    let op = self.graph.nodes[of.from].op;
                    if let Some(conv) =
                        conv(op).filter(|_| self.plan.normalised_by[of.from].is_some())
                    {
                        let output = self.plan.shape(of.from, 1, 0);
                        self.folded(weights, of, &self.running(weights, of), conv, output);
                    }
                }
                (Step::Node, Op::Linear { inputs, outputs }) => {
                    let output = self.plan.shape(index, 1, 0);
                    self.dense(weights, index, [inputs, outputs], output, mode);
                }
                (Step::Node, op) => {
                    if let Some(conv) =
                        conv(op).filter(|_| self.plan.normalised_by[index].is_none())
                    {
                        let output = self.plan.shape(index, 1, 0);
                        self.plain(weights, index, conv, output, mode);
                    }
                }
                (Step::Later, _) => {}
            }
        }
        self.packed
    }

    /// Weights and bias of a convolution with its normalisation folded in.
    fn folded(
        &mut self,
        weights: &Weights,
        of: Norm,
        known: &Statistics,
        conv: Conv,
        output: Shape,
    ) -> Arc<PackedLayer<P>> {
        if let Some(layer) = &self.packed[of.from] {
            return Arc::clone(layer);
        }
        let (scale, mut shift) = self.line(weights, of, known);
        let taps = conv.kernel * conv.kernel;
        let mut values = self.values_of(weights, of.from, 0).to_vec();
        let rows = values.chunks_exact_mut((conv.inputs * taps).max(1));
        for (row, scale) in rows.zip(&scale) {
            row.iter_mut().for_each(|w| *w *= scale);
        }
        let bias = self.values_of(weights, of.from, 1);
        for (shift, (bias, scale)) in shift.iter_mut().zip(bias.iter().zip(&scale)) {
            *shift += bias * scale;
        }
        let layer = Arc::new(PackedLayer {
            weights: LayerWeights::Conv(P::for_judging(conv, &values, output)),
            bias: in_blocks(&shift),
        });
        self.packed[of.from] = Some(Arc::clone(&layer));
        layer
    }

    /// The convolution of a judgement: the normalisation is part of its weights, and what follows is done before a value
    /// is written, or while a plane is in the cache.
    pub(super) fn folded_conv(
        &mut self,
        weights: &Weights,
        of: Norm,
        known: &Statistics,
        out: &mut Blocked<P>,
    ) {
        self.judged_conv(weights, of, known, out, &|_, _, _| {});
    }

    /// The same with the pool that alone reads it: from `whole`, which is written plane by plane, to `out`.
    pub(super) fn pooled_conv(
        &mut self,
        weights: &Weights,
        of: Norm,
        known: &Statistics,
        pool: MaxPool,
        [whole, out]: [&mut Blocked<P>; 2],
    ) {
        let (shape, to, blocks) = (whole.shape(), out.shape(), out.blocks());
        let slots: Vec<Mutex<&mut [P]>> = out
            .values_mut()
            .chunks_mut(to.plane().max(1))
            .map(Mutex::new)
            .collect();
        self.judged_conv(weights, of, known, whole, &|image, block, planes| {
            for (i, plane) in planes.chunks_exact(shape.plane()).enumerate() {
                if let Ok(mut out) = slots[image * blocks + block + i].lock() {
                    pool::max_of_plane(pool, shape, plane, to, &mut out);
                }
            }
        });
    }

    fn judged_conv(
        &mut self,
        weights: &Weights,
        of: Norm,
        known: &Statistics,
        out: &mut Blocked<P>,
        after: &After<'_, P>,
    ) {
        let node = &self.graph.nodes[of.from];
        let (from, Some(conv)) = (node.inputs[0].0, conv(node.op)) else {
            return;
        };
        let layer = self.folded(weights, of, known, conv, out.shape());
        let ending = Ending {
            start: Start::Bias(&layer.bias),
            add: of.add.map(|add| self.value(add)),
            activation: of.activation,
        };
        if let LayerWeights::Conv(weights) = &layer.weights {
            P::forward(conv, self.value(from), weights, ending, out, after);
        }
    }
}
