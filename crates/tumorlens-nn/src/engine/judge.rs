//! Judging: every thread takes a few images of its own through the whole graph, so that what one layer writes is still
//! in the cache when the next one reads it. What is said of an image does not depend on the others.

use super::Engine;
use crate::graph::{Graph, ShapeError};
use crate::network::Mode;
use crate::weights::Weights;
use rayon::prelude::*;

/// A graph with weights that do not change, for batches of any size.
#[derive(Debug)]
pub(crate) struct Judge {
    weights: Weights,
    /// Images that a thread takes together.
    group: usize,
    /// One for each thread that takes part; the first has packed the weights.
    engines: Vec<Engine>,
}

/// Images together at most.
const MOST: usize = 4;

/// One image at a time leaves the caches to its values, several share the reading of the weights: as many as there are
/// times more weights than values.
fn group(graph: &Graph, weights: &Weights) -> Result<usize, ShapeError> {
    let values: usize = graph
        .shapes()?
        .iter()
        .map(|s| s.iter().product::<usize>())
        .sum();
    let weights: usize = weights.parameters.iter().map(|p| p.values.len()).sum();
    Ok((weights / values.max(1)).clamp(1, MOST))
}

/// Logits `[images, outputs]`, and the values asked for, `[images, channels, height, width]` each.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) logits: Vec<f32>,
    pub(crate) values: Vec<Vec<f32>>,
}

impl Judge {
    pub(crate) fn new(graph: &Graph, weights: Weights) -> Result<Self, ShapeError> {
        Ok(Self {
            group: group(graph, &weights)?,
            // Whoever asks may read every value, so none is left out.
            engines: vec![Engine::planned(graph, &weights, false)?],
            weights,
        })
    }

    /// The engine that takes the first images; while it records it takes all.
    pub(crate) fn first(&mut self) -> &mut Engine {
        &mut self.engines[0]
    }

    /// Takes a batch `[images, channels, height, width]` through, and reads the values of some nodes on the way.
    pub(crate) fn judge(&mut self, input: &[f32], wanted: &[usize]) -> Judgement {
        let size = self.engines[0].graph.input.iter().product::<usize>().max(1);
        let images = input.len() / size;
        let mut threads = rayon::current_num_threads();
        if self.engines[0].recorder.is_some() {
            threads = 1;
        }
        let group = self.group.min(images.div_ceil(threads)).max(1);
        // The first group on all threads: it packs the weights for all that follow.
        let (first, rest) = input.split_at((group * size).min(input.len()));
        let mut judgement = self.engines[0].images(&self.weights, first, wanted);
        if rest.is_empty() {
            return judgement;
        }
        while self.engines.len() < threads {
            self.engines.push(self.engines[0].sibling());
        }
        let share = (rest.len() / size).div_ceil(threads) * size;
        let weights = &self.weights;
        let parts: Vec<Vec<Judgement>> = self.engines[..threads]
            .par_iter_mut()
            .zip(rest.par_chunks(share))
            .map(|(engine, part)| {
                let groups = part.chunks(group * size);
                groups.map(|x| engine.images(weights, x, wanted)).collect()
            })
            .collect();
        for one in parts.into_iter().flatten() {
            judgement.logits.extend(one.logits);
            for (all, values) in judgement.values.iter_mut().zip(one.values) {
                all.extend(values);
            }
        }
        judgement
    }
}

impl Engine {
    fn images(&mut self, weights: &Weights, input: &[f32], wanted: &[usize]) -> Judgement {
        let logits = self.forward(weights, input, Mode::Inference).logits;
        let read = |&node: &usize| self.planar(node).unwrap_or_default();
        Judgement {
            logits,
            values: wanted.iter().map(read).collect(),
        }
    }

    /// One with buffers of its own and the same packed weights.
    fn sibling(&self) -> Self {
        Self {
            graph: std::sync::Arc::clone(&self.graph),
            plan: std::sync::Arc::clone(&self.plan),
            buffers: super::Buffers::default(),
            packed: self.packed.clone(),
            recorder: None,
        }
    }
}
