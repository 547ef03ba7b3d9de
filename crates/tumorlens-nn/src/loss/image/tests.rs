use super::*;
use crate::loss::numeric_gradient;
use proptest::prelude::*;
use serde::Deserialize;

/// Written by `reference/train/make_golden.py` with PyTorch.
const GOLDEN: &str = include_str!("../../../../../reference/train/losses.json");

#[derive(Deserialize)]
struct Golden {
    image: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    label_smoothing: f64,
    focal_gamma: f64,
    class_weights: Vec<f64>,
    logits: Vec<f32>,
    targets: Vec<Vec<f64>>,
    value: f64,
    gradient: Vec<f64>,
}

fn classes(n: usize) -> ClassSet {
    ClassSet::new((0..n).map(|c| format!("class {c}")).collect(), "class 1").unwrap()
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(golden.image.len(), 8);
    for case in golden.image {
        let loss = ImageLoss {
            label_smoothing: case.label_smoothing,
            focal_gamma: case.focal_gamma,
            class_weights: case.class_weights,
            ..ImageLoss::plain(&classes(case.classes))
        };
        let found = loss.of(&case.logits, &case.targets);
        assert!(
            (found.value - case.value).abs() < 1e-9,
            "{}: {} {}",
            case.name,
            found.value,
            case.value
        );
        for (found, expected) in found.gradient.iter().zip(&case.gradient) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-7,
                "{}: {found} {expected}",
                case.name
            );
        }
    }
}

#[test]
fn extreme_logits_give_finite_values() {
    for gamma in [0.0, 0.5, 2.0] {
        let loss = ImageLoss {
            focal_gamma: gamma,
            ..ImageLoss::plain(&classes(2))
        };
        for logit in [-1e4, -50.0, 50.0, 1e4] {
            for label in 0..2 {
                let found = loss.of(&[logit], &[loss.target(ClassIndex(label))]);
                assert!(
                    found.value.is_finite() && found.gradient[0].is_finite(),
                    "{logit} {label} {found:?}"
                );
            }
        }
    }
}

#[test]
fn the_single_logit_belongs_to_the_positive_class_wherever_it_stands() {
    let first = ClassSet::new(vec!["tumor".into(), "no_tumor".into()], "tumor").unwrap();
    let loss = ImageLoss::plain(&first);
    let p = loss.probabilities(&[2.0]);
    assert!((p[0] - 1.0 / (1.0 + (-2.0f64).exp())).abs() < 1e-12);
    assert!((p[0] + p[1] - 1.0).abs() < 1e-12);
    assert!(loss.of(&[2.0], &[loss.target(ClassIndex(0))]).gradient[0] < 0.0);
}

proptest! {
    #[test]
    fn the_gradient_is_the_slope_of_the_value(
        logits in proptest::collection::vec(-4.0f32..4.0, 6),
        labels in proptest::collection::vec(0usize..3, 2),
        smoothing in 0.0f64..0.3,
        gamma in prop_oneof![Just(0.0), 0.5f64..3.0],
        weight in 0.2f64..4.0,
        mix in 0.0f64..1.0,
    ) {
        let loss = ImageLoss {
            label_smoothing: smoothing,
            focal_gamma: gamma,
            class_weights: vec![1.0, weight, 1.0 / weight],
            ..ImageLoss::plain(&classes(3))
        };
        let pure: Vec<_> = labels.iter().map(|&l| loss.target(ClassIndex(l))).collect();
        let mixed = pure[0].iter().zip(&pure[1]).map(|(a, b)| mix * a + (1.0 - mix) * b).collect();
        let targets = [pure[0].clone(), mixed];
        let found = loss.of(&logits, &targets);
        for (exact, numeric) in found.gradient.iter().zip(numeric_gradient(&logits, |l| loss.of(l, &targets).value)) {
            prop_assert!((f64::from(*exact) - numeric).abs() < 1e-4, "{exact} {numeric}");
        }
    }

    #[test]
    fn a_binary_loss_is_the_two_class_loss_with_the_other_logit_at_zero(
        logit in -6.0f32..6.0, label in 0usize..2, gamma in 0.0f64..3.0,
    ) {
        let binary = ImageLoss { focal_gamma: gamma, ..ImageLoss::plain(&classes(2)) };
        let two = ImageLoss { single: None, ..binary.clone() };
        let target = [binary.target(ClassIndex(label))];
        let (one, both) = (binary.of(&[logit], &target), two.of(&[0.0, logit], &target));
        prop_assert_eq!(one.value, both.value);
        prop_assert_eq!(one.gradient[0], both.gradient[1]);
    }
}
