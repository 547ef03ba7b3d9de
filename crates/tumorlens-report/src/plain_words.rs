//! What the figures say, in sentences for readers who are not statisticians.
//!
//! Each sentence is made from values of the report alone and left out where they are missing. They state what was
//! counted, how sure that is, whether it beats simple rules, and whether the data are clean.

use crate::glossary::title;
use crate::number::{count, counted, measured, number};
use crate::report::Report;
use crate::report::data::Severity;
use crate::report::evaluation::Confusion;
use crate::report::summary::Comparison;
use tumorlens_core::{ClassIndex, Measured};

/// An interval wider than this is called wide: it spans the difference between a good and a poor model.
const WIDE: f64 = 0.15;

/// The sentences, in the order to be read.
#[must_use]
pub fn sentences(report: &Report) -> Vec<String> {
    let confusion = report.evaluation.given().and_then(|e| e.confusion.given());
    [
        tested(report),
        confusion.and_then(called),
        width(report),
        report.summary.comparison.as_ref().and_then(compared),
        clean(report),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn tested(report: &Report) -> Option<String> {
    let test = report.summary.test?;
    Some(format!(
        "The model was tested on {} from {} that it had not seen in training.",
        counted(test.images, "image", "images"),
        counted(test.groups, "group", "groups")
    ))
}

fn called(confusion: &Confusion) -> Option<String> {
    let classes = &confusion.classes;
    let cell =
        |truth: ClassIndex, call: ClassIndex| confusion.counts.get(truth.0)?.get(call.0).copied();
    let positive = classes.positive();
    let Some(negative) = classes.negative() else {
        let right: u64 = (0..classes.len())
            .filter_map(|i| cell(ClassIndex(i), ClassIndex(i)))
            .sum();
        let all: u64 = confusion.counts.iter().flatten().sum();
        return Some(format!(
            "It called {} of {} images right.",
            count(right),
            count(all)
        ));
    };
    let (found, missed) = (cell(positive, positive)?, cell(positive, negative)?);
    let (flagged, cleared) = (cell(negative, positive)?, cell(negative, negative)?);
    let (name, other) = (classes.name(positive), classes.name(negative));
    Some(format!(
        "It found {} of {} images labelled {name} and missed {}; of {} labelled {other} it cleared {} and falsely \
         flagged {}.",
        count(found),
        count(found.saturating_add(missed)),
        count(missed),
        count(flagged.saturating_add(cleared)),
        count(cleared),
        count(flagged)
    ))
}

/// How sure the first key figure is.
fn width(report: &Report) -> Option<String> {
    let (name, interval) = report
        .summary
        .key_figures
        .iter()
        .find_map(|f| Some((&f.name, f.measured.interval()?)))?;
    let width = interval.high - interval.low;
    let (low, high) = (number(interval.low), number(interval.high));
    let level = crate::number::percent(interval.level);
    let carries = if width > WIDE {
        "wide: a test part of this size cannot tell a good model from a fair one"
    } else {
        "narrow enough to compare models that differ clearly"
    };
    Some(format!(
        "The {level} interval of {} runs from {low} to {high}, which is {carries}.",
        title(name)
    ))
}

/// Whether the model beats the best simple rule, judged by intervals that do not overlap.
fn compared(comparison: &Comparison) -> Option<String> {
    let model = comparison.model.measured.get()?;
    let (best, rule) = comparison
        .rules
        .iter()
        .filter_map(|rule| Some((rule, rule.measured.get()?)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let metric = title(&comparison.metric);
    let figures = format!(
        "{metric} {} against {}",
        measured(&comparison.model.measured),
        measured(&best.measured)
    );
    let rule_name = &best.name;
    Some(match apart(&comparison.model.measured, &best.measured) {
        _ if model <= rule => format!(
            "It does not beat the simple rule '{rule_name}' ({figures}): nothing here shows that it has learned anatomy."
        ),
        Some(true) => {
            format!(
                "It beats the best simple rule, '{rule_name}', with intervals that do not overlap ({figures})."
            )
        }
        Some(false) => format!(
            "It scores above the best simple rule, '{rule_name}', but the intervals overlap ({figures}): part of its score \
             may come from shortcuts in the data."
        ),
        None => format!(
            "It scores above the best simple rule, '{rule_name}' ({figures}); how sure that is was not measured."
        ),
    })
}

fn apart(model: &Measured, rule: &Measured) -> Option<bool> {
    Some(model.interval()?.low > rule.interval()?.high)
}

fn clean(report: &Report) -> Option<String> {
    let audit = report.data.given()?.audit.given()?;
    let problems = audit
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Problem)
        .count();
    Some(match problems {
        0 => "The audit found no problem that would make these figures wrong.".to_owned(),
        n => format!(
            "The audit found {}: read the audit before believing any figure here.",
            counted(n as u64, "problem", "problems")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::data::{Audit, DataPart, Finding};
    use crate::report::evaluation::Evaluation;
    use crate::report::summary::{KeyFigure, NamedMeasure, Summary, TestPart};
    use tumorlens_core::{ClassSet, Interval, measured::IntervalMethod};

    fn value(value: f64, low: f64, high: f64) -> Measured {
        Measured::with_interval(
            value,
            Interval {
                low,
                high,
                level: 0.95,
                method: IntervalMethod::Wilson,
            },
        )
    }

    fn against(rule: Measured) -> String {
        compared(&Comparison {
            metric: "accuracy".into(),
            model: NamedMeasure::new("model", value(0.9, 0.8, 0.95)),
            rules: vec![
                NamedMeasure::new("majority", value(0.6, 0.5, 0.7)),
                NamedMeasure::new("one nearest neighbour", rule),
            ],
        })
        .unwrap()
    }

    #[test]
    fn the_comparison_says_beaten_only_when_the_intervals_are_apart() {
        assert!(
            against(value(0.7, 0.6, 0.79))
                .starts_with("It beats the best simple rule, 'one nearest neighbour'")
        );
        assert!(against(value(0.7, 0.6, 0.81)).contains("the intervals overlap"));
        assert!(against(value(0.9, 0.8, 0.95)).starts_with("It does not beat"));
        assert!(against(Measured::value(0.7)).contains("was not measured"));
        assert!(
            against(Measured::undefined("no copies")).contains("'majority'"),
            "an undefined rule is passed over"
        );
    }

    #[test]
    fn counts_are_told_for_the_positive_class_wherever_it_stands() {
        let classes = ClassSet::new(vec!["tumor".into(), "healthy".into()], "tumor").unwrap();
        let text = called(&Confusion {
            classes,
            counts: vec![vec![7, 1], vec![2, 10]],
            rule: String::new(),
        })
        .unwrap();
        assert_eq!(
            text,
            "It found 7 of 8 images labelled tumor and missed 1; of 12 labelled healthy it cleared 10 and falsely flagged 2."
        );
    }

    #[test]
    fn more_classes_are_told_as_one_share() {
        let classes = ClassSet::new(vec!["a".into(), "b".into(), "c".into()], "a").unwrap();
        let counts = vec![vec![3, 1, 0], vec![0, 4, 0], vec![1, 0, 5]];
        assert_eq!(
            called(&Confusion {
                classes,
                counts,
                rule: String::new()
            })
            .unwrap(),
            "It called 12 of 14 images right."
        );
    }

    #[test]
    fn an_empty_report_says_nothing_and_a_full_one_speaks_in_order() {
        assert!(sentences(&Report::default()).is_empty());
        let finding = Finding {
            severity: Severity::Problem,
            ..Finding::default()
        };
        let report = Report {
            summary: Summary {
                key_figures: vec![KeyFigure {
                    name: "auroc".into(),
                    measured: value(0.9, 0.7, 0.98),
                }],
                test: Some(TestPart {
                    images: 20,
                    groups: 1,
                }),
                ..Summary::default()
            },
            evaluation: Evaluation {
                confusion: Confusion {
                    classes: ClassSet::tumor(),
                    counts: vec![vec![9, 1], vec![2, 8]],
                    rule: String::new(),
                }
                .into(),
                ..Evaluation::default()
            }
            .into(),
            data: DataPart {
                audit: Audit {
                    findings: vec![finding],
                    ..Audit::default()
                }
                .into(),
                ..DataPart::default()
            }
            .into(),
            ..Report::default()
        };
        let text = sentences(&report);
        assert_eq!(text.len(), 4);
        assert!(text[0].contains("20 images from 1 group "));
        assert!(text[1].contains("found 8 of 10"));
        assert!(text[2].contains("95 % interval of AUROC runs from 0.700 to 0.980, which is wide"));
        assert!(text[3].contains("found 1 problem:"));
    }
}
