use super::*;
use crate::evaluation::calls_at;
use tumorlens_core::{ClassIndex, Probability, Seed};

/// Sixty images; the model is wrong on every `every`-th.
fn model(every: usize) -> Vec<Scored> {
    let image = |i: usize| {
        let tumor = i.is_multiple_of(2);
        let high = tumor != i.is_multiple_of(every);
        let p = if high { 0.6 } else { 0.3 } + 0.003 * (i * 7 % 31) as f64;
        Scored {
            path: format!("{i:02}.png"),
            group: format!("g{}", i / 2),
            source: "s".to_owned(),
            label: ClassIndex(usize::from(tumor)),
            probabilities: vec![
                Probability::new(1.0 - p).unwrap(),
                Probability::new(p).unwrap(),
            ],
            tags: BTreeMap::new(),
            doubt: None,
        }
    };
    (0..60).map(image).collect()
}

fn compared(first: &[Scored], second: &[Scored]) -> Result<Comparison, ComparisonError> {
    let classes = ClassSet::tumor();
    let half = Probability::new(0.5).unwrap();
    let (a, b) = (
        calls_at(&classes, first, half),
        calls_at(&classes, second, half),
    );
    let mut settings = EvaluationSettings::seeded(Seed(8));
    settings.resampling.replicates = 300;
    let judged = |images, calls| Judged { images, calls };
    compare(&classes, judged(first, &a), judged(second, &b), &settings)
}

#[test]
fn the_better_model_is_better_in_every_test() {
    let result = compared(&model(20), &model(3)).unwrap();
    assert_eq!((result.images, result.groups), (60, 30));
    let accuracy = &result.differences[&Metric::Accuracy];
    assert!((accuracy.get().unwrap() - (57.0 - 40.0) / 60.0).abs() < 1e-12);
    assert!(accuracy.interval().unwrap().low > 0.0);
    assert!(result.auroc.difference.interval().unwrap().low > 0.0);
    for p in [
        &result.auroc.p_value,
        &result.mcnemar.mid_p,
        &result.accuracy_p_value,
    ] {
        assert!(p.get().unwrap() < 0.01, "{result:?}");
    }
    assert_eq!(
        result.auroc.difference.get(),
        result.differences[&Metric::Auroc].get()
    );
}

#[test]
fn the_order_of_the_images_does_not_matter_and_exchange_turns_the_sign() {
    let (a, b) = (model(20), model(3));
    let turned: Vec<Scored> = b.iter().rev().cloned().collect();
    let forward = compared(&a, &b).unwrap();
    assert_eq!(compared(&a, &turned).unwrap(), forward);
    let back = compared(&b, &a).unwrap();
    for (metric, figure) in &forward.differences {
        let other = &back.differences[metric];
        assert!(
            (figure.get().unwrap() + other.get().unwrap()).abs() < 1e-12,
            "{metric:?}"
        );
    }
    assert_eq!(forward.mcnemar.exact_p, back.mcnemar.exact_p);
    assert_eq!(forward.accuracy_p_value, back.accuracy_p_value);
}

#[test]
fn a_model_against_itself_is_no_comparison() {
    let result = compared(&model(3), &model(3)).unwrap();
    assert_eq!(
        result.auroc.p_value,
        Measured::undefined("the two models rank all images alike")
    );
    assert_eq!(
        result.accuracy_p_value,
        Measured::undefined("both models are right on the same images")
    );
    assert_eq!(result.differences[&Metric::Auroc], Measured::value(0.0));
}

#[test]
fn lists_of_different_images_are_refused() {
    let whole = model(3);
    assert_eq!(
        compared(&whole, &whole[1..]),
        Err(ComparisonError::Unpaired("00.png".into()))
    );
    assert_eq!(
        compared(&whole[..59], &whole),
        Err(ComparisonError::Unpaired("59.png".into()))
    );
    let mut relabelled = whole.clone();
    relabelled[4].label = ClassIndex(0);
    assert_eq!(
        compared(&whole, &relabelled),
        Err(ComparisonError::Differs("04.png".into()))
    );
}
