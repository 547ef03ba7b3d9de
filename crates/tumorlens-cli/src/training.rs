//! From a dataset and a configuration to a trained, calibrated model: what `run`, `train` and `crossval` share.

use crate::config::RunConfig;
use crate::exit_code::Stopped;
use crate::familiar::familiar;
use crate::guard;
use crate::networks::{Networks, Trainees, as_stored};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tumorlens_core::bundle_card::DataSource;
use tumorlens_core::{BundleCard, ClassSet, Measured, Observer, SampleSource};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::source::DatasetSource;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::bundle::{Bundle, Decision, Familiarity};
use tumorlens_nn::evaluate::{EvaluateError, Reading, ScoredLogits, predict_logits};
use tumorlens_nn::graph::Graph;
use tumorlens_nn::guard::beside;
use tumorlens_nn::network::Network;
use tumorlens_nn::train::{EpochRecord, Start};
use tumorlens_nn::weights::Weights;

/// The images of a training: rows of a manifest.
pub(crate) struct Parts {
    pub(crate) train: Vec<ManifestRow>,
    pub(crate) validation: Vec<ManifestRow>,
}

/// A trained and calibrated model, and what is known of its training.
pub(crate) struct Model {
    pub(crate) graph: Graph,
    /// As they are stored: exactly representable in half precision.
    pub(crate) weights: Weights,
    pub(crate) decision: Decision,
    /// Absent where too few images were learnt from.
    pub(crate) familiarity: Option<Familiarity>,
    /// Validation images with their logits, in the order of the rows.
    pub(crate) validation: Vec<ScoredLogits>,
    pub(crate) history: Vec<EpochRecord>,
    pub(crate) best_epoch: usize,
}

/// Opens images for the network.
pub(crate) fn source(
    dataset: &Dataset,
    rows: &[ManifestRow],
    config: &RunConfig,
    augment: &AugmentConfig,
) -> anyhow::Result<DatasetSource> {
    Ok(DatasetSource::new(
        &dataset.dir,
        rows,
        &dataset.classes,
        &config.preprocess,
        augment,
    )?)
}

/// Trains, keeps the best epoch of each member, joins members, rounds weights as they will be stored, and calibrates on
/// the validation part.
pub(crate) fn fit(
    dataset: &Dataset,
    parts: &Parts,
    config: &RunConfig,
    folder: &Path,
    start: Start,
    observer: &dyn Observer,
) -> anyhow::Result<Model> {
    if config.train.precision.is_slower_here() {
        observer.say(
            "this processor has no products of 16 bits: training in bf16 takes several times as long as in f32 here",
        );
    }
    let validation = source(dataset, &parts.validation, config, &AugmentConfig::none())?;
    let train =
        source(dataset, &parts.train, config, &config.augment)?.with_exchange(config.exchange)?;
    let networks = Networks {
        dataset,
        parts,
        train: &train,
        validation: &validation,
        start,
        observer,
    };
    let teacher = networks.teacher(config, folder)?;
    let Trainees {
        graph,
        weights,
        first: trained,
    } = networks.fit(config, config.ensemble.members, folder, teacher.as_ref())?;
    let (graph, weights) = if config.guard.epochs > 0 {
        observer.say("trained next: the guard, which tells heads from other pictures");
        let (guard, guarding) = guard::fit(dataset, parts, config, folder, start, observer)?;
        beside((&graph, &weights), (&guard, &as_stored(&guard, &guarding)?))
    } else {
        (graph, weights)
    };
    let plain = logits(
        &graph,
        &weights,
        &validation,
        config,
        Reading::default(),
        observer,
    )?;
    let mut calibrating = plain.clone();
    if config.calibration.views > 0 {
        let varied = source(dataset, &parts.validation, config, &config.augment)?;
        let seed = config.train.seed.derive("calibration");
        for view in 0..config.calibration.views {
            let reading = Reading {
                augmented: Some(seed.index(view)),
                ..Reading::default()
            };
            calibrating.extend(logits(
                &graph, &weights, &varied, config, reading, observer,
            )?);
        }
    }
    let mut decision =
        Decision::calibrated(&dataset.classes, &calibrating, config.calibration.scaling());
    if let Some(name) = &config.calibration.operating_point {
        let chosen = decision.use_point(name);
        chosen.map_err(|reason| anyhow::anyhow!("calibration.operating_point: {reason}"))?;
    }
    if config.calibration.error > 0.0
        && let Err(e) = decision.triage(&dataset.classes, &calibrating, config.calibration.error)
    {
        observer.say(&format!("no image will be referred: {e}"));
    }
    if dataset.classes.is_binary() && !config.calibration.usual_aggregation {
        aggregate(&mut decision, &dataset.classes, &plain, &parts.validation);
    }
    let known = familiar(dataset, &parts.train, config, &plain, |source, reading| {
        logits(&graph, &weights, source, config, reading, observer)
    })?;
    if let Err(reason) = &known {
        observer.say(&format!("no image will be called unusual: {reason}"));
    }
    Ok(Model {
        decision,
        familiarity: known.ok(),
        graph,
        weights,
        validation: plain,
        history: trained.history,
        best_epoch: trained.best_epoch,
    })
}

/// Chooses how slices are joined to the answer on a subject, on the subjects of these rows.
pub(crate) fn aggregate(
    decision: &mut Decision,
    classes: &ClassSet,
    logits: &[ScoredLogits],
    rows: &[ManifestRow],
) {
    let slices = logits.iter().zip(rows);
    decision.aggregate(
        classes,
        slices.map(|(s, row)| (row.subject.as_str(), s.label, s.logits.as_slice())),
    );
}

/// Logits of every image of a source.
pub(crate) fn logits(
    graph: &Graph,
    weights: &Weights,
    source: &dyn SampleSource,
    config: &RunConfig,
    reading: Reading,
    observer: &dyn Observer,
) -> anyhow::Result<Vec<ScoredLogits>> {
    let network = Network::new(graph.clone(), weights, &config.device.0.open()?, None)?;
    logits_of(&network, source, reading, observer)
}

/// As [`logits`], by a network that stands ready.
pub(crate) fn logits_of(
    network: &Network,
    source: &dyn SampleSource,
    reading: Reading,
    observer: &dyn Observer,
) -> anyhow::Result<Vec<ScoredLogits>> {
    predict_logits(network, source, reading, observer).map_err(|error| match error {
        EvaluateError::Stopped => Stopped.into(),
        error => error.into(),
    })
}

impl Model {
    /// The bundle, with its card and golden inputs.
    pub(crate) fn bundle(
        &self,
        dataset: &Dataset,
        parts: &Parts,
        config: &RunConfig,
        figures: BTreeMap<String, Measured>,
    ) -> anyhow::Result<Bundle> {
        let card = BundleCard {
            name: config
                .card
                .name
                .clone()
                .unwrap_or_else(|| "tumorlens".to_owned()),
            tumorlens_version: env!("CARGO_PKG_VERSION").to_owned(),
            classes: dataset.classes.clone(),
            architecture: config.architecture(),
            parameters: self.weights.learned() as u64,
            intended_use:
                "Research on finding brain tumors in single MRI slices. Not a medical device."
                    .to_owned(),
            limits: limits(),
            data: sources(parts, &config.card.licences),
            dataset_sha256: dataset.content_sha256()?,
            figures,
            seed: config.train.seed.0,
        };
        let mut bundle = Bundle {
            card,
            graph: self.graph.clone(),
            weights: Arc::new(self.weights.clone()),
            preprocess: config.preprocess.clone(),
            decision: self.decision.clone(),
            familiarity: self.familiarity.clone(),
            golden: vec![],
        };
        bundle.record_golden(&config.device.0.open()?)?;
        Ok(bundle)
    }
}

fn limits() -> Vec<String> {
    [
        "Figures hold for images like those it was tested on. On scans from elsewhere they are likely lower: test on your own.",
        "It judges one slice at a time and knows nothing of the other slices of the study.",
        "It was shown slices with and without tumor; other findings were not labelled.",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn sources(parts: &Parts, licences: &BTreeMap<String, String>) -> Vec<DataSource> {
    let mut by_name: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for row in parts.train.iter().chain(&parts.validation) {
        let (images, groups) = by_name.entry(&row.source).or_default();
        *images += 1;
        groups.insert(row.unit());
    }
    by_name
        .into_iter()
        .map(|(name, (images, groups))| DataSource {
            name: name.to_owned(),
            images,
            groups: groups.len(),
            licence: licences
                .get(name)
                .cloned()
                .unwrap_or_else(|| "not stated; ask its owner".to_owned()),
        })
        .collect()
}
