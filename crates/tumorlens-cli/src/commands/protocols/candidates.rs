//! The configurations that are compared, by their names.

use super::{folder_name, write};
use crate::args::ProtocolsArgs;
use crate::commands::train::effective;
use crate::config::RunConfig;
use anyhow::{Context, ensure};
use std::path::Path;
use tumorlens_data::dataset::Dataset;

/// A configuration that a protocol may take.
pub(super) struct Candidate {
    /// That of its file, without the ending.
    pub(super) name: String,
    pub(super) config: RunConfig,
}

/// Name of the configuration that `--config` gives, and of its file in the folder.
const FIRST: &str = "config";
/// Folder of the others.
const OTHERS: &str = "alternatives";

/// The configuration of `--config` and those of `--alternative`, in the order of their names; of a command that goes on, its own.
pub(super) fn of(
    args: &ProtocolsArgs,
    dataset: &Dataset,
    out: &Path,
) -> anyhow::Result<Vec<Candidate>> {
    let first = Candidate {
        name: FIRST.to_owned(),
        config: effective(&args.training, dataset, out, args.resume)?,
    };
    let folder = out.join(OTHERS);
    let files = if !args.resume {
        args.alternative.clone()
    } else if folder.is_dir() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let paths = entries.map(|entry| Ok(entry?.path()));
        paths
            .collect::<std::io::Result<_>>()
            .with_context(|| folder.display().to_string())?
    } else {
        Vec::new()
    };
    let mut others = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut training = args.training.clone();
        training.config = Some(file.clone());
        others.push(Candidate {
            name: name.into_owned(),
            config: RunConfig::effective(&training, dataset)?,
        });
    }
    others.sort_by(|a, b| a.name.cmp(&b.name));
    let all: Vec<Candidate> = std::iter::once(first).chain(others).collect();
    for (at, candidate) in all.iter().enumerate() {
        ensure!(
            all[..at]
                .iter()
                .all(|other| folder_name(&other.name) != folder_name(&candidate.name)),
            "--alternative: two configurations are called '{}' (config is that of --config)",
            candidate.name
        );
    }
    Ok(all)
}

/// Writes them down, for a command that goes on.
pub(super) fn keep(candidates: &[Candidate], out: &Path) -> anyhow::Result<()> {
    for (at, candidate) in candidates.iter().enumerate() {
        let folder = if at == 0 {
            out.to_owned()
        } else {
            out.join(OTHERS)
        };
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let file = folder.join(format!("{}.toml", candidate.name));
        write(&file, candidate.config.to_toml()?.as_bytes())?;
    }
    Ok(())
}
