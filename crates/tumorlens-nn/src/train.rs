//! Training: from first weights and two parts of a dataset to the best epoch's weights.
//!
//! An own loop, so that the same seed gives the same bytes whatever the number of threads, a killed run goes on from
//! its checkpoint to the very same result, and validation follows this project's rules. The files of a run:
//!
//! | file in the run's folder | content |
//! |---|---|
//! | `metrics.jsonl` | one line an epoch ([`EpochRecord`]) |
//! | `events.out.tfevents.0.run` | the same for TensorBoard |
//! | `timing.jsonl` | seconds and images per second, apart because they differ from run to run |
//! | `checkpoints/last`, `previous`, `best` | where the run stands, where it stood before, the best epoch's weights |
//! | `lock` | held while a run works here |

mod average;
pub(crate) mod batch;
mod checkpoint;
mod config;
mod events;
mod folder;
mod identity;
pub(crate) mod learner;
pub(crate) mod loader;
mod lock;
mod pace;
mod record;
mod run;
mod sampling;
mod state;
mod teacher;
mod validation;

pub use crate::network::DeviceFailure;
pub use config::{
    Balance, ClassWeights, ConfigError, EarlyStopping, Images, Keep, LossConfig, Metric, Sampling,
    TrainConfig,
};
pub use record::{EpochRecord, TrainFigures};
pub use teacher::Teacher;
pub use validation::ValidationFigures;

use crate::device::{DeviceChoice, DeviceError};
use crate::evaluate::EvaluateError;
use crate::graph::Graph;
use crate::network::NetworkError;
use crate::weights::{Weights, slots};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tumorlens_core::{ClassIndex, ClassSet, Observer, SampleError, SampleSource};

/// Everything that a training run is made of.
pub struct Job<'a> {
    /// Architecture; as many outputs as the classes need logits.
    pub graph: &'a Graph,
    /// Weights to start from.
    pub initial: &'a Weights,
    /// Images to learn from, asked for in augmented views.
    pub train: &'a dyn SampleSource,
    /// Images that choose the best epoch, asked for in plain views.
    pub validation: &'a dyn SampleSource,
    /// Classes of both.
    pub classes: &'a ClassSet,
    /// Every choice.
    pub config: &'a TrainConfig,
    /// Who else is learnt from; its classes and its preprocessing are those of the images.
    pub teacher: Option<&'a Teacher>,
    /// Folder of the run; made where it is not there.
    pub folder: &'a Path,
    /// Whether to begin or to go on.
    pub start: Start,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Answers true for the names of parameters that keep their values. The running statistics of a frozen batch
    /// normalisation are measured all the same, since it normalises by the batch while training.
    pub frozen: &'a dyn Fn(&str) -> bool,
    /// Is shown progress and may stop the run after any step.
    pub observer: &'a dyn Observer,
    /// Is shown the epochs so far, at the beginning of a resumed run and after every epoch, and may end the run there.
    pub after_epoch: &'a AfterEpoch<'a>,
}

/// Looks at all epochs so far; [`ControlFlow::Break`] ends the run as [`Outcome::Stopped`].
pub type AfterEpoch<'a> = dyn Fn(&[EpochRecord]) -> ControlFlow<()> + Sync + 'a;

/// For runs that no one looks at between epochs.
pub fn go_on(_: &[EpochRecord]) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Whether to begin or to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Begin; refused in a folder that holds a run.
    Fresh,
    /// Go on from the last checkpoint, or begin where there is none yet.
    Resume,
}

impl Start {
    /// Refuses to begin in a folder that holds a run. [`fit`] asks this itself; who writes into the folder before that
    /// asks first.
    ///
    /// # Errors
    /// [`TrainError::Used`].
    pub fn admit(self, folder: &Path) -> Result<(), TrainError> {
        if self == Self::Fresh && folder::is_used(folder) {
            return Err(TrainError::Used {
                folder: folder.to_owned(),
            });
        }
        Ok(())
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All epochs are over, or early stopping ended them.
    Finished(Trained),
    /// The observer, or who looked at its epochs, stopped it; the state is saved and [`Start::Resume`] goes on.
    Stopped {
        /// Finished epochs.
        epochs: usize,
        /// Steps taken in the epoch under way.
        step: usize,
    },
}

/// The result of a finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Weights after the best epoch; their moving average where the configuration asks for one.
    pub weights: Weights,
    /// Number of the best epoch, from 1.
    pub best_epoch: usize,
    /// Every epoch.
    pub history: Vec<EpochRecord>,
}

/// Training is not possible, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Network, classes and images do not fit together, or a part lacks what is needed of it.
    #[error("training: {0}")]
    Misfit(String),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device failed.
    #[error(transparent)]
    DeviceFailure(#[from] DeviceFailure),
    /// The weights do not fit the network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// An image could not be loaded.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Validation failed.
    #[error("validation: {0}")]
    Validation(#[from] EvaluateError),
    /// Another run works in the folder.
    #[error("{}: another run (process {process}) is at work here", folder.display())]
    Busy {
        /// Folder.
        folder: PathBuf,
        /// Number of its process, or "unknown".
        process: String,
    },
    /// The folder holds a run.
    #[error("{}: holds a run already; resume it or choose another folder", folder.display())]
    Used {
        /// Folder.
        folder: PathBuf,
    },
    /// The folder's run is another one.
    #[error("{}: cannot be resumed, {what} changed since; undo that or choose another folder", folder.display())]
    OtherRun {
        /// Folder.
        folder: PathBuf,
        /// What changed.
        what: String,
    },
    /// Learning diverged.
    #[error(
        "epoch {epoch}, step {step}: the {what} is not a finite number; lower learning_rate, set clip_norm or lengthen warm_up_epochs"
    )]
    NotFinite {
        /// Loss or gradient.
        what: &'static str,
        /// Epoch, from 1.
        epoch: usize,
        /// Step in it, from 1.
        step: usize,
    },
    /// A checkpoint cannot be used.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// File.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Threads could not be started.
    #[error("threads could not be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Trains a network.
///
/// The same job gives the same weights and the same `metrics.jsonl`, bit for bit, with any number of threads and
/// however often it is stopped, killed and resumed, as long as the device computes the same each time; the processor
/// does.
///
/// # Errors
/// When the job makes no sense, the folder is in use or holds another run, an image or a file fails, or the loss is no
/// longer finite.
pub fn fit(job: &Job<'_>) -> Result<Outcome, TrainError> {
    job.check()?;
    let device = job.device.open()?;
    run::Run::open(job, device)?.train()
}

impl Job<'_> {
    /// Checks everything that can be checked before the first step.
    fn check(&self) -> Result<(), TrainError> {
        self.config.check(self.classes.len())?;
        self.config.precision.check(self.device)?;
        let misfit = |reason: String| Err(TrainError::Misfit(reason));
        let (outputs, logits) = (self.graph.outputs(), self.classes.logits());
        if outputs != logits {
            return misfit(format!(
                "the network has {outputs} outputs, the classes need {logits}"
            ));
        }
        if !slots(self.graph)
            .iter()
            .any(|slot| slot.role.is_learned() && !(self.frozen)(&slot.name))
        {
            return misfit("every parameter is frozen".to_owned());
        }
        for (part, source) in [("training", self.train), ("validation", self.validation)] {
            let (found, expected) = (source.shape(), self.graph.input);
            if found != expected {
                return misfit(format!(
                    "{part} images of {found:?} do not fit a network for {expected:?}"
                ));
            }
            let rule = self.config.early_stopping;
            let choosing = rule.keep == Keep::Best && rule.metric != Metric::Loss;
            let all = part == "training" || choosing;
            self.check_labels(part, source, all)?;
        }
        Ok(())
    }

    /// Labels are known classes; with `all`, every class is there.
    fn check_labels(
        &self,
        part: &str,
        source: &dyn SampleSource,
        all: bool,
    ) -> Result<(), TrainError> {
        let mut images = vec![0usize; self.classes.len()];
        for index in 0..source.len() {
            let info = source.info(index);
            match images.get_mut(info.label.0) {
                Some(count) => *count += 1,
                None => {
                    return Err(TrainError::Misfit(format!(
                        "{}: has an unknown class",
                        info.path
                    )));
                }
            }
        }
        if source.is_empty() {
            return Err(TrainError::Misfit(format!("there is no {part} image")));
        }
        let absent = images.iter().position(|count| *count == 0).filter(|_| all);
        match absent.map(|class| self.classes.name(ClassIndex(class))) {
            None => Ok(()),
            Some(class) if part == "training" => Err(TrainError::Misfit(format!(
                "there is no training image of class '{class}'"
            ))),
            Some(class) => {
                let metric = self.config.early_stopping.metric.name();
                Err(TrainError::Misfit(format!(
                    "there is no validation image of class '{class}', so '{metric}' is undefined; \
                     choose another split, or 'loss' as metric of early stopping"
                )))
            }
        }
    }
}
