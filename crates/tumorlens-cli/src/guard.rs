//! The guard of a model: a small network that learns to tell the training images from decoys.

use crate::config::RunConfig;
use crate::exit_code::Stopped;
use crate::networks::start_in;
use crate::training::{Parts, source};
use std::path::Path;
use tumorlens_core::Observer;
use tumorlens_data::dataset::Dataset;
use tumorlens_data::decoy::Lineup;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_data::transform::augment::{
    Affine, Blur, Contrast, Flip, Gamma, LowResolution, Noise,
};
use tumorlens_nn::graph::Graph;
use tumorlens_nn::guard;
use tumorlens_nn::optimizer::{AdamW, OptimizerConfig};
use tumorlens_nn::train::{
    self, Balance, EarlyStopping, Images, Job, Keep, Outcome, Sampling, Start, TrainConfig,
};
use tumorlens_nn::weights::Weights;

/// Trains a guard in the run's folder `guard`.
///
/// # Errors
/// When training fails or is stopped.
pub(crate) fn fit(
    dataset: &Dataset,
    parts: &Parts,
    config: &RunConfig,
    folder: &Path,
    start: Start,
    observer: &dyn Observer,
) -> anyhow::Result<(Graph, Weights)> {
    let folder = folder.join("guard");
    let seed = config.train.seed.derive("guard");
    let open = |rows: &[ManifestRow]| {
        let rows: Vec<ManifestRow> = rows.iter().map(by_plane).collect();
        source(dataset, &rows, config, &AugmentConfig::none())
    };
    let (train, validation) = (open(&parts.train)?, open(&parts.validation)?);
    let graph = guard::graph(config.preprocess.input_shape())?;
    let outcome = train::fit(&Job {
        initial: &guard::initial(&graph, seed.derive("weights")),
        graph: &graph,
        train: &Lineup::new(&train, varied(), seed.derive("train")),
        validation: &Lineup::new(
            &validation,
            AugmentConfig::none(),
            seed.derive("validation"),
        ),
        classes: &Lineup::classes()?,
        config: &TrainConfig {
            seed,
            epochs: config.guard.epochs,
            ..learning(config)
        },
        teacher: None,
        start: start_in(&folder, start),
        folder: &folder,
        device: config.device.0,
        frozen: &guard::is_fixed,
        observer,
        after_epoch: &train::go_on,
    })?;
    match outcome {
        Outcome::Finished(trained) => Ok((graph, trained.weights)),
        Outcome::Stopped { .. } => Err(Stopped.into()),
    }
}

/// Each plane as a source of its own, to be shown as often: a head from the side is a head too.
fn by_plane(row: &ManifestRow) -> ManifestRow {
    ManifestRow {
        source: format!("{} {}", row.source, row.plane),
        ..row.clone()
    }
}

fn learning(config: &RunConfig) -> TrainConfig {
    TrainConfig {
        precision: config.train.precision,
        learning_rate: 2e-3,
        warm_up_epochs: 0.5,
        average: 0.995,
        // A source of few images is a source all the same: the next one's heads may be like those.
        sampling: Sampling {
            images: Images::All,
            balance: Balance::SourcesAndClasses,
        },
        early_stopping: EarlyStopping {
            keep: Keep::Last,
            ..EarlyStopping::default()
        },
        optimizer: OptimizerConfig::AdamW(AdamW {
            weight_decay: 0.02,
            ..AdamW::default()
        }),
        ..TrainConfig::default()
    }
}

/// Strong, so that neither the grain of a source nor that of a painted picture tells them apart, whatever the network that
/// judges was shown.
fn varied() -> AugmentConfig {
    AugmentConfig {
        flip: Flip {
            horizontal: 0.5,
            vertical: 0.15,
            ..Flip::default()
        },
        affine: Affine {
            probability: 0.9,
            rotation: 30.0,
            scale: 0.2,
            shear: 6.0,
            shift: 0.08,
            aspect: 0.0,
        },
        contrast: Contrast {
            probability: 0.4,
            ..Contrast::default()
        },
        gamma: Gamma {
            probability: 0.5,
            ..Gamma::default()
        },
        blur: Blur {
            probability: 0.3,
            sigma: 1.5,
        },
        low_resolution: LowResolution {
            probability: 0.4,
            ..LowResolution::default()
        },
        noise: Noise {
            probability: 0.4,
            ..Noise::default()
        },
        ..AugmentConfig::default()
    }
}
