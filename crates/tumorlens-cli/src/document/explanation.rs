//! What the calls rest on.

use crate::commands::predict::range;
use crate::explanation::{Case, Explained};
use crate::study::{Results, Study};
use crate::texture::Opinion;
use anyhow::Context;
use tumorlens_core::{MapLine, Measured, Size, Verdict};
use tumorlens_nn::explain::Method;
use tumorlens_nn::explain::scores::{MethodScores, Sanity, Scores};
use tumorlens_report::figure::tensor::{TileLayout, tiles};
use tumorlens_report::report::explanation as page;
use tumorlens_report::{CasePicture, Section};
use tumorlens_stats::faithfulness::PerturbationCurve;

/// Channels shown of a layer.
const CHANNELS: usize = 16;

pub(super) fn part(
    study: &Study<'_>,
    results: &Results,
    explained: Explained,
    texture: Result<Opinion, String>,
) -> anyhow::Result<page::Explanation> {
    let classes = &study.dataset.classes;
    let line = results.model.decision.map_line();
    let groups = explained
        .cases
        .iter()
        .filter(|group| !group.cases.is_empty())
        .map(|group| {
            let cases = group
                .cases
                .iter()
                .map(|c| case(study, results, c, line))
                .collect::<anyhow::Result<_>>()?;
            Ok(page::CaseGroup {
                title: group.title.to_owned(),
                picked: group.picked.to_owned(),
                cases,
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let scored = explained.scores.as_ref();
    Ok(page::Explanation {
        note: note(explained.method, line, classes.name(classes.positive())),
        cases: Section::Given(groups),
        scores: scored.map_or_else(Section::missing, |s| {
            Section::Given(table(s, explained.sizes.as_ref()))
        }),
        faithfulness: scored.map_or_else(Section::missing, |s| Section::Given(faithfulness(s))),
        texture: texture.map_or_else(Section::missing, |t| Section::Given(opinion(&t))),
        filters: Section::Given(vec![filters(&explained)?]),
        feature_maps: Section::Given(
            explained
                .maps
                .iter()
                .map(sheet)
                .collect::<anyhow::Result<_>>()?,
        ),
    })
}

fn opinion(found: &Opinion) -> page::Texture {
    page::Texture {
        count: found.of_head as u64,
        auroc: found.auroc.clone(),
        with_region: Some(found.with_region.clone()),
        network: found.network.clone(),
        agreement: found.agreement.clone(),
        right_agreed: found.right[0].clone(),
        right_apart: found.right[1].clone(),
        features: found
            .listed()
            .iter()
            .map(|f| page::TextureFeature {
                name: f.name.clone(),
                importance: f.importance,
                dependence: f.dependence.clone(),
            })
            .collect(),
    }
}

fn note(method: Method, line: Option<MapLine>, class: &str) -> String {
    let drawn = match line {
        Some(MapLine { threshold, share }) if share > 0.0 => format!(
            "Values below {threshold:.2}, and below {share:.2} of a map's largest, are not drawn: both were chosen on \
             validation outlines."
        ),
        Some(MapLine { threshold, .. }) => format!(
            "Values below {threshold:.2}, the threshold chosen on validation outlines, are not drawn."
        ),
        None => "Each map is drawn from 0 to its largest value.".to_owned(),
    };
    format!(
        "Heat maps by {method} for '{class}'. {drawn} The line is the outline drawn by a person, where there is one."
    )
}

/// The last three components of a path: enough to find the image by, without telling whose folder it lies in.
fn last_parts(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    parts[parts.len().saturating_sub(3)..].join("/")
}

fn case(
    study: &Study<'_>,
    results: &Results,
    case: &Case,
    line: Option<MapLine>,
) -> anyhow::Result<page::Case> {
    let classes = &study.dataset.classes;
    let decision = &results.model.decision;
    let (scored, positive) = (&case.scored, classes.positive());
    let call = decision
        .call(classes, scored.probabilities.clone(), scored.doubt.clone())
        .with_context(|| format!("{}: too few probabilities", scored.path))?;
    let (verdict, right) = match call.verdict {
        Verdict::Refer => ("refer".to_owned(), None),
        Verdict::Refused => ("refused".to_owned(), None),
        Verdict::Tumor | Verdict::NoTumor => {
            let called = call.probability >= call.threshold;
            (call.label, Some((scored.label == positive) == called))
        }
    };
    let threshold = line.map(|line| line.of(&case.map.values));
    Ok(page::Case {
        path: last_parts(&scored.path),
        truth: classes.name(scored.label).to_owned(),
        call: verdict,
        right,
        probability: Some(call.probability.get()),
        note: call.reason.unwrap_or_default(),
        picture: CasePicture::draw(
            &case.picture.image,
            Some((&case.map, range(&case.map, threshold))),
            case.mask.as_ref(),
        )?,
    })
}

fn table(scores: &Scores, sizes: Option<&Scores>) -> page::MethodScores {
    let sizes = sizes
        .iter()
        .flat_map(|s| &s.rows)
        .filter(|row| !row.reference);
    page::MethodScores {
        images: scores.images as u64,
        rows: scores.rows.iter().map(row).collect(),
        by_lesion_size: sizes
            .flat_map(|row| &row.by_lesion_size)
            .filter(|size| size.images > 0)
            .map(|size| page::LesionSizeScore {
                lesions: size.lesions.clone(),
                images: size.images as u64,
                pointing_game: size.map.pointing.clone(),
                centre: size.centre.pointing.clone(),
                iou: size.map.iou.clone(),
            })
            .collect(),
    }
}

fn row(scores: &MethodScores) -> page::MethodScore {
    page::MethodScore {
        method: scores.method.clone(),
        layer: scores.layer.clone(),
        reference: scores.reference,
        pointing_game: Some(scores.pointing_game.clone()),
        energy_inside: Some(scores.energy_inside.clone()),
        iou: Some(scores.iou.clone()),
        deletion: Some(scores.deletion.clone()),
        insertion: Some(scores.insertion.clone()),
        sanity: match &scores.sanity {
            Sanity::Pass { similarity } => page::Sanity::Passed {
                similarity: Measured::value(*similarity),
            },
            Sanity::Fail { similarity } => page::Sanity::Failed {
                similarity: Measured::value(*similarity),
            },
            Sanity::NotRun { .. } => page::Sanity::NotChecked,
        },
    }
}

/// The points of one of a method's curves.
type Pick = fn(&MethodScores) -> Option<Vec<(f64, f64)>>;

fn faithfulness(scores: &Scores) -> page::Faithfulness {
    let curves = |pick: Pick| {
        let named = scores
            .rows
            .iter()
            .filter(|r| !r.reference || r.method == "random");
        named
            .filter_map(|r| {
                Some(page::NamedCurve {
                    name: r.method.clone(),
                    points: pick(r)?,
                })
            })
            .collect::<Vec<_>>()
    };
    page::Faithfulness {
        deletion: curves(|r| r.deletion_curve.as_ref().map(points)),
        insertion: curves(|r| r.insertion_curve.as_ref().map(points)),
    }
}

fn points(curve: &PerturbationCurve) -> Vec<(f64, f64)> {
    curve
        .fractions()
        .iter()
        .copied()
        .zip(curve.scores().iter().copied())
        .collect()
}

fn sheet(maps: &tumorlens_nn::explain::FeatureMaps) -> anyhow::Result<page::TensorSheet> {
    let shown = maps.channels.min(CHANNELS);
    let values = &maps.values[..shown * maps.size.area()];
    Ok(page::TensorSheet {
        layer: maps.layer.clone(),
        note: format!(
            "{shown} of {} channels, {}x{}, each scaled by itself",
            maps.channels, maps.size.width, maps.size.height
        ),
        picture: tiles(values, maps.size, TileLayout::feature_maps(maps.size))?,
    })
}

fn filters(explained: &Explained) -> anyhow::Result<page::TensorSheet> {
    let filters = &explained.filters;
    let tile = Size {
        width: filters.side,
        height: filters.side,
    };
    let shown = (filters.outputs * filters.inputs).min(64);
    Ok(page::TensorSheet {
        layer: filters.layer.clone(),
        note: format!(
            "{shown} of {} kernels of the first convolution",
            filters.outputs * filters.inputs
        ),
        picture: tiles(
            &filters.values[..shown * tile.area()],
            tile,
            TileLayout::filters(tile),
        )?,
    })
}
