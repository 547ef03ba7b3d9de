//! Logits of every image of a source, in order.

#[cfg(doc)]
use crate::network::Answer;
use crate::network::{DeviceFailure, Features, Network};
use crate::train::loader::Loader;
use std::ops::ControlFlow;
use tumorlens_core::{ClassIndex, Observer, Sample, SampleError, SampleSource, Seed, View};

/// How images are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Images in a pass, at least 1.
    pub batch_size: usize,
    /// Whether a mirrored copy is asked too.
    pub flips: Flips,
    /// Images augmented from this seed; plain when absent.
    pub augmented: Option<Seed>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            batch_size: 32,
            flips: Flips::None,
            augmented: None,
        }
    }
}

/// Whether a mirrored copy is asked too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flips {
    /// The image alone.
    #[default]
    None,
    /// The mean of the logits of the image and of the image mirrored left to right.
    LeftRight,
}

/// What a network says of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredLogits {
    /// Position in the source.
    pub index: usize,
    /// Label that the source gives.
    pub label: ClassIndex,
    /// Logits, one an output.
    pub logits: Vec<f32>,
    /// As [`Answer::members`].
    pub members: Vec<f32>,
    /// As [`Answer::features`]; of the image as it is, mirrored or not.
    pub features: Features,
}

/// Images could not be scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// An image could not be loaded.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The source's images have another shape than the network's input.
    #[error("images of {found:?} do not fit a network for {expected:?}")]
    Shape {
        /// Shape of the source.
        found: [usize; 3],
        /// Shape that the network takes.
        expected: [usize; 3],
    },
    /// The network gave a value that is not finite.
    #[error("{path}: the network's answer is not a finite number")]
    NotFinite {
        /// Image.
        path: String,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceFailure),
    /// Threads could not be started.
    #[error("threads could not be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The observer asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Scores every image of a source, in the source's order.
///
/// # Errors
/// When an image cannot be loaded or does not fit, the network's answer is not finite, or the observer stops it.
pub fn predict_logits(
    network: &Network,
    source: &dyn SampleSource,
    reading: Reading,
    observer: &dyn Observer,
) -> Result<Vec<ScoredLogits>, EvaluateError> {
    let (found, expected) = (source.shape(), network.graph().input);
    if found != expected {
        return Err(EvaluateError::Shape { found, expected });
    }
    observer.begin("predict", Some(source.len() as u64));
    let views: Vec<(usize, View)> = (0..source.len())
        .map(|index| {
            let view = reading.augmented.map_or(View::Plain, |seed| {
                View::Augmented(seed.index(index as u64))
            });
            (index, view)
        })
        .collect();
    let batches: Vec<_> = views
        .chunks(reading.batch_size.max(1))
        .map(<[_]>::to_vec)
        .collect();
    let mut scored: Vec<ScoredLogits> = Vec::with_capacity(source.len());
    Loader::new()?.run(source, &batches, |samples| {
        if observer.should_stop() {
            return Err(EvaluateError::Stopped);
        }
        scored.extend(score(network, &samples, reading.flips)?);
        observer.advance(scored.len() as u64, "");
        Ok(ControlFlow::Continue(()))
    })?;
    if let Some(bad) = scored
        .iter()
        .find(|s| s.logits.iter().any(|z| !z.is_finite()))
    {
        return Err(EvaluateError::NotFinite {
            path: source.info(bad.index).path.clone(),
        });
    }
    observer.end();
    Ok(scored)
}

fn score(
    network: &Network,
    samples: &[Sample],
    flips: Flips,
) -> Result<Vec<ScoredLogits>, DeviceFailure> {
    let input: Vec<f32> = samples
        .iter()
        .flat_map(|s| s.input.iter().copied())
        .collect();
    let [_, _, width] = network.graph().input;
    let mirrored = (flips == Flips::LeftRight).then(|| mirrored(&input, width));
    let mut answers = network.answers(input)?;
    if let Some(mirrored) = mirrored {
        for (answer, other) in answers.iter_mut().zip(network.answers(mirrored)?) {
            halve_sum(&mut answer.logits, &other.logits);
            halve_sum(&mut answer.members, &other.members);
        }
    }
    let scored = samples
        .iter()
        .zip(answers)
        .map(|(sample, answer)| ScoredLogits {
            index: sample.index,
            label: sample.label,
            logits: answer.logits,
            members: answer.members,
            features: answer.features,
        });
    Ok(scored.collect())
}

fn halve_sum(values: &mut [f32], others: &[f32]) {
    for (value, other) in values.iter_mut().zip(others) {
        *value = (*value + other) * 0.5;
    }
}

/// Every row of so many values turned round.
fn mirrored(values: &[f32], width: usize) -> Vec<f32> {
    let rows = values.chunks_exact(width);
    rows.flat_map(|row| row.iter().rev().copied()).collect()
}
