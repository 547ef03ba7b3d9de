//! Filters of the first convolution: what the network looks for in the image itself.

use super::ExplainError;
use crate::graph::{Graph, Op};
use crate::weights::Weights;

/// Kernels of one convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Name of the convolution.
    pub layer: String,
    /// Number of filters.
    pub outputs: usize,
    /// Channels of each.
    pub inputs: usize,
    /// Side of the square kernel.
    pub side: usize,
    /// Values, `values[((output * inputs + input) * side + y) * side + x]`, raw.
    pub values: Vec<f32>,
}

/// The filters of the first convolution.
///
/// # Errors
/// When the graph has no convolution or the weights are those of another graph.
pub fn filters(graph: &Graph, weights: &Weights) -> Result<Filters, ExplainError> {
    let first = graph.nodes.iter().find_map(|node| match node.op {
        Op::Conv {
            inputs,
            outputs,
            kernel,
            ..
        } => Some((&node.name, inputs, outputs, kernel)),
        _ => None,
    });
    let (name, inputs, outputs, side) = first.ok_or(ExplainError::NoFilters)?;
    let weight = weights
        .get(&format!("{name}.weight"))
        .filter(|p| p.values.len() == outputs * inputs * side * side)
        .ok_or_else(|| ExplainError::WrongWeights(name.clone()))?;
    Ok(Filters {
        layer: name.clone(),
        outputs,
        inputs,
        side,
        values: weight.values.to_vec(),
    })
}
