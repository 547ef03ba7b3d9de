//! The files of a run, in its folder.
//!
//! | file | content |
//! |---|---|
//! | `lock` | locked while a run works here |
//! | `metrics.jsonl` | one line an epoch; same seed, same bytes |
//! | `events.out.tfevents.0.run` | the same for TensorBoard |
//! | `timing.jsonl` | one line an epoch of what depends on the machine: seconds, images per second |
//! | `checkpoints/last` | where the run stands |
//! | `checkpoints/previous` | where it stood one checkpoint earlier, should the last one be damaged |
//! | `checkpoints/best` | weights of the best epoch |

use super::checkpoint::{Checkpoint, CheckpointError, decode, encode};
use super::identity::Identity;
use super::lock::{LockError, RunLock};
use super::record::{EpochRecord, lines};
use super::state::{self, State};
use super::{TrainError, events};
use crate::atomic_write::atomic_write;
use crate::train::learner::Learner;
use crate::weights::Weights;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tumorlens_core::Observer;

/// A run's folder, locked.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    _lock: RunLock,
}

/// Whether a run has left something in a folder that a new one would overwrite.
pub(super) fn is_used(folder: &Path) -> bool {
    ["checkpoints/last", "checkpoints/previous", "metrics.jsonl"]
        .iter()
        .any(|name| folder.join(name).exists())
}

/// A line of `timing.jsonl`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Timing {
    pub(super) epoch: usize,
    pub(super) train_seconds: f64,
    pub(super) validation_seconds: f64,
    pub(super) images_per_second: f64,
}

/// Header of `checkpoints/best`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Best {
    epoch: usize,
}

impl RunFolder {
    /// Makes the folder where it is not there, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, TrainError> {
        fs::create_dir_all(path.join("checkpoints")).map_err(|e| io_error(path, e))?;
        let lock = RunLock::take(path).map_err(|error| match error {
            LockError::Held(process) => TrainError::Busy {
                folder: path.to_owned(),
                process,
            },
            LockError::Io(error) => io_error(&path.join("lock"), error),
        })?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Writes where the run stands; the checkpoint before it is kept.
    pub(super) fn save(&self, state: &mut State, learner: &Learner) -> Result<(), TrainError> {
        state.count(learner);
        let (next, last) = (self.checkpoint("next"), self.checkpoint("last"));
        self.write(&next, || encode(state, &state::values(learner)))?;
        // Renaming costs no time: whenever the process is killed, `last` or `previous` is whole.
        let done = match fs::rename(&last, self.checkpoint("previous")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => fs::rename(&next, &last),
        };
        done.map_err(|e| io_error(&last, e))?;
        if let Ok(folder) = fs::File::open(self.path.join("checkpoints")) {
            // Not every file system can sync a folder; the files themselves are synced.
            folder.sync_all().ok();
        }
        Ok(())
    }

    /// Puts the learner where the run stood; `None` when there is no checkpoint yet. Of a damaged checkpoint it says
    /// so and goes on from the one before, from which a run comes to the same result.
    pub(super) fn restore(
        &self,
        learner: &mut Learner,
        identity: &Identity,
        observer: &dyn Observer,
    ) -> Result<Option<State>, TrainError> {
        let last = self.checkpoint("last");
        if !last.exists() && !self.checkpoint("previous").exists() {
            return Ok(None);
        }
        let found = match read::<State>(&last) {
            Ok(found) => found,
            Err(reason) => self.fall_back(&last, &reason, observer)?,
        };
        if let Some(what) = identity.difference(&found.header.identity) {
            let folder = self.path.clone();
            return Err(TrainError::OtherRun { folder, what });
        }
        let state = state::restore(learner, found);
        state.map(Some).map_err(|reason| unusable(&last, reason))
    }

    /// The checkpoint before a last one that is damaged or missing.
    fn fall_back(
        &self,
        last: &Path,
        reason: &CheckpointError,
        observer: &dyn Observer,
    ) -> Result<Checkpoint<State>, TrainError> {
        let found = read::<State>(&self.checkpoint("previous")).map_err(|before| {
            unusable(
                last,
                format!("{reason}; nor is the one before it of use: {before}"),
            )
        })?;
        let epochs = found.header.history.len();
        observer.say(&format!(
            "{}: {reason}; going on from the checkpoint before it, after {epochs} epochs",
            last.display()
        ));
        // Out of the way, or the next save would put it in the place of the sound one.
        match fs::rename(last, self.checkpoint("damaged")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error(last, error)),
            _ => Ok(found),
        }
    }

    /// Writes the weights of the best epoch.
    pub(super) fn save_best(&self, epoch: usize, weights: &Weights) -> Result<(), TrainError> {
        self.write(&self.checkpoint("best"), || {
            encode(&Best { epoch }, &state::named("weights", weights))
        })
    }

    /// The weights of the best epoch; `weights` gives names and shapes.
    pub(super) fn best(&self, epoch: usize, mut weights: Weights) -> Result<Weights, TrainError> {
        let path = self.checkpoint("best");
        let filled = read::<Best>(&path).and_then(|mut found| {
            if found.header.epoch != epoch {
                let reason = format!("holds epoch {}, expected {epoch}", found.header.epoch);
                return Err(CheckpointError(reason));
            }
            state::fill("weights", &mut weights, &mut found.values)
        });
        filled
            .map(|()| weights)
            .map_err(|reason| unusable(&path, reason))
    }

    /// Brings the records in line with the history: whatever an interrupted run wrote beyond it goes.
    pub(super) fn rewrite_records(&self, history: &[EpochRecord]) -> Result<(), TrainError> {
        self.write_metrics(history)?;
        let mut file = events::head();
        history
            .iter()
            .for_each(|record| file.extend(events::epoch(record)));
        let path = self.path.join(events::FILE_NAME);
        atomic_write(&path, &file).map_err(|e| io_error(&path, e))
    }

    /// Records the history's newest epoch.
    pub(super) fn record(&self, history: &[EpochRecord], timing: Timing) -> Result<(), TrainError> {
        self.write_metrics(history)?;
        if let Some(newest) = history.last() {
            // Appended, not rewritten: TensorBoard follows the open file. A torn end is mended by `rewrite_records`.
            self.append(events::FILE_NAME, &events::epoch(newest))?;
        }
        let line = serde_json::to_string(&timing).unwrap_or_default() + "\n";
        self.append("timing.jsonl", line.as_bytes())
    }

    fn write_metrics(&self, history: &[EpochRecord]) -> Result<(), TrainError> {
        let path = self.path.join("metrics.jsonl");
        atomic_write(&path, lines(history).as_bytes()).map_err(|e| io_error(&path, e))
    }

    fn append(&self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        let path = self.path.join(name);
        let append = || {
            let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        append().map_err(|e| io_error(&path, e))
    }

    fn write(
        &self,
        path: &Path,
        bytes: impl FnOnce() -> Result<Vec<u8>, CheckpointError>,
    ) -> Result<(), TrainError> {
        let bytes = bytes().map_err(|reason| unusable(path, reason))?;
        atomic_write(path, &bytes).map_err(|e| io_error(path, e))
    }

    fn checkpoint(&self, name: &str) -> PathBuf {
        self.path.join("checkpoints").join(name)
    }
}

fn read<H: serde::de::DeserializeOwned>(path: &Path) -> Result<Checkpoint<H>, CheckpointError> {
    decode(&fs::read(path).map_err(CheckpointError::new)?)
}

fn unusable(path: &Path, reason: impl ToString) -> TrainError {
    TrainError::Checkpoint {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn io_error(path: &Path, error: io::Error) -> TrainError {
    TrainError::Io {
        path: path.to_owned(),
        error,
    }
}
