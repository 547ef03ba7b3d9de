//! What to try next: tree-structured Parzen estimators (TPE, Bergstra et al. 2011), each parameter by itself.

use super::space::{Between, Parameter, Range, Value, Values, value_of};
use super::study_file::{End, Study, Trial};
use crate::config::RunConfig;
use optimizer::distribution::{CategoricalDistribution, Distribution, FloatDistribution};
use optimizer::param::ParamValue;
use optimizer::parameter::ParamId;
use optimizer::sampler::{CompletedTrial, Sampler, TpeSampler};
use std::collections::HashMap;
use tumorlens_core::Seed;

/// Trials drawn at random before any is drawn near those that did well.
const AT_RANDOM: usize = 8;

/// Values for the next trial. The first is the configuration as it is given; what it cannot name is drawn. The same study
/// gives the same values, however often it was stopped.
///
/// # Errors
/// When the sampler cannot be made.
pub(super) fn next(study: &Study, base: &RunConfig) -> anyhow::Result<Values> {
    let number = study.trials.len();
    let seed = Seed(study.terms.seed).derive("tune").index(number as u64);
    let mut values = Values::new();
    for (parameter, range) in &study.terms.space.0 {
        let own = value_of(base, *parameter).filter(|_| number == 0);
        let value = match own {
            Some(own) => own,
            None => draw(study, *parameter, range, seed.derive(parameter.name()))?,
        };
        values.insert(*parameter, value);
    }
    Ok(values)
}

fn draw(study: &Study, parameter: Parameter, range: &Range, seed: Seed) -> anyhow::Result<Value> {
    let distribution = distribution(range);
    let id = ParamId::new();
    let history: Vec<CompletedTrial> = study
        .trials
        .iter()
        .filter_map(|trial| {
            let value = position(range, trial.values.get(&parameter)?)?;
            Some(CompletedTrial::new(
                trial.number as u64,
                HashMap::from([(id, value)]),
                HashMap::from([(id, distribution.clone())]),
                HashMap::new(),
                cost(study, trial)?,
            ))
        })
        .collect();
    // A sampler of its own for each draw: what it gives then depends on nothing but the study.
    let sampler = TpeSampler::builder()
        .seed(seed.0)
        .n_startup_trials(AT_RANDOM)
        .build()
        .map_err(|e| anyhow::anyhow!("{}: {e}", parameter.name()))?;
    let drawn = sampler.sample(&distribution, study.trials.len() as u64, &history);
    Ok(match (range, drawn) {
        (Range::Choices(choices), ParamValue::Categorical(i)) => choices[i % choices.len()].clone(),
        (_, ParamValue::Float(number)) => Value::Number(short(number)),
        (_, ParamValue::Int(number)) => Value::Number(number as f64),
        (Range::Between(between), ParamValue::Categorical(_)) => Value::Number(between.low),
    })
}

/// Three digits say all that matters of a learning rate, and can be read.
fn short(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

pub(super) fn distribution(range: &Range) -> Distribution {
    match range {
        Range::Choices(choices) => Distribution::Categorical(CategoricalDistribution {
            n_choices: choices.len(),
        }),
        Range::Between(Between { low, high, log }) => Distribution::Float(FloatDistribution {
            low: *low,
            high: *high,
            log_scale: *log,
            step: None,
        }),
    }
}

/// Where a value lies in its range; none for one outside, as the first trial's may be.
pub(super) fn position(range: &Range, value: &Value) -> Option<ParamValue> {
    match (range, value) {
        (Range::Choices(choices), value) => choices
            .iter()
            .position(|c| c == value)
            .map(ParamValue::Categorical),
        (Range::Between(between), Value::Number(number)) => (between.low..=between.high)
            .contains(number)
            .then_some(ParamValue::Float(*number)),
        (Range::Between(_), Value::Word(_)) => None,
    }
}

/// What is made small: below 1 for a trial that came to its end, more the earlier another was ended, most for one that
/// failed. Nothing is known of one at work.
fn cost(study: &Study, trial: &Trial) -> Option<f64> {
    let all = (study.terms.folds * study.terms.epochs).max(1) as f64;
    let (step, figure) = trial.steps.last().copied().unwrap_or((0, 0.0));
    Some(match trial.end.as_ref()? {
        End::Complete => 1.0 - figure,
        End::Halted => 1.0 + (1.0 - step as f64 / all) + (1.0 - figure) / all,
        End::Failed(_) => 4.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::space::Space;
    use super::super::study_file::tests::terms;
    use super::*;

    fn study(trials: usize, figure: impl Fn(&Values) -> f64) -> Study {
        let mut study = Study {
            terms: terms(),
            trials: Vec::new(),
        };
        for number in 0..trials {
            let values = next(&study, &RunConfig::default()).unwrap();
            study.trials.push(Trial {
                number,
                steps: vec![(10, figure(&values))],
                values,
                end: Some(End::Complete),
            });
        }
        study
    }

    fn number(values: &Values, parameter: Parameter) -> f64 {
        match &values[&parameter] {
            Value::Number(number) => *number,
            Value::Word(word) => panic!("{word}"),
        }
    }

    #[test]
    fn the_first_trial_is_the_configuration_as_it_is() {
        let first = &study(1, |_| 0.5).trials[0].values;
        let base = RunConfig::default();
        assert_eq!(
            number(first, Parameter::LearningRate),
            base.train.learning_rate
        );
        assert_eq!(number(first, Parameter::Augmentation), 1.0);
        assert_eq!(first.len(), Space::default().0.len());
    }

    #[test]
    fn trials_gather_where_they_do_well_and_stay_in_their_range() {
        // Best at a learning rate of 3e-3 and with the second head.
        let good = |values: &Values| {
            let rate = number(values, Parameter::LearningRate);
            let head = values[&Parameter::Head] == Value::Word("evidence".to_owned());
            0.9 - 0.2 * (rate / 3e-3).log10().abs() - if head { 0.0 } else { 0.2 }
        };
        let study = study(40, good);
        let (early, late) = study.trials.split_at(20);
        let mean = |trials: &[Trial]| {
            trials.iter().filter_map(Trial::figure).sum::<f64>() / trials.len() as f64
        };
        assert!(
            mean(late) > mean(early) + 0.05,
            "{} {}",
            mean(late),
            mean(early)
        );
        for trial in &study.trials[1..] {
            let rate = number(&trial.values, Parameter::LearningRate);
            assert!((3e-4..=1e-2).contains(&rate), "{rate}");
            let width = number(&trial.values, Parameter::Width);
            assert!([8.0, 16.0, 24.0, 32.0].contains(&width), "{width}");
        }
    }

    #[test]
    fn the_same_study_gives_the_same_trial() {
        let study = study(12, |_| 0.7);
        let base = RunConfig::default();
        assert_eq!(next(&study, &base).unwrap(), next(&study, &base).unwrap());
    }

    #[test]
    fn every_complete_trial_is_better_than_one_ended_early_and_that_better_than_a_failed_one() {
        let study = study(1, |_| 0.5);
        let trial = |steps, end| Trial {
            steps,
            end,
            ..study.trials[0].clone()
        };
        let costs: Vec<f64> = [
            trial(vec![(10, 0.0)], Some(End::Complete)),
            trial(vec![(9, 0.9)], Some(End::Halted)),
            trial(vec![(2, 0.9)], Some(End::Halted)),
            trial(vec![(9, 0.9)], Some(End::Failed(String::new()))),
        ]
        .iter()
        .map(|t| cost(&study, t).unwrap())
        .collect();
        assert!(costs.is_sorted_by(|a, b| a < b), "{costs:?}");
        assert_eq!(cost(&study, &trial(vec![(1, 0.5)], None)), None);
    }
}
