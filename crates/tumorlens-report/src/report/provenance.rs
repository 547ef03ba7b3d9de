//! What it takes to repeat the run.

use super::Fact;
use serde::{Deserialize, Serialize};

/// Configuration, environment and files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// The command that repeats the run; may be empty.
    pub command: String,
    /// The effective configuration as it lies in `config.toml`.
    pub config: String,
    /// Versions, seed, threads, device, CPU.
    pub environment: Vec<Fact>,
    /// Files with their SHA-256, e.g. manifest and weights.
    pub files: Vec<Fact>,
}
