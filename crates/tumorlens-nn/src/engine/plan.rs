//! What to run in which order, and where values need a border.

use crate::graph::{Activation, Graph, Node, NodeId, Op, ShapeError};
use crate::weights::Weights;
use std::collections::HashMap;
use tumorlens_kernels::conv::Conv;
use tumorlens_kernels::depthwise::Depthwise;
use tumorlens_kernels::pool::MaxPool;
use tumorlens_kernels::{Activation as Kernel, LANES, Shape};

/// A batch normalisation with what follows it in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Norm {
    /// The normalisation.
    pub(super) node: usize,
    /// What it normalises.
    pub(super) from: usize,
    /// Added after it.
    pub(super) add: Option<usize>,
    /// Applied after that.
    pub(super) activation: Kernel,
    /// The maximum that alone reads the result, applied last.
    pub(super) pool: Option<MaxPool>,
}

/// One thing to do; it writes the value of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The node alone.
    Node,
    /// A normalisation and what follows.
    Norm(Norm),
    /// Nothing: a later step does it.
    Later,
}

/// A graph's plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// One for each node, in order.
    pub(super) steps: Vec<Step>,
    /// Whether only convolutions read the input that take images channel by channel; when judging.
    pub(super) planar_input: bool,
    /// Whether a pass may be gone back through.
    pub(super) goes_back: bool,
    /// After each step: the nodes whose values nobody reads any more; when judging.
    pub(super) done_with: Vec<Vec<usize>>,
    /// Zeros around each node's value.
    pub(super) borders: Vec<usize>,
    /// Zeros around the derivative by each node's value.
    pub(super) gradient_borders: Vec<usize>,
    /// For a convolution that only a normalisation reads: the node of that step.
    pub(super) normalised_by: Vec<Option<usize>>,
    /// Positions in the weights: weight, bias, running mean, running variance.
    pub(super) parameters: Vec<[Option<usize>; 4]>,
    shapes: Vec<[usize; 3]>,
}

/// Suffixes of a layer's parameters, in the order of [`Plan::parameters`].
const SUFFIXES: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl Plan {
    /// Values that nobody reads but the next step are not there after a pass, except for those of the nodes `read`.
    pub(super) fn new(
        graph: &Graph,
        weights: &Weights,
        read: &[usize],
    ) -> Result<Self, ShapeError> {
        let shapes = graph.shapes()?;
        let n = graph.nodes.len();
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); n];
        for (index, node) in graph.nodes.iter().enumerate() {
            for id in &node.inputs {
                readers[id.0].push(index);
            }
        }
        let steps = steps(graph, &readers, read);
        let names: HashMap<&str, usize> = weights
            .parameters
            .iter()
            .enumerate()
            .map(|(index, p)| (p.name.as_str(), index))
            .collect();
        let parameters = graph
            .nodes
            .iter()
            .map(|node| SUFFIXES.map(|s| names.get(format!("{}.{s}", node.name).as_str()).copied()))
            .collect();
        let mut borders = vec![0; n];
        let mut gradient_borders = vec![0; n];
        for (index, node) in graph.nodes.iter().enumerate() {
            if let Some(conv) = conv(node.op) {
                let from = node.inputs[0].0;
                borders[from] = borders[from].max(conv.padding);
                gradient_borders[index] = conv.gradient_border(blocked(shapes[from], 1, 0));
            }
            if let Some(of) = depthwise(node.op) {
                let from = node.inputs[0].0;
                borders[from] = borders[from].max(of.padding);
            }
        }
        let mut normalised_by = vec![None; n];
        for (index, step) in steps.iter().enumerate() {
            if let Step::Norm(norm) = step
                && conv(graph.nodes[norm.from].op).is_some()
                && readers[norm.from].len() == 1
                && !is_result(graph, norm.from)
            {
                normalised_by[norm.from] = Some(index);
            }
        }
        Ok(Self {
            steps,
            planar_input: false,
            goes_back: true,
            done_with: vec![Vec::new(); n],
            borders,
            gradient_borders,
            normalised_by,
            parameters,
            shapes,
        })
    }

    /// For passes that nobody goes back through: there the weights of the first convolution need no blocks of its input.
    pub(super) fn for_judging(mut self, graph: &Graph, read: &[usize]) -> Self {
        let takes_images = |op: Op| {
            let conv = conv(op);
            conv.is_some_and(|conv| conv.reads_planar() && conv.inputs < LANES)
        };
        let mut readers = graph.nodes.iter().filter(|n| n.inputs.contains(&NodeId(0)));
        self.goes_back = false;
        self.planar_input = readers.all(|node| takes_images(node.op)) && !read.contains(&0);
        let mut last: Vec<usize> = (0..graph.nodes.len()).collect();
        for (index, node) in graph.nodes.iter().enumerate() {
            let step = self.step_of(graph, index);
            last[index] = last[index].max(step);
            for id in &node.inputs {
                last[id.0] = last[id.0].max(step);
            }
        }
        for (index, last) in last.into_iter().enumerate() {
            if !read.contains(&index) && !is_result(graph, index) {
                self.done_with[last].push(index);
            }
        }
        self
    }

    /// The step that computes a node.
    fn step_of(&self, graph: &Graph, node: usize) -> usize {
        if let Some(step) = self.normalised_by[node] {
            return step;
        }
        let reads = |other: &Node| other.inputs.contains(&NodeId(node));
        match graph.nodes.iter().position(reads) {
            Some(reader) if self.steps[node] == Step::Later => self.step_of(graph, reader),
            _ => node,
        }
    }

    /// Whether a node's value is written down, and not only used within another step.
    pub(super) fn writes(&self, node: usize) -> bool {
        let step = self.steps.get(node);
        step.is_some_and(|step| *step != Step::Later) && self.normalised_by[node].is_none()
    }

    /// Shape of a node's value for so many images.
    pub(super) fn shape(&self, node: usize, images: usize, border: usize) -> Shape {
        blocked(self.shapes[node], images, border)
    }
}

fn blocked([channels, height, width]: [usize; 3], images: usize, border: usize) -> Shape {
    Shape {
        images,
        channels,
        height,
        width,
        border,
    }
}

/// Geometry of a maximum over windows.
pub(super) fn max_pool(op: Op) -> Option<MaxPool> {
    match op {
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } => Some(MaxPool {
            kernel,
            stride,
            padding,
        }),
        _ => None,
    }
}

/// Geometry of a convolution.
pub(super) fn conv(op: Op) -> Option<Conv> {
    match op {
        Op::Conv {
            inputs,
            outputs,
            kernel,
            stride,
            padding,
            ..
        } => Some(Conv {
            inputs,
            outputs,
            kernel,
            stride,
            padding,
        }),
        _ => None,
    }
}

/// Geometry of a depthwise convolution.
pub(super) fn depthwise(op: Op) -> Option<Depthwise> {
    match op {
        Op::Depthwise {
            channels,
            kernel,
            stride,
            padding,
        } => Some(Depthwise {
            channels,
            kernel,
            stride,
            padding,
        }),
        _ => None,
    }
}

/// The kernels' name of a non-linearity.
pub(super) fn activation(which: Activation) -> Kernel {
    match which {
        Activation::Relu => Kernel::Relu,
        Activation::LeakyRelu => Kernel::LeakyRelu,
        Activation::Gelu => Kernel::Gelu,
        Activation::Silu => Kernel::Silu,
        Activation::Elu => Kernel::Elu,
    }
}

fn is_result(graph: &Graph, node: usize) -> bool {
    graph.logits == NodeId(node) || graph.evidence == Some(NodeId(node))
}

/// Joins every normalisation with the sum, the non-linearity and the pool that alone read it.
fn steps(graph: &Graph, readers: &[Vec<usize>], read: &[usize]) -> Vec<Step> {
    let mut steps = vec![Step::Node; graph.nodes.len()];
    let only = |node: usize| match readers[node][..] {
        [reader] if !is_result(graph, node) && !read.contains(&node) => Some(reader),
        _ => None,
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        if !matches!(node.op, Op::BatchNorm { .. }) || steps[index] == Step::Later {
            continue;
        }
        let mut norm = Norm {
            node: index,
            from: node.inputs[0].0,
            add: None,
            activation: Kernel::Identity,
            pool: None,
        };
        let mut last = index;
        if let Some(sum) = only(last).filter(|&r| graph.nodes[r].op == Op::Add) {
            let inputs = &graph.nodes[sum].inputs;
            let other = inputs.iter().map(|id| id.0).find(|&id| id != last);
            // A sum that already belongs to another normalisation takes this one as what is added.
            if let Some(other) = other.filter(|_| steps[sum] == Step::Node) {
                norm.add = Some(other);
                steps[last] = Step::Later;
                last = sum;
            }
        }
        if let Some(reader) = only(last)
            && let Op::Activate { activation: which } = graph.nodes[reader].op
            && (norm.add.is_some() || last == index)
        {
            norm.activation = activation(which);
            steps[last] = Step::Later;
            last = reader;
        }
        if norm.add.is_none()
            && norm.activation.never_falls()
            && let Some(reader) = only(last)
            && let Some(pool) = max_pool(graph.nodes[reader].op)
        {
            norm.pool = Some(pool);
            steps[last] = Step::Later;
            last = reader;
        }
        steps[last] = Step::Norm(norm);
    }
    steps
}
