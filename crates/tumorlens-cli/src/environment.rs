//! Where and with what a run was made: `environment.json`.

use crate::config::RunConfig;
use serde::Serialize;
use tumorlens_report::Fact;

/// Versions, seed, threads, processor. Nothing here changes a result except the version and the seed.
#[derive(Serialize)]
pub(crate) struct Environment {
    tumorlens: &'static str,
    seed: u64,
    device: String,
    threads: usize,
    processor: String,
    system: String,
}

impl Environment {
    pub(crate) fn here(config: &RunConfig) -> Self {
        Self {
            tumorlens: env!("CARGO_PKG_VERSION"),
            seed: config.train.seed.0,
            device: config.device.0.to_string(),
            threads: rayon::current_num_threads(),
            processor: processor(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }

    /// As rows of the report's table. Threads and processor stay out of it, so that the same seed gives the same
    /// report whatever they are; they stand in `environment.json`.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        vec![
            Fact::new("tumorlens", self.tumorlens),
            Fact::new("seed", self.seed.to_string()),
            Fact::new("device", self.device.clone()),
            Fact::new("system", self.system.clone()),
        ]
    }
}

/// The processor's name where the system tells it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .and_then(|l| l.split_once(':'));
    name.map_or_else(
        || "not known".to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}
