//! Starting from the weights of another network: `--init FILE`, and stages that are not trained.

mod frozen;
mod report;

pub use frozen::Frozen;
pub use report::{Skipped, TransferReport};

use super::file::{self, StoredTensor, StoredTensors, WeightsFileError};
use super::{Parameter, Weights};
use crate::graph::{Graph, NodeId, Op};
use std::collections::BTreeMap;
use std::path::Path;

/// How weights of another network are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferOptions {
    /// Whether layers before the head may keep their initial values where the file does not fit. Default: no,
    /// because then most likely it is the wrong file.
    pub partial: bool,
}

/// Weights cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] WeightsFileError),
    /// A layer before the head does not fit.
    #[error("{path}: layer '{layer}' {reason}; is it another architecture?")]
    Mismatch {
        /// File.
        path: String,
        /// First layer that does not fit.
        layer: String,
        /// Why.
        reason: String,
    },
    /// Nothing fits.
    #[error("{path}: no layer of this model is in it")]
    Nothing {
        /// File.
        path: String,
    },
    /// No such stage.
    #[error("no stage '{found}' to freeze: use {known}")]
    UnknownStage {
        /// What was asked for.
        found: String,
        /// Names of the stages.
        known: String,
    },
}

/// Takes over every layer of `path` that has the name and shapes of one of `graph`.
///
/// A first convolution of 3 channels becomes one of 1 by summing over its channels, which gives a grey image the
/// answer that three equal channels would have had; one of 1 becomes one of 3 by a third of it for each. Layers of
/// the head that do not fit, e.g. for another number of classes, keep their initial values. A layer is taken whole
/// or not at all.
///
/// # Errors
/// When the file cannot be read, or a layer before the head does not fit and `options` do not allow it; `weights`
/// are then as they were.
pub fn load_into(
    graph: &Graph,
    weights: &mut Weights,
    path: &Path,
    options: TransferOptions,
) -> Result<TransferReport, TransferError> {
    let tensors = file::read(path)?;
    let path = file::one_line(&path.display().to_string());
    take(graph, weights, tensors, path, options)
}

/// [`load_into`] with the weights of another model, `name`, in the place of a file.
///
/// # Errors
/// When a layer before the head does not fit and `options` do not allow it.
pub fn copy_into(
    graph: &Graph,
    weights: &mut Weights,
    other: &Weights,
    name: &str,
    options: TransferOptions,
) -> Result<TransferReport, TransferError> {
    let tensor = |parameter: &Parameter| {
        let stored = StoredTensor {
            shape: parameter.shape.clone(),
            values: parameter.values.clone(),
        };
        (parameter.name.clone(), stored)
    };
    let tensors = other.parameters.iter().map(tensor).collect();
    take(graph, weights, tensors, file::one_line(name), options)
}

fn take(
    graph: &Graph,
    weights: &mut Weights,
    mut tensors: StoredTensors,
    path: String,
    options: TransferOptions,
) -> Result<TransferReport, TransferError> {
    let first_of_head = first_of_head(graph);
    let mut report = TransferReport::default();
    let mut taken: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let layer: Vec<&Parameter> = weights
            .parameters
            .iter()
            .filter(|p| p.layer() == node.name)
            .collect();
        if layer.is_empty() {
            continue;
        }
        let is_first = matches!(node.op, Op::Conv { .. }) && node.inputs.contains(&NodeId(0));
        match fit(&layer, &mut tensors, is_first) {
            Ok((values, adapted)) => {
                taken.extend(layer.iter().map(|p| p.name.clone()).zip(values));
                report.loaded.push(node.name.clone());
                report.adapted.extend(adapted);
            }
            Err(reason) if index >= first_of_head || options.partial => {
                report.skipped.push(Skipped {
                    layer: node.name.clone(),
                    reason,
                });
            }
            Err(reason) => {
                return Err(TransferError::Mismatch {
                    path,
                    layer: node.name.clone(),
                    reason,
                });
            }
        }
    }
    if report.loaded.is_empty() {
        return Err(TransferError::Nothing { path });
    }
    for parameter in &mut weights.parameters {
        if let Some(values) = taken.remove(&parameter.name) {
            parameter.values = values.into();
        }
    }
    report.unused = tensors.into_keys().collect();
    Ok(report)
}

/// Index of the first node after the last stage before the head.
fn first_of_head(graph: &Graph) -> usize {
    match graph.stages.as_slice() {
        [.., (_, trunk), _] => trunk.0 + 1,
        _ => graph.nodes.len(),
    }
}

/// Values for every parameter of a layer and a note if they were adapted, or why they do not fit. Tensors of the
/// layer are taken out of `tensors` in any case.
fn fit(
    layer: &[&Parameter],
    tensors: &mut StoredTensors,
    is_first: bool,
) -> Result<(Vec<Vec<f32>>, Option<String>), String> {
    let found: Vec<Option<StoredTensor>> = layer.iter().map(|p| tensors.remove(&p.name)).collect();
    let mut note = None;
    let mut values = Vec::with_capacity(layer.len());
    for (parameter, tensor) in layer.iter().zip(found) {
        let tensor = tensor.ok_or_else(|| format!("is not in the file ('{}')", parameter.name))?;
        if tensor.shape == parameter.shape {
            values.push(tensor.values.to_vec());
        } else if let Some(adapted) = is_first
            .then(|| adapt_channels(&tensor, &parameter.shape))
            .flatten()
        {
            let (from, to) = (tensor.shape[1], parameter.shape[1]);
            note = Some(format!("'{}' from {from} to {to} channels", parameter.name));
            values.push(adapted);
        } else {
            return Err(format!(
                "has shape {:?} in the file, {:?} here",
                tensor.shape, parameter.shape
            ));
        }
    }
    Ok((values, note))
}

/// A first convolution for another number of channels, 3 to 1 or 1 to 3; otherwise nothing.
fn adapt_channels(tensor: &StoredTensor, wanted: &[usize]) -> Option<Vec<f32>> {
    let (&[outputs, from, height, width], &[to_outputs, to, to_height, to_width]) =
        (tensor.shape.as_slice(), wanted)
    else {
        return None;
    };
    if [outputs, height, width] != [to_outputs, to_height, to_width] {
        return None;
    }
    let area = height * width;
    match (from, to) {
        (3, 1) => Some(
            tensor
                .values
                .chunks_exact(3 * area)
                .flat_map(|kernel| {
                    (0..area).map(|i| kernel[i] + kernel[area + i] + kernel[2 * area + i])
                })
                .collect(),
        ),
        (1, 3) => Some(
            tensor
                .values
                .chunks_exact(area)
                .flat_map(|kernel| (0..3).flat_map(move |_| kernel.iter().map(|value| value / 3.0)))
                .collect(),
        ),
        _ => None,
    }
}
