//! Everything that a run must remember to go on as if it had never stopped.
//!
//! All randomness derives from the seed, the epoch and the image, so no generator's state is among it.

use super::checkpoint::{Checkpoint, CheckpointError, Named};
use super::identity::Identity;
use super::learner::Learner;
use super::record::{EpochRecord, Sums};
use crate::weights::Weights;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the files; another one is refused.
const VERSION: u32 = 1;

/// Where a run stands; the header of a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    version: u32,
    /// Which run this is.
    pub(super) identity: Identity,
    /// Finished epochs.
    pub(super) history: Vec<EpochRecord>,
    /// Steps taken in the epoch under way.
    pub(super) step: usize,
    /// Losses of these steps.
    pub(super) sums: Sums,
    optimizer_steps: u64,
    average_steps: u64,
}

impl State {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            version: VERSION,
            identity,
            history: Vec::new(),
            step: 0,
            sums: Sums::default(),
            optimizer_steps: 0,
            average_steps: 0,
        }
    }

    /// Takes over what the learner counts, before the state is written.
    pub(super) fn count(&mut self, learner: &Learner) {
        self.optimizer_steps = learner.optimizer.steps;
        self.average_steps = learner.average.as_ref().map_or(0, |average| average.steps);
    }
}

/// Everything of a learner that changes as it learns.
pub(super) fn values(learner: &Learner) -> Vec<Named<'_>> {
    let mut named = named("weights", &learner.weights);
    for (parameter, moments) in learner
        .weights
        .parameters
        .iter()
        .zip(&learner.optimizer.moments)
    {
        for (which, values) in [("first", &moments.first), ("second", &moments.second)] {
            if !values.is_empty() {
                named.push((
                    format!("{which}/{}", parameter.name),
                    &parameter.shape,
                    values,
                ));
            }
        }
    }
    if let Some(average) = &learner.average {
        named.extend(self::named("average", &average.weights));
    }
    named
}

/// The weights alone, as the best epoch's are kept.
pub(super) fn named<'a>(prefix: &str, weights: &'a Weights) -> Vec<Named<'a>> {
    let name = |name: &str| format!("{prefix}/{name}");
    weights
        .parameters
        .iter()
        .map(|p| (name(&p.name), p.shape.as_slice(), &*p.values))
        .collect()
}

/// Puts a checkpoint's values back into a learner, which is left half-filled on an error.
pub(super) fn restore(
    learner: &mut Learner,
    checkpoint: Checkpoint<State>,
) -> Result<State, CheckpointError> {
    let Checkpoint {
        header: state,
        mut values,
    } = checkpoint;
    if state.version != VERSION {
        return Err(CheckpointError(format!(
            "is of version {}, expected {VERSION}",
            state.version
        )));
    }
    fill("weights", &mut learner.weights, &mut values)?;
    for (parameter, moments) in learner
        .weights
        .parameters
        .iter()
        .zip(&mut learner.optimizer.moments)
    {
        for (which, slot) in [
            ("first", &mut moments.first),
            ("second", &mut moments.second),
        ] {
            if !slot.is_empty() {
                take(&format!("{which}/{}", parameter.name), slot, &mut values)?;
            }
        }
    }
    if let Some(average) = &mut learner.average {
        fill("average", &mut average.weights, &mut values)?;
        average.steps = state.average_steps;
    }
    learner.optimizer.steps = state.optimizer_steps;
    learner.upload().map_err(CheckpointError::new)?;
    Ok(state)
}

/// Replaces all values of weights by those of a file.
pub(super) fn fill(
    prefix: &str,
    weights: &mut Weights,
    values: &mut BTreeMap<String, Vec<f32>>,
) -> Result<(), CheckpointError> {
    weights
        .parameters
        .iter_mut()
        .try_for_each(|p| take(&format!("{prefix}/{}", p.name), &mut p.values, values))
}

fn take(
    name: &str,
    slot: &mut [f32],
    values: &mut BTreeMap<String, Vec<f32>>,
) -> Result<(), CheckpointError> {
    match values.remove(name) {
        Some(found) if found.len() == slot.len() => {
            slot.copy_from_slice(&found);
            Ok(())
        }
        Some(found) => Err(CheckpointError(format!(
            "'{name}' has {} values, expected {}",
            found.len(),
            slot.len()
        ))),
        None => Err(CheckpointError(format!("'{name}' is missing"))),
    }
}
