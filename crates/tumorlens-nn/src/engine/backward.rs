//! The backward pass: derivatives of the parameters, given those by the logits and by the evidence map.

use super::Engine;
use super::forward::{dims, inverse};
use super::plan::{self, Norm, Step, activation, conv};
use super::record::Task;
use crate::graph::Op;
use crate::weights::Weights;
use tumorlens_kernels::conv::{Start, Storage};
use tumorlens_kernels::depthwise::{self, Taps};
use tumorlens_kernels::norm::{self, Normalised, in_blocks};
use tumorlens_kernels::{Blocked, element, pool};

/// Derivatives in the order of the weights; `None` for what does not learn.
pub(crate) type Gradients = Vec<Option<Vec<f32>>>;

/// What does not change during a pass.
pub(super) struct Pass<'a> {
    pub(super) weights: &'a Weights,
    /// Which parameters learn.
    learns: &'a [bool],
    /// Whether something that learns lies at or before each node.
    needed: Vec<bool>,
}

impl<P: Storage> Engine<P> {
    /// Goes back through the last forward pass, which must have been with these weights.
    ///
    /// `by_logits` is `[images, outputs]`, `by_evidence` `[images, outputs, h, w]`; `learns` has one entry a parameter.
    pub(crate) fn backward(
        &mut self,
        weights: &Weights,
        by_logits: &[f32],
        by_evidence: Option<&[f32]>,
        learns: &[bool],
    ) -> Gradients {
        self.lap(None, Task::Loss);
        let pass = Pass {
            weights,
            learns,
            needed: self.needed(learns),
        };
        let mut gradients: Gradients = vec![None; weights.parameters.len()];
        self.buffers.filled.fill(false);
        self.seed(self.graph.logits.0, by_logits);
        for index in (0..self.graph.nodes.len()).rev() {
            if let (Some(id), Some(by_evidence)) = (self.graph.evidence, by_evidence)
                && id.0 == index
            {
                self.seed(index, by_evidence);
            }
            if !self.buffers.filled[index] || !pass.needed[index] {
                continue;
            }
            match self.plan.steps[index] {
                Step::Later => {}
                Step::Norm(norm) => self.back_norm(&pass, index, norm, &mut gradients),
                Step::Node => self.back_node(&pass, index, &mut gradients),
            }
            self.lap_backward(index, &pass.needed);
        }
        gradients
    }

    /// Whether something that learns lies at or before each node.
    fn needed(&self, learns: &[bool]) -> Vec<bool> {
        let mut needed = vec![false; self.graph.nodes.len()];
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let own = self.plan.parameters[index].iter().flatten();
            needed[index] =
                own.into_iter().any(|&p| learns[p]) || node.inputs.iter().any(|id| needed[id.0]);
        }
        needed
    }

    /// Adds a derivative that comes from outside.
    fn seed(&mut self, node: usize, values: &[f32]) {
        let (mut gradient, filled) = self.take_gradient(node);
        if filled {
            let mut more = Blocked::zeros(gradient.shape());
            more.fill_planar(values);
            element::add(&more, &mut gradient);
        } else {
            gradient.fill_planar(values);
        }
        self.put_gradient(node, gradient);
    }

    /// Takes out the derivative by a node's value, and whether it holds something of this pass.
    fn take_gradient(&mut self, node: usize) -> (Blocked<P>, bool) {
        let border = self.plan.gradient_borders[node];
        let shape = self.plan.shape(node, self.buffers.images, border);
        let gradient = self.buffers.gradients[node].take();
        (
            gradient.unwrap_or_else(|| Blocked::zeros(shape)),
            self.buffers.filled[node],
        )
    }

    fn put_gradient(&mut self, node: usize, gradient: Blocked<P>) {
        self.buffers.gradients[node] = Some(gradient);
        self.buffers.filled[node] = true;
    }

    /// Lets `f` add to the derivative by a node's value; it is zero at first.
    pub(super) fn add_to(
        &mut self,
        pass: &Pass<'_>,
        node: usize,
        f: impl FnOnce(&Self, &mut Blocked<P>),
    ) {
        if !pass.needed[node] {
            return;
        }
        let (mut gradient, filled) = self.take_gradient(node);
        if !filled {
            gradient.clear();
        }
        f(self, &mut gradient);
        self.put_gradient(node, gradient);
    }

    /// Hands a node's derivative on unchanged to one that it reads.
    fn pass_on(&mut self, pass: &Pass<'_>, node: usize, to: usize) {
        if !pass.needed[to] {
            return;
        }
        let (mut gradient, filled) = self.take_gradient(to);
        if filled {
            element::add(self.gradient(node), &mut gradient);
        } else {
            element::copy(self.gradient(node), &mut gradient);
        }
        self.put_gradient(to, gradient);
    }

    /// The derivative by a node's value, complete once all its readers are through.
    pub(super) fn gradient(&self, node: usize) -> &Blocked<P> {
        match &self.buffers.gradients[node] {
            Some(gradient) => gradient,
            None => unreachable!("node {node} has no gradient yet"),
        }
    }

    fn back_node(&mut self, pass: &Pass<'_>, index: usize, gradients: &mut Gradients) {
        let node = &self.graph.nodes[index];
        let (op, inputs) = (node.op, node.inputs.clone());
        let Some(from) = inputs.first().map(|id| id.0) else {
            return;
        };
        match op {
            Op::Conv { .. } => self.back_conv(pass, index, gradients),
            Op::Depthwise { .. } => self.back_depthwise(pass, index, gradients),
            Op::Linear { inputs, outputs } => {
                self.back_dense(pass, index, [inputs, outputs], gradients);
            }
            Op::Activate { activation: which } => {
                let (mut gradient, _) = self.take_gradient(index);
                element::activate_gradient(activation(which), self.value(from), &mut gradient);
                self.put_gradient(index, gradient);
                self.pass_on(pass, index, from);
            }
            Op::MaxPool { .. } => self.add_to(pass, from, |s, out| {
                if let Some(of) = plan::max_pool(op) {
                    pool::max_gradient(of, s.value(from), s.gradient(index), out);
                }
            }),
            Op::AvgPool { .. } => {
                self.add_to(pass, from, |s, out| {
                    pool::mean_gradient(s.gradient(index), out)
                });
            }
            Op::Flatten => self.add_to(pass, from, |s, out| {
                let mut more = Blocked::zeros(out.shape());
                more.fill_planar(&s.gradient(index).to_planar());
                element::add(&more, out);
            }),
            Op::Dropout { .. } => {
                let (mut gradient, _) = self.take_gradient(index);
                if !self.buffers.factors[index].is_empty() {
                    element::scale(&self.buffers.factors[index], &mut gradient);
                }
                self.put_gradient(index, gradient);
                self.pass_on(pass, index, from);
            }
            Op::Add => {
                for id in inputs {
                    self.pass_on(pass, index, id.0);
                }
            }
            Op::Upsample { .. } => {
                self.add_to(pass, from, |s, out| {
                    pool::upsample_gradient(s.gradient(index), out);
                });
            }
            Op::EvidencePool { .. } | Op::SoftMaximum { .. } => {
                self.add_to(pass, from, |s, out| {
                    let [_, h, w] = dims(out.shape());
                    let scores = s.gradient(index).to_planar();
                    let shares = s.buffers.scores[index].iter();
                    let shares = shares.flat_map(|scores| scores.shares.chunks(h * w));
                    let values: Vec<f32> = shares
                        .zip(scores)
                        .flat_map(|(shares, g)| shares.iter().map(move |s| s * g))
                        .collect();
                    let mut more = Blocked::zeros(out.shape());
                    more.fill_planar(&values);
                    element::add(&more, out);
                })
            }
            Op::Input | Op::BatchNorm { .. } => {}
        }
    }

    /// Puts a parameter's derivative down, where it learns.
    pub(super) fn learn(
        &self,
        pass: &Pass<'_>,
        [node, which]: [usize; 2],
        gradients: &mut Gradients,
        value: impl FnOnce() -> Vec<f32>,
    ) {
        if let Some(index) = self.plan.parameters[node][which].filter(|&i| pass.learns[i]) {
            gradients[index] = Some(value());
        }
    }

    fn back_conv(&mut self, pass: &Pass<'_>, index: usize, gradients: &mut Gradients) {
        let node = &self.graph.nodes[index];
        let (from, Some(conv)) = (node.inputs[0].0, conv(node.op)) else {
            return;
        };
        self.learn(pass, [index, 0], gradients, || {
            P::weight_gradient(conv, self.value(from), self.gradient(index))
        });
        self.learn(pass, [index, 1], gradients, || {
            norm::sums(self.gradient(index))
        });
        self.lap(Some(index), Task::ByWeights);
        if !pass.needed[from] {
            return;
        }
        let values = self.values_of(pass.weights, index, 0);
        let (mut gradient, filled) = self.take_gradient(from);
        let packed = P::for_gradient(conv, values, gradient.shape());
        let start = if filled { Start::Output } else { Start::Zero };
        P::input_gradient(conv, self.gradient(index), &packed, start, &mut gradient);
        self.put_gradient(from, gradient);
    }

    fn back_depthwise(&mut self, pass: &Pass<'_>, index: usize, gradients: &mut Gradients) {
        let node = &self.graph.nodes[index];
        let (from, Some(of)) = (node.inputs[0].0, plan::depthwise(node.op)) else {
            return;
        };
        self.learn(pass, [index, 0], gradients, || {
            let (x, g) = (self.value(from), self.gradient(index));
            depthwise::weight_gradient(of, &P::widened(x), &P::widened(g))
        });
        self.lap(Some(index), Task::ByWeights);
        let taps = Taps::new(of, self.values_of(pass.weights, index, 0));
        self.add_to(pass, from, |s, out| {
            let g = P::widened(s.gradient(index));
            P::changed(out, |out| depthwise::input_gradient(of, &g, &taps, out));
        });
    }

    fn back_norm(&mut self, pass: &Pass<'_>, index: usize, of: Norm, gradients: &mut Gradients) {
        let Some(known) = self.buffers.norms[of.node].clone() else {
            return;
        };
        let (mut gradient, _) = self.take_gradient(index);
        // One reader of the input is the rule; where there are more, the derivative is made aside and added.
        let (mut by_x, filled) = self.take_gradient(of.from);
        let mut aside = filled.then(|| Blocked::zeros(by_x.shape()));
        let inverses: Vec<f32> = known.variance.iter().map(|v| inverse(*v)).collect();
        let of_layer = Normalised {
            x: self.value(of.from),
            add: of.add.map(|add| self.value(add)),
            gamma: &in_blocks(self.values_of(pass.weights, of.node, 0)),
            beta: &in_blocks(self.values_of(pass.weights, of.node, 1)),
            mean: &in_blocks(&known.mean),
            inverse: &in_blocks(&inverses),
            activation: of.activation,
            of_batch: known.of_batch,
        };
        let target = aside.as_mut().unwrap_or(&mut by_x);
        let (gamma, beta) = match of.pool {
            None => norm::gradient(of_layer, &mut gradient, target),
            Some(pool) => norm::gradient_pooled(of_layer, pool, &gradient, target),
        };
        if let Some(more) = &aside {
            element::add(more, &mut by_x);
        }
        self.put_gradient(of.from, by_x);
        self.put_gradient(index, gradient);
        self.learn(pass, [of.node, 0], gradients, || gamma);
        self.learn(pass, [of.node, 1], gradients, || beta);
        if let Some(add) = of.add {
            self.pass_on(pass, index, add);
        }
        // The convolution before was left to this step going forward; going back it has its own turn.
    }
}
