//! Where maps of class activation point, by method and layer, beside the model's own map and simple references.

use super::Read;
use crate::explanation::judge;
use anyhow::bail;
use tumorlens_core::{Observer, Seed};
use tumorlens_nn::explain::scores::{MethodScores, ScoreOptions};
use tumorlens_nn::explain::{Method, resolutions};
use tumorlens_report::number::measured;
use tumorlens_report::terminal::Table;

/// Images, one of each group.
const IMAGES: usize = 64;
const METHODS: [Method; 4] = [
    Method::GradCam,
    Method::GradCamPlusPlus,
    Method::HiresCam,
    Method::LayerCam,
];

/// Scores of every method at every resolution of the trunk and at the last map; first what needs no layer, last the references.
pub(super) fn by_layer(read: &Read, observer: &dyn Observer) -> anyhow::Result<Vec<MethodScores>> {
    let network = read.bundle.network(&read.config.device.0.open()?)?;
    let graph = network.graph();
    let available = Method::available(graph);
    let mut layers: Vec<Option<String>> = resolutions(graph).into_iter().map(Some).collect();
    layers.push(None);
    let mut asks: Vec<(Option<String>, Vec<Method>)> = Vec::new();
    if available.contains(&Method::Evidence) {
        asks.push((None, vec![Method::Evidence]));
    }
    asks.extend(layers.into_iter().map(|layer| (layer, METHODS.to_vec())));
    let (mut rows, mut references) = (Vec::new(), Vec::new());
    for (layer, methods) in asks {
        let options = ScoreOptions {
            layer,
            curve_images: 0,
            sanity_images: 0,
            seed: Seed(read.bundle.card.seed),
            ..ScoreOptions::default()
        };
        let place = (&read.dataset, &read.config);
        let judged = judge(
            place,
            &network,
            &read.rows,
            Some(IMAGES),
            &methods,
            &options,
            observer,
        )?;
        let scores = match judged {
            Ok(scores) => scores,
            Err(reason) => bail!("{}: {reason}", read.dataset.dir.display()),
        };
        let (own, simple) = scores.rows.into_iter().partition(|row| !row.reference);
        rows.extend::<Vec<MethodScores>>(own);
        references = simple;
    }
    rows.extend(references);
    Ok(rows)
}

/// As a table.
pub(super) fn table(rows: &[MethodScores]) -> String {
    let mut table = Table::new([
        "method",
        "layer",
        "peak inside",
        "energy inside",
        "overlap (IoU)",
    ]);
    for row in rows {
        table.row([
            row.method.replace('_', " "),
            row.layer.clone(),
            measured(&row.pointing_game),
            measured(&row.energy_inside),
            measured(&row.iou),
        ]);
    }
    table.text()
}
