//! What a model comes to know of how its images look: those that it learnt from, and decoys, which are no heads.

use crate::config::RunConfig;
use crate::training::source;
use std::collections::BTreeSet;
use tumorlens_core::SampleSource;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::decoy::{BareHeads, Decoys};
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_data::transform::augment::LowResolution;
use tumorlens_nn::bundle::{Familiarity, FamiliarityError};
use tumorlens_nn::evaluate::{Reading, ScoredLogits};
use tumorlens_nn::network::Features;

/// Training images whose features are looked at, as they are, coarse, and without scalp and skull.
const HEADS: usize = 3000;
/// A coarse scan is a scan all the same: every image is looked at a second time with up to four times larger pixels.
const COARSE: LowResolution = LowResolution {
    probability: 1.0,
    loss: 3.0,
};
/// Most decoys.
const DECOYS: usize = 2400;

/// Fits how training images look to the network and what tells them from decoys; the measure is what the validation images
/// keep. `read` asks the network.
pub(crate) fn familiar(
    dataset: &Dataset,
    rows: &[ManifestRow],
    config: &RunConfig,
    validation: &[ScoredLogits],
    read: impl Fn(&dyn SampleSource, Reading) -> anyhow::Result<Vec<ScoredLogits>>,
) -> anyhow::Result<Result<Familiarity, FamiliarityError>> {
    let step = rows.len().div_ceil(HEADS).max(1);
    let some: Vec<ManifestRow> = rows.iter().step_by(step).cloned().collect();
    let heads = source(dataset, &some, config, &AugmentConfig::none())?;
    let plain = features(read(&heads, Reading::default())?);
    let kinds = some.iter().map(|row| {
        let kind = format!("{} {}", row.plane, row.label);
        kind.trim().to_owned()
    });
    let training: Vec<(String, Features)> = kinds.zip(plain.iter().cloned()).collect();
    let others: Vec<Features> = validation.iter().map(|c| c.features.clone()).collect();
    let sources: BTreeSet<&str> = rows.iter().map(|r| r.source.as_str()).collect();
    let mut known = match Familiarity::fit(&training, &others, sources.len()) {
        Ok(known) => known,
        Err(error) => return Ok(Err(error)),
    };
    let seed = config.train.seed.derive("strangers");
    let reading = Reading {
        augmented: Some(seed.derive("heads")),
        ..Reading::default()
    };
    let augment = AugmentConfig {
        low_resolution: COARSE,
        ..AugmentConfig::none()
    };
    let coarse = source(dataset, &some, config, &augment)?;
    let coarse = features(read(&coarse, reading)?);
    let bare = BareHeads::new(&heads, augment, seed.derive("bare"));
    let bare = features(read(&bare, Reading::default())?);
    let decoys = Decoys::new(&heads, some.len().min(DECOYS), seed.derive("decoys"));
    let decoys = features(read(&decoys, Reading::default())?);
    let all: Vec<&Features> = plain.iter().chain(&coarse).chain(&bare).collect();
    let (decoys, others): (Vec<_>, Vec<_>) = (decoys.iter().collect(), others.iter().collect());
    known.learn_strangers(&all, &decoys, &others);
    Ok(Ok(known))
}

fn features(read: Vec<ScoredLogits>) -> Vec<Features> {
    read.into_iter().map(|image| image.features).collect()
}
