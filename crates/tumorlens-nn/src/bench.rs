//! One step of training or of judging on made-up images, for timing; and what a step is measured by.

pub use crate::engine::record::{LayerTime, Task};
pub use tumorlens_kernels::peak::stream;

use crate::device::{DeviceChoice, DeviceError};
use crate::engine::Judges;
use crate::graph::Graph;
use crate::loss::image::ImageLoss;
use crate::model::{ModelConfig, ModelError};
use crate::network::{DeviceFailure, Network, NetworkError};
use crate::precision::Precision;
use crate::train::TrainConfig;
use crate::train::batch::Batch;
use crate::train::learner::{Learner, StepError};
use crate::weights::Weights;
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;
use tumorlens_core::{ClassSet, Seed};
use tumorlens_kernels::peak;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Forward, backward and the optimiser's step.
    Train,
    /// Forward with running statistics.
    Infer,
}

/// A network and a batch, ready to be run again and again.
#[derive(Debug)]
pub struct Bench {
    input: [usize; 3],
    batch: Batch,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Train(Box<Learner>),
    Infer(Box<Network>),
}

/// Operations a second of all threads in a precision, none of them waiting for memory, measured for about `time`.
#[must_use]
pub fn multiply_add_peak(precision: Precision, time: Duration) -> f64 {
    match precision {
        Precision::F32 => peak::multiply_add_peak(time),
        Precision::Bf16 => peak::multiply_add_peak_of_bf16(time),
    }
}

/// A step could not be timed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The model does not fit the size.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The device is not usable.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device failed.
    #[error(transparent)]
    Failure(#[from] DeviceFailure),
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The step went wrong.
    #[error("a training step failed: {0}")]
    Step(String),
    /// The parts of a step are known where our own engine runs it.
    #[error("layers are timed on the device cpu only")]
    NotTheProcessor,
}

impl Bench {
    /// A network with weights as at the start of training, one logit, and `images` images of `input`
    /// (`[channels, height, width]`) with values in [-1, 1).
    ///
    /// # Errors
    /// When the model does not fit the input, or the device is not compiled in or has no such precision.
    pub fn new(
        model: &ModelConfig,
        input: [usize; 3],
        images: usize,
        work: Work,
        precision: Precision,
        device: DeviceChoice,
    ) -> Result<Self, BenchError> {
        let graph = model.graph(input, 1)?;
        let weights = Weights::initial(&graph, Seed(0));
        if work == Work::Infer {
            return Self::judging(graph, Arc::new(weights), images, precision, device);
        }
        let loss = ImageLoss::plain(&ClassSet::tumor());
        precision.check(device)?;
        let config = TrainConfig {
            precision,
            ..TrainConfig::default()
        };
        let device = device.open()?;
        let learner = Learner::new(&graph, weights, &config, loss, &|_| false, &device)?;
        Ok(Self {
            input,
            batch: batch(input, images),
            body: Body::Train(Box::new(learner)),
        })
    }

    /// A network that is given, and `images` images as those of [`Self::new`], to be judged.
    ///
    /// # Errors
    /// When the weights do not fit, or the device is not compiled in or has no such precision.
    pub fn judging(
        graph: Graph,
        weights: Arc<Weights>,
        images: usize,
        precision: Precision,
        device: DeviceChoice,
    ) -> Result<Self, BenchError> {
        precision.check(device)?;
        let input = graph.input;
        let network = Network::judging_in(precision, graph, weights, &device.open()?)?;
        Ok(Self {
            input,
            batch: batch(input, images),
            body: Body::Infer(Box::new(network)),
        })
    }

    /// `[channels, height, width]` of an image.
    #[must_use]
    pub fn input(&self) -> [usize; 3] {
        self.input
    }

    /// Records the parts of the steps from the next one on, or no longer.
    ///
    /// # Errors
    /// On other devices than the processor.
    pub fn record(&mut self, on: bool) -> Result<(), BenchError> {
        match &mut self.body {
            Body::Infer(network) => network.judge().map(|judge| judge.record(on)),
            Body::Train(learner) => learner.engine().map(|engine| engine.record(on)),
        }
        .ok_or(BenchError::NotTheProcessor)
    }

    /// Every part of the steps recorded, in the order of a step; empty where none was. When judging, a part is that of the
    /// images that one thread takes together.
    pub fn recorded(&mut self) -> Vec<LayerTime> {
        match &mut self.body {
            Body::Infer(network) => network.judge().map(Judges::recorded),
            Body::Train(learner) => learner.engine().map(|engine| engine.recorded()),
        }
        .unwrap_or_default()
    }

    /// Operations of a recorded step on the whole batch, of the plain definitions; 0 where none was recorded.
    pub fn operations(&mut self) -> f64 {
        let [c, h, w] = self.input;
        let images = self.batch.input.len() / (c * h * w).max(1);
        let together = match &self.body {
            Body::Infer(network) => network.judge().map_or(0, Judges::together),
            Body::Train(_) => images,
        };
        let of_parts: f64 = self.recorded().iter().map(|part| part.operations).sum();
        of_parts * images as f64 / together.max(1) as f64
    }

    /// Runs the batch once.
    ///
    /// # Errors
    /// When the device fails or a training step gives no finite number.
    pub fn step(&mut self) -> Result<(), BenchError> {
        match &mut self.body {
            Body::Infer(network) => {
                network.logits(self.batch.input.clone())?;
            }
            Body::Train(learner) => {
                learner
                    .step(&self.batch, 1e-3, Seed(2))
                    .map_err(|e: StepError| BenchError::Step(e.to_string()))?;
            }
        }
        Ok(())
    }
}

/// Values in [-1, 1), every other image positive.
fn batch(input: [usize; 3], images: usize) -> Batch {
    let mut rng = Seed(1).rng();
    let values = (0..images * input.iter().product::<usize>())
        .map(|_| rng.random::<f32>() * 2.0 - 1.0)
        .collect();
    let targets = (0..images).map(|i| {
        let positive = (i % 2) as f64;
        vec![1.0 - positive, positive]
    });
    Batch {
        input: values,
        targets: targets.collect(),
        outlines: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Architecture;

    fn operations(images: usize, work: Work) -> f64 {
        let model = ModelConfig::new(Architecture::Cnn);
        let (precision, device) = (Precision::F32, DeviceChoice::Cpu);
        let mut bench = Bench::new(&model, [1, 16, 16], images, work, precision, device).unwrap();
        bench.record(true).unwrap();
        bench.step().unwrap();
        bench.operations()
    }

    #[test]
    fn a_batch_takes_the_operations_of_an_image_times_its_images() {
        // Training has some for the weights besides.
        let judged = operations(1, Work::Infer);
        assert!(judged > 0.0);
        assert!((operations(8, Work::Infer) / judged - 8.0).abs() < 1e-9);
        assert!(operations(8, Work::Train) > 2.0 * 8.0 * judged);
    }
}
