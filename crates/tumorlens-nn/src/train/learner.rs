//! A network that learns: one step from a batch to changed weights.

use super::average::Average;
use super::batch::Batch;
use super::config::TrainConfig;
use crate::engine::record::Task;
use crate::engine::{Gradients, LayerStatistics, Trains, training};
use crate::loss::image::ImageLoss;
use crate::loss::outline::{OutlineTerms, outline_loss};
use crate::network::{DeviceFailure, Mode, Network, NetworkError, Pass, host};
use crate::optimizer::{Optimizer, clip_global_norm};
use crate::weights::{Parameter, Weights};
use burn::tensor::{Device, Tensor, TensorData};
use tumorlens_core::Seed;

/// Share of a new batch in the running statistics of a batch normalisation, PyTorch's default.
const STATISTICS_MOMENTUM: f32 = 0.1;

/// A network, its weights on the host, and what the optimiser remembers. The host's weights are the ones that count;
/// the device holds a copy.
#[derive(Debug)]
pub(crate) struct Learner {
    body: Body,
    pub(crate) weights: Weights,
    pub(crate) optimizer: Optimizer,
    pub(crate) average: Option<Average>,
    loss: ImageLoss,
    outline_weight: f64,
    outline_terms: OutlineTerms,
    clip_norm: f64,
}

/// What runs forwards and backwards.
#[derive(Debug)]
enum Body {
    /// The processor: the graph planned for it, and which parameters learn.
    Planned(Box<dyn Trains>, Vec<bool>),
    /// Any other device, by burn.
    Framework(Box<Network>),
}

/// What a forward pass gave, on the host.
struct Outputs {
    logits: Vec<f32>,
    evidence: Option<Vec<f32>>,
    statistics: Vec<LayerStatistics>,
    /// On the framework's device, to go back from.
    pass: Option<Pass>,
}

/// Derivatives by what a pass gave.
struct Slopes {
    logits: Vec<f32>,
    evidence: Option<Vec<f32>>,
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
        // Also where it is the engine that learns: it checks the weights.
        let network = Network::new(graph.clone(), &weights, device, Some(&learns))?;
        let body = if *device == Device::flex() {
            let learns = |p: &Parameter| p.role.is_learned() && learns(p);
            let learns = weights.parameters.iter().map(learns).collect();
            Body::Planned(training(graph, &weights, config.precision)?, learns)
        } else if config.precision.is_single() {
            Body::Framework(Box::new(network))
        } else {
            return Err(NetworkError::Precision(config.precision));
        };
        Ok(Self {
            body,
            optimizer: Optimizer::new(config.optimizer, &weights),
            average: (config.average > 0.0).then(|| Average::new(config.average, &weights)),
            weights,
            loss,
            outline_weight: config.loss.outline_weight,
            outline_terms: OutlineTerms {
                balance: config.loss.outline_balance,
                pointing: config.loss.outline_pointing,
            },
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
        let Body::Framework(network) = &mut self.body else {
            return Ok(());
        };
        self.weights
            .parameters
            .iter()
            .try_for_each(|p| network.set_parameter(&p.name, &p.values))
    }

    /// Learns from a batch at learning rate `rate`; dropout draws from `seed`.
    pub(crate) fn step(
        &mut self,
        batch: &Batch,
        rate: f64,
        seed: Seed,
    ) -> Result<StepLoss, StepError> {
        let outputs = self.forward(batch, seed)?;
        let (losses, slopes) = self.losses(&outputs, batch)?;
        // The gradient is that of the weights of the forward pass: only running statistics move before.
        self.measure(&outputs.statistics);
        let mut gradients = self.back(outputs.pass, slopes)?;
        if !clip_global_norm(&mut gradients, self.clip_norm).is_finite() {
            return Err(StepError::NotFinite("gradient"));
        }
        self.optimizer.step(rate, &mut self.weights, &gradients);
        self.upload()?;
        if let Some(average) = &mut self.average {
            average.update(&self.weights);
        }
        if let Some(engine) = self.engine() {
            engine.lap(None, Task::Optimise);
        }
        Ok(losses)
    }

    /// What runs on the processor, where it does.
    pub(crate) fn engine(&mut self) -> Option<&mut (dyn Trains + 'static)> {
        match &mut self.body {
            Body::Planned(engine, _) => Some(engine.as_mut()),
            Body::Framework(_) => None,
        }
    }

    fn forward(&mut self, batch: &Batch, seed: Seed) -> Result<Outputs, StepError> {
        let mode = Mode::Training(seed);
        match &mut self.body {
            Body::Planned(engine, _) => {
                let output = engine.forward(&self.weights, &batch.input, mode);
                Ok(Outputs {
                    logits: output.logits,
                    evidence: output.evidence,
                    statistics: output.statistics,
                    pass: None,
                })
            }
            Body::Framework(network) => {
                let pass = network.forward(network.batch(batch.input.clone()), mode);
                let statistics = pass.batch_statistics.iter().map(|of_layer| {
                    Ok(LayerStatistics {
                        layer: of_layer.layer.clone(),
                        mean: host(of_layer.mean.clone())?,
                        variance: host(of_layer.variance.clone())?,
                        count: of_layer.count,
                    })
                });
                Ok(Outputs {
                    logits: host(pass.logits.clone())?,
                    evidence: pass.evidence.clone().map(host).transpose()?,
                    statistics: statistics.collect::<Result<_, DeviceFailure>>()?,
                    pass: Some(pass),
                })
            }
        }
    }

    /// Losses and their derivatives by what the pass gave.
    fn losses(&self, outputs: &Outputs, batch: &Batch) -> Result<(StepLoss, Slopes), StepError> {
        let image = self.loss.of(&outputs.logits, &batch.targets);
        let mut losses = StepLoss {
            image: image.value,
            outline: None,
        };
        let mut slopes = Slopes {
            logits: image.gradient,
            evidence: None,
        };
        if let Some(maps) = &outputs.evidence
            && batch.outlines.iter().any(Option::is_some)
        {
            let outline = outline_loss(maps, batch.len(), &batch.outlines, self.outline_terms);
            losses.outline = Some(outline.value);
            let weight = self.outline_weight as f32;
            let gradient = outline.gradient.into_iter().map(|g| g * weight);
            slopes.evidence = Some(gradient.collect());
        }
        if !(losses.image + losses.outline.unwrap_or(0.0)).is_finite() {
            return Err(StepError::NotFinite("loss"));
        }
        Ok((losses, slopes))
    }

    /// Gradients in the order of the weights; `None` for what does not learn.
    fn back(&mut self, pass: Option<Pass>, slopes: Slopes) -> Result<Gradients, StepError> {
        let (network, pass) = match (&mut self.body, pass) {
            (Body::Planned(engine, learns), _) => {
                let Slopes { logits, evidence } = &slopes;
                return Ok(engine.backward(&self.weights, logits, evidence.as_deref(), learns));
            }
            (Body::Framework(network), Some(pass)) => (network, pass),
            (Body::Framework(_), None) => return Ok(vec![None; self.weights.parameters.len()]),
        };
        // The derivative of sum(outputs * g) with respect to the outputs is g: the host's gradient goes on from here.
        let mut onwards = (pass.logits.clone() * like(&pass.logits, slopes.logits)).sum();
        if let (Some(maps), Some(slopes)) = (pass.evidence, slopes.evidence) {
            onwards = onwards + (maps.clone() * like(&maps, slopes)).sum();
        }
        let mut gradients = onwards.backward();
        let read = |parameter: &Parameter| {
            let tensor = network
                .parameter(&parameter.name)?
                .grad_remove(&mut gradients)?;
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
    fn measure(&mut self, statistics: &[LayerStatistics]) {
        for of_layer in statistics {
            let unbiased = of_layer.count as f32 / of_layer.count.saturating_sub(1).max(1) as f32;
            let mut towards = |suffix: &str, values: &[f32], scale: f32| {
                let name = format!("{}.{suffix}", of_layer.layer);
                let running = self.weights.parameters.iter_mut().find(|p| p.name == name);
                for (running, value) in running.into_iter().flat_map(|p| &mut *p.values).zip(values)
                {
                    *running = (1.0 - STATISTICS_MOMENTUM) * *running
                        + STATISTICS_MOMENTUM * scale * value;
                }
            };
            towards("running_mean", &of_layer.mean, 1.0);
            towards("running_var", &of_layer.variance, unbiased);
        }
    }
}

/// A constant in the shape of another tensor.
fn like<const D: usize>(tensor: &Tensor<D>, values: Vec<f32>) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, tensor.dims()), &tensor.device())
}

#[cfg(test)]
mod tests;
