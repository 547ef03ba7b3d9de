//! Judging: every thread takes images of its own through the whole graph, so that what one layer writes is still in
//! the cache when the next one reads it. What is said of an image does not depend on the others.

use super::Engine;
use crate::graph::{Graph, ShapeError};
use crate::network::Mode;
use crate::weights::Weights;
use rayon::prelude::*;

/// A graph with weights that do not change, for batches of any size.
#[derive(Debug)]
pub(crate) struct Judge {
    weights: Weights,
    /// One for each thread that takes part; the first has packed the weights.
    engines: Vec<Engine>,
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
            // Whoever asks may read every value, so none is left out.
            engines: vec![Engine::planned(graph, &weights, false)?],
            weights,
        })
    }

    /// Takes a batch `[images, channels, height, width]` through, and reads the values of some nodes on the way.
    pub(crate) fn judge(&mut self, input: &[f32], wanted: &[usize]) -> Judgement {
        let size = self.engines[0].graph.input.iter().product::<usize>().max(1);
        let images = input.len() / size;
        let threads = rayon::current_num_threads().min(images).max(1);
        // The first image on all threads: it packs the weights for all that follow.
        let (first, rest) = input.split_at(size.min(input.len()));
        let mut judgement = self.engines[0].image(&self.weights, first, wanted);
        if rest.is_empty() {
            return judgement;
        }
        while self.engines.len() < threads {
            self.engines.push(self.engines[0].sibling());
        }
        let share = (images - 1).div_ceil(threads) * size;
        let weights = &self.weights;
        let parts: Vec<Vec<Judgement>> = self.engines[..threads]
            .par_iter_mut()
            .zip(rest.par_chunks(share))
            .map(|(engine, part)| {
                let images = part.chunks_exact(size);
                images.map(|x| engine.image(weights, x, wanted)).collect()
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
    fn image(&mut self, weights: &Weights, input: &[f32], wanted: &[usize]) -> Judgement {
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
        }
    }
}
