//! Judging: every thread takes a few images of its own through the whole graph, so that what one layer writes is still
//! in the cache when the next one reads it. What is said of an image does not depend on the others.

use super::branches::Branches;
use super::record::LayerTime;
use super::{Engine, Layers};
use crate::graph::{Graph, ShapeError};
use crate::network::Mode;
use crate::weights::Weights;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// What all of them share, once it is clear that there is more than one image to judge.
    packed: Mutex<Option<Arc<Layers<P>>>>,
    /// Whether there was a first image.
    asked: AtomicBool,
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
            packed: Mutex::default(),
            asked: AtomicBool::new(false),
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
        let packed = self.packed(images <= 1);
        let judged: Vec<Judgement> = if let Some(engine) = &mut *self.timed() {
            groups
                .map(|images| engine.images(&self.weights, images, wanted))
                .collect()
        } else if let Some(branches) = &self.branches
            && (1..threads).contains(&images)
        {
            let engines = (0..branches.count()).map(|_| self.borrow(images, packed.as_deref()));
            let mut engines: Vec<_> = engines.collect();
            let judgement = branches.judge(&mut engines, &self.weights, input, wanted);
            self.resting().extend(engines);
            return judgement;
        } else {
            input
                .par_chunks(group * size)
                .map(|input| {
                    let mut engine = self.borrow(input.len() / size, packed.as_deref());
                    let judgement = engine.images(&self.weights, input, wanted);
                    // One that panics is not given back.
                    self.resting().push(engine);
                    judgement
                })
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
            let mut engine = self.borrow(0, self.packed(false).as_deref());
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

    /// What is packed for all; nothing for a first single image. A program that judges one image and ends need not find memory for
    /// all weights at once: each layer is packed when its turn comes, and its memory goes to the next.
    fn packed(&self, single: bool) -> Option<Arc<Layers<P>>> {
        let known = || self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(packed) = &*known() {
            return Some(Arc::clone(packed));
        }
        if single && !self.asked.swap(true, Ordering::Relaxed) {
            return None;
        }
        // Not under the lock: threads that share this work may take up another judgement while they wait.
        let packed = Arc::new(self.pattern.pack(&self.weights));
        Some(Arc::clone(known().get_or_insert(packed)))
    }

    /// An engine that nobody uses, if there is one with buffers for so many images, or one more, with buffers of its own and
    /// the weights that all share.
    fn borrow(&self, images: usize, packed: Option<&Layers<P>>) -> Engine<P> {
        let mut resting = self.resting();
        let found = resting.iter().rposition(|e| e.buffers.images == images);
        let found = found.map(|at| resting.swap_remove(at));
        drop(resting);
        let mut engine = found.unwrap_or_else(|| self.engine());
        if let Some(packed) = packed
            && !engine.keeps
        {
            engine.packed.clone_from(packed);
            engine.keeps = true;
        }
        engine
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Engine<P>>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engine(&self) -> Engine<P> {
        let pattern = &self.pattern;
        Engine {
            graph: Arc::clone(&pattern.graph),
            plan: Arc::clone(&pattern.plan),
            buffers: super::Buffers::new(0, 0),
            packed: pattern.packed.clone(),
            keeps: false,
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
