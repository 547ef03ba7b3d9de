//! A network that learns: one step from a batch to changed weights.

use super::average::Average;
use super::batch::Batch;
use super::config::TrainConfig;
use crate::loss::image::ImageLoss;
use crate::loss::outline::outline_loss;
use crate::network::{BatchStatistics, Mode, Network, NetworkError, Pass};
use crate::optimizer::{Optimizer, clip_global_norm};
use crate::weights::{Parameter, Weights};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use tumorlens_core::Seed;

/// Share of a new batch in the running statistics of a batch normalisation, PyTorch's default.
const STATISTICS_MOMENTUM: f32 = 0.1;

/// A network, its weights on the host, and what the optimiser remembers. The host's weights are the ones that count;
/// the device holds a copy.
#[derive(Debug)]
pub(crate) struct Learner {
    network: Network,
    pub(crate) weights: Weights,
    pub(crate) optimizer: Optimizer,
    pub(crate) average: Option<Average>,
    loss: ImageLoss,
    outline_weight: f64,
    clip_norm: f64,
}

/// The losses of one step, means over its images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StepLoss {
    pub(crate) image: f64,
    /// Unweighted; `None` where the step knew of no outline.
    pub(crate) outline: Option<f64>,
}

/// A step could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The loss or the gradient is not finite.
    #[error("the {0} is not a finite number")]
    NotFinite(&'static str),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceFailure),
    /// Unreachable: the weights are the network's own.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl Learner {
    /// A learner at its first step. Parameters whose name `frozen` answers with true keep their values.
    pub(crate) fn new(
        graph: &crate::graph::Graph,
        weights: Weights,
        config: &TrainConfig,
        loss: ImageLoss,
        frozen: &dyn Fn(&str) -> bool,
        device: &Device,
    ) -> Result<Self, NetworkError> {
        let learns = |parameter: &Parameter| !frozen(&parameter.name);
        let network = Network::new(graph.clone(), &weights, device, Some(&learns))?;
        Ok(Self {
            network,
            optimizer: Optimizer::new(config.optimizer, &weights),
            average: (config.average > 0.0).then(|| Average::new(config.average, &weights)),
            weights,
            loss,
            outline_weight: config.loss.outline_weight,
            clip_norm: config.clip_norm,
        })
    }

    /// The weights to validate and to keep: the average, where there is one.
    pub(crate) fn result(&self) -> &Weights {
        self.average
            .as_ref()
            .map_or(&self.weights, |average| &average.weights)
    }

    /// Puts the host's weights on the device, after they were replaced.
    pub(crate) fn upload(&mut self) -> Result<(), NetworkError> {
        self.weights
            .parameters
            .iter()
            .try_for_each(|p| self.network.set_parameter(&p.name, &p.values))
    }

    /// Learns from a batch at learning rate `rate`; dropout draws from `seed`.
    pub(crate) fn step(
        &mut self,
        batch: &Batch,
        rate: f64,
        seed: Seed,
    ) -> Result<StepLoss, StepError> {
        let input = self.network.batch(batch.input.clone());
        let pass = self.network.forward(input, Mode::Training(seed));
        self.measure(&pass.batch_statistics)?;
        let (losses, mut gradients) = self.back(pass, batch)?;
        let mut gradients = self.read(&mut gradients)?;
        if !clip_global_norm(&mut gradients, self.clip_norm).is_finite() {
            return Err(StepError::NotFinite("gradient"));
        }
        self.optimizer.step(rate, &mut self.weights, &gradients);
        self.upload()?;
        if let Some(average) = &mut self.average {
            average.update(&self.weights);
        }
        Ok(losses)
    }

    /// Losses on the host, and their gradients on the device.
    fn back(&self, pass: Pass, batch: &Batch) -> Result<(StepLoss, Gradients), StepError> {
        let image = self.loss.of(&host(pass.logits.clone())?, &batch.targets);
        let mut losses = StepLoss {
            image: image.value,
            outline: None,
        };
        // The derivative of sum(outputs * g) with respect to the outputs is g: the host's gradient goes on from here.
        let mut onwards = (pass.logits.clone() * like(&pass.logits, image.gradient)).sum();
        if let Some(maps) = pass
            .evidence
            .filter(|_| batch.outlines.iter().any(Option::is_some))
        {
            let outline = outline_loss(&host(maps.clone())?, batch.len(), &batch.outlines);
            losses.outline = Some(outline.value);
            let weight = self.outline_weight as f32;
            let gradient = outline.gradient.into_iter().map(|g| g * weight).collect();
            onwards = onwards + (maps.clone() * like(&maps, gradient)).sum();
        }
        if !(losses.image + losses.outline.unwrap_or(0.0)).is_finite() {
            return Err(StepError::NotFinite("loss"));
        }
        Ok((losses, onwards.backward()))
    }

    /// Gradients in the order of the weights; `None` for what does not learn.
    fn read(&self, gradients: &mut Gradients) -> Result<Vec<Option<Vec<f32>>>, StepError> {
        let read = |parameter: &Parameter| {
            let tensor = self
                .network
                .parameter(&parameter.name)?
                .grad_remove(gradients)?;
            Some(host(tensor))
        };
        self.weights
            .parameters
            .iter()
            .map(read)
            .map(|g| Ok(g.transpose()?))
            .collect()
    }

    /// Running statistics move towards those of the batch; the variance as unbiased, as PyTorch does.
    fn measure(&mut self, statistics: &[BatchStatistics]) -> Result<(), StepError> {
        for of_layer in statistics {
            let unbiased = of_layer.count as f32 / of_layer.count.saturating_sub(1).max(1) as f32;
            let (mean, variance) = (
                host(of_layer.mean.clone())?,
                host(of_layer.variance.clone())?,
            );
            let mut towards = |suffix: &str, values: Vec<f32>, scale: f32| {
                let name = format!("{}.{suffix}", of_layer.layer);
                let running = self.weights.parameters.iter_mut().find(|p| p.name == name);
                for (running, value) in running.into_iter().flat_map(|p| &mut p.values).zip(values)
                {
                    *running = (1.0 - STATISTICS_MOMENTUM) * *running
                        + STATISTICS_MOMENTUM * scale * value;
                }
            };
            towards("running_mean", mean, 1.0);
            towards("running_var", variance, unbiased);
        }
        Ok(())
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

/// A constant in the shape of another tensor.
fn like<const D: usize>(tensor: &Tensor<D>, values: Vec<f32>) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, tensor.dims()), &tensor.device())
}

#[cfg(test)]
mod tests;
