//! A graph on the processor: planned once, run by `tumorlens-kernels` on buffers that are kept from step to step.
//!
//! burn keeps every intermediate value as a tensor of its own and runs operation by operation. Here a convolution, its
//! batch normalisation, a residual sum and the non-linearity are one step, values lie as the kernels want them, and
//! nothing is allocated after the first batch. The witness is the same graph on burn (`engine/tests.rs`), whose own
//! witness is PyTorch (`tests/zoo.rs`).

mod backward;
mod branches;
mod cost;
mod dense;
mod fold;
mod forward;
mod judge;
mod plan;
pub(crate) mod record;
mod stored;

pub(crate) use backward::Gradients;
pub(crate) use judge::{Judge, Judgement};
pub(crate) use stored::{Judges, Trains, judging, training};

use crate::graph::{Graph, ShapeError};
use crate::network::Scores;
use crate::weights::{Parameter, Weights};
use dense::Dense;
use plan::Plan;
use std::borrow::Cow;
use std::sync::Arc;
use tumorlens_kernels::conv::{Input, Packed, Storage};
use tumorlens_kernels::depthwise::Taps;
use tumorlens_kernels::norm::Moments;
use tumorlens_kernels::{Blocked, Lane, Planar, Shape};

/// A graph planned for the processor.
#[derive(Debug)]
pub(crate) struct Engine<P: Storage = Lane> {
    graph: Arc<Graph>,
    plan: Arc<Plan>,
    buffers: Buffers<P>,
    /// For judging: packed weights and biases of every layer that has some. Training, which changes weights, drops them.
    packed: Layers<P>,
    /// Whether what a pass that judges has packed stays for the next one.
    keeps: bool,
    recorder: Option<record::Recorder>,
}

/// The packed layers by node.
type Layers<P> = Vec<Option<Arc<PackedLayer<P>>>>;

/// Weights of a layer as the kernels read them, its normalisation folded in, and its bias in blocks.
#[derive(Debug)]
struct PackedLayer<P: Storage> {
    weights: LayerWeights<P>,
    bias: Vec<Lane>,
}

#[derive(Debug)]
enum LayerWeights<P: Storage> {
    Conv(P::Packed),
    /// Of each channel by itself, in single precision.
    Depthwise(Taps<P>),
    /// Dense layers compute in single precision, however values are stored: they are small, and the last one gives the
    /// logits.
    Dense(Packed),
    /// Scale of a normalisation that no convolution takes in; its shift is the bias.
    Scale(Vec<Lane>),
}

/// Values and gradients of a batch.
#[derive(Debug)]
struct Buffers<P> {
    images: usize,
    /// Output of every node that is written down.
    values: Vec<Option<Blocked<P>>>,
    /// Memory of values that nobody reads any more.
    free: Vec<Blocked<P>>,
    /// The images, where only convolutions read them that take them as they come; then the input has no value.
    planar: Planar,
    /// Whether this pass has them there.
    is_planar: bool,
    /// Derivatives by those outputs.
    gradients: Vec<Option<Blocked<P>>>,
    /// Whether a gradient holds something of this pass.
    filled: Vec<bool>,
    /// Statistics of the normalisations, inference's or the batch's.
    norms: Vec<Option<Statistics>>,
    /// Factors of dropouts, `[image, channel, row, column]`.
    factors: Vec<Vec<f32>>,
    /// What dense layers read and give, which they know in single precision.
    dense: Vec<Option<Dense>>,
    /// What pools of evidence give, which they know in single precision.
    scores: Vec<Option<Scores>>,
    /// The maps that are pooled, `[image, map, row, column]`.
    maps: Vec<f32>,
}

impl<P> Buffers<P> {
    fn new(images: usize, nodes: usize) -> Self {
        let none = || (0..nodes).map(|_| None).collect();
        Self {
            images,
            values: none(),
            free: Vec::new(),
            planar: Planar::default(),
            is_planar: false,
            gradients: none(),
            filled: vec![false; nodes],
            norms: vec![None; nodes],
            factors: vec![Vec::new(); nodes],
            dense: (0..nodes).map(|_| None).collect(),
            scores: (0..nodes).map(|_| None).collect(),
            maps: Vec::new(),
        }
    }
}

/// Mean and biased variance of every channel.
#[derive(Clone, Debug)]
struct Statistics {
    mean: Vec<f32>,
    variance: Vec<f32>,
    of_batch: bool,
}

/// What a forward pass gives.
#[derive(Debug)]
pub(crate) struct Output {
    /// `[images, outputs]`.
    pub(crate) logits: Vec<f32>,
    /// `[images, outputs, h, w]`.
    pub(crate) evidence: Option<Vec<f32>>,
    /// In training, of each batch normalisation: its name, mean, biased variance, and values in each.
    pub(crate) statistics: Vec<LayerStatistics>,
}

/// Statistics of one batch normalisation over one batch, on the host.
#[derive(Debug)]
pub(crate) struct LayerStatistics {
    pub(crate) layer: String,
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
    pub(crate) count: usize,
}

impl<P: Storage> Engine<P> {
    /// Plans a graph. Weights given later must hold its parameters by name, in the order of these; between two passes
    /// that judge they must not change.
    pub(crate) fn new(graph: &Graph, weights: &Weights) -> Result<Self, ShapeError> {
        Ok(Self::of_plan(graph, Plan::new(graph, weights, &[])?))
    }

    /// One that never goes back and keeps the values of the nodes `read`.
    fn judging(graph: &Graph, weights: &Weights, read: &[usize]) -> Result<Self, ShapeError> {
        let plan = Plan::new(graph, weights, read)?;
        Ok(Self::of_plan(graph, plan.for_judging(graph, read)))
    }

    fn of_plan(graph: &Graph, plan: Plan) -> Self {
        Self {
            plan: Arc::new(plan),
            graph: Arc::new(graph.clone()),
            buffers: Buffers::new(0, 0),
            packed: vec![None; graph.nodes.len()],
            keeps: true,
            recorder: None,
        }
    }

    /// Empties what depends on the number of images, if it changed.
    fn fit_to(&mut self, input: &[f32]) {
        let images = input.len() / self.graph.input.iter().product::<usize>().max(1);
        if self.buffers.images != images {
            self.buffers = Buffers::new(images, self.graph.nodes.len());
        }
    }

    /// Shape of a node's value for the current batch.
    fn value_shape(&self, node: usize) -> Shape {
        self.plan
            .shape(node, self.buffers.images, self.plan.borders[node])
    }

    /// Takes a node's value out, made if it is not there.
    fn take_value(&mut self, node: usize) -> Blocked<P> {
        let shape = self.value_shape(node);
        let (values, free) = (&mut self.buffers.values, &mut self.buffers.free);
        let used = || {
            let found = free.iter().rposition(|value| value.shape() == shape);
            found.map(|at| free.swap_remove(at))
        };
        let value = values[node].take().or_else(used);
        value.unwrap_or_else(|| Blocked::zeros(shape))
    }

    /// Gives the memory of values that nobody reads after a step to later ones of their shape, which find it in the cache.
    fn give_back(&mut self, step: usize) {
        for &node in &self.plan.done_with[step] {
            self.buffers.free.extend(self.buffers.values[node].take());
        }
    }

    /// A node's value. Every step comes after what it reads.
    fn value(&self, node: usize) -> &Blocked<P> {
        match &self.buffers.values[node] {
            Some(value) => value,
            None => unreachable!("node {node} is read before it is written"),
        }
    }

    /// A node's value as a convolution reads it.
    fn source(&self, node: usize) -> Input<'_, P> {
        if node == 0 && self.buffers.is_planar {
            Input::Planar(&self.buffers.planar)
        } else {
            Input::Blocked(self.value(node))
        }
    }

    /// A result after a pass, `[images, channels, height, width]`.
    fn result(&self, node: usize) -> Vec<f32> {
        let mut values = vec![0.0; self.value_shape(node).numbers()];
        self.read_result(node, &mut values);
        values
    }

    /// The same in memory of the caller's.
    fn read_result(&self, node: usize, values: &mut [f32]) {
        if let Some(scores) = &self.buffers.scores[node] {
            values.copy_from_slice(&scores.scores);
        } else if let Some(dense) = &self.buffers.dense[node] {
            dense.read(values);
        } else {
            self.value(node).read_planar(values);
        }
    }

    fn parameter<'a>(
        &self,
        weights: &'a Weights,
        node: usize,
        which: usize,
    ) -> Option<&'a Parameter> {
        self.plan.parameters[node][which].map(|index| &weights.parameters[index])
    }

    fn values_of<'a>(&self, weights: &'a Weights, node: usize, which: usize) -> &'a [f32] {
        self.parameter(weights, node, which)
            .map_or(&[], |p| &p.values)
    }

    /// The same where it is read once.
    fn read_once<'a>(&self, weights: &'a Weights, node: usize, which: usize) -> Cow<'a, [f32]> {
        self.parameter(weights, node, which)
            .map_or(Cow::Borrowed(&[]), |p| p.values.read())
    }
}

/// Mean of moments that one node collected, `[image][block]`.
type Collected = Vec<std::sync::Mutex<Moments>>;

#[cfg(test)]
mod tests;
