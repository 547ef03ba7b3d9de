//! How much each parameter mattered: functional analysis of variance on a forest (fANOVA, Hutter et al. 2014).

use super::proposal::{distribution, position};
use super::space::Range;
use super::study_file::Study;
use optimizer::param::ParamValue;
use optimizer::parameter::ParamId;
use optimizer::sampler::{CompletedTrial, RandomSampler};
use optimizer::storage::MemoryStorage;
use optimizer::{Direction, FanovaConfig};
use std::collections::HashMap;

/// Complete trials below which a forest says nothing.
const ENOUGH: usize = 10;

/// Share of the variance of the figure that each parameter explains by itself, largest first; the rest is by several
/// together or by chance.
///
/// # Errors
/// The reason why nothing can be said.
pub(super) fn importance(study: &Study) -> Result<Vec<(String, f64)>, String> {
    let ids: Vec<ParamId> = study.terms.space.0.keys().map(|_| ParamId::new()).collect();
    let mut complete = Vec::new();
    for trial in &study.trials {
        let Some(figure) = trial.figure() else {
            continue;
        };
        let mut one = CompletedTrial::new(
            trial.number as u64,
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            figure,
        );
        for ((parameter, range), id) in study.terms.space.0.iter().zip(&ids) {
            let Some(place) = trial.values.get(parameter).and_then(|v| position(range, v)) else {
                continue;
            };
            // As it was drawn: a factor of ten in a learning rate is one step everywhere.
            let place = match (range, place) {
                (Range::Between(between), ParamValue::Float(x)) if between.log => {
                    ParamValue::Float(x.ln())
                }
                (_, place) => place,
            };
            one.params.insert(*id, place);
            one.distributions.insert(*id, distribution(range));
            one.param_labels.insert(*id, parameter.name().to_owned());
        }
        // A first trial outside the ranges is no point of the space.
        if one.params.len() == ids.len() {
            complete.push(one);
        }
    }
    if complete.len() < ENOUGH {
        return Err(format!(
            "{} trials came to their end, {ENOUGH} are needed",
            complete.len()
        ));
    }
    let figures = complete.iter().map(|t| t.value);
    let (low, high) = figures.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if high - low < 1e-9 {
        return Err("all trials did equally well".to_owned());
    }
    let storage = MemoryStorage::with_trials(complete);
    let forest = optimizer::Study::with_sampler_and_storage(
        Direction::Maximize,
        RandomSampler::with_seed(study.terms.seed),
        storage,
    );
    let config = FanovaConfig {
        seed: Some(study.terms.seed),
        ..FanovaConfig::default()
    };
    match forest.fanova_with_config(&config) {
        Ok(found) => Ok(found.main_effects),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::space::{Between, Parameter, Space, Value, Values};
    use super::super::study_file::tests::terms;
    use super::super::study_file::{End, Trial};
    use super::*;
    use std::collections::BTreeMap;

    fn study(trials: usize) -> Study {
        let space = Space(BTreeMap::from([
            (
                Parameter::LearningRate,
                Range::Between(Between {
                    low: 1e-4,
                    high: 1e-1,
                    log: true,
                }),
            ),
            (
                Parameter::Width,
                Range::Choices([8.0, 16.0].map(Value::Number).to_vec()),
            ),
        ]));
        let trial = |number: usize| {
            let place = (number * 7 % 10) as f64 / 10.0;
            Trial {
                number,
                values: Values::from([
                    (
                        Parameter::LearningRate,
                        Value::Number(1e-4 * 10f64.powf(3.0 * place)),
                    ),
                    (Parameter::Width, Value::Number([8.0, 16.0][number % 2])),
                ]),
                steps: vec![(1, 0.5 + 0.4 * place)],
                end: Some(End::Complete),
            }
        };
        Study {
            terms: super::super::study_file::Terms { space, ..terms() },
            trials: (0..trials).map(trial).collect(),
        }
    }

    #[test]
    fn the_parameter_that_decides_comes_first() {
        let found = importance(&study(20)).unwrap();
        assert_eq!(found[0].0, "learning_rate");
        assert!(found[0].1 > 0.6, "{found:?}");
        assert_eq!(found, importance(&study(20)).unwrap());
    }

    #[test]
    fn too_few_trials_say_why() {
        let reason = importance(&study(4)).unwrap_err();
        assert_eq!(reason, "4 trials came to their end, 10 are needed");
        let mut same = study(20);
        same.trials
            .iter_mut()
            .for_each(|t| t.steps = vec![(1, 0.5)]);
        assert_eq!(
            importance(&same).unwrap_err(),
            "all trials did equally well"
        );
    }
}
