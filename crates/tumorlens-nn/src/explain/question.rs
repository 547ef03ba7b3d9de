//! The question, "what does this score of this image rest on?", and the passes through the network that answer it.

use super::ExplainError;
use crate::graph::NodeId;
use crate::network::{DeviceFailure, Mode, Network};
use burn::tensor::{Tensor, TensorData};
use tumorlens_core::{ClassIndex, ClassSet};

/// Images in one pass. Fixed, so that a map does not depend on memory or threads.
const CHUNK: usize = 16;

/// One image, one score.
pub(super) struct Question<'a> {
    pub(super) network: &'a Network,
    /// `[channels, height, width]`, finite.
    pub(super) input: &'a [f32],
    /// Which logit.
    pub(super) output: usize,
    /// 1, or -1 for the negative class of two, whose score is the negated logit of the positive one.
    pub(super) sign: f32,
}

/// What a layer gave for the image of the question, and how the score depends on it.
pub(super) struct Probe {
    /// `[channels, height, width]`.
    pub(super) shape: [usize; 3],
    /// Output of the layer.
    pub(super) activation: Vec<f32>,
    /// Derivative of the score by it, of the same shape.
    pub(super) gradient: Vec<f32>,
}

impl<'a> Question<'a> {
    /// Checks that input, classes and network fit each other.
    pub(super) fn new(
        network: &'a Network,
        input: &'a [f32],
        classes: &ClassSet,
        target: ClassIndex,
    ) -> Result<Self, ExplainError> {
        let graph = network.graph();
        if input.len() != graph.input.iter().product::<usize>() {
            return Err(ExplainError::InputLength {
                found: input.len(),
                expected: graph.input,
            });
        }
        if let Some(found) = input.iter().find(|v| !v.is_finite()) {
            return Err(ExplainError::NotFinite {
                what: "the input".to_owned(),
                found: *found,
            });
        }
        if target.0 >= classes.len() {
            return Err(ExplainError::UnknownClass {
                index: target.0,
                classes: classes.len(),
            });
        }
        let (found, expected) = (graph.outputs(), classes.logits());
        if found != expected {
            return Err(ExplainError::Outputs { found, expected });
        }
        let (output, sign) = match classes.negative() {
            None => (target.0, 1.0),
            Some(negative) => (0, if target == negative { -1.0 } else { 1.0 }),
        };
        Ok(Self {
            network,
            input,
            output,
            sign,
        })
    }

    /// The score of every input, in order.
    pub(super) fn scores(
        &self,
        inputs: impl Iterator<Item = Vec<f32>>,
    ) -> Result<Vec<f32>, ExplainError> {
        let logits = in_chunks(inputs, |batch| self.logits(batch))?;
        let outputs = self.network.graph().outputs().max(1);
        let scores = logits.chunks_exact(outputs);
        Ok(scores.map(|z| z[self.output] * self.sign).collect())
    }

    fn logits(&self, batch: Vec<f32>) -> Result<Vec<f32>, ExplainError> {
        let failed = |e: DeviceFailure| ExplainError::Device(e.to_string());
        self.network.logits(batch).map_err(failed)
    }

    /// The probability of the target for every input, in order, before any calibration.
    pub(super) fn probabilities(
        &self,
        inputs: impl Iterator<Item = Vec<f32>>,
    ) -> Result<Vec<f64>, ExplainError> {
        let outputs = self.network.graph().outputs();
        let logits = in_chunks(inputs, |batch| self.logits(batch))?;
        Ok(logits
            .chunks_exact(outputs.max(1))
            .map(|logits| self.probability(logits))
            .collect())
    }

    /// Logistic function of the one logit of two classes, softmax of more.
    fn probability(&self, logits: &[f32]) -> f64 {
        let target = f64::from(logits[self.output] * self.sign);
        if logits.len() == 1 {
            return 1.0 / (1.0 + (-target).exp());
        }
        let sum: f64 = logits
            .iter()
            .map(|logit| (f64::from(*logit) - target).exp())
            .sum();
        1.0 / sum
    }

    /// The score of the image for every changed output of a layer, in order.
    ///
    /// The layers before run once a chunk: only the changed output has a batch, and residual sums broadcast.
    pub(super) fn scores_with(
        &self,
        layer: NodeId,
        shape: [usize; 3],
        changed: impl Iterator<Item = Vec<f32>>,
    ) -> Result<Vec<f32>, ExplainError> {
        let [c, h, w] = shape;
        in_chunks(changed, |batch| {
            let input = self.network.batch(self.input.to_vec());
            let n = batch.len() / (c * h * w);
            let mut changed = Some(TensorData::new(batch, [n, c, h, w]));
            let pass = self
                .network
                .forward_tapped(input, Mode::Inference, &mut |tapped| match changed
                    .take_if(|_| tapped.id == layer)
                {
                    Some(data) => Tensor::from_data(data, self.network.device()),
                    None => tapped.value,
                });
            host(self.score(pass.logits))
        })
    }

    /// Output of a layer for the image.
    pub(super) fn activation(&self, layer: NodeId) -> Result<([usize; 3], Vec<f32>), ExplainError> {
        activation(self.network, self.input, layer)
    }

    /// Output of a layer for the image, and the gradient of the score there.
    pub(super) fn probe(&self, layer: NodeId) -> Result<Probe, ExplainError> {
        let (output, gradient) = self.gradient(self.input.to_vec(), layer)?;
        let [_, c, h, w] = output.dims();
        Ok(Probe {
            shape: [c, h, w],
            activation: host(output)?,
            gradient: host(gradient)?,
        })
    }

    /// Mean over some inputs of the gradient of their score by the input, `[channels, height, width]`.
    pub(super) fn mean_input_gradient(
        &self,
        inputs: impl Iterator<Item = Vec<f32>>,
    ) -> Result<Vec<f32>, ExplainError> {
        let length = self.input.len();
        let mut sum = vec![0.0f64; length];
        let mut count = 0usize;
        in_chunks(inputs, |batch| {
            let (_, gradient) = self.gradient(batch, NodeId(0))?;
            for image in host(gradient)?.chunks_exact(length) {
                sum.iter_mut()
                    .zip(image)
                    .for_each(|(sum, g)| *sum += f64::from(*g));
                count += 1;
            }
            Ok(Vec::new())
        })?;
        Ok(sum
            .into_iter()
            .map(|s| (s / count.max(1) as f64) as f32)
            .collect())
    }

    /// Output of a layer for a batch and the gradient of the batch's summed score there. An image's score does not
    /// depend on the others in its batch, so each gets its own gradient.
    fn gradient(
        &self,
        batch: Vec<f32>,
        layer: NodeId,
    ) -> Result<(Tensor<4>, Tensor<4>), ExplainError> {
        let mut leaf = None;
        let pass = self.network.forward_tapped(
            self.network.batch(batch),
            Mode::Inference,
            &mut |tapped| {
                if tapped.id != layer {
                    return tapped.value;
                }
                // From here on the pass is recorded; parameters on a plain device count as constants.
                let value = tapped.value.without_autodiff().autodiff().require_grad();
                leaf = Some(value.clone());
                value
            },
        );
        let unreached = || ExplainError::Unreached(self.network.graph().node(layer).name.clone());
        let score = self.score(pass.logits).sum();
        let leaf = leaf.filter(|_| score.is_tracked()).ok_or_else(unreached)?;
        let gradient = leaf.grad(&score.backward()).ok_or_else(unreached)?;
        Ok((leaf.without_autodiff(), gradient))
    }

    /// `[batch, outputs]` to the scores asked about, `[batch, 1]`.
    fn score(&self, logits: Tensor<2>) -> Tensor<2> {
        logits.slice_dim(1, self.output..self.output + 1) * self.sign
    }
}

/// Output of a layer for one image, with its shape `[channels, height, width]`.
pub(super) fn activation(
    network: &Network,
    input: &[f32],
    layer: NodeId,
) -> Result<([usize; 3], Vec<f32>), ExplainError> {
    let mut seen = None;
    let _ = network.forward_tapped(
        network.batch(input.to_vec()),
        Mode::Inference,
        &mut |tapped| {
            if tapped.id == layer {
                seen = Some(tapped.value.clone());
            }
            tapped.value
        },
    );
    let value =
        seen.ok_or_else(|| ExplainError::Unreached(network.graph().node(layer).name.clone()))?;
    let [_, c, h, w] = value.dims();
    Ok(([c, h, w], host(value)?))
}

/// Hands the inputs over in batches of at most [`CHUNK`] and joins the answers.
fn in_chunks(
    mut inputs: impl Iterator<Item = Vec<f32>>,
    mut answer: impl FnMut(Vec<f32>) -> Result<Vec<f32>, ExplainError>,
) -> Result<Vec<f32>, ExplainError> {
    let mut answers = Vec::new();
    loop {
        let batch: Vec<f32> = inputs.by_ref().take(CHUNK).flatten().collect();
        if batch.is_empty() {
            return Ok(answers);
        }
        answers.extend(answer(batch)?);
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ExplainError> {
    let data = tensor
        .try_into_data()
        .map_err(|e| ExplainError::Device(e.to_string()))?;
    data.convert::<f32>()
        .try_into_vec()
        .map_err(|e| ExplainError::Device(format!("{e:?}")))
}
