//! A graph with its weights on a device.

mod answers;
mod evidence_pool;
mod forward;
mod upsample;

pub use answers::{Answer, Features};
pub(crate) use evidence_pool::Scores;
pub use forward::{BatchStatistics, Mode, NodeValue, Pass};
pub(crate) use forward::{EPSILON, dropout_factors};

use crate::engine::{Judgement, Judges, judging};
use crate::graph::{Graph, ShapeError};
use crate::precision::Precision;
use crate::weights::{Parameter, Weights, slots};
use answers::Reader;
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A graph with its weights on a device, ready to run.
#[derive(Clone, Debug)]
pub struct Network {
    graph: Graph,
    /// Every parameter as a flat tensor; layers reshape it, which costs nothing and keeps one rank for all. Made when it is
    /// asked for: who only judges on the processor never asks.
    values: OnceLock<BTreeMap<String, Tensor<1>>>,
    device: Device,
    /// On the processor, and for judging only: the same graph planned for it.
    judge: Option<Arc<dyn Judges>>,
    /// What is read beside the logits, where anything judges.
    reader: Arc<Reader>,
}

/// Weights do not fit a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The graph itself makes no sense.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A parameter is missing.
    #[error("weights: '{0}' is missing")]
    Missing(String),
    /// A parameter has another shape.
    #[error("weights: '{name}' has shape {found:?}, expected {expected:?}")]
    WrongShape {
        /// Parameter.
        name: String,
        /// Shape in the weights.
        found: Vec<usize>,
        /// Shape the graph needs.
        expected: Vec<usize>,
    },
    /// A precision of the processor on another device.
    #[error("precision {0} is for the device cpu only")]
    Precision(Precision),
}

impl Network {
    /// Puts weights on a device. With `learn`, the parameters for which it answers true record gradients
    /// and the device is an autodiff one.
    ///
    /// # Errors
    /// When a parameter is missing or has another shape, or the graph makes no sense.
    pub fn new(
        graph: Graph,
        weights: &Weights,
        device: &Device,
        learn: Option<&dyn Fn(&Parameter) -> bool>,
    ) -> Result<Self, NetworkError> {
        if learn.is_none() && *device == Device::flex() {
            return Self::judging(graph, Arc::new(weights.clone()), device);
        }
        let reader = Reader::new(&graph)?;
        let device = if learn.is_some() {
            device.clone().autodiff()
        } else {
            device.clone()
        };
        let mut values = BTreeMap::new();
        for parameter in fitting(&graph, weights)? {
            let mut value = flat(&parameter.values, &device);
            if parameter.role.is_learned() && learn.is_some_and(|learn| learn(parameter)) {
                value = value.require_grad();
            }
            values.insert(parameter.name.clone(), value);
        }
        Ok(Self {
            graph,
            values: OnceLock::from(values),
            device,
            judge: None,
            reader: Arc::new(reader),
        })
    }

    /// As [`Network::new`] without learning, on weights that others may use as well.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn judging(
        graph: Graph,
        weights: Arc<Weights>,
        device: &Device,
    ) -> Result<Self, NetworkError> {
        Self::judging_in(Precision::F32, graph, weights, device)
    }

    /// As [`Network::judging`], in a precision.
    ///
    /// # Errors
    /// As [`Network::new`]; and when the device has no such precision.
    pub fn judging_in(
        precision: Precision,
        graph: Graph,
        weights: Arc<Weights>,
        device: &Device,
    ) -> Result<Self, NetworkError> {
        if *device != Device::flex() {
            if !precision.is_single() {
                return Err(NetworkError::Precision(precision));
            }
            return Self::new(graph, &weights, device, None);
        }
        let reader = Reader::new(&graph)?;
        fitting(&graph, &weights)?;
        Ok(Self {
            judge: Some(judging(&graph, weights, reader.nodes(), precision)?),
            reader: Arc::new(reader),
            graph,
            values: OnceLock::new(),
            device: device.clone(),
        })
    }

    fn values(&self) -> &BTreeMap<String, Tensor<1>> {
        self.values.get_or_init(|| {
            let judge = self.judge.iter();
            judge
                .flat_map(|judge| &judge.weights().parameters)
                .map(|p| (p.name.clone(), flat(&p.values, &self.device)))
                .collect()
        })
    }

    /// The architecture.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The flat tensor of a parameter, e.g. to read its gradient.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Tensor<1>> {
        self.values().get(name)
    }

    /// Replaces a parameter's values, keeping whether it learns. Used by the training loop after each step.
    ///
    /// # Errors
    /// When there is no such parameter or the number of values differs.
    pub fn set_parameter(&mut self, name: &str, values: &[f32]) -> Result<(), NetworkError> {
        self.values();
        let old = self
            .values
            .get_mut()
            .and_then(|values| values.get_mut(name))
            .ok_or_else(|| NetworkError::Missing(name.to_owned()))?;
        let [expected] = old.dims();
        if expected != values.len() {
            return Err(NetworkError::WrongShape {
                name: name.to_owned(),
                found: vec![values.len()],
                expected: vec![expected],
            });
        }
        let learns = old.is_require_grad();
        let value = flat(values, &self.device);
        *old = if learns { value.require_grad() } else { value };
        self.judge = None;
        Ok(())
    }

    /// Logits `[images, outputs]` of a batch `[images, channels, height, width]`, judged, not trained: running
    /// statistics, no dropout.
    ///
    /// # Errors
    /// When the device fails.
    pub fn logits(&self, values: Vec<f32>) -> Result<Vec<f32>, DeviceFailure> {
        match &self.judge {
            Some(judge) => {
                let mut judgement = Judgement::default();
                judge.judge(&values, &[], &mut judgement);
                Ok(judgement.logits)
            }
            None => host(self.forward(self.batch(values), Mode::Inference).logits),
        }
    }

    /// What judges on the processor, where it does.
    pub(crate) fn judge(&self) -> Option<&dyn Judges> {
        self.judge.as_deref()
    }

    /// A batch on this network's device. `values` is `[batch, channels, height, width]`, row by row; its length
    /// must be a whole number of inputs.
    #[must_use]
    pub fn batch(&self, values: Vec<f32>) -> Tensor<4> {
        let [c, h, w] = self.graph.input;
        let n = values.len() / (c * h * w);
        Tensor::from_data(TensorData::new(values, [n, c, h, w]), &self.device)
    }
}

/// The device failed; what it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device failed: {0}")]
pub struct DeviceFailure(String);

/// A tensor's values on the host.
pub(crate) fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, DeviceFailure> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|e| DeviceFailure(e.to_string()))
}

/// The parameters of a graph in its order, where the weights have them all.
fn fitting<'a>(graph: &Graph, weights: &'a Weights) -> Result<Vec<&'a Parameter>, NetworkError> {
    let by_name: BTreeMap<&str, &Parameter> = weights
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p))
        .collect();
    let fitting = slots(graph).into_iter().map(|slot| {
        let parameter = *by_name
            .get(slot.name.as_str())
            .ok_or_else(|| NetworkError::Missing(slot.name.clone()))?;
        if parameter.shape == slot.shape {
            return Ok(parameter);
        }
        Err(NetworkError::WrongShape {
            name: slot.name,
            found: parameter.shape.clone(),
            expected: slot.shape,
        })
    });
    fitting.collect()
}

fn flat(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

#[cfg(test)]
mod tests;
