//! A bundle: one file with everything needed to use a model.
//!
//! Weights (safetensors, half precision), architecture, preprocessing, classes, calibration, operating points,
//! model card, and golden inputs with the logits that they must give. Unknown or damaged bundles are refused.

mod aggregation;
mod container;
mod decision;
mod familiarity;
mod golden;
mod strangers;
mod triage;

pub use container::ContainerError;
pub use decision::{Decision, Scaling};
pub use familiarity::{Beyond, Doubt, Familiarity, FamiliarityError, Kind};
pub use golden::{Golden, GoldenMismatch};
pub use strangers::Strangers;
pub use triage::{Triage, TriageError};

use crate::graph::{Graph, NodeId};
use crate::network::{Answer, Network, NetworkError};
use crate::weights::Weights;
use crate::weights::safetensors::{Precision, WeightsFileError};
use burn::tensor::Device;
use bytes::Bytes;
use container::{Named, Parts, pack, sha256, unpack, unpack_unchecked};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tumorlens_core::{BundleCard, Judgement, PreprocessSpec, Verdict};

/// The part that only some bundles have.
const FAMILIARITY: &str = "familiarity.json";

/// Largest bundle that is read, in bytes: twice a VGG-19 in single precision.
const MAX_BYTES: u64 = 1200 << 20;

/// A model with everything needed to use it.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Model card, which names the classes.
    pub card: BundleCard,
    /// Architecture.
    pub graph: Graph,
    /// Weights, exactly representable in the precision in which they are stored.
    pub weights: Arc<Weights>,
    /// Preprocessing.
    pub preprocess: PreprocessSpec,
    /// Calibration and operating points.
    pub decision: Decision,
    /// How like its training images an image is, where that is known.
    pub familiarity: Option<Familiarity>,
    /// Inputs with the logits that they must give.
    pub golden: Vec<Golden>,
}

/// A bundle cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// File.
        path: String,
        /// Reason.
        source: std::io::Error,
    },
    /// The bytes are no bundle, or a damaged one.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A part is missing or makes no sense.
    #[error("bundle part '{part}': {reason}")]
    Part {
        /// Name of the part.
        part: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsFileError),
    /// The weights do not fit the architecture.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl Bundle {
    /// The bundle's bytes; the same bundle gives the same bytes.
    ///
    /// # Errors
    /// When a part cannot be serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        let mut parts = Parts::new();
        put(&mut parts, "card.json", &self.card)?;
        put(&mut parts, "graph.json", &self.graph)?;
        put(&mut parts, "preprocess.json", &self.preprocess)?;
        put(&mut parts, "decision.json", &self.decision)?;
        put(&mut parts, "golden.json", &self.golden)?;
        if let Some(familiarity) = &self.familiarity {
            put(&mut parts, FAMILIARITY, familiarity)?;
        }
        let weights = crate::weights::safetensors::write(&self.weights, Precision::Half)?;
        parts.insert("weights.safetensors".to_owned(), weights);
        pack(&parts).map_err(|e| BundleError::Part {
            part: "index",
            reason: e.to_string(),
        })
    }

    /// Reads and checks a bundle.
    ///
    /// # Errors
    /// When it is damaged, of a newer format, or its parts do not fit together.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, BundleError> {
        Self::named_from_bytes(bytes).map(|(bundle, _)| bundle)
    }

    /// As [`Self::from_bytes`], with the [`Self::identity`] of a bundle that is written as these bytes.
    ///
    /// # Errors
    /// As [`Self::from_bytes`].
    pub fn named_from_bytes(bytes: impl Into<Bytes>) -> Result<(Self, String), BundleError> {
        let bytes: Bytes = bytes.into();
        let (bundle, sha256) = unpack(&bytes, |parts| Self::of_parts(&bytes, parts))?;
        let name = bundle.named(&sha256);
        Ok((bundle, name))
    }

    /// Reads a bundle that is part of the program: what vouches for the program vouches for it, and no hash is checked.
    ///
    /// # Errors
    /// As [`Self::from_bytes`].
    pub fn embedded(bytes: &'static [u8]) -> Result<Self, BundleError> {
        let bytes = Bytes::from_static(bytes);
        unpack_unchecked(&bytes, |parts| Self::of_parts(&bytes, parts))
    }

    /// `parts` are parts of `bytes`, which the weights keep.
    fn of_parts(bytes: &Bytes, parts: &Named<'_>) -> Result<Self, BundleError> {
        let graph: Graph = get(parts, "graph.json")?;
        let weights = parts
            .get("weights.safetensors")
            .ok_or_else(|| missing("weights.safetensors"))?;
        let weights = bytes.slice_ref(weights);
        let (weights, bundle) = rayon::join(
            || crate::weights::safetensors::read(weights, &graph),
            || -> Result<Self, BundleError> {
                Ok(Self {
                    card: get(parts, "card.json")?,
                    preprocess: get(parts, "preprocess.json")?,
                    decision: get(parts, "decision.json")?,
                    golden: get(parts, "golden.json")?,
                    familiarity: if parts.contains_key(FAMILIARITY) {
                        Some(get(parts, FAMILIARITY)?)
                    } else {
                        None
                    },
                    graph: graph.clone(),
                    weights: Arc::default(),
                })
            },
        );
        let weights = Arc::new(weights?);
        let bundle = Self { weights, ..bundle? };
        bundle.check()?;
        Ok(bundle)
    }

    fn check(&self) -> Result<(), BundleError> {
        let part = |part, reason: String| BundleError::Part { part, reason };
        self.preprocess
            .check()
            .map_err(|e| part("preprocess.json", e.to_string()))?;
        let prepared = self.preprocess.input_shape();
        if self.graph.input != prepared {
            return Err(part(
                "graph.json",
                format!(
                    "input {:?}, preprocessing gives {prepared:?}",
                    self.graph.input,
                ),
            ));
        }
        let shapes = self
            .graph
            .shapes()
            .map_err(|e| part("graph.json", e.to_string()))?;
        let outputs = shapes[self.graph.logits.0][0];
        if let Some(familiarity) = &self.familiarity {
            let channels = |id: NodeId| shapes[id.0][0];
            let levels = self.graph.levels();
            let all = levels.iter().map(|id| channels(*id)).sum();
            familiarity
                .check(channels(self.graph.deepest()), all)
                .map_err(|reason| part(FAMILIARITY, reason))?;
        }
        if let Some(guard) = self.graph.guard
            && shapes[guard.0] != [1, 1, 1]
        {
            let reason = format!("a guard of shape {:?}, expected one logit", shapes[guard.0]);
            return Err(part("graph.json", reason));
        }
        if outputs != self.card.classes.logits() {
            return Err(part(
                "card.json",
                format!("{outputs} logits for {} classes", self.card.classes.len()),
            ));
        }
        self.decision
            .check()
            .map_err(|reason| part("decision.json", reason))
    }

    /// The call on what the network says of an image; `None` when a logit is not finite. Beside the probability, members
    /// that disagree and features unlike those of training images refer it, and features very unlike them refuse it.
    #[must_use]
    pub fn judge(&self, answer: &Answer) -> Option<Judgement> {
        let classes = &self.card.classes;
        let decision = &self.decision;
        let probabilities = decision.probabilities(classes, &answer.logits)?;
        let familiarity = self.familiarity.as_ref();
        let doubt = decision.doubt(classes, familiarity, &answer.members, &answer.features);
        Some(Judgement {
            logits: answer.logits.clone(),
            ..decision.call(classes, probabilities, doubt)?
        })
    }

    /// The answer on the slices of a series or a subject, referred too where its probability lies where one of a slice would
    /// be. `None` for more than two classes and for no slices.
    #[must_use]
    pub fn judge_together(&self, slices: &[Judgement]) -> Option<Judgement> {
        let classes = &self.card.classes;
        let mut whole = self.decision.aggregation.combine(slices, classes)?;
        let near = self
            .decision
            .triage
            .and_then(|t| t.reason(whole.probability));
        if near.is_some() {
            whole.reason = decision::joined([near, whole.reason.take()]);
            whole.verdict = Verdict::Refer;
        }
        Some(whole)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is no sound bundle; the message names the file.
    pub fn load(path: &Path) -> Result<Self, BundleError> {
        Self::load_named(path).map(|(bundle, _)| bundle)
    }

    /// As [`Self::load`], with the name that [`Self::named_from_bytes`] gives.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_named(path: &Path) -> Result<(Self, String), BundleError> {
        let io = |source| BundleError::Io {
            path: path.display().to_string(),
            source,
        };
        let length = std::fs::metadata(path).map_err(io)?.len();
        if length > MAX_BYTES {
            return Err(io(std::io::Error::other(format!(
                "{length} bytes are too many for a bundle"
            ))));
        }
        Self::named_from_bytes(std::fs::read(path).map_err(io)?)
    }

    /// Writes a file: temporary file, fsync, rename.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), BundleError> {
        let bytes = self.to_bytes()?;
        crate::atomic_write::atomic_write(path, &bytes).map_err(|source| BundleError::Io {
            path: path.display().to_string(),
            source,
        })
    }

    /// Name and the first 8 digits of the SHA-256 of weights, architecture, preprocessing and decision.
    ///
    /// # Errors
    /// When a part cannot be serialised.
    pub fn identity(&self) -> Result<String, BundleError> {
        Ok(self.named(&sha256(&self.to_bytes()?)))
    }

    fn named(&self, sha256: &str) -> String {
        format!("{}-{}", self.card.name, &sha256[..8])
    }

    /// The network on a device, for inference.
    ///
    /// # Errors
    /// When the weights do not fit the architecture.
    pub fn network(&self, device: &Device) -> Result<Network, NetworkError> {
        self.network_in(crate::precision::Precision::F32, device)
    }

    /// As [`Bundle::network`], in a precision.
    ///
    /// # Errors
    /// As [`Bundle::network`]; and when the device has no such precision.
    pub fn network_in(
        &self,
        precision: crate::precision::Precision,
        device: &Device,
    ) -> Result<Network, NetworkError> {
        let weights = Arc::clone(&self.weights);
        Network::judging_in(precision, self.graph.clone(), weights, device)
    }
}

fn missing(part: &'static str) -> BundleError {
    BundleError::Part {
        part,
        reason: "is missing".to_owned(),
    }
}

fn put<T: Serialize>(parts: &mut Parts, part: &'static str, value: &T) -> Result<(), BundleError> {
    let bytes = serde_json::to_vec(value).map_err(|e| BundleError::Part {
        part,
        reason: e.to_string(),
    })?;
    parts.insert(part.to_owned(), bytes);
    Ok(())
}

fn get<T: DeserializeOwned>(
    parts: &BTreeMap<String, &[u8]>,
    part: &'static str,
) -> Result<T, BundleError> {
    let bytes = parts.get(part).ok_or_else(|| missing(part))?;
    serde_json::from_slice(bytes).map_err(|e| BundleError::Part {
        part,
        reason: e.to_string(),
    })
}
