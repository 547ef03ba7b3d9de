//! An engine whatever its values are stored in.

use super::record::{LayerTime, Task};
use super::{Engine, Gradients, Judge, Judgement, Output};
use crate::graph::{Graph, ShapeError};
use crate::network::Mode;
use crate::precision::Precision;
use crate::weights::Weights;
use std::fmt::Debug;
use std::sync::Arc;
use tumorlens_kernels::conv::Storage;
use tumorlens_kernels::{Bf16x32, Lane};

/// Runs a whole pass on one of the threads that its layers are shared out among. From any other thread every layer would be
/// handed over and waited for, which for one image takes longer than most layers do.
fn among_threads<R: Send>(pass: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| pass())
}

/// What trains on the processor: [`Engine`].
pub(crate) trait Trains: Debug + Send + Sync {
    /// [`Engine::forward`].
    fn forward(&mut self, weights: &Weights, input: &[f32], mode: Mode) -> Output;
    /// [`Engine::backward`].
    fn backward(
        &mut self,
        weights: &Weights,
        by_logits: &[f32],
        by_evidence: Option<&[f32]>,
        learns: &[bool],
    ) -> Gradients;
    /// [`Engine::record`].
    fn record(&mut self, on: bool);
    /// [`Engine::recorded`].
    fn recorded(&self) -> Vec<LayerTime>;
    /// [`Engine::lap`].
    fn lap(&mut self, node: Option<usize>, task: Task);
}

impl<P: Storage> Trains for Engine<P> {
    fn forward(&mut self, weights: &Weights, input: &[f32], mode: Mode) -> Output {
        among_threads(|| Self::forward(self, weights, input, mode))
    }
    fn backward(
        &mut self,
        weights: &Weights,
        by_logits: &[f32],
        by_evidence: Option<&[f32]>,
        learns: &[bool],
    ) -> Gradients {
        among_threads(|| Self::backward(self, weights, by_logits, by_evidence, learns))
    }
    fn record(&mut self, on: bool) {
        Self::record(self, on);
    }
    fn recorded(&self) -> Vec<LayerTime> {
        Self::recorded(self)
    }
    fn lap(&mut self, node: Option<usize>, task: Task) {
        Self::lap(self, node, task);
    }
}

/// An engine for a graph, in a precision.
pub(crate) fn training(
    graph: &Graph,
    weights: &Weights,
    precision: Precision,
) -> Result<Box<dyn Trains>, ShapeError> {
    Ok(match precision {
        Precision::F32 => Box::new(Engine::<Lane>::new(graph, weights)?),
        Precision::Bf16 => Box::new(Engine::<Bf16x32>::new(graph, weights)?),
    })
}

/// What judges on the processor: [`Judge`].
pub(crate) trait Judges: Debug + Send + Sync {
    /// The weights.
    fn weights(&self) -> &Weights;
    /// [`Judge::judge`].
    fn judge(&self, input: &[f32], wanted: &[usize], judgement: &mut Judgement);
    /// [`Judge::record`].
    fn record(&self, on: bool);
    /// [`Judge::recorded`].
    fn recorded(&self) -> Vec<LayerTime>;
    /// [`Judge::together`].
    fn together(&self) -> usize;
}

impl<P: Storage> Judges for Judge<P> {
    fn weights(&self) -> &Weights {
        &self.weights
    }
    fn judge(&self, input: &[f32], wanted: &[usize], judgement: &mut Judgement) {
        among_threads(|| Self::judge(self, input, wanted, judgement));
    }
    fn record(&self, on: bool) {
        Self::record(self, on);
    }
    fn recorded(&self) -> Vec<LayerTime> {
        Self::recorded(self)
    }
    fn together(&self) -> usize {
        Self::together(self)
    }
}

/// A judge on a graph, in a precision; only the values of the nodes `read` can be asked for later.
pub(crate) fn judging(
    graph: &Graph,
    weights: Arc<Weights>,
    read: &[usize],
    precision: Precision,
) -> Result<Arc<dyn Judges>, ShapeError> {
    Ok(match precision {
        Precision::F32 => Arc::new(Judge::<Lane>::new(graph, weights, read)?),
        Precision::Bf16 => Arc::new(Judge::<Bf16x32>::new(graph, weights, read)?),
    })
}
