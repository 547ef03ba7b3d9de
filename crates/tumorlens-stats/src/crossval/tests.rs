use super::*;
use crate::operating_point::Rule;
use tumorlens_core::{ClassIndex, Probability, Seed};

fn probability(p: f64) -> Probability {
    Probability::new(p).unwrap()
}

/// Twelve images of fold `number`, `wrong` of them called wrongly at the threshold.
fn fold(number: usize, wrong: usize, threshold: f64) -> Fold {
    let images = (0..12).map(|i| {
        let tumor = i % 2 == 0;
        let high = tumor != (i < wrong);
        let p = if high {
            threshold + 0.05
        } else {
            threshold - 0.05
        };
        Scored {
            path: format!("{number}/{i}.png"),
            group: format!("{number}/{i}"),
            source: "s".to_owned(),
            label: ClassIndex(usize::from(tumor)),
            probabilities: vec![probability(1.0 - p), probability(p)],
            tags: BTreeMap::new(),
            doubt: None,
        }
    });
    let mut point = Rule::Youden.choose(&[true, false], &[0.9, 0.1]).unwrap();
    point.threshold = probability(threshold);
    Fold {
        images: images.collect(),
        points: vec![point],
    }
}

fn settings() -> EvaluationSettings {
    let mut settings = EvaluationSettings::seeded(Seed(4));
    settings.resampling.replicates = 200;
    settings
}

fn validated(folds: &[Fold]) -> Result<CrossValidation, CrossValidationError> {
    cross_validate(&ClassSet::tumor(), folds, &settings())
}

#[test]
fn mean_and_deviation_are_those_of_the_folds() {
    let result = validated(&[fold(0, 3, 0.5), fold(1, 2, 0.5), fold(2, 1, 0.5)]).unwrap();
    let accuracy = &result.points[0].figures[&Metric::Accuracy];
    assert!((accuracy.mean.get().unwrap() - 10.0 / 12.0).abs() < 1e-15);
    assert!((accuracy.standard_deviation.get().unwrap() - 1.0 / 12.0).abs() < 1e-15);
    assert_eq!(
        (accuracy.lowest.get(), accuracy.highest.get()),
        (Some(9.0 / 12.0), Some(11.0 / 12.0))
    );
    let interval = accuracy.mean.interval().unwrap();
    assert!(
        interval.low > 0.65 && interval.low < 10.0 / 12.0 && interval.high > 10.0 / 12.0,
        "{interval:?}"
    );
}

#[test]
fn pooled_calls_keep_the_threshold_of_their_fold() {
    // At one common threshold these folds would be called all positive or all negative.
    let result = validated(&[fold(0, 1, 0.2), fold(1, 1, 0.8)]).unwrap();
    let pooled = &result.pooled.assessment.points[0];
    assert_eq!(pooled.confusion.total(), 24);
    assert_eq!(pooled.figures[&Metric::Accuracy].get(), Some(22.0 / 24.0));
    assert!(pooled.figures[&Metric::Accuracy].interval().is_some());
    // And scores of different models are not compared in the mean over folds.
    let mean = result.scores[&Metric::Auroc].mean.get().unwrap();
    assert!(
        mean > result.pooled.assessment.scores[&Metric::Auroc]
            .get()
            .unwrap()
    );
}

#[test]
fn a_figure_undefined_in_one_fold_is_undefined_in_the_mean() {
    let mut one_class = fold(1, 0, 0.5);
    one_class.images.retain(|i| i.label.0 == 1);
    let result = validated(&[fold(0, 1, 0.5), one_class]).unwrap();
    assert_eq!(
        result.scores[&Metric::Auroc].mean,
        Measured::undefined("fold 2: no negative image")
    );
    assert!(
        result.points[0].figures[&Metric::Sensitivity]
            .mean
            .get()
            .is_some()
    );
}

#[test]
fn what_is_no_cross_validation_is_refused() {
    assert_eq!(
        validated(&[fold(0, 1, 0.5)]),
        Err(CrossValidationError::TooFewFolds(1))
    );
    let shared = validated(&[fold(0, 1, 0.5), fold(0, 2, 0.5)]).unwrap_err();
    assert_eq!(
        shared.to_string(),
        "group '0/0' is tested in fold 1 and in fold 2"
    );
    let mut renamed = fold(1, 1, 0.5);
    renamed.points[0].name = "other".to_owned();
    assert!(matches!(
        validated(&[fold(0, 1, 0.5), renamed]),
        Err(CrossValidationError::Points { fold: 2, .. })
    ));
    let mut bad = fold(1, 1, 0.5);
    bad.images[0].label = ClassIndex(5);
    assert!(matches!(
        validated(&[fold(0, 1, 0.5), bad]),
        Err(CrossValidationError::Fold { fold: 2, .. })
    ));
}

#[test]
fn more_classes_have_their_spread_too() {
    let classes = ClassSet::new(vec!["a".into(), "b".into(), "c".into()], "b").unwrap();
    let three = |number: usize| {
        let mut out = fold(number, 0, 0.5);
        for (i, image) in out.images.iter_mut().enumerate() {
            image.label = ClassIndex(i % 3);
            let mut p = [0.25; 3];
            p[if i == number { (i + 1) % 3 } else { i % 3 }] = 0.5;
            image.probabilities = p.map(probability).to_vec();
        }
        out
    };
    let result = cross_validate(&classes, &[three(0), three(1)], &settings()).unwrap();
    let spread = result.multiclass.unwrap();
    assert!((spread.overall[&Metric::Accuracy].mean.get().unwrap() - 11.0 / 12.0).abs() < 1e-15);
    assert!(spread.class_mean[&Metric::Brier].mean.interval().is_some());
}

#[test]
fn repeats_average_and_do_not_multiply_the_images() {
    let deal = |wrong: [usize; 2]| vec![fold(0, wrong[0], 0.5), fold(1, wrong[1], 0.5)];
    let classes = ClassSet::tumor();
    let same = [deal([3, 2]), deal([3, 2])];
    let result = repeated(&classes, &same, &settings()).unwrap();
    let accuracy = &result.points[0].figures[&Metric::Accuracy];
    assert_eq!(result.repeats, 2);
    assert!((accuracy.mean.get().unwrap() - 19.0 / 24.0).abs() < 1e-15);
    assert_eq!(accuracy.standard_deviation.get(), Some(0.0));
    // As wide as that of one repeat: the images are the same.
    let one = cross_validate(&classes, &same[0], &settings()).unwrap();
    let one = one.pooled.assessment.points[0].figures[&Metric::Accuracy].clone();
    let width = |m: &Measured| m.interval().map(|i| i.high - i.low).unwrap();
    assert!((width(&accuracy.mean) / width(&one) - 1.0).abs() < 0.25);
    // Folds in another order are the same images.
    let turned = vec![fold(1, 1, 0.5), fold(0, 1, 0.5)];
    let result = repeated(&classes, &[deal([3, 2]), turned], &settings()).unwrap();
    let mean = result.points[0].figures[&Metric::Accuracy].mean.get();
    assert!((mean.unwrap() - (19.0 + 22.0) / 48.0).abs() < 1e-15);
}

#[test]
fn one_repeat_and_other_images_are_refused() {
    let classes = ClassSet::tumor();
    let deal = |first: usize| vec![fold(first, 1, 0.5), fold(first + 1, 1, 0.5)];
    let error = |repeats: &[Vec<Fold>]| {
        let refused = repeated(&classes, repeats, &settings()).unwrap_err();
        refused.to_string()
    };
    assert!(error(&[deal(0)]).contains("at least two repeats"));
    assert!(error(&[deal(0), deal(1)]).contains("repeat 2 tests other images"));
}
