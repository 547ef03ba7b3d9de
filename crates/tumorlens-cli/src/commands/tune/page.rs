//! The study as the value that its page is made from.

use super::ended;
use super::importance::importance;
use super::space::{Between, Parameter, Range, Value};
use super::study_file::{Study, Trial};
use tumorlens_data::dataset::Dataset;
use tumorlens_report::number::counted;
use tumorlens_report::tuning::{Effect, ParameterAxis, Tuning, TuningTrial};
use tumorlens_report::{Fact, Section};

/// The page. `configuration` is the text of the best trial's.
pub(super) fn page(study: &Study, dataset: &Dataset, configuration: &str) -> Tuning {
    let terms = &study.terms;
    let best = study.best();
    let images = dataset.rows.len() as u64;
    let units: std::collections::BTreeSet<&str> = dataset.rows.iter().map(|r| r.unit()).collect();
    let ended_early = study.trials.iter().filter(|t| t.figure().is_none()).count();
    let spent: u64 = study
        .trials
        .iter()
        .map(|t| t.steps.last().map_or(0, |(step, _)| *step))
        .sum();
    let all = (study.trials.len() * terms.folds * terms.epochs) as u64;
    Tuning {
        title: "Search over ways to train".to_owned(),
        subtitle: format!(
            "{} on {} inner folds of {} epochs, seed {}",
            counted(study.trials.len() as u64, "trial", "trials"),
            terms.folds,
            terms.epochs,
            terms.seed
        ),
        facts: vec![
            Fact::new(
                "Images",
                format!(
                    "{} in {}, none of the test part",
                    counted(images, "image", "images"),
                    counted(units.len() as u64, "group", "groups")
                ),
            ),
            Fact::new("Ended early", ended_early.to_string()),
            Fact::new("Epochs trained", format!("{spent} of {all}")),
            Fact::new(
                "Manifest",
                terms.manifest_sha256.chars().take(16).collect::<String>(),
            ),
        ],
        metric: "AUROC, mean over the inner folds".to_owned(),
        axes: terms
            .space
            .0
            .iter()
            .map(|(parameter, range)| axis(*parameter, range))
            .collect(),
        trials: study.trials.iter().map(|t| row(study, t)).collect(),
        best: best.map(|t| t.number),
        importance: match importance(study) {
            Ok(effects) => Section::Given(
                effects
                    .into_iter()
                    .map(|(name, share)| Effect {
                        name: title(&name),
                        share,
                    })
                    .collect(),
            ),
            Err(reason) => Section::missing(reason),
        },
        configuration: configuration.to_owned(),
        ..Tuning::default()
    }
}

fn title(name: &str) -> String {
    name.replace('_', " ")
}

/// Name and ticks of a parameter.
fn axis(parameter: Parameter, range: &Range) -> ParameterAxis {
    let ticks = match range {
        Range::Choices(choices) => choices
            .iter()
            .filter_map(|c| Some((place(range, c)?, c.to_string())))
            .collect(),
        Range::Between(Between { low, high, .. }) => {
            let end = |number: f64| Value::Number(number).to_string();
            vec![(0.0, end(*low)), (1.0, end(*high))]
        }
    };
    ParameterAxis {
        name: title(parameter.name()),
        ticks,
    }
}

/// Where a value lies on its axis, 0 to 1; none for one outside its range.
fn place(range: &Range, value: &Value) -> Option<f64> {
    match (range, value) {
        (Range::Choices(choices), value) => {
            let at = choices.iter().position(|c| c == value)?;
            Some(at as f64 / (choices.len() - 1).max(1) as f64)
        }
        (Range::Between(Between { low, high, log }), Value::Number(x)) => {
            let share = if *log {
                (x / low).ln() / (high / low).ln()
            } else {
                (x - low) / (high - low)
            };
            (0.0..=1.0).contains(&share).then_some(share)
        }
        (Range::Between(_), Value::Word(_)) => None,
    }
}

fn row(study: &Study, trial: &Trial) -> TuningTrial {
    let of = |parameter: &Parameter| trial.values.get(parameter);
    let space = &study.terms.space.0;
    TuningTrial {
        number: trial.number as u64 + 1,
        values: space
            .keys()
            .map(|p| of(p).map(ToString::to_string).unwrap_or_default())
            .collect(),
        places: space
            .iter()
            .map(|(p, range)| of(p).and_then(|v| place(range, v)))
            .collect(),
        figure: trial.steps.last().map(|(_, figure)| *figure),
        complete: trial.figure().is_some(),
        epochs: trial.steps.last().map_or(0, |(step, _)| *step),
        end: trial
            .end
            .as_ref()
            .map_or_else(|| "at work".to_owned(), ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_on_its_axis_as_it_was_drawn() {
        let log = Range::Between(Between {
            low: 1e-4,
            high: 1e-2,
            log: true,
        });
        let middle = place(&log, &Value::Number(1e-3)).unwrap();
        assert!((middle - 0.5).abs() < 1e-12);
        assert_eq!(place(&log, &Value::Number(1.0)), None);
        let words = ["a", "b", "c"].map(|w| Value::Word(w.to_owned()));
        let choices = Range::Choices(words.to_vec());
        assert_eq!(place(&choices, &words[1]), Some(0.5));
        assert_eq!(place(&choices, &Value::Number(1.0)), None);
    }
}
