//! The first screen.

use super::evaluation::{figure, key};
use crate::study::{Results, Study};
use tumorlens_report::report::summary::{Comparison, KeyFigure, NamedMeasure, Summary, TestPart};
use tumorlens_stats::metric::Metric;

/// Figures shown large.
const LARGE: [Metric; 4] = [
    Metric::Auroc,
    Metric::BalancedAccuracy,
    Metric::Sensitivity,
    Metric::Specificity,
];

pub(super) fn part(study: &Study<'_>, results: &Results) -> Summary {
    let evaluation = &results.evaluation;
    let figures = evaluation.key_figures(&results.model.decision.default);
    let key_figures = LARGE.map(|m| KeyFigure {
        name: key(m),
        measured: figure(&figures, m),
    });
    let rules: Vec<NamedMeasure> = study
        .audit
        .map(super::audit::probe_rows)
        .unwrap_or_default();
    Summary {
        key_figures: key_figures.to_vec(),
        test: Some(TestPart {
            images: evaluation.counts.images as u64,
            groups: evaluation.counts.groups as u64,
        }),
        comparison: (!rules.is_empty()).then(|| Comparison {
            metric: key(Metric::Accuracy),
            model: NamedMeasure::new("this model (test part)", figure(&figures, Metric::Accuracy)),
            rules,
        }),
        remarks: vec![],
        limits: limits(study),
    }
}

fn limits(study: &Study<'_>) -> Vec<String> {
    let mut limits = vec![
        "The test images come from the same collection as the training images. Scans from another hospital, scanner or \
         sequence are likely to be judged worse."
            .to_owned(),
    ];
    if study.dataset.rows.iter().all(|r| r.subject.is_empty()) {
        limits.push(
            "The subjects are not known. Copies of a slice were kept on one side of the split; different slices of one \
             subject may lie on both."
                .to_owned(),
        );
    }
    limits
}
