//! The figures on the test part.

use crate::tags;
use tumorlens_core::{Measured, Probability};
use tumorlens_nn::bundle::Triage;
use tumorlens_report::Section;
use tumorlens_report::report::evaluation as page;
use tumorlens_report::report::summary::NamedMeasure;
use tumorlens_stats::calibration::{Reliability, ReliabilityBin};
use tumorlens_stats::confusion::Confusion;
use tumorlens_stats::evaluation::{Evaluation, PointFigures, Scored, Subgroup, calls_at};
use tumorlens_stats::metric::{Figures, Metric};

/// Bins of the score histogram.
const HISTOGRAM_BINS: usize = 20;

/// Key of a metric in `evaluation.json`, by which the report's glossary explains it.
pub(crate) fn key(metric: Metric) -> String {
    serde_json::to_value(metric)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// A figure, or that it was not measured.
pub(crate) fn figure(figures: &Figures, metric: Metric) -> Measured {
    figures
        .get(&metric)
        .cloned()
        .unwrap_or_else(|| Measured::undefined("not measured"))
}

/// What is needed beside the evaluation itself.
pub(crate) struct Context<'a> {
    /// The images behind it.
    pub(crate) images: &'a [Scored],
    /// Probability of the positive class of each image before calibration, in the same order.
    pub(crate) uncalibrated: &'a [f64],
    /// Name of the operating point in use.
    pub(crate) default: &'a str,
    /// When an image is referred.
    pub(crate) triage: Option<Triage>,
    /// How calibration was done.
    pub(crate) calibration: &'a str,
}

/// The report's part.
pub(crate) fn part(evaluation: &Evaluation, context: &Context<'_>) -> page::Evaluation {
    let figures = evaluation.key_figures(context.default);
    page::Evaluation {
        note: format!(
            "Measured on {} images of {} groups that took no part in training or in any choice. Intervals are 95 %.",
            evaluation.counts.images, evaluation.counts.groups
        ),
        metrics: figures
            .iter()
            .map(|(m, v)| NamedMeasure::new(key(*m), v.clone()))
            .collect(),
        roc: roc(evaluation, &figures),
        precision_recall: precision_recall(evaluation, &figures),
        reliability: reliability(evaluation, context),
        histogram: Section::Given(histogram(evaluation, context)),
        confusion: confusion(evaluation, context),
        classes: classes(evaluation),
        operating_points: operating_points(evaluation, context.default),
        triage: triage(evaluation, context),
        subgroups: subgroups(evaluation, &figures, context.default),
    }
}

fn share(hits: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| hits as f64 / of as f64)
}

fn marks(
    evaluation: &Evaluation,
    place: impl Fn(&Confusion) -> Option<(f64, f64)>,
) -> Vec<page::Mark> {
    let points = evaluation.assessment.points.iter();
    points
        .filter_map(|p| {
            place(&p.confusion).map(|(x, y)| page::Mark {
                name: p.name.clone(),
                x,
                y,
            })
        })
        .collect()
}

fn roc(evaluation: &Evaluation, figures: &Figures) -> Section<Vec<page::RocCurve>> {
    let Some(curve) = &evaluation.roc else {
        return Section::missing("a ROC curve needs images with and without tumor");
    };
    Section::Given(vec![page::RocCurve {
        name: "model".to_owned(),
        points: curve
            .points()
            .iter()
            .map(|p| (p.false_positive_rate, p.true_positive_rate))
            .collect(),
        band: evaluation
            .roc_band
            .iter()
            .map(|p| (p.false_positive_rate, p.low, p.high))
            .collect(),
        auroc: figure(figures, Metric::Auroc),
        marks: marks(evaluation, |c| {
            Some((
                share(c.false_positive, c.negatives())?,
                share(c.true_positive, c.positives())?,
            ))
        }),
    }])
}

fn precision_recall(
    evaluation: &Evaluation,
    figures: &Figures,
) -> Section<Vec<page::PrecisionRecallCurve>> {
    let Some(curve) = &evaluation.precision_recall else {
        return Section::missing("precision and recall need images with tumor");
    };
    let positives = evaluation
        .counts
        .by_class
        .get(evaluation.classes.positive().0)
        .copied()
        .unwrap_or_default();
    let mut points: Vec<(f64, f64)> = curve
        .points()
        .iter()
        .map(|p| (p.recall, p.precision))
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Section::Given(vec![page::PrecisionRecallCurve {
        name: "model".to_owned(),
        points,
        auprc: figure(figures, Metric::Auprc),
        prevalence: share(positives as u64, evaluation.counts.images as u64).unwrap_or_default(),
        marks: marks(evaluation, |c| {
            Some((
                share(c.true_positive, c.positives())?,
                share(c.true_positive, c.called_positive())?,
            ))
        }),
    }])
}

fn reliability(evaluation: &Evaluation, context: &Context<'_>) -> Section<page::Reliability> {
    let Some(reliability) = &evaluation.reliability else {
        return Section::missing("no images to compare probabilities with");
    };
    let settings = &evaluation.settings;
    let truth: Vec<bool> = context
        .images
        .iter()
        .map(|image| image.label == evaluation.classes.positive())
        .collect();
    let before = Reliability::new(
        &truth,
        context.uncalibrated,
        &settings.bins,
        settings.resampling.level,
    );
    Section::Given(page::Reliability {
        bins: bins(reliability),
        // Without calibration there is nothing before it to show.
        before: before.as_ref().map(bins).unwrap_or_default(),
        note: context.calibration.to_owned(),
    })
}

fn bins(reliability: &Reliability) -> Vec<page::ReliabilityBin> {
    let bin = |b: &ReliabilityBin| page::ReliabilityBin {
        low: b.low,
        high: b.high,
        count: b.images,
        mean_probability: b.mean_probability.clone(),
        observed: b.observed.clone(),
    };
    reliability.bins.iter().map(bin).collect()
}

fn histogram(evaluation: &Evaluation, context: &Context<'_>) -> page::ScoreHistogram {
    let positive = evaluation.classes.positive().0;
    let bin = |p: f64| ((p * HISTOGRAM_BINS as f64) as usize).min(HISTOGRAM_BINS - 1);
    let classes = evaluation
        .classes
        .names()
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let mut counts = vec![0; HISTOGRAM_BINS];
            for image in context.images.iter().filter(|i| i.label.0 == class) {
                counts[bin(image.probabilities[positive].get())] += 1;
            }
            page::ClassCounts {
                name: name.clone(),
                counts,
            }
        });
    page::ScoreHistogram {
        edges: (0..=HISTOGRAM_BINS)
            .map(|i| i as f64 / HISTOGRAM_BINS as f64)
            .collect(),
        classes: classes.collect(),
        threshold: threshold(evaluation, context.default).map(Probability::get),
    }
}

fn threshold(evaluation: &Evaluation, name: &str) -> Option<Probability> {
    evaluation
        .operating_points
        .iter()
        .find(|p| p.name == name)
        .map(|p| p.threshold)
}

/// With two classes, calls at the operating point; with more, the most probable class.
fn confusion(evaluation: &Evaluation, context: &Context<'_>) -> Section<page::Confusion> {
    let classes = &evaluation.classes;
    let n = classes.len();
    let mut counts = vec![vec![0u64; n]; n];
    let rule = match (classes.negative(), threshold(evaluation, context.default)) {
        (Some(negative), Some(threshold)) => {
            let calls = calls_at(classes, context.images, threshold);
            for (image, called) in context.images.iter().zip(calls) {
                let call = if called { classes.positive() } else { negative };
                counts[image.label.0][call.0] += 1;
            }
            format!("threshold {:.3} ({})", threshold.get(), context.default)
        }
        (Some(_), None) => {
            return Section::missing("no operating point could be chosen on validation");
        }
        (None, _) => {
            for image in context.images {
                let p = &image.probabilities;
                let call = (0..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best });
                counts[image.label.0][call] += 1;
            }
            "the most probable class".to_owned()
        }
    };
    Section::Given(page::Confusion {
        classes: classes.clone(),
        counts,
        rule,
    })
}

/// With two classes the figures of one say all of the other.
fn classes(evaluation: &Evaluation) -> Section<page::ClassFigures> {
    const SHOWN: [Metric; 5] = [
        Metric::Auroc,
        Metric::Auprc,
        Metric::Sensitivity,
        Metric::Ppv,
        Metric::F1,
    ];
    let Some(multiclass) = &evaluation.multiclass else {
        return Section::LeftOut;
    };
    let counts = evaluation.counts.by_class.iter();
    let mut rows: Vec<_> = multiclass
        .classes
        .iter()
        .zip(counts)
        .map(|(class, images)| page::ClassRow {
            name: class.class.clone(),
            images: *images as u64,
            figures: SHOWN
                .map(|metric| {
                    let at_calls = class.assessment.points.first().map(|p| &p.figures);
                    let scores = &class.assessment.scores;
                    match (scores.get(&metric), at_calls) {
                        (None, Some(calls)) => figure(calls, metric),
                        _ => figure(scores, metric),
                    }
                })
                .into(),
        })
        .collect();
    rows.push(page::ClassRow {
        name: "mean of the classes".to_owned(),
        images: evaluation.counts.images as u64,
        figures: SHOWN.map(|m| figure(&multiclass.class_mean, m)).into(),
    });
    Section::Given(page::ClassFigures {
        metrics: SHOWN.map(key).into(),
        rows,
    })
}

fn operating_points(evaluation: &Evaluation, default: &str) -> Section<Vec<page::OperatingPoint>> {
    let find = |name: &str| evaluation.operating_points.iter().find(|p| p.name == name);
    let row = |p: &PointFigures| {
        let chosen_on_validation = find(&p.name)?;
        Some(page::OperatingPoint {
            name: p.name.clone(),
            threshold: chosen_on_validation.threshold.get(),
            chosen: p.name == default,
            sensitivity: figure(&p.figures, Metric::Sensitivity),
            specificity: figure(&p.figures, Metric::Specificity),
            ppv: figure(&p.figures, Metric::Ppv),
            npv: figure(&p.figures, Metric::Npv),
        })
    };
    let rows: Vec<_> = evaluation
        .assessment
        .points
        .iter()
        .filter_map(row)
        .collect();
    if rows.is_empty() {
        Section::missing("no operating point could be chosen on validation")
    } else {
        Section::Given(rows)
    }
}

fn triage(evaluation: &Evaluation, context: &Context<'_>) -> Section<page::Triage> {
    let (Some(figures), Some(bounds)) = (&evaluation.triage, context.triage) else {
        return Section::LeftOut;
    };
    let [negatives, positives] = bounds.images;
    Section::Given(page::Triage {
        note: format!(
            "Referred: probability from {:.3} to {:.3}. Set so that at most {} % of either class are called wrongly on images like those that set it ({negatives} and {positives}, augmented copies counted; class-conditional conformal prediction).",
            bounds.low.get(),
            bounds.high.get(),
            100.0 * bounds.error
        ),
        called: figures.called.clone(),
        right: figures.right.clone(),
        missed: figures.missed.clone(),
        false_alarms: figures.false_alarms.clone(),
    })
}

/// By what both classes have, the AUROC; by what only images with tumor have, the sensitivity.
fn subgroups(
    evaluation: &Evaluation,
    figures: &Figures,
    default: &str,
) -> Section<Vec<page::Subgroups>> {
    let both = |s: &&Subgroup| s.tag != tags::LESION;
    let told_apart: Vec<page::Subgroups> = [
        by(evaluation, figures, Metric::Auroc, both, |s| {
            s.assessment.scores.get(&Metric::Auroc)
        }),
        by(
            evaluation,
            figures,
            Metric::Sensitivity,
            |s| !both(s),
            |s| {
                let point = s.assessment.points.iter().find(|p| p.name == default)?;
                point.figures.get(&Metric::Sensitivity)
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    if told_apart.is_empty() {
        Section::missing("all images come from one source and are of one size")
    } else {
        Section::Given(told_apart)
    }
}

/// One metric by some of the subgroups; absent where there are none.
fn by<'a>(
    evaluation: &'a Evaluation,
    figures: &Figures,
    metric: Metric,
    wanted: impl Fn(&&'a Subgroup) -> bool,
    measured: impl Fn(&'a Subgroup) -> Option<&'a Measured>,
) -> Option<page::Subgroups> {
    let row = |s: &'a Subgroup| page::Subgroup {
        factor: s.tag.clone(),
        level: s.value.clone(),
        images: s.counts.images as u64,
        measured: measured(s)
            .cloned()
            .unwrap_or_else(|| Measured::undefined("not measured")),
    };
    let rows: Vec<_> = evaluation
        .subgroups
        .iter()
        .filter(wanted)
        .map(row)
        .collect();
    (!rows.is_empty()).then(|| page::Subgroups {
        metric: key(metric),
        overall: NamedMeasure::new("all images", figure(figures, metric)),
        rows,
    })
}
