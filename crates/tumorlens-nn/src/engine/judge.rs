//! Judging: every thread takes a few images of its own through the whole graph, so that what one layer writes is still
//! in the cache when the next one reads it. What is said of an image does not depend on the others.

use super::branches::Branches;
use super::record::LayerTime;
use super::{Engine, Layers};
use crate::graph::{Graph, ShapeError};
use crate::network::Mode;
use crate::weights::Weights;
use smallvec::SmallVec;
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
    /// The nodes whose values are there after a pass.
    written: Vec<usize>,
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
        let written = read.iter().filter(|node| pattern.plan.writes(**node));
        Ok(Self {
            group: group(graph, &weights)?,
            packed: Mutex::default(),
            asked: AtomicBool::new(false),
            branches: Branches::of(graph, &pattern.plan),
            written: written.copied().collect(),
            pattern,
            weights,
            resting: Mutex::default(),
            timed: Mutex::default(),
        })
    }

    /// Takes a batch `[images, channels, height, width]` through, and reads the values of some nodes on the way. Once there
    /// were as many images before, only a judgement that has no room takes new memory.
    pub(crate) fn judge(&self, input: &[f32], wanted: &[usize], judgement: &mut Judgement) {
        let size = self.pattern.graph.input.iter().product::<usize>().max(1);
        let images = input.len() / size;
        self.fit(judgement, images, wanted);
        let values = judgement.values.iter_mut().map(Vec::as_mut_slice);
        self.fill(
            input,
            Answer {
                images,
                wanted,
                logits: &mut judgement.logits,
                values: values.collect(),
            },
        );
    }

    fn fill(&self, input: &[f32], mut answer: Answer<'_>) {
        let (images, threads) = (answer.images, rayon::current_num_threads());
        let group = self.group.min(images.div_ceil(threads)).max(1);
        let packed = self.packed(images <= 1);
        if let Some(engine) = &mut *self.timed() {
            let size = input.len() / images.max(1);
            for images in input.chunks((group * size).max(1)) {
                let (now, later) = answer.split(images.len() / size);
                engine.images(&self.weights, images, now);
                answer = later;
            }
        } else if let Some(branches) = &self.branches
            && (1..threads).contains(&images)
        {
            let engines = (0..branches.count()).map(|_| self.borrow(images, packed.as_deref()));
            let mut engines: SmallVec<[_; 4]> = engines.collect();
            branches.judge(&mut engines, &self.weights, input, answer);
            self.resting().extend(engines);
        } else {
            self.share(input, answer, group, packed.as_deref());
        }
    }

    /// Judges groups of images on all threads.
    fn share(&self, input: &[f32], answer: Answer<'_>, group: usize, packed: Option<&Layers<P>>) {
        if answer.images > group {
            let half = answer.images.div_ceil(group) / 2 * group;
            let (one, other) = input.split_at(input.len() / answer.images * half);
            let (first, second) = answer.split(half);
            rayon::join(
                || self.share(one, first, group, packed),
                || self.share(other, second, group, packed),
            );
        } else if answer.images > 0 {
            let mut engine = self.borrow(answer.images, packed);
            engine.images(&self.weights, input, answer);
            // One that panics is not given back.
            self.resting().push(engine);
        }
    }

    /// Makes room for what is said of so many images.
    fn fit(&self, judgement: &mut Judgement, images: usize, wanted: &[usize]) {
        let count = |node: usize| self.pattern.plan.shape(node, images, 0).numbers();
        let logits = count(self.pattern.graph.logits.0);
        judgement.logits.resize(logits, 0.0);
        judgement.values.resize_with(wanted.len(), Vec::new);
        for (values, node) in judgement.values.iter_mut().zip(wanted) {
            let written = self.written.contains(node);
            values.resize(if written { count(*node) } else { 0 }, 0.0);
        }
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
    fn images(&mut self, weights: &Weights, input: &[f32], answer: Answer<'_>) {
        self.pass(weights, input, Mode::Inference, 0..self.graph.nodes.len());
        self.answer(answer);
    }

    /// What came out of a pass.
    pub(super) fn answer(&self, answer: Answer<'_>) {
        self.read_result(self.graph.logits.0, answer.logits);
        for (&node, out) in answer.wanted.iter().zip(answer.values) {
            if !out.is_empty() {
                self.value(node).read_planar(out);
            }
        }
    }
}

/// Where what is said of some images is written.
pub(super) struct Answer<'a> {
    images: usize,
    wanted: &'a [usize],
    logits: &'a mut [f32],
    /// Of each node that is wanted; nothing for one that another step joined to its own.
    values: SmallVec<[&'a mut [f32]; 32]>,
}

impl<'a> Answer<'a> {
    /// That of the first so many images, and the rest.
    fn split(self, first: usize) -> (Self, Self) {
        let all = self.images.max(1);
        let cut = |values: &'a mut [f32]| {
            let at = values.len() / all * first;
            values.split_at_mut(at)
        };
        let (one, other) = cut(self.logits);
        let (values, others) = self.values.into_iter().map(cut).unzip();
        let part = |images, logits, values| Self {
            images,
            wanted: self.wanted,
            logits,
            values,
        };
        (
            part(first, one, values),
            part(self.images - first, other, others),
        )
    }
}
