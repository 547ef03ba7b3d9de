//! Seconds of every part of a step, layer by layer.
//!
//! A recorder is a stopwatch: what passed since the last lap belongs to the part that ends now, so that the parts of a
//! step leave nothing out. It supposes that every layer learns.

use super::Engine;
use super::cost::Cost;
use super::plan::Step;
use crate::graph::Op;
use crate::network::Mode;
use std::time::Instant;
use tumorlens_kernels::conv::Storage;

/// A part of a layer's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// A convolution or dense layer; when judging also its normalisation, residual sum and non-linearity, which are done
    /// while a plane is in the cache.
    Forward,
    /// Its derivative by what it reads.
    ByInput,
    /// Its derivative by its weights.
    ByWeights,
    /// A normalisation with the residual sum and the non-linearity that follow.
    Normalise,
    /// The derivatives of those.
    NormaliseBack,
    /// Maximum, mean, upsampling.
    Pool,
    /// The derivative of those.
    PoolBack,
    /// What goes value by value or only moves values: input, sum, non-linearity, dropout.
    Elementwise,
    /// The derivative of those.
    ElementwiseBack,
    /// From logits to their derivative, and running statistics.
    Loss,
    /// Clipping and new weights.
    Optimise,
}

impl Task {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::ByInput => "by input",
            Self::ByWeights => "by weights",
            Self::Normalise => "normalise",
            Self::NormaliseBack => "normalise, back",
            Self::Pool => "pool",
            Self::PoolBack => "pool, back",
            Self::Elementwise => "element by element",
            Self::ElementwiseBack => "element by element, back",
            Self::Loss => "loss",
            Self::Optimise => "optimise",
        }
    }
}

/// What a part of a layer's work took.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTime {
    /// Name of the layer; `logits` or `weights` where the part is of no layer.
    pub layer: String,
    /// The part.
    pub task: Task,
    /// Median over the steps.
    pub seconds: f64,
    /// Floating point operations of its plain definition, whatever the algorithm; a multiply-add is two.
    pub operations: f64,
    /// Bytes of what it reads and writes, each once, without borders and blocks filled up with zeros.
    pub bytes: f64,
}

/// Laps of the steps so far.
#[derive(Debug)]
pub(super) struct Recorder {
    last: Instant,
    /// In the order of the first step: node of the plan (none for what is of no layer), part, seconds of every step.
    laps: Vec<(Option<usize>, Task, Vec<f64>)>,
}

impl Recorder {
    fn lap(&mut self, node: Option<usize>, task: Task) {
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64();
        self.last = now;
        let known = self
            .laps
            .iter_mut()
            .find(|(of, part, _)| (*of, *part) == (node, task));
        match known {
            Some((_, _, all)) => all.push(seconds),
            None => self.laps.push((node, task, vec![seconds])),
        }
    }
}

impl<P: Storage> Engine<P> {
    /// Records from the next step on, or no longer.
    pub(crate) fn record(&mut self, on: bool) {
        self.recorder = on.then(|| Recorder {
            last: Instant::now(),
            laps: Vec::new(),
        });
    }

    /// A step begins.
    pub(super) fn start_clock(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.last = Instant::now();
        }
    }

    /// A part of a node's work ends.
    pub(crate) fn lap(&mut self, node: Option<usize>, task: Task) {
        if let Some(recorder) = &mut self.recorder {
            recorder.lap(node, task);
        }
    }

    /// A node's turn of a forward pass ends.
    pub(super) fn lap_forward(&mut self, index: usize, mode: Mode) {
        if self.recorder.is_none() {
            return;
        }
        let task = match self.plan.steps[index] {
            Step::Later => return,
            // Its step is that of the normalisation.
            Step::Node if self.plan.normalised_by[index].is_some() => return,
            Step::Node => forward_task(self.graph.nodes[index].op),
            Step::Norm(of)
                if mode == Mode::Inference && self.plan.normalised_by[of.from].is_some() =>
            {
                Task::Forward
            }
            Step::Norm(_) => Task::Normalise,
        };
        self.lap(Some(index), task);
    }

    /// A node's turn of a backward pass ends; `needed` says of each node whether its derivative is.
    pub(super) fn lap_backward(&mut self, index: usize, needed: &[bool]) {
        if self.recorder.is_none() {
            return;
        }
        let node = &self.graph.nodes[index];
        let task = match self.plan.steps[index] {
            Step::Later => return,
            Step::Norm(_) => Task::NormaliseBack,
            Step::Node => match forward_task(node.op) {
                // Its weights had a lap of their own.
                Task::Forward if needed[node.inputs[0].0] => Task::ByInput,
                Task::Forward => return,
                Task::Pool => Task::PoolBack,
                _ => Task::ElementwiseBack,
            },
        };
        self.lap(Some(index), task);
    }

    /// Every part of the steps since [`Engine::record`], in the order of a step.
    pub(crate) fn recorded(&self) -> Vec<LayerTime> {
        let laps = self.recorder.iter().flat_map(|recorder| &recorder.laps);
        laps.map(|(node, task, seconds)| {
            let Cost { operations, bytes } = self.cost(*node, *task);
            LayerTime {
                layer: self.layer(*node, *task).to_owned(),
                task: *task,
                seconds: median(seconds.clone()),
                operations,
                bytes,
            }
        })
        .collect()
    }

    /// Name of the layer that a part of a node's step belongs to.
    fn layer(&self, node: Option<usize>, task: Task) -> &str {
        let Some(index) = node else {
            return if task == Task::Optimise {
                "weights"
            } else {
                "logits"
            };
        };
        let named = match (self.plan.steps[index], task) {
            (Step::Norm(of), Task::Forward) => of.from,
            (Step::Norm(of), _) => of.node,
            _ => index,
        };
        &self.graph.nodes[named].name
    }
}

fn forward_task(op: Op) -> Task {
    match op {
        Op::Conv { .. } | Op::Depthwise { .. } | Op::Linear { .. } => Task::Forward,
        Op::BatchNorm { .. } => Task::Normalise,
        Op::MaxPool { .. }
        | Op::AvgPool { .. }
        | Op::Upsample { .. }
        | Op::EvidencePool { .. }
        | Op::SoftMaximum { .. } => Task::Pool,
        Op::Input | Op::Activate { .. } | Op::Flatten | Op::Dropout { .. } | Op::Add => {
            Task::Elementwise
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests;
