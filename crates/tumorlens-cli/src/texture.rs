//! A second opinion: gradient-boosted trees on texture and intensity of the whole head, and which of these features
//! they rest on.

use crate::study::{Results, Study};
use anyhow::{Context, anyhow};
use rayon::prelude::*;
use serde::Serialize;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};
use tumorlens_core::{Measured, Observer, SampleSource, Seed, View};
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::transform::{AugmentConfig, head_region};
use tumorlens_stats::delong::delong;
use tumorlens_stats::groups::Groups;
use tumorlens_stats::intervals::share_grouped;
use tumorlens_stats::texture::{Region, features};

/// Most training images; more do not change the trees by much, and each costs a sort a feature and tree.
const MOST: usize = 1500;
const TREES: usize = 60;
const DEPTH: u16 = 3;
/// Times that a feature is shuffled.
const SHUFFLES: u64 = 4;
/// Features listed.
const LISTED: usize = 10;
/// Features whose dependence is drawn, and points of the line.
const DRAWN: (usize, usize) = (3, 20);
const LEVEL: f64 = 0.95;

type Trees = XGRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>;

/// What the trees say on the test part.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Opinion {
    /// Training and test images.
    pub(crate) images: [usize; 2],
    /// AUROC of the trees.
    pub(crate) auroc: Measured,
    /// AUROC of the network on the same images.
    pub(crate) network: Measured,
    /// Share of the test images on which trees (at one half) and network (at its operating point) agree.
    pub(crate) agreement: Measured,
    /// How often the network is right where trees and network agree, and where they do not.
    pub(crate) right: [Measured; 2],
    /// All features, the most important first.
    pub(crate) features: Vec<Importance>,
}

/// One feature.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Importance {
    pub(crate) name: String,
    /// Mean fall of the AUROC when it is shuffled between the test images.
    pub(crate) importance: f64,
    /// Value of the feature, mean score of the trees; for the most important ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dependence: Vec<(f64, f64)>,
}

/// Features by image, with what is known of it.
struct Table {
    names: Vec<&'static str>,
    rows: Vec<Vec<f64>>,
    truth: Vec<bool>,
    groups: Vec<String>,
    /// Position of each row among the rows asked about.
    places: Vec<usize>,
}

/// Fits trees to the training part and asks them about the test part; or says why that cannot be done.
pub(crate) fn second_opinion(
    study: &Study<'_>,
    results: &Results,
    observer: &dyn Observer,
) -> anyhow::Result<Result<Opinion, String>> {
    observer.begin("texture", None);
    let spread = |rows: &[ManifestRow]| -> Vec<ManifestRow> {
        let n = rows.len().min(MOST);
        (0..n).map(|i| rows[i * rows.len() / n].clone()).collect()
    };
    let train = table(study, &spread(&results.parts.train))?;
    let test = table(study, &results.test_rows)?;
    observer.end();
    let classes =
        [true, false].map(|class| train.truth.contains(&class) && test.truth.contains(&class));
    if classes.contains(&false) || train.names.is_empty() {
        return Ok(Err(
            "texture was not compared: a class is missing".to_owned()
        ));
    }
    let seed = study.config.train.seed.derive("texture");
    let trees = fit(&train, seed)?;
    let scores = predict(&trees, &test.rows)?;
    let auroc = |scores: &[f64]| area(&test, scores);
    let whole = auroc(&scores);
    let positive = study.dataset.classes.positive().0;
    let network: Vec<f64> = test
        .places
        .iter()
        .map(|i| results.test[*i].probabilities[positive].get())
        .collect();
    let threshold = results.model.decision.threshold().get();
    let calls: Vec<bool> = network.iter().map(|p| *p >= threshold).collect();
    let pairs = scores.iter().zip(&calls);
    let agree: Vec<bool> = pairs.map(|(tree, call)| (*tree >= 0.5) == *call).collect();
    let right = |agreed: bool| {
        let images = calls.iter().zip(&test.truth).zip(&agree);
        let hits = images.map(|((call, truth), agree)| (*agree == agreed).then_some(call == truth));
        share(&test.groups, hits)
    };
    let base = whole.get().unwrap_or(0.5);
    let mut importance: Vec<(usize, f64)> = (0..test.names.len())
        .into_par_iter()
        .map(|feature| {
            let fall = (0..SHUFFLES)
                .map(|k| {
                    let seed = seed.index(feature as u64).index(k);
                    let shuffled = shuffled(&test.rows, feature, seed);
                    let scores = predict(&trees, &shuffled)?;
                    Ok(base - auroc(&scores).get().unwrap_or(0.5))
                })
                .collect::<anyhow::Result<Vec<f64>>>()?;
            Ok((feature, fall.iter().sum::<f64>() / SHUFFLES as f64))
        })
        .collect::<anyhow::Result<_>>()?;
    importance.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let features = importance
        .into_iter()
        .enumerate()
        .map(|(rank, (feature, importance))| {
            let drawn = rank < DRAWN.0 && importance > 0.0;
            Ok(Importance {
                name: test.names[feature].to_owned(),
                importance,
                dependence: if drawn {
                    dependence(&trees, &test.rows, feature)?
                } else {
                    Vec::new()
                },
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Ok(Opinion {
        images: [train.rows.len(), test.rows.len()],
        auroc: whole,
        network: auroc(&network),
        agreement: share(&test.groups, agree.iter().copied().map(Some)),
        right: [right(true), right(false)],
        features,
    }))
}

impl Opinion {
    /// The features that a report lists.
    pub(crate) fn listed(&self) -> &[Importance] {
        &self.features[..self.features.len().min(LISTED)]
    }
}

/// Features of every image of which enough is head.
fn table(study: &Study<'_>, rows: &[ManifestRow]) -> anyhow::Result<Table> {
    let source =
        crate::training::source(study.dataset, rows, study.config, &AugmentConfig::none())?;
    let spec = &study.config.preprocess;
    let (side, positive) = (spec.size, study.dataset.classes.positive());
    let found: Vec<Option<Vec<_>>> = (0..source.len())
        .into_par_iter()
        .map(|i| {
            let input = source.load(i, View::Plain)?.input;
            let values: Vec<f32> = input[..side * side]
                .iter()
                .map(|v| v * spec.window.std + spec.window.mean)
                .collect();
            let head = head_region(&values, side);
            let region = Region::new(&values, &head, side).ok();
            anyhow::Ok(region.map(|r| features(&r)))
        })
        .collect::<anyhow::Result<_>>()?;
    let mut table = Table {
        names: Vec::new(),
        rows: Vec::new(),
        truth: Vec::new(),
        groups: Vec::new(),
        places: Vec::new(),
    };
    for (i, features) in found.into_iter().enumerate() {
        let Some(features) = features else { continue };
        if table.names.is_empty() {
            table.names = features.iter().map(|f| f.0).collect();
        }
        table.rows.push(features.iter().map(|f| f.1).collect());
        table.truth.push(source.info(i).label == positive);
        table.groups.push(source.info(i).group.clone());
        table.places.push(i);
    }
    Ok(table)
}

fn matrix(rows: &[Vec<f64>]) -> anyhow::Result<DenseMatrix<f64>> {
    DenseMatrix::from_2d_vec(&rows.to_vec()).map_err(|e| anyhow!("texture: {e}"))
}

fn fit(train: &Table, seed: Seed) -> anyhow::Result<Trees> {
    let truth: Vec<f64> = train
        .truth
        .iter()
        .map(|t| f64::from(u8::from(*t)))
        .collect();
    let parameters = XGRegressorParameters::default()
        .with_n_estimators(TREES)
        .with_max_depth(DEPTH)
        .with_learning_rate(0.15)
        .with_subsample(0.7)
        .with_min_child_weight(5)
        .with_seed(seed.0);
    Trees::fit(&matrix(&train.rows)?, &truth, parameters).map_err(|e| anyhow!("texture: {e}"))
}

fn predict(trees: &Trees, rows: &[Vec<f64>]) -> anyhow::Result<Vec<f64>> {
    trees
        .predict(&matrix(rows)?)
        .map_err(|e| anyhow!("texture: {e}"))
}

fn area(test: &Table, scores: &[f64]) -> Measured {
    let names: Vec<&str> = test.groups.iter().map(String::as_str).collect();
    match delong(&test.truth, scores, &Groups::new(&names)) {
        Ok(found) => match found.interval(LEVEL) {
            Some(interval) => Measured::with_interval(found.auroc, interval),
            None => Measured::value(found.auroc),
        },
        Err(reason) => Measured::undefined(reason.to_string()),
    }
}

fn share(groups: &[String], hits: impl Iterator<Item = Option<bool>>) -> Measured {
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    share_grouped(&Groups::new(&names), hits, LEVEL)
        .unwrap_or_else(|| Measured::undefined("no image"))
}

/// The rows with one feature dealt out anew between them (Fisher and Yates).
fn shuffled(rows: &[Vec<f64>], feature: usize, seed: Seed) -> Vec<Vec<f64>> {
    let mut rows = rows.to_vec();
    for i in (1..rows.len()).rev() {
        let j = (seed.index(i as u64).0 % (i as u64 + 1)) as usize;
        let (a, b) = (rows[i][feature], rows[j][feature]);
        rows[i][feature] = b;
        rows[j][feature] = a;
    }
    rows
}

/// Mean score with a feature set to values from its 5th to its 95th percentile.
fn dependence(trees: &Trees, rows: &[Vec<f64>], feature: usize) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut values: Vec<f64> = rows.iter().map(|r| r[feature]).collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(0.05), at(0.95));
    (0..DRAWN.1)
        .map(|i| {
            let value = low + (high - low) * i as f64 / (DRAWN.1 - 1) as f64;
            let mut set = rows.to_vec();
            set.iter_mut().for_each(|row| row[feature] = value);
            let scores = predict(trees, &set)?;
            let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
            Ok((value, mean))
        })
        .collect::<anyhow::Result<_>>()
        .context("partial dependence")
}
