//! A run at work: epoch by epoch, step by step.

use super::batch::Batch;
use super::config::{ClassWeights, Keep};
use super::folder::{RunFolder, Timing};
use super::identity::Identity;
use super::learner::{Learner, StepError};
use super::loader::Loader;
use super::pace::Pace;
use super::record::{EpochRecord, Sums, best_epoch};
use super::sampling::{Sampler, steps};
use super::state::State;
use super::validation::{ValidationFigures, recorded};
use super::{Job, Outcome, Start, TrainError, Trained};
use crate::evaluate::{EvaluateError, Flips, Reading, predict_logits};
use crate::loss::image::ImageLoss;
use crate::network::Network;
use crate::schedule::Moment;
use burn::tensor::Device;
use std::ops::ControlFlow;
use tumorlens_core::{Observer, Sample, View};

/// A run at work.
pub(super) struct Run<'a> {
    job: &'a Job<'a>,
    folder: RunFolder,
    device: Device,
    sampler: Sampler,
    loss: ImageLoss,
    /// Shape of the evidence maps, where outlines are learned from.
    grid: Option<[usize; 2]>,
    learner: Learner,
    state: State,
}

/// Whether a part of the work came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Done,
    Stopped,
}

impl<'a> Run<'a> {
    /// Locks the folder and puts everything where the run stands.
    pub(super) fn open(job: &'a Job<'a>, device: Device) -> Result<Self, TrainError> {
        let folder = RunFolder::open(job.folder)?;
        job.start.admit(job.folder)?;
        let images = (0..job.train.len()).map(|index| job.train.info(index));
        let sampler = Sampler::new(images, job.config.sampling, job.config.seed);
        let loss = image_loss(job, &sampler);
        let mut learner = Learner::new(
            job.graph,
            job.initial.clone(),
            job.config,
            loss.clone(),
            job.frozen,
            &device,
        )?;
        let identity = Identity::of(job);
        let found = match job.start {
            Start::Fresh => None,
            Start::Resume => folder.restore(&mut learner, &identity, job.observer)?,
        };
        if found.is_none() && job.start == Start::Resume {
            job.observer
                .say("no checkpoint yet: training starts from the beginning");
        }
        let state = found.unwrap_or_else(|| State::new(identity));
        folder.rewrite_records(&state.history)?;
        let grid = evidence_grid(job)?;
        Ok(Self {
            job,
            folder,
            device,
            sampler,
            loss,
            grid,
            learner,
            state,
        })
    }

    /// Trains to the end, or until it is told to stop.
    pub(super) fn train(mut self) -> Result<Outcome, TrainError> {
        let loader = Loader::new()?;
        let resumed = !self.state.history.is_empty();
        if resumed && (self.job.after_epoch)(&self.state.history).is_break() {
            return Ok(self.stopped());
        }
        while !self.is_over() {
            if self.epoch(&loader)? == Progress::Stopped {
                self.folder.save(&mut self.state, &self.learner)?;
                return Ok(self.stopped());
            }
            if (self.job.after_epoch)(&self.state.history).is_break() {
                return Ok(self.stopped());
            }
        }
        // At least one epoch is over, and the first one is the best of its time.
        let best = best_epoch(&self.state.history).unwrap_or(1);
        let weights = self.folder.best(best, self.learner.weights)?;
        Ok(Outcome::Finished(Trained {
            weights,
            best_epoch: best,
            history: self.state.history,
        }))
    }

    fn stopped(&self) -> Outcome {
        Outcome::Stopped {
            epochs: self.state.history.len(),
            step: self.state.step,
        }
    }

    fn is_over(&self) -> bool {
        let history = &self.state.history;
        let patience = self.job.config.early_stopping.patience;
        let waited = history.len() - best_epoch(history).unwrap_or(0);
        history.len() >= self.job.config.epochs || (patience > 0 && waited >= patience)
    }

    /// The rest of the epoch under way.
    fn epoch(&mut self, loader: &Loader) -> Result<Progress, TrainError> {
        let mut pace = Pace::new();
        if self.learn(loader, &mut pace)? == Progress::Stopped {
            return Ok(Progress::Stopped);
        }
        let (train_seconds, images_per_second) = (pace.seconds(), pace.images_per_second());
        let Some(validation) = self.validate()? else {
            return Ok(Progress::Stopped);
        };
        let validation_seconds = pace.seconds() - train_seconds;
        let record = self.close(validation);
        if record.best {
            self.folder.save_best(record.epoch, self.learner.result())?;
        }
        let timing = Timing {
            epoch: record.epoch,
            train_seconds,
            validation_seconds,
            images_per_second,
        };
        self.state.history.push(record);
        self.folder.record(&self.state.history, timing)?;
        self.folder.save(&mut self.state, &self.learner)?;
        Ok(Progress::Done)
    }

    /// Takes the steps that are left of the epoch.
    fn learn(&mut self, loader: &Loader, pace: &mut Pace) -> Result<Progress, TrainError> {
        let job = self.job;
        let epoch = self.state.history.len();
        let draws = self.sampler.epoch(epoch);
        let batches: Vec<Vec<(usize, View)>> = steps(&draws, job.config.batch_size)
            .into_iter()
            .skip(self.state.step)
            .map(|batch| {
                batch
                    .iter()
                    .map(|draw| (draw.index, View::Augmented(draw.seed)))
                    .collect()
            })
            .collect();
        let title = format!("epoch {}/{}", epoch + 1, job.config.epochs);
        job.observer
            .begin(&title, Some((self.state.step + batches.len()) as u64));
        let mut progress = Progress::Done;
        loader.run(job.train, &batches, |samples| {
            let loss = self.step(&samples)?;
            pace.step(samples.len());
            let left = (job.config.epochs - epoch) * self.steps_per_epoch() - self.state.step;
            let metric = job.config.early_stopping.metric;
            let note = pace.note(loss, self.state.history.last(), metric, left);
            job.observer.advance(self.state.step as u64, &note);
            if job.observer.should_stop() {
                progress = Progress::Stopped;
                return Ok(ControlFlow::Break(()));
            }
            Ok::<_, TrainError>(ControlFlow::Continue(()))
        })?;
        job.observer.end();
        Ok(progress)
    }

    /// Takes one step; returns the mean loss of the epoch so far.
    fn step(&mut self, samples: &[Sample]) -> Result<f64, TrainError> {
        let Job {
            config,
            graph,
            classes,
            ..
        } = self.job;
        let [_, height, width] = graph.input;
        let mut batch = Batch::new(samples, &self.loss, classes, [height, width], self.grid);
        if let Some(teacher) = self.job.teacher {
            teacher.teach(&mut batch, self.grid);
        }
        let number = self.learner.optimizer.steps;
        if config.mixup > 0.0 {
            batch.mix(config.mixup, config.seed.derive("mixup").index(number));
        }
        let seed = config.seed.derive("dropout").index(number);
        let (epoch, step) = (self.state.history.len() + 1, self.state.step + 1);
        let loss =
            self.learner
                .step(&batch, self.rate(number), seed)
                .map_err(|error| match error {
                    StepError::NotFinite(what) => TrainError::NotFinite { what, epoch, step },
                    StepError::Device(error) => error.into(),
                    StepError::Network(error) => error.into(),
                })?;
        self.state.sums.add(loss, samples.len());
        self.state.step = step;
        Ok(self.state.sums.figures(config.loss.outline_weight).loss)
    }

    /// Figures on the validation images; `None` when told to stop meanwhile.
    fn validate(&self) -> Result<Option<ValidationFigures>, TrainError> {
        let network = Network::new(
            self.job.graph.clone(),
            self.learner.result(),
            &self.device,
            None,
        )?;
        let reading = Reading {
            batch_size: self.job.config.batch_size,
            flips: Flips::None,
            ..Reading::default()
        };
        match predict_logits(
            &network,
            self.job.validation,
            reading,
            &StopOnly(self.job.observer),
        ) {
            Ok(scored) => Ok(Some(ValidationFigures::new(&scored, self.job.classes))),
            Err(EvaluateError::Stopped) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the epoch under way and gives its record.
    fn close(&mut self, validation: ValidationFigures) -> EpochRecord {
        let config = self.job.config;
        let history = &self.state.history;
        let before = best_epoch(history).map(|epoch| &history[epoch - 1].validation);
        let rule = config.early_stopping;
        let best = rule.keep == Keep::Last
            || before.is_none_or(|before| validation.better_than(before, rule.metric));
        let steps = self.learner.optimizer.steps;
        let record = EpochRecord {
            epoch: history.len() + 1,
            steps,
            learning_rate: recorded(self.rate(steps.saturating_sub(1))),
            train: self.state.sums.figures(config.loss.outline_weight),
            validation,
            best,
        };
        self.state.sums = Sums::default();
        self.state.step = 0;
        record
    }

    /// Learning rate of the step that follows `number` steps.
    fn rate(&self, number: u64) -> f64 {
        let config = self.job.config;
        let steps_per_epoch = self.steps_per_epoch();
        let warm_up = (config.warm_up_epochs * steps_per_epoch as f64).round() as usize;
        let steps = steps_per_epoch * config.epochs;
        let at = Moment {
            step: number as usize,
            steps,
            steps_per_epoch,
            warm_up,
        };
        config.learning_rate * config.schedule.share(at)
    }

    fn steps_per_epoch(&self) -> usize {
        self.sampler.len().div_ceil(self.job.config.batch_size)
    }
}

/// Lets a part of the work be stopped without showing its own progress.
struct StopOnly<'a>(&'a dyn Observer);

impl Observer for StopOnly<'_> {
    fn begin(&self, _stage: &str, _steps: Option<u64>) {}
    fn advance(&self, _done: u64, _note: &str) {}
    fn end(&self) {}
    fn say(&self, message: &str) {
        self.0.say(message);
    }
    fn should_stop(&self) -> bool {
        self.0.should_stop()
    }
}

fn image_loss(job: &Job<'_>, sampler: &Sampler) -> ImageLoss {
    let config = &job.config.loss;
    let classes = job.classes.len();
    let class_weights = match &config.class_weights {
        ClassWeights::None => vec![1.0; classes],
        ClassWeights::Given(weights) => weights.clone(),
        ClassWeights::Balanced => {
            let mut shown = vec![0usize; classes];
            sampler
                .epoch(0)
                .iter()
                .for_each(|draw| shown[job.train.info(draw.index).label.0] += 1);
            shown
                .iter()
                .map(|n| sampler.len() as f64 / (classes * n.max(&1)) as f64)
                .collect()
        }
    };
    let mut loss = ImageLoss::plain(job.classes);
    loss.label_smoothing = config.label_smoothing;
    loss.focal_gamma = config.focal_gamma;
    loss.class_weights = class_weights;
    loss
}

/// Shape of the evidence maps, when there are any and their outlines count.
fn evidence_grid(job: &Job<'_>) -> Result<Option<[usize; 2]>, TrainError> {
    let Some(map) = job
        .graph
        .evidence
        .filter(|_| job.config.loss.outline_weight > 0.0)
    else {
        return Ok(None);
    };
    let shapes = job
        .graph
        .shapes()
        .map_err(crate::network::NetworkError::from)?;
    let [_, height, width] = shapes[map.0];
    Ok(Some([height, width]))
}
