//! What the calls of a study rest on: scores of the methods against outlines, chosen cases, feature maps, filters.

use crate::config::RunConfig;
use crate::pictures::{self, Picture, Unreadable};
use crate::study::{Results, Study};
use anyhow::{Context, anyhow};
use tumorlens_core::{Attribution, ClassIndex, MapLine, Mask, Observer, SampleSource, View};
use tumorlens_data::dataset::Dataset;
use tumorlens_data::format::raster::mask::{decode_mask_file, fit_mask};
use tumorlens_data::limits::Limits;
use tumorlens_data::manifest::ManifestRow;
use tumorlens_data::slice::Volumes;
use tumorlens_data::transform::AugmentConfig;
use tumorlens_nn::bundle::Bundle;
use tumorlens_nn::explain::scores::{OutlinedImage, ScoreOptions, Scores, scores};
use tumorlens_nn::explain::{
    self, FeatureMaps, Filters, Method, feature_maps, filters, resolutions,
};
use tumorlens_nn::network::Network;
use tumorlens_stats::evaluation::Scored;
use tumorlens_stats::faithfulness::Cut;

/// Methods in the report's table. Those that need hundreds of passes for an image are left to `tumorlens explain`.
const COMPARED: [Method; 6] = [
    Method::Evidence,
    Method::GradCam,
    Method::GradCamPlusPlus,
    Method::HiresCam,
    Method::LayerCam,
    Method::IntegratedGradients,
];
/// Outlined images on which all methods are compared.
const COMPARED_IMAGES: usize = 16;
/// Cases under each heading.
const CASES: usize = 4;

/// Everything drawn and measured.
pub(crate) struct Explained {
    /// By method, on test images; or why not.
    pub(crate) scores: Result<Scores, String>,
    /// Of the model's own map on all outlined test images, by size of the lesion.
    pub(crate) sizes: Option<Scores>,
    pub(crate) method: Method,
    pub(crate) cases: Vec<Cases>,
    pub(crate) maps: Vec<FeatureMaps>,
    pub(crate) filters: Filters,
}

/// Cases under one heading.
pub(crate) struct Cases {
    pub(crate) title: &'static str,
    pub(crate) picked: &'static str,
    pub(crate) cases: Vec<Case>,
}

/// One test image with its map on its own grid.
pub(crate) struct Case {
    pub(crate) scored: Scored,
    pub(crate) picture: Picture,
    pub(crate) map: Attribution,
    pub(crate) mask: Option<Mask>,
}

/// Chooses the outline's threshold on validation images (it enters the decision), scores the methods on test images, and
/// draws cases.
pub(crate) fn explain(
    study: &Study<'_>,
    results: &mut Results,
    observer: &dyn Observer,
) -> anyhow::Result<Explained> {
    let device = study.config.device.0.open()?;
    let network = Network::new(
        results.model.graph.clone(),
        &results.model.weights,
        &device,
        None,
    )?;
    let method = Method::default_for(network.graph());
    let line = map_line(
        (study.dataset, study.config),
        &network,
        &results.parts.validation,
        observer,
    )?;
    results.model.decision.set_map_line(line);
    let methods: Vec<Method> = COMPARED
        .into_iter()
        .filter(|m| Method::available(network.graph()).contains(m))
        .collect();
    let options = ScoreOptions {
        curve_images: 12,
        sanity_images: 4,
        seed: study.config.train.seed,
        ..ScoreOptions::default()
    };
    let scores = judge(
        (study.dataset, study.config),
        &network,
        &results.test_rows,
        Some(COMPARED_IMAGES),
        &methods,
        &options,
        observer,
    )?;
    let sizes = match line {
        Some(line) => {
            let images = (study.dataset, study.config);
            located(images, &network, line, &results.test_rows, observer)?
        }
        None => None,
    };
    let cases = headings(study, results, &network, method)?;
    let maps = cases
        .iter()
        .flat_map(|c| &c.cases)
        .next()
        .map(|case| maps_of(&network, &case.picture.input))
        .transpose()?
        .unwrap_or_default();
    Ok(Explained {
        scores,
        sizes,
        method,
        cases,
        maps,
        filters: filters(network.graph(), &results.model.weights)?,
    })
}

/// The line in default maps that best divides lesion from the rest on validation images with outlines.
pub(crate) fn map_line(
    images: (&Dataset, &RunConfig),
    network: &Network,
    rows: &[ManifestRow],
    observer: &dyn Observer,
) -> anyhow::Result<Option<MapLine>> {
    let method = Method::default_for(network.graph());
    if method != Method::Evidence {
        // Only the logits of an evidence map mean the same in all images.
        return Ok(None);
    }
    let options = ScoreOptions {
        curve_images: 0,
        sanity_images: 0,
        replicates: 0,
        ..ScoreOptions::default()
    };
    let scores = judge(images, network, rows, None, &[method], &options, observer)?;
    let cut = scores.ok().and_then(|s| s.rows.first().and_then(|r| r.cut));
    Ok(match cut {
        Some(Cut::Line(line)) => Some(line),
        _ => None,
    })
}

/// Scores a bundle's evidence map on every outlined image of a part, at the cut that its validation images
/// chose; nothing for models without such a map and parts without outlines.
pub(crate) fn localisation(
    dataset: &Dataset,
    config: &RunConfig,
    bundle: &Bundle,
    rows: &[ManifestRow],
    observer: &dyn Observer,
) -> anyhow::Result<Option<Scores>> {
    let Some(line) = bundle.decision.map_line() else {
        return Ok(None);
    };
    let network = bundle.network(&config.device.0.open()?)?;
    located((dataset, config), &network, line, rows, observer)
}

fn located(
    images: (&Dataset, &RunConfig),
    network: &Network,
    line: MapLine,
    rows: &[ManifestRow],
    observer: &dyn Observer,
) -> anyhow::Result<Option<Scores>> {
    let options = ScoreOptions {
        cut: Some(Cut::Line(line)),
        curve_images: 0,
        sanity_images: 0,
        ..ScoreOptions::default()
    };
    let methods = [Method::Evidence];
    let scores = judge(images, network, rows, None, &methods, &options, observer)?;
    Ok(scores.ok())
}

/// Scores methods on positive images with outlines, all or up to `most`, one of each group; or says why not.
pub(crate) fn judge(
    (dataset, config): (&Dataset, &RunConfig),
    network: &Network,
    rows: &[ManifestRow],
    most: Option<usize>,
    methods: &[Method],
    options: &ScoreOptions,
    observer: &dyn Observer,
) -> anyhow::Result<Result<Scores, String>> {
    let positive = dataset.classes.positive();
    let rows = outlined(dataset, rows, positive, most);
    if rows.is_empty() {
        return Ok(Err(
            "no image of this part has an outline, so heat maps could not be scored".to_owned(),
        ));
    }
    let source = crate::training::source(dataset, &rows, config, &AugmentConfig::none())?;
    let samples: Vec<_> = (0..source.len())
        .map(|i| source.load(i, View::Plain))
        .collect::<Result<_, _>>()?;
    let masks: Vec<Vec<bool>> = samples
        .iter()
        .map(|s| s.mask.iter().flatten().map(|v| *v > 0.5).collect())
        .collect();
    let images: Vec<OutlinedImage<'_>> = samples
        .iter()
        .zip(&masks)
        .zip(&rows)
        .filter(|((_, mask), _)| !mask.is_empty())
        .map(|((sample, mask), row)| OutlinedImage {
            path: &row.path,
            group: row.unit(),
            input: &sample.input,
            mask,
        })
        .collect();
    Ok(Ok(scores(
        network,
        &dataset.classes,
        positive,
        &images,
        methods,
        options,
        observer,
    )?))
}

/// Positive images with outlines: all, or up to `most`, one of each group, spread evenly over the part.
fn outlined(
    dataset: &Dataset,
    rows: &[ManifestRow],
    positive: ClassIndex,
    most: Option<usize>,
) -> Vec<ManifestRow> {
    let mut groups = std::collections::BTreeSet::new();
    let rows: Vec<&ManifestRow> = rows
        .iter()
        .filter(|r| {
            !r.mask.is_empty()
                && dataset.class(r) == Some(positive)
                && (most.is_none() || groups.insert(r.unit()))
        })
        .collect();
    let n = rows.len().min(most.unwrap_or(usize::MAX));
    (0..n).map(|i| rows[i * rows.len() / n].clone()).collect()
}

fn headings(
    study: &Study<'_>,
    results: &Results,
    network: &Network,
    method: Method,
) -> anyhow::Result<Vec<Cases>> {
    let positive = study.dataset.classes.positive();
    let threshold = results.model.decision.threshold();
    let p = |s: &Scored| s.probabilities[positive.0];
    let wants: [(&str, &str, bool, bool); 4] = [
        (
            "Missed tumors",
            "images with tumor below the threshold, lowest probability first",
            true,
            false,
        ),
        (
            "False alarms",
            "images without tumor from the threshold on, highest probability first",
            false,
            true,
        ),
        (
            "Tumors found",
            "images with tumor from the threshold on, highest probability first",
            true,
            true,
        ),
        (
            "Rightly left alone",
            "images without tumor below the threshold, lowest probability first",
            false,
            false,
        ),
    ];
    let mut all = Vec::new();
    for (title, picked, is_positive, called) in wants {
        let mut images: Vec<(usize, &Scored)> = results
            .test
            .iter()
            .enumerate()
            .filter(|(_, s)| (s.label == positive) == is_positive && (p(s) >= threshold) == called)
            .collect();
        images.sort_by(|(i, a), (j, b)| {
            let order = p(a).get().total_cmp(&p(b).get());
            (if called { order.reverse() } else { order }).then(i.cmp(j))
        });
        let mut groups = std::collections::BTreeSet::new();
        images.retain(|(_, s)| groups.insert(s.group.clone()));
        let cases = images
            .into_iter()
            .take(CASES)
            .map(|(i, scored)| case(study, network, method, scored, &results.test_rows[i]))
            .collect::<anyhow::Result<_>>()?;
        all.push(Cases {
            title,
            picked,
            cases,
        });
    }
    Ok(all)
}

fn case(
    study: &Study<'_>,
    network: &Network,
    method: Method,
    scored: &Scored,
    row: &ManifestRow,
) -> anyhow::Result<Case> {
    let picture = pictures::read(
        &study.dataset.file(row),
        &study.config.preprocess,
        &Volumes::default(),
        false,
    )
    .map_err(|(Unreadable::File(reason) | Unreadable::Content(reason))| {
        anyhow!("{}: {reason}", row.path)
    })?;
    let classes = &study.dataset.classes;
    let map = explain::attribute(
        network,
        &picture.input,
        classes,
        classes.positive(),
        method,
        None,
    )?;
    let map = crate::commands::predict::place(&map, &picture)?;
    let mask = match study.dataset.mask_file(row) {
        Some(file) => {
            let mask =
                decode_mask_file(&file, &Limits::default()).with_context(|| row.mask.clone())?;
            fit_mask(&mask, picture.image.size())
        }
        None => None,
    };
    Ok(Case {
        scored: scored.clone(),
        picture,
        map,
        mask,
    })
}

/// Feature maps after the first and after each later stage.
/// Of the last layer of each stage; of the first of several networks at the end of each resolution.
fn maps_of(network: &Network, input: &[f32]) -> anyhow::Result<Vec<FeatureMaps>> {
    let graph = network.graph();
    let shapes = graph.shapes()?;
    let stages = graph.stages.iter();
    let mut names: Vec<String> = stages
        .filter(|(_, last)| shapes[last.0][1] > 1)
        .map(|(_, last)| graph.node(*last).name.clone())
        .collect();
    if names.is_empty() {
        names = resolutions(graph);
    }
    names
        .iter()
        .map(|name| Ok(feature_maps(network, input, Some(name))?))
        .collect()
}
