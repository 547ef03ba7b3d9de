//! What makes a run this run: a checkpoint continues only the run that wrote it.

use super::Job;
use crate::weights::{Weights, slots};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use tumorlens_core::SampleSource;

/// Everything that decides a run's result, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// The configuration as JSON text: compared as text, since a decimal may change by a bit when read.
    config: String,
    /// SHA-256 of the architecture, the classes and the names of frozen parameters.
    network: String,
    /// SHA-256 of the first weights.
    initial: String,
    /// Of who else is learnt from, what decides what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    teacher: Option<String>,
    /// SHA-256 of paths, groups, sources, labels and outlines of the training and validation images.
    images: String,
}

impl Identity {
    pub(super) fn of(job: &Job<'_>) -> Self {
        // None of these types has anything that JSON cannot hold.
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        let classes = json(serde_json::to_string(job.classes));
        let graph = json(serde_json::to_string(job.graph));
        let mut frozen = slots(job.graph);
        frozen.retain(|slot| (job.frozen)(&slot.name));
        Self {
            config: json(serde_json::to_string(job.config)),
            network: hash(|hasher| hasher.update(format!("{classes}\n{graph}\n{frozen:?}"))),
            initial: hash(|hasher| add_weights(hasher, job.initial)),
            teacher: job.teacher.map(|teacher| teacher.identity().to_owned()),
            images: hash(|hasher| {
                [job.train, job.validation]
                    .iter()
                    .for_each(|source| add_images(hasher, *source))
            }),
        }
    }

    /// What differs from another run, in words; `None` when nothing does.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.config != other.config {
            return Some(format!(
                "the configuration{}",
                changed_fields(&self.config, &other.config)
            ));
        }
        let parts = [
            (
                self.network != other.network,
                "the network, its classes or what of it is frozen",
            ),
            (
                self.initial != other.initial,
                "the weights that training starts from",
            ),
            (self.teacher != other.teacher, "the teacher"),
            (
                self.images != other.images,
                "the images, their labels or their split",
            ),
        ];
        parts
            .into_iter()
            .find(|(differs, _)| *differs)
            .map(|(_, what)| what.to_owned())
    }
}

/// ` (field, field)` where two configurations differ at their top level.
fn changed_fields(a: &str, b: &str) -> String {
    let read = |text| serde_json::from_str::<serde_json::Map<_, _>>(text).unwrap_or_default();
    let (a, b) = (read(a), read(b));
    // A field at its default may be left out of either.
    let mut fields: Vec<&str> = a.keys().chain(b.keys()).map(String::as_str).collect();
    fields.retain(|key| a.get(*key) != b.get(*key));
    fields.sort_unstable();
    fields.dedup();
    if fields.is_empty() {
        String::new()
    } else {
        format!(" ({})", fields.join(", "))
    }
}

pub(super) fn add_weights(hasher: &mut Sha256, weights: &Weights) {
    for parameter in &weights.parameters {
        hasher.update(format!("{}\n{:?}\n", parameter.name, parameter.shape));
        parameter
            .values
            .iter()
            .for_each(|value| hasher.update(value.to_le_bytes()));
    }
}

fn add_images(hasher: &mut Sha256, source: &dyn SampleSource) {
    hasher.update(format!("{} images {:?}\n", source.len(), source.shape()));
    for index in 0..source.len() {
        // Debug writes strings with escapes, so that no two images can look alike.
        hasher.update(format!("{:?}\n", source.info(index)));
    }
}

pub(super) fn hash(add: impl FnOnce(&mut Sha256)) -> String {
    let mut hasher = Sha256::new();
    add(&mut hasher);
    hasher
        .finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
