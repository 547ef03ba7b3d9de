//! Writing a [`Graph`] down layer by layer.

use super::{Activation, Graph, Node, NodeId, Op};

/// Appends nodes; every method returns the new node's id.
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    input: [usize; 3],
    nodes: Vec<Node>,
    stages: Vec<(String, NodeId)>,
}

/// Geometry of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvShape {
    /// Channels in and out.
    pub channels: [usize; 2],
    /// Side of the kernel.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Whether a bias is added; padding is `kernel / 2`.
    pub bias: bool,
}

impl GraphBuilder {
    /// Starts with the input `[channels, height, width]`.
    #[must_use]
    pub fn new(input: [usize; 3]) -> Self {
        let node = Node {
            name: "input".to_owned(),
            op: Op::Input,
            inputs: vec![],
        };
        Self {
            input,
            nodes: vec![node],
            stages: vec![],
        }
    }

    /// The input's id.
    #[must_use]
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Appends any operation.
    pub fn push(&mut self, name: impl Into<String>, op: Op, inputs: &[NodeId]) -> NodeId {
        self.nodes.push(Node {
            name: name.into(),
            op,
            inputs: inputs.to_vec(),
        });
        NodeId(self.nodes.len() - 1)
    }

    /// Appends a convolution with padding `kernel / 2`.
    pub fn conv(&mut self, name: impl Into<String>, from: NodeId, shape: ConvShape) -> NodeId {
        let ConvShape {
            channels: [inputs, outputs],
            kernel,
            stride,
            bias,
        } = shape;
        self.push(
            name,
            Op::Conv {
                inputs,
                outputs,
                kernel,
                stride,
                padding: kernel / 2,
                bias,
            },
            &[from],
        )
    }

    /// Appends a depthwise convolution with padding `kernel / 2`.
    pub fn depthwise(
        &mut self,
        name: impl Into<String>,
        from: NodeId,
        channels: usize,
        kernel: usize,
        stride: usize,
    ) -> NodeId {
        let padding = kernel / 2;
        self.push(
            name,
            Op::Depthwise {
                channels,
                kernel,
                stride,
                padding,
            },
            &[from],
        )
    }

    /// Appends batch normalisation.
    pub fn batch_norm(&mut self, name: impl Into<String>, from: NodeId, channels: usize) -> NodeId {
        self.push(name, Op::BatchNorm { channels }, &[from])
    }

    /// Appends a non-linearity.
    pub fn activate(
        &mut self,
        name: impl Into<String>,
        from: NodeId,
        activation: Activation,
    ) -> NodeId {
        self.push(name, Op::Activate { activation }, &[from])
    }

    /// Ends a stage at `last`.
    pub fn stage(&mut self, name: impl Into<String>, last: NodeId) {
        self.stages.push((name.into(), last));
    }

    /// Finishes the graph.
    #[must_use]
    pub fn finish(self, logits: NodeId, evidence: Option<NodeId>, features: NodeId) -> Graph {
        Graph {
            input: self.input,
            nodes: self.nodes,
            logits,
            evidence,
            features,
            stages: self.stages,
            guard: None,
        }
    }
}
