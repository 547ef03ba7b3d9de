//! A small world to train in: images, networks, observers and runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tumorlens_core::{
    ClassIndex, ClassSet, Observer, Quiet, Sample, SampleError, SampleInfo, SampleSource, View,
};
use tumorlens_nn::device::DeviceChoice;
use tumorlens_nn::graph::{Activation, ConvShape, Graph, GraphBuilder, Op};
use tumorlens_nn::train::{
    AfterEpoch, Job, Outcome, Start, Teacher, TrainConfig, TrainError, Trained, fit, go_on,
};
use tumorlens_nn::weights::Weights;

pub(crate) const SIDE: usize = 16;

/// Noise, and on every second image a bright square, which is outlined. Two images a group.
pub(crate) struct Squares {
    infos: Vec<SampleInfo>,
    /// Added to the images' numbers, so that two parts differ.
    first: usize,
    /// Multiplies all values.
    pub(crate) gain: f32,
}

impl Squares {
    pub(crate) fn new(first: usize, count: usize) -> Self {
        let info = |number: usize| SampleInfo {
            path: format!("{number}.png"),
            group: format!("group {}", number / 4 * 2 + number % 2),
            source: "squares".to_owned(),
            label: ClassIndex(number % 2),
            has_mask: true,
        };
        Self {
            infos: (first..first + count).map(info).collect(),
            first,
            gain: 1.0,
        }
    }

    /// Every image of one class.
    pub(crate) fn of_class(class: usize, count: usize) -> Self {
        let mut squares = Self::new(0, count);
        squares
            .infos
            .iter_mut()
            .for_each(|info| info.label = ClassIndex(class));
        squares
    }
}

/// A number in [0, 1) from two numbers.
fn noise(a: u64, b: u64) -> f32 {
    let mixed = (a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 29)) >> 40) as f32 / (1 << 24) as f32
}

impl SampleSource for Squares {
    fn len(&self) -> usize {
        self.infos.len()
    }

    fn info(&self, index: usize) -> &SampleInfo {
        &self.infos[index]
    }

    fn shape(&self) -> [usize; 3] {
        [1, SIDE, SIDE]
    }

    fn load(&self, index: usize, view: View) -> Result<Sample, SampleError> {
        let number = self.first + index;
        let label = self.infos[index].label;
        let corner = [2 + number * 5 % 9, 2 + number * 3 % 9];
        let inside = |i: usize| {
            let within = |at: usize, from: usize| (from..from + 4).contains(&at);
            label == ClassIndex(1) && within(i / SIDE, corner[0]) && within(i % SIDE, corner[1])
        };
        let (spread, seed) = match view {
            View::Plain => (0.2, number as u64),
            View::Augmented(seed) => (0.4, seed.0),
        };
        let pixel = |i: usize| {
            let bright = if inside(i) { 1.0 } else { 0.0 };
            self.gain * (bright + spread * (noise(seed, i as u64) - 0.5))
        };
        Ok(Sample {
            input: (0..SIDE * SIDE).map(pixel).collect(),
            mask: Some(
                (0..SIDE * SIDE)
                    .map(|i| if inside(i) { 1.0 } else { 0.0 })
                    .collect(),
            ),
            label,
            index,
        })
    }
}

fn block(g: &mut GraphBuilder, number: usize, channels: [usize; 2]) {
    let last = tumorlens_nn::graph::NodeId(usize::from(number > 1) * (4 * number - 4));
    let name = |what: &str| format!("{what}{number}");
    let conv = g.conv(
        name("conv"),
        last,
        ConvShape {
            channels,
            kernel: 3,
            stride: 1,
            bias: false,
        },
    );
    let norm = g.batch_norm(name("bn"), conv, channels[1]);
    let relu = g.activate(name("relu"), norm, Activation::Relu);
    let pool = g.push(
        name("pool"),
        Op::MaxPool {
            kernel: 2,
            stride: 2,
            padding: 0,
        },
        &[relu],
    );
    g.stage(name("block"), pool);
}

/// Two blocks, dropout and a dense layer.
pub(crate) fn cnn() -> Graph {
    let mut g = GraphBuilder::new([1, SIDE, SIDE]);
    block(&mut g, 1, [1, 8]);
    block(&mut g, 2, [8, 16]);
    let features = tumorlens_nn::graph::NodeId(8);
    let mean = g.push("mean", Op::AvgPool { side: 1 }, &[features]);
    let dropped = g.push("dropout", Op::Dropout { rate: 0.2 }, &[mean]);
    let logits = g.push(
        "fc",
        Op::Linear {
            inputs: 16,
            outputs: 1,
        },
        &[dropped],
    );
    g.finish(logits, None, features)
}

/// Two blocks and an evidence map.
pub(crate) fn evidence_cnn() -> Graph {
    let mut g = GraphBuilder::new([1, SIDE, SIDE]);
    block(&mut g, 1, [1, 8]);
    block(&mut g, 2, [8, 16]);
    let features = tumorlens_nn::graph::NodeId(8);
    let map = g.conv(
        "map",
        features,
        ConvShape {
            channels: [16, 1],
            kernel: 1,
            stride: 1,
            bias: true,
        },
    );
    let score = g.push("score", Op::EvidencePool { top: 0.1 }, &[map]);
    g.finish(score, Some(map), features)
}

/// A dense layer on the mean: nothing that changes without a gradient.
pub(crate) fn linear() -> Graph {
    let mut g = GraphBuilder::new([1, SIDE, SIDE]);
    let mean = g.push("mean", Op::AvgPool { side: 4 }, &[g.input()]);
    let flat = g.push("flat", Op::Flatten, &[mean]);
    let logits = g.push(
        "fc",
        Op::Linear {
            inputs: 16,
            outputs: 1,
        },
        &[flat],
    );
    g.finish(logits, None, mean)
}

/// A few epochs with everything on that draws at random.
pub(crate) fn busy_config() -> TrainConfig {
    TrainConfig {
        epochs: 3,
        batch_size: 4,
        warm_up_epochs: 1.0,
        average: 0.9,
        mixup: 0.3,
        ..TrainConfig::default()
    }
}

/// Parts of a run that tests vary; the rest is always the same.
pub(crate) struct Scene {
    pub(crate) graph: Graph,
    pub(crate) config: TrainConfig,
    pub(crate) train: Squares,
    pub(crate) validation: Squares,
    pub(crate) teacher: Option<Teacher>,
}

impl Scene {
    pub(crate) fn new(graph: Graph, config: TrainConfig) -> Self {
        Self {
            graph,
            config,
            train: Squares::new(0, 20),
            validation: Squares::new(100, 8),
            teacher: None,
        }
    }

    pub(crate) fn fit(
        &self,
        folder: &Path,
        start: Start,
        observer: &dyn Observer,
    ) -> Result<Outcome, TrainError> {
        self.fit_watched(folder, start, observer, &go_on)
    }

    /// As [`Scene::fit`], with someone who looks at the epochs.
    pub(crate) fn fit_watched(
        &self,
        folder: &Path,
        start: Start,
        observer: &dyn Observer,
        after_epoch: &AfterEpoch<'_>,
    ) -> Result<Outcome, TrainError> {
        fit(&Job {
            teacher: self.teacher.as_ref(),
            graph: &self.graph,
            initial: &Weights::initial(&self.graph, self.config.seed.derive("weights")),
            train: &self.train,
            validation: &self.validation,
            classes: &ClassSet::tumor(),
            config: &self.config,
            folder,
            start,
            device: DeviceChoice::Cpu,
            frozen: &|_| false,
            observer,
            after_epoch,
        })
    }

    /// From the beginning to the end, without being seen.
    pub(crate) fn finish(&self, folder: &Path) -> Trained {
        finished(self.fit(folder, Start::Fresh, &Quiet).unwrap())
    }
}

pub(crate) fn finished(outcome: Outcome) -> Trained {
    match outcome {
        Outcome::Finished(trained) => trained,
        Outcome::Stopped { .. } => panic!("{outcome:?}"),
    }
}

/// Stops after some steps and keeps what it was told.
pub(crate) struct Patience {
    left: AtomicUsize,
    pub(crate) said: Mutex<Vec<String>>,
    pub(crate) notes: Mutex<Vec<String>>,
}

impl Patience {
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            left: AtomicUsize::new(steps),
            said: Mutex::default(),
            notes: Mutex::default(),
        }
    }
}

impl Observer for Patience {
    fn begin(&self, stage: &str, _steps: Option<u64>) {
        self.notes.lock().unwrap().push(stage.to_owned());
    }

    fn advance(&self, _done: u64, note: &str) {
        self.left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
                Some(n.saturating_sub(1))
            })
            .ok();
        self.notes.lock().unwrap().push(note.to_owned());
    }

    fn end(&self) {}

    fn say(&self, message: &str) {
        self.said.lock().unwrap().push(message.to_owned());
    }

    fn should_stop(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

/// All files of a run whose bytes must not depend on chance, speed or threads.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = [
        "metrics.jsonl",
        "events.out.tfevents.0.run",
        "checkpoints/last",
        "checkpoints/previous",
        "checkpoints/best",
    ];
    names
        .map(|name| (name.to_owned(), std::fs::read(folder.join(name)).unwrap()))
        .into()
}
