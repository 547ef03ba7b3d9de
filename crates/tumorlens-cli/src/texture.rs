//! A second opinion: gradient-boosted trees on texture and intensity of the whole head, what the same features of the region
//! that the network points at add, and which of all these the trees rest on.

mod trees;

use crate::study::{Results, Study};
use rayon::prelude::*;
use serde::Serialize;
use trees::{Trees, dependence, fit, predict, shuffled};
use tumorlens_core::{Measured, Observer, SampleSource, Seed, View};
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::transform::{AugmentConfig, head_region};
use tumorlens_nn::explain::{Method, attribute};
use tumorlens_nn::network::Network;
use tumorlens_stats::delong::delong;
use tumorlens_stats::groups::Groups;
use tumorlens_stats::intervals::share_grouped;
use tumorlens_stats::texture::{FEWEST, Feature, Region, features};

/// Most training images; more do not change the trees by much, and each costs a sort a feature and tree.
const MOST: usize = 1500;
/// Times that a feature is shuffled.
const SHUFFLES: u64 = 4;
/// Features listed.
const LISTED: usize = 10;
/// Features whose dependence is drawn.
const DRAWN: usize = 3;
const LEVEL: f64 = 0.95;
/// Share of the head that is the evidence region of an image: where the network's map is highest. As large in all images, so that
/// its size tells nothing of the class.
const EVIDENT: f64 = 0.05;

/// What the trees say on the test part.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Opinion {
    /// Training and test images.
    pub(crate) images: [usize; 2],
    /// Features of the whole head; there are as many of the evidence region.
    pub(crate) of_head: usize,
    /// AUROC of trees that see the whole head and know nothing of the network.
    pub(crate) auroc: Measured,
    /// And of trees that see the evidence region as well.
    pub(crate) with_region: Measured,
    /// AUROC of the network on the same images.
    pub(crate) network: Measured,
    /// Share of the test images on which trees (at one half) and network (at its operating point) agree.
    pub(crate) agreement: Measured,
    /// How often the network is right where trees and network agree, and where they do not.
    pub(crate) right: [Measured; 2],
    /// All features of head and evidence region, the most important to the trees that see both first.
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
    /// Of the head, then of the evidence region.
    names: Vec<String>,
    /// How many are of the head.
    of_head: usize,
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
    let network = network(study, results)?;
    let train = table(study, &network, &spread(&results.parts.train))?;
    let test = table(study, &network, &results.test_rows)?;
    observer.end();
    let classes =
        [true, false].map(|class| train.truth.contains(&class) && test.truth.contains(&class));
    if classes.contains(&false) || train.names.is_empty() {
        return Ok(Err(
            "texture was not compared: a class is missing".to_owned()
        ));
    }
    let seed = study.config.train.seed.derive("texture");
    let auroc = |scores: &[f64]| area(&test, scores);
    let scores = predict(&fit(&train.head(), &train.truth, seed)?, &test.head())?;
    let trees = fit(&train.rows, &train.truth, seed)?;
    let with_region = auroc(&predict(&trees, &test.rows)?);
    let positive = study.dataset.classes.positive().0;
    let answers: Vec<f64> = test
        .places
        .iter()
        .map(|i| results.test[*i].probabilities[positive].get())
        .collect();
    let threshold = results.model.decision.threshold().get();
    let calls: Vec<bool> = answers.iter().map(|p| *p >= threshold).collect();
    let pairs = scores.iter().zip(&calls);
    let agree: Vec<bool> = pairs.map(|(tree, call)| (*tree >= 0.5) == *call).collect();
    let right = |agreed: bool| {
        let images = calls.iter().zip(&test.truth).zip(&agree);
        let hits = images.map(|((call, truth), agree)| (*agree == agreed).then_some(call == truth));
        share(&test.groups, hits)
    };
    let features = importance(&trees, &test, with_region.get().unwrap_or(0.5), seed)?
        .into_iter()
        .enumerate()
        .map(|(rank, (feature, importance))| {
            let drawn = rank < DRAWN && importance > 0.0;
            Ok(Importance {
                name: test.names[feature].clone(),
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
        of_head: test.of_head,
        auroc: auroc(&scores),
        with_region,
        network: auroc(&answers),
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

impl Table {
    /// The features of the head alone.
    fn head(&self) -> Vec<Vec<f64>> {
        let head = |row: &Vec<f64>| row[..self.of_head].to_vec();
        self.rows.iter().map(head).collect()
    }
}

/// The network whose map says where the evidence region lies.
fn network(study: &Study<'_>, results: &Results) -> anyhow::Result<Network> {
    let device = study.config.device.0.open()?;
    let (graph, weights) = (results.model.graph.clone(), &results.model.weights);
    Ok(Network::new(graph, weights, &device, None)?)
}

/// Features of every image of which enough is head.
fn table(study: &Study<'_>, network: &Network, rows: &[ManifestRow]) -> anyhow::Result<Table> {
    let source =
        crate::training::source(study.dataset, rows, study.config, &AugmentConfig::none())?;
    let (spec, classes) = (&study.config.preprocess, &study.dataset.classes);
    let (side, positive) = (spec.size, classes.positive());
    let method = Method::default_for(network.graph());
    let found: Vec<Option<[Vec<Feature>; 2]>> = (0..source.len())
        .into_par_iter()
        .map(|i| {
            let input = source.load(i, View::Plain)?.input;
            let values: Vec<f32> = input[..side * side]
                .iter()
                .map(|v| v * spec.window.std + spec.window.mean)
                .collect();
            let head = head_region(&values, side);
            let Ok(whole) = Region::new(&values, &head, side) else {
                return anyhow::Ok(None);
            };
            let map = attribute(network, &input, classes, positive, method, None)?;
            let evident = evident(&map.values, &head);
            let region = Region::new(&values, &evident, side).ok();
            Ok(region.map(|region| [features(&whole), features(&region)]))
        })
        .collect::<anyhow::Result<_>>()?;
    let mut table = Table {
        names: Vec::new(),
        of_head: 0,
        rows: Vec::new(),
        truth: Vec::new(),
        groups: Vec::new(),
        places: Vec::new(),
    };
    for (i, features) in found.into_iter().enumerate() {
        let Some([head, region]) = features else {
            continue;
        };
        if table.names.is_empty() {
            table.of_head = head.len();
            let names = head.iter().map(|f| f.0.to_owned());
            let of_region = region.iter().map(|f| format!("{}, evidence region", f.0));
            table.names = names.chain(of_region).collect();
        }
        table
            .rows
            .push(head.iter().chain(&region).map(|f| f.1).collect());
        table.truth.push(source.info(i).label == positive);
        table.groups.push(source.info(i).group.clone());
        table.places.push(i);
    }
    Ok(table)
}

/// The pixels of the head at which a map is highest; of equal ones the first.
fn evident(map: &[f32], head: &[bool]) -> Vec<bool> {
    let mut pixels: Vec<usize> = (0..head.len()).filter(|i| head[*i]).collect();
    pixels.sort_by(|a, b| map[*b].total_cmp(&map[*a]));
    let count = ((pixels.len() as f64 * EVIDENT) as usize).max(FEWEST);
    let mut evident = vec![false; head.len()];
    for pixel in pixels.into_iter().take(count) {
        evident[pixel] = true;
    }
    evident
}

/// Mean fall of the AUROC when a feature is shuffled, of each feature; the most important first.
fn importance(
    trees: &Trees,
    test: &Table,
    whole: f64,
    seed: Seed,
) -> anyhow::Result<Vec<(usize, f64)>> {
    let mut importance: Vec<(usize, f64)> = (0..test.names.len())
        .into_par_iter()
        .map(|feature| {
            let fall = (0..SHUFFLES)
                .map(|k| {
                    let seed = seed.index(feature as u64).index(k);
                    let scores = predict(trees, &shuffled(&test.rows, feature, seed))?;
                    Ok(whole - area(test, &scores).get().unwrap_or(0.5))
                })
                .collect::<anyhow::Result<Vec<f64>>>()?;
            Ok((feature, fall.iter().sum::<f64>() / SHUFFLES as f64))
        })
        .collect::<anyhow::Result<_>>()?;
    importance.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(importance)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Table {
        let (rows, truth) = trees::tests::images();
        Table {
            names: ["a", "b", "c"].map(str::to_owned).into(),
            of_head: 2,
            groups: (0..rows.len()).map(|i| i.to_string()).collect(),
            places: (0..rows.len()).collect(),
            rows,
            truth,
        }
    }

    #[test]
    fn what_the_trees_rest_on_is_important_and_the_rest_is_not() {
        let images = images();
        let trees = fit(&images.rows, &images.truth, Seed(1)).unwrap();
        let whole = area(&images, &predict(&trees, &images.rows).unwrap());
        assert!(whole.get().unwrap() > 0.999);
        let found = importance(&trees, &images, 1.0, Seed(2)).unwrap();
        assert_eq!(found[0].0, 1);
        assert!((found[0].1 - 0.5).abs() < 0.1, "{found:?}");
        assert!(found[1..].iter().all(|f| f.1.abs() < 0.02), "{found:?}");
    }

    #[test]
    fn the_evidence_region_is_the_twentieth_of_the_head_where_the_map_is_highest() {
        let head: Vec<bool> = (0..400).map(|i| i >= 100).collect();
        // Highest outside of the head, then at its end.
        let map: Vec<f32> = (0..400)
            .map(|i| if i < 100 { 9.0 } else { i as f32 / 400.0 })
            .collect();
        let marked: Vec<usize> = (0..400).filter(|i| evident(&map, &head)[*i]).collect();
        assert_eq!(marked, (385..400).collect::<Vec<_>>());
        let few: Vec<bool> = (0..400).map(|i| i < 20).collect();
        assert_eq!(evident(&map, &few).iter().filter(|e| **e).count(), FEWEST);
    }
}
