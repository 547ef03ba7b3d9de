//! Judging: every thread takes a few images of its own through the whole graph, so that what one layer writes is still
//! in the cache when the next one reads it. What is said of an image does not depend on the others.

use super::branches::Branches;
use super::record::LayerTime;
use super::{Engine, PackedLayer};
use crate::graph::{Graph, ShapeError};
use crate::network::Mode;
use crate::weights::Weights;
use rayon::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tumorlens_kernels::Lane;
use tumorlens_kernels::conv::Storage;

/// Images that a thread takes together, where there are enough: how few and how many.
const FEW: usize = 2;
const MANY: usize = 4;

/// A graph with weights that do not change, for batches of any size and callers on any thread.
#[derive(Debug)]
pub(crate) struct Judge<P: Storage = Lane> {
    pub(crate) weights: Arc<Weights>,
    /// Images that a thread takes together.
    group: usize,
    /// What others are made from; it has no buffers.
    pattern: Engine<P>,
    /// What threads take one each of where there are too few images for all.
    branches: Option<Branches>,
    /// What all of them share. Packed at once and not by whoever judges first, who would share that work out among threads
    /// that wait for it.
    packed: Vec<Option<Arc<PackedLayer<P>>>>,
    /// Engines that nobody uses at the moment.
    resting: Mutex<Vec<Engine<P>>>,
    /// The one that takes all images, one group after the other, while parts are timed.
    timed: Mutex<Option<Engine<P>>>,
}

/// Logits `[images, outputs]`, and the values asked for, `[images, channels, height, width]` each.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) logits: Vec<f32>,
    pub(crate) values: Vec<Vec<f32>>,
}

/// Several images share the reading of the weights, few leave the caches to their values: the more weights there are for
/// a value, the more. Both numbers were found by measurement, on `cnn`, `resnet18` and the built-in model.
fn group(graph: &Graph, weights: &Weights) -> Result<usize, ShapeError> {
    let shapes = graph.shapes()?;
    let values: usize = shapes.iter().map(|s| s.iter().product::<usize>()).sum();
    let weights: usize = weights.parameters.iter().map(|p| p.values.len()).sum();
    Ok((weights / values.max(1)).clamp(FEW, MANY))
}

impl<P: Storage> Judge<P> {
    /// Only the values of the nodes `read` can be asked for later.
    pub(crate) fn new(
        graph: &Graph,
        weights: Arc<Weights>,
        read: &[usize],
    ) -> Result<Self, ShapeError> {
        let pattern = Engine::judging(graph, &weights, read)?;
        Ok(Self {
            group: group(graph, &weights)?,
            packed: pattern.pack(&weights),
            branches: Branches::of(graph, &pattern.plan),
            pattern,
            weights,
            resting: Mutex::default(),
            timed: Mutex::default(),
        })
    }

    /// Takes a batch `[images, channels, height, width]` through, and reads the values of some nodes on the way.
    pub(crate) fn judge(&self, input: &[f32], wanted: &[usize]) -> Judgement {
        let size = self.pattern.graph.input.iter().product::<usize>().max(1);
        let (images, threads) = (input.len() / size, rayon::current_num_threads());
        let group = self.group.min(images.div_ceil(threads)).max(1);
        let groups = input.chunks(group * size);
        let judged: Vec<Judgement> = if let Some(engine) = &mut *self.timed() {
            groups
                .map(|images| engine.images(&self.weights, images, wanted))
                .collect()
        } else if let Some(branches) = &self.branches
            && (1..threads).contains(&images)
        {
            let mut engines: Vec<_> = (0..branches.count()).map(|_| self.borrow()).collect();
            let judgement = branches.judge(&mut engines, &self.weights, input, wanted);
            self.resting().extend(engines);
            return judgement;
        } else {
            input
                .par_chunks(group * size)
                .map(|images| self.with(|engine| engine.images(&self.weights, images, wanted)))
                .collect()
        };
        let mut judged = judged.into_iter();
        let mut all = judged.next().unwrap_or_else(|| Judgement {
            logits: Vec::new(),
            values: vec![Vec::new(); wanted.len()],
        });
        for more in judged {
            all.logits.extend(more.logits);
            for (all, more) in all.values.iter_mut().zip(more.values) {
                all.extend(more);
            }
        }
        all
    }

    /// Times the parts of what is judged from now on, or no longer.
    pub(crate) fn record(&self, on: bool) {
        let engine = on.then(|| {
            let mut engine = self.engine();
            engine.record(true);
            engine
        });
        *self.timed() = engine;
    }

    /// Every part of what was timed; a part's time is that of one group of images.
    pub(crate) fn recorded(&self) -> Vec<LayerTime> {
        self.timed()
            .as_ref()
            .map(Engine::recorded)
            .unwrap_or_default()
    }

    /// Images of the group that was timed last; 0 where none was.
    pub(crate) fn together(&self) -> usize {
        self.timed().as_ref().map_or(0, |e| e.buffers.images)
    }

    /// Lends an engine; one that panics is not given back.
    fn with<R>(&self, use_it: impl FnOnce(&mut Engine<P>) -> R) -> R {
        let mut engine = self.borrow();
        let result = use_it(&mut engine);
        self.resting().push(engine);
        result
    }

    fn borrow(&self) -> Engine<P> {
        let engine = self.resting().pop();
        engine.unwrap_or_else(|| self.engine())
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Engine<P>>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, with buffers of its own and the weights that all share.
    fn engine(&self) -> Engine<P> {
        let pattern = &self.pattern;
        Engine {
            graph: Arc::clone(&pattern.graph),
            plan: Arc::clone(&pattern.plan),
            buffers: super::Buffers::new(0, 0),
            packed: self.packed.clone(),
            recorder: None,
        }
    }

    fn timed(&self) -> MutexGuard<'_, Option<Engine<P>>> {
        self.timed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Storage> Engine<P> {
    fn images(&mut self, weights: &Weights, input: &[f32], wanted: &[usize]) -> Judgement {
        self.pass(weights, input, Mode::Inference, 0..self.graph.nodes.len());
        self.judgement(wanted)
    }

    /// What came out of a pass.
    pub(super) fn judgement(&self, wanted: &[usize]) -> Judgement {
        let read = |&node: &usize| self.planar(node).unwrap_or_default();
        Judgement {
            logits: self.result(self.graph.logits.0),
            values: wanted.iter().map(read).collect(),
        }
    }
}
