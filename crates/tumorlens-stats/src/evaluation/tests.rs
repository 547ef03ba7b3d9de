//! Evaluations of lists whose figures are known on paper.

use super::*;
use crate::operating_point::Rule;
use tumorlens_core::{Measured, measured::IntervalMethod};

fn probability(p: f64) -> Probability {
    Probability::new(p).unwrap()
}

fn image(i: usize, group: usize, source: &str, tumor: bool, p: f64) -> Scored {
    Scored {
        path: format!("{i:03}.png"),
        group: format!("g{group}"),
        source: source.to_owned(),
        label: ClassIndex(usize::from(tumor)),
        probabilities: vec![probability(1.0 - p), probability(p)],
        tags: BTreeMap::new(),
        doubt: None,
    }
}

/// Forty images of twenty groups: two copies each, of two sources, one in five wrong.
fn forty() -> Vec<Scored> {
    (0..40)
        .map(|i| {
            let (group, tumor) = (i / 2, (i / 2) % 2 == 0);
            let right = group % 5 != 0;
            let p = if tumor == right {
                0.6 + 0.01 * group as f64
            } else {
                0.4 - 0.01 * group as f64
            };
            image(
                i,
                group,
                if group < 12 { "north" } else { "south" },
                tumor,
                p,
            )
        })
        .collect()
}

fn settings(replicates: usize) -> EvaluationSettings {
    let mut settings = EvaluationSettings::seeded(Seed(11));
    settings.resampling.replicates = replicates;
    settings
}

fn half() -> OperatingPoint {
    Rule::Fixed(probability(0.5))
        .choose(&[true, false], &[0.9, 0.1])
        .unwrap()
}

fn evaluated(images: &[Scored], replicates: usize) -> Evaluation {
    evaluate(&ClassSet::tumor(), images, &[half()], &settings(replicates)).unwrap()
}

#[test]
fn every_figure_has_an_interval_by_the_method_that_suits_it() {
    let evaluation = evaluated(&forty(), 200);
    let method = |figure: &Measured| figure.interval().unwrap().method;
    for (metric, figure) in evaluation.key_figures("0.5") {
        let expected = match metric {
            Metric::Accuracy
            | Metric::Sensitivity
            | Metric::Specificity
            | Metric::Ppv
            | Metric::Npv => IntervalMethod::Wilson,
            Metric::Auroc => IntervalMethod::DeLong,
            _ => IntervalMethod::GroupBootstrap,
        };
        assert_eq!(method(&figure), expected, "{metric:?}");
        let (value, interval) = (figure.get().unwrap(), figure.interval().unwrap());
        assert!(
            interval.low <= value && value <= interval.high,
            "{metric:?}: {figure:?}"
        );
    }
}

#[test]
fn copies_do_not_sharpen_an_interval() {
    let copies = forty();
    let singles: Vec<Scored> = copies.iter().step_by(2).cloned().collect();
    let (of_copies, of_singles) = (evaluated(&copies, 100), evaluated(&singles, 100));
    assert_eq!(of_copies.counts.groups, of_singles.counts.groups);
    for (metric, figure) in of_singles.key_figures("0.5") {
        let copied = &of_copies.key_figures("0.5")[&metric];
        let (a, b) = (figure.interval().unwrap(), copied.interval().unwrap());
        assert!(
            (a.low - b.low).abs() < 1e-9 && (a.high - b.high).abs() < 1e-9,
            "{metric:?}: {a:?} {b:?}"
        );
    }
}

#[test]
fn sources_are_told_apart_and_one_source_alone_is_not_repeated() {
    let mut images = forty();
    for (i, image) in images.iter_mut().enumerate() {
        image.tags.insert("plane".into(), "axial".into());
        if i < 4 {
            image.tags.insert("field".into(), "3 T".into());
        }
    }
    let evaluation = evaluated(&images, 0);
    let names: Vec<_> = evaluation
        .subgroups
        .iter()
        .map(|s| (s.tag.as_str(), s.value.as_str()))
        .collect();
    assert_eq!(
        names,
        [("field", "3 T"), ("source", "north"), ("source", "south")]
    );
    let images_of: Vec<_> = evaluation
        .subgroups
        .iter()
        .map(|s| s.counts.images)
        .collect();
    assert_eq!(images_of, [4, 24, 16]);
    let total: u64 = evaluation.subgroups[1..]
        .iter()
        .map(|s| s.assessment.points[0].confusion.total())
        .sum();
    assert_eq!(total, evaluation.assessment.points[0].confusion.total());
}

#[test]
fn a_source_of_one_class_says_why_it_has_no_specificity() {
    let mut images = forty();
    images.push(image(90, 90, "tumors only", true, 0.8));
    let evaluation = evaluated(&images, 50);
    let only = evaluation
        .subgroups
        .iter()
        .find(|s| s.value == "tumors only")
        .unwrap();
    assert_eq!(only.counts.by_class, [0, 1]);
    let figures = &only.assessment.points[0].figures;
    assert_eq!(
        figures[&Metric::Specificity],
        Measured::undefined("no negative image")
    );
    assert_eq!(
        only.assessment.scores[&Metric::Auroc],
        Measured::undefined("no negative image")
    );
    assert!(figures[&Metric::Sensitivity].interval().is_some());
}

#[test]
fn a_perfect_model_is_not_certain() {
    let images: Vec<Scored> = (0..20)
        .map(|i| image(i, i, "s", i < 10, if i < 10 { 0.9 } else { 0.1 }))
        .collect();
    let evaluation = evaluated(&images, 100);
    let figures = evaluation.key_figures("0.5");
    assert_eq!(
        figures[&Metric::Auroc].interval().unwrap().method,
        IntervalMethod::Newcombe
    );
    assert!(figures[&Metric::Accuracy].interval().unwrap().low < 0.9);
    // All replicates are perfect too; an interval from 1 to 1 would claim certainty.
    assert_eq!(figures[&Metric::Mcc], Measured::value(1.0));
}

#[test]
fn an_empty_list_is_undefined_throughout() {
    let evaluation = evaluated(&[], 50);
    for (metric, figure) in evaluation.key_figures("0.5") {
        assert!(figure.get().is_none(), "{metric:?}");
    }
    assert_eq!(
        evaluation.assessment.scores[&Metric::Brier],
        Measured::undefined("no image")
    );
    assert!(
        evaluation.roc.is_none()
            && evaluation.reliability.is_none()
            && evaluation.subgroups.is_empty()
    );
}

#[test]
fn images_that_do_not_fit_the_classes_are_named() {
    let classes = ClassSet::tumor();
    let check = |change: fn(&mut Vec<Scored>)| {
        let mut images = forty();
        change(&mut images);
        evaluate(&classes, &images, &[], &settings(0))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        check(|i| i[3].label = ClassIndex(2)),
        "003.png: label 2 of 2 classes"
    );
    assert_eq!(
        check(|i| i[3].probabilities.truncate(1)),
        "003.png: 1 probabilities for 2 classes"
    );
    assert_eq!(
        check(|i| i[3].path = "004.png".into()),
        "004.png: scored twice"
    );
    assert!(check(|i| i[3].probabilities[0] = probability(1.0)).contains("expected 1"));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let images = forty();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| serde_json::to_string(&evaluated(&images, 100)).unwrap())
    };
    let once = on(1);
    assert_eq!(once, on(2));
    let read: Evaluation = serde_json::from_str(&once).unwrap();
    assert_eq!(read, evaluated(&images, 100));
}

fn three_classes(i: usize) -> Scored {
    let (label, call) = (
        i % 3,
        if i.is_multiple_of(4) {
            (i + 1) % 3
        } else {
            i % 3
        },
    );
    let mut p = [0.2; 3];
    p[call] = 0.6;
    Scored {
        label: ClassIndex(label),
        probabilities: p.map(probability).to_vec(),
        ..image(i, i, "s", true, 0.5)
    }
}

#[test]
fn three_classes_have_each_class_their_mean_and_the_whole() {
    let images: Vec<Scored> = (0..36).map(three_classes).collect();
    let classes = ClassSet::new(
        vec!["none".into(), "glioma".into(), "other".into()],
        "glioma",
    )
    .unwrap();
    let found = evaluate(&classes, &images, &[], &settings(100))
        .unwrap()
        .multiclass
        .unwrap();
    assert_eq!(found.overall[&Metric::Accuracy].get(), Some(0.75));
    assert_eq!(
        found.overall[&Metric::Accuracy].interval().unwrap().method,
        IntervalMethod::Wilson
    );
    assert_eq!(found.classes.len(), 3);
    let sensitivities: Vec<f64> = found
        .classes
        .iter()
        .map(|c| {
            c.assessment.points[0].figures[&Metric::Sensitivity]
                .get()
                .unwrap()
        })
        .collect();
    let mean = &found.class_mean[&Metric::Sensitivity];
    assert!((mean.get().unwrap() - sensitivities.iter().sum::<f64>() / 3.0).abs() < 1e-15);
    assert_eq!(mean.get(), found.overall[&Metric::BalancedAccuracy].get());
    assert!(mean.interval().is_some());
}

#[test]
fn a_missing_class_leaves_its_mean_undefined_by_name() {
    let images: Vec<Scored> = (0..36)
        .map(three_classes)
        .filter(|i| i.label.0 != 2)
        .collect();
    let classes = ClassSet::new(
        vec!["none".into(), "glioma".into(), "other".into()],
        "glioma",
    )
    .unwrap();
    let found = evaluate(&classes, &images, &[], &settings(0))
        .unwrap()
        .multiclass
        .unwrap();
    assert_eq!(
        found.class_mean[&Metric::Auroc],
        Measured::undefined("other: no positive image")
    );
    assert_eq!(
        found.overall[&Metric::BalancedAccuracy],
        Measured::undefined("no image of class 2")
    );
}
