//! The first screen.

use super::evaluation::{figure, key};
use crate::study::{Results, Study};
use std::collections::BTreeSet;
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
        limits: limits(study, results),
    }
}

fn limits(study: &Study<'_>, results: &Results) -> Vec<String> {
    let learnt = results.parts.train.iter().map(|row| row.source.as_str());
    let tested = results.test_rows.iter().map(|row| row.source.as_str());
    let mut limits = vec![how_far(&learnt.collect(), &tested.collect())];
    if study.dataset.rows.iter().all(|r| r.subject.is_empty()) {
        limits.push(
            "The subjects are not known. Copies of a slice were kept on one side of the split; different slices of one \
             subject may lie on both."
                .to_owned(),
        );
    }
    limits
}

/// How far figures carry that were measured on these sources by a model that learnt from those.
fn how_far(learnt: &BTreeSet<&str>, tested: &BTreeSet<&str>) -> String {
    let new: Vec<&str> = tested.difference(learnt).copied().collect();
    if new.is_empty() {
        return "The test images come from the same collection as the training images. Scans from another hospital, scanner or \
                sequence are likely to be judged worse."
            .to_owned();
    }
    let some = if new.len() < tested.len() {
        " Others of the test images come from the same collection as the training images."
    } else {
        ""
    };
    format!(
        "No image of {} was learnt from.{some} Scans from yet another hospital, scanner or sequence may still be judged worse.",
        new.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_was_not_learnt_from_is_named() {
        let all = |learnt: &[&'static str], tested: &[&'static str]| {
            how_far(
                &learnt.iter().copied().collect(),
                &tested.iter().copied().collect(),
            )
        };
        assert!(all(&["a", "b"], &["b"]).contains("the same collection"));
        let new = all(&["a"], &["b", "c"]);
        assert!(new.starts_with("No image of b and c was learnt from. Scans from yet another"));
        let mixed = all(&["a"], &["a", "b"]);
        assert!(mixed.starts_with("No image of b was learnt from. Others of the test images"));
    }
}
