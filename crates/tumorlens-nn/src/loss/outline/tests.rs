use super::*;
use crate::loss::numeric_gradient;
use proptest::prelude::*;
use serde::Deserialize;

/// Written by `reference/train/make_golden.py` with PyTorch.
const GOLDEN: &str = include_str!("../../../../../reference/train/losses.json");

#[derive(Deserialize)]
struct Golden {
    outline: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    batch: usize,
    maps: Vec<f32>,
    targets: Vec<Option<Vec<f32>>>,
    balance: f64,
    pointing: f64,
    value: f64,
    gradient: Vec<f64>,
}

const BALANCED: OutlineTerms = OutlineTerms {
    balance: 1.0,
    pointing: 0.0,
};

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(golden.outline.len(), 9);
    for case in golden.outline {
        let terms = OutlineTerms {
            balance: case.balance,
            pointing: case.pointing,
        };
        let found = outline_loss(&case.maps, case.batch, &case.targets, terms);
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
fn an_unknown_outline_costs_nothing() {
    let found = outline_loss(&[3.0; 8], 2, &[None, None], BALANCED);
    assert_eq!(
        found,
        Loss {
            value: 0.0,
            gradient: vec![0.0; 8]
        }
    );
}

#[test]
fn a_map_that_points_beside_the_outline_is_moved_however_sure_it_is() {
    let terms = OutlineTerms {
        balance: 1.0,
        pointing: 1.0,
    };
    let target = [Some(vec![0.0, 0.5, 0.0])];
    let of_pointing = |maps: &[f32]| {
        let [with, without] = [terms, BALANCED].map(|t| outline_loss(maps, 1, &target, t));
        let pairs = with.gradient.iter().zip(&without.gradient);
        let slopes: Vec<f32> = pairs.map(|(with, without)| with - without).collect();
        (with.value - without.value, slopes)
    };
    let (cost, slopes) = of_pointing(&[1000.0, 0.0, -3.0]);
    assert!((cost - (1000.0 + 2f64.ln())).abs() < 1e-3, "{cost}");
    let close = |found: &[f32], expected: [f32; 3]| {
        let mut pairs = found.iter().zip(expected);
        pairs.all(|(a, b)| (a - b).abs() < 1e-6)
    };
    assert!(close(&slopes, [1.0, -1.0, 0.0]), "{slopes:?}");
    let (cost, slopes) = of_pointing(&[0.0, 1000.0, -3.0]);
    assert!((cost - 2f64.ln()).abs() < 1e-3, "{cost}");
    assert!(close(&slopes, [0.0; 3]), "{slopes:?}");
}

#[test]
fn means_over_cells_are_right_where_pixels_are_cut() {
    let values: Vec<f32> = (0..16).map(|v| v as f32).collect();
    assert_eq!(
        area_average(&values, [4, 4], [2, 2]),
        [2.5, 4.5, 10.5, 12.5]
    );
    assert_eq!(area_average(&[0.0, 3.0, 6.0], [1, 3], [1, 2]), [1.0, 5.0]);
    assert_eq!(area_average(&values, [4, 4], [4, 4]), values);
    assert_eq!(
        area_average(&[1.0, 2.0], [1, 2], [1, 4]),
        [1.0, 1.0, 2.0, 2.0]
    );
}

#[test]
fn an_outline_teaches_its_own_class_and_silence_elsewhere() {
    let two = ClassSet::tumor();
    let outline = [0.0, 1.0, 0.0, 1.0];
    let targets = |mask: Option<&[f32]>, label, classes: &ClassSet| {
        outline_targets(mask, [2, 2], [1, 2], ClassIndex(label), classes)
    };
    assert_eq!(targets(Some(&outline), 1, &two), [Some(vec![0.0, 1.0])]);
    assert_eq!(targets(Some(&[0.0; 4]), 0, &two), [Some(vec![0.0, 0.0])]);
    assert_eq!(
        targets(Some(&[0.0; 4]), 1, &two),
        [None],
        "a tumor without an outlined pixel is not known"
    );
    assert_eq!(targets(None, 1, &two), [None]);
    let three = ["a", "b", "c"].map(str::to_owned).to_vec();
    let three = ClassSet::new(three, "b").unwrap();
    let silent = Some(vec![0.0, 0.0]);
    assert_eq!(
        targets(Some(&outline), 2, &three),
        [silent.clone(), silent.clone(), Some(vec![0.0, 1.0])]
    );
    assert_eq!(
        targets(Some(&[0.0; 4]), 0, &three),
        [None, silent.clone(), silent]
    );
}

proptest! {
    #[test]
    fn the_gradient_is_the_slope_of_the_value(
        maps in proptest::collection::vec(-4.0f32..4.0, 12),
        outlined in proptest::collection::vec(0.0f32..1.0, 6),
        known in any::<bool>(),
        balance in 0.0f64..=1.0,
        pointing in 0.0f64..2.0,
    ) {
        let terms = OutlineTerms { balance, pointing };
        let targets = [Some(outlined), known.then(|| vec![0.0; 6])];
        let found = outline_loss(&maps, 2, &targets, terms);
        let numeric = numeric_gradient(&maps, |m| outline_loss(m, 2, &targets, terms).value);
        for (exact, numeric) in found.gradient.iter().zip(numeric) {
            prop_assert!((f64::from(*exact) - numeric).abs() < 1e-4, "{exact} {numeric}");
        }
    }

    #[test]
    fn averaging_over_cells_keeps_the_mean(
        values in proptest::collection::vec(0.0f32..1.0, 35), h in 1usize..9, w in 1usize..9,
    ) {
        let mean = |v: &[f32]| v.iter().map(|v| f64::from(*v)).sum::<f64>() / v.len() as f64;
        let means = area_average(&values, [5, 7], [h, w]);
        prop_assert!((mean(&means) - mean(&values)).abs() < 1e-6);
    }
}
