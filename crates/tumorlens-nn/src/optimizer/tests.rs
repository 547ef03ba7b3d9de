use super::*;
use crate::weights::Parameter;
use serde::Deserialize;

/// Written by `reference/train/make_golden.py` with PyTorch: five steps of each optimiser.
const GOLDEN: &str = include_str!("../../../../reference/train/optimizers.json");

#[derive(Deserialize)]
struct Case {
    name: String,
    optimizer: OptimizerConfig,
    clip_norm: f64,
    rates: Vec<f64>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// For every step the gradients of weight and bias.
    gradients: Vec<[Vec<f32>; 2]>,
    /// For every step the values of weight and bias after it.
    values: Vec<[Vec<f32>; 2]>,
}

fn parameter(name: &str, role: Role, values: Vec<f32>) -> Parameter {
    Parameter {
        name: name.to_owned(),
        shape: vec![values.len()],
        role,
        values: values.into(),
    }
}

#[test]
fn five_steps_are_those_of_pytorch() {
    let cases: Vec<Case> = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let mut weights = Weights {
            parameters: vec![
                parameter("weight", Role::Weight, case.weight),
                parameter("bias", Role::Bias, case.bias),
                parameter("running_mean", Role::RunningMean, vec![7.0]),
            ],
        };
        let mut optimizer = Optimizer::new(case.optimizer, &weights);
        for ((rate, [weight, bias]), expected) in
            case.rates.iter().zip(case.gradients).zip(&case.values)
        {
            let mut gradients = [Some(weight), Some(bias), None];
            clip_global_norm(&mut gradients, case.clip_norm);
            optimizer.step(*rate, &mut weights, &gradients);
            for (parameter, expected) in weights.parameters.iter().zip(expected) {
                for (found, expected) in parameter.values.iter().zip(expected) {
                    let close = (found - expected).abs() <= 2e-6 * (1.0 + expected.abs());
                    assert!(
                        close,
                        "{} {} step {}: {found} {expected}",
                        case.name, parameter.name, optimizer.steps
                    );
                }
            }
        }
        assert_eq!(
            weights.parameters[2].values[..],
            [7.0],
            "running statistics are not the optimiser's"
        );
    }
}

#[test]
fn the_norm_is_that_of_all_gradients_together() {
    let mut gradients = [Some(vec![3.0, 0.0]), None, Some(vec![4.0])];
    assert_eq!(clip_global_norm(&mut gradients, 0.0), 5.0);
    assert_eq!(gradients[2], Some(vec![4.0]));
    assert_eq!(clip_global_norm(&mut gradients, 1.0), 5.0);
    let norm = clip_global_norm(&mut gradients, 10.0);
    assert!((norm - 1.0).abs() < 1e-5, "{norm}");
}

#[test]
fn constants_are_read_by_name_and_unknown_ones_refused() {
    let read = |text| serde_json::from_str::<OptimizerConfig>(text);
    let OptimizerConfig::Sgd(sgd) = read(r#"{"kind":"sgd","momentum":0.5}"#).unwrap() else {
        panic!()
    };
    assert_eq!(
        sgd,
        Sgd {
            momentum: 0.5,
            ..Sgd::default()
        }
    );
    assert!(read(r#"{"kind":"adam_w","beta3":0.5}"#).is_err());
}
