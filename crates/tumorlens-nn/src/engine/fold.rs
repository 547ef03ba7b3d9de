//! Judging a convolution: its normalisation is part of its weights, and what follows is done while a plane is in the
//! cache.

use super::forward::dense;
use super::plan::{Norm, Step, conv};
use super::{Engine, PackedLayer, Statistics};
use crate::graph::Op;
use crate::network::Mode;
use crate::weights::Weights;
use std::sync::{Arc, Mutex};
use tumorlens_kernels::conv::{Conv, Packed, Start, forward};
use tumorlens_kernels::norm::{self, in_blocks};
use tumorlens_kernels::pool::{self, MaxPool};
use tumorlens_kernels::{Blocked, Lane, Shape};

/// What is done with finished planes of an image from a block on.
type Finish<'a> = dyn Fn(Added<'_>, usize, usize, &mut [Lane]) + Sync + 'a;

/// What is added to some planes: the shape of another batch, and its planes from the same place on.
type Added<'a> = Option<(Shape, &'a [Lane])>;

impl Engine {
    pub(super) fn running(&self, weights: &Weights, of: Norm) -> Statistics {
        Statistics {
            mean: self.values_of(weights, of.node, 2).to_vec(),
            variance: self.values_of(weights, of.node, 3).to_vec(),
            of_batch: false,
        }
    }

    /// Packed weights of every layer, for judging.
    pub(super) fn pack(mut self, weights: &Weights) -> Vec<Option<Arc<PackedLayer>>> {
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
                    self.plain(weights, index, dense(inputs, outputs), output, mode);
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
    ) -> Arc<PackedLayer> {
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
            weights: Packed::for_judging(conv, &values, output),
            bias: in_blocks(&shift),
        });
        self.packed[of.from] = Some(Arc::clone(&layer));
        layer
    }

    /// The convolution of a judgement: the normalisation is part of its weights, and what follows is done while a
    /// plane is in the cache.
    pub(super) fn folded_conv(
        &mut self,
        weights: &Weights,
        of: Norm,
        known: &Statistics,
        out: &mut Blocked,
    ) {
        let shape = out.shape();
        self.judged_conv(weights, of, known, out, &|add, _, _, planes| {
            norm::finish(shape, planes, add, of.activation);
        });
    }

    /// The same with the pool that alone reads it: from `whole`, which is written plane by plane, to `out`.
    pub(super) fn pooled_conv(
        &mut self,
        weights: &Weights,
        of: Norm,
        known: &Statistics,
        pool: MaxPool,
        [whole, out]: [&mut Blocked; 2],
    ) {
        let (shape, to) = (whole.shape(), out.shape());
        let slots: Vec<Mutex<&mut [Lane]>> = out
            .values_mut()
            .chunks_mut(to.plane().max(1))
            .map(Mutex::new)
            .collect();
        self.judged_conv(weights, of, known, whole, &|add, image, block, planes| {
            norm::finish(shape, planes, add, of.activation);
            for (i, plane) in planes.chunks_exact(shape.plane()).enumerate() {
                if let Ok(mut out) = slots[image * to.blocks() + block + i].lock() {
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
        out: &mut Blocked,
        finish: &Finish<'_>,
    ) {
        let node = &self.graph.nodes[of.from];
        let (from, Some(conv)) = (node.inputs[0].0, conv(node.op)) else {
            return;
        };
        let layer = self.folded(weights, of, known, conv, out.shape());
        let add = of.add.map(|add| self.value(add));
        let after = |image: usize, block: usize, planes: &mut [Lane]| {
            let add = add.map(|add| {
                let s = add.shape();
                let first = (image * s.blocks() + block) * s.plane();
                (s, &add.values()[first..])
            });
            finish(add, image, block, planes);
        };
        let start = Start::Bias(&layer.bias);
        forward(conv, self.value(from), &layer.weights, start, out, &after);
    }
}
