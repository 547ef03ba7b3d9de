//! A search over ways to train: one plain value, and its page.

use crate::figure::{importance, parallel, search};
use crate::page;
use crate::render::{ReportError, style};
use crate::report::{Fact, Section, Theme};
use crate::svg::{FigureError, Svg};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::{Deserialize, Serialize};
use tumorlens_core::bundle_card::RESEARCH_USE_ONLY;

/// A search over ways to train.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Heading and window title.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Colours; by default those of the reader's system.
    pub theme: Theme,
    /// What was searched on, what it cost.
    pub facts: Vec<Fact>,
    /// What trials are judged by, e.g. `AUROC, mean over the inner folds`. Higher is better.
    pub metric: String,
    /// One a parameter.
    pub axes: Vec<ParameterAxis>,
    /// Every trial, in the order in which they began.
    pub trials: Vec<TuningTrial>,
    /// Index of the best of [`Tuning::trials`].
    pub best: Option<usize>,
    /// Share of the variance that each parameter explains, largest first.
    pub importance: Section<Vec<Effect>>,
    /// The best configuration as text.
    pub configuration: String,
}

/// A parameter that was searched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterAxis {
    /// Its name.
    pub name: String,
    /// Places on the axis, 0 to 1, and what stands there.
    pub ticks: Vec<(f64, String)>,
}

/// One way to train.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuningTrial {
    /// Number, from 1.
    pub number: u64,
    /// Value of each parameter, as text.
    pub values: Vec<String>,
    /// Where each value lies on its axis; none for one outside.
    pub places: Vec<Option<f64>>,
    /// Figure so far.
    pub figure: Option<f64>,
    /// Whether it was trained to its end.
    pub complete: bool,
    /// Epochs trained, over all folds.
    pub epochs: u64,
    /// How it ended, in words.
    pub end: String,
}

/// What a parameter explains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Name of the parameter.
    pub name: String,
    /// Share of the variance, 0 to 1.
    pub share: f64,
}

#[derive(Serialize)]
struct Charts {
    search: Option<Svg>,
    parallel: Option<Svg>,
    importance: Option<Svg>,
}

impl Charts {
    fn draw(tuning: &Tuning) -> Result<Self, FigureError> {
        let importance = match tuning.importance.given() {
            Some(effects) => {
                let bars: Vec<(&str, f64)> =
                    effects.iter().map(|e| (e.name.as_str(), e.share)).collect();
                importance::bars("Share of the variance of the figure", &bars)?
            }
            None => None,
        };
        Ok(Self {
            search: search::search(tuning)?,
            parallel: parallel::parallel(tuning)?,
            importance,
        })
    }
}

/// The search as one HTML page that needs nothing else: no script, no network, no font file.
///
/// # Errors
/// When the values of a figure cannot be drawn (not finite, off their axis, of different lengths).
pub fn render_tuning(tuning: &Tuning) -> Result<String, ReportError> {
    page::fill(
        "tuning.html",
        context! {
            tuning => Serde(tuning),
            charts => Serde(Charts::draw(tuning)?),
            notice => RESEARCH_USE_ONLY,
            style => Value::from_safe_string(style(tuning.theme)),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning() -> Tuning {
        let trial = |number: u64, place: f64, figure, complete| TuningTrial {
            number,
            values: vec!["0.01".into(), "<b>relu".into()],
            places: vec![Some(place), None],
            figure: Some(figure),
            complete,
            epochs: 9,
            end: "complete".into(),
        };
        Tuning {
            title: "Search".into(),
            metric: "AUROC".into(),
            axes: vec![
                ParameterAxis {
                    name: "learning rate".into(),
                    ticks: vec![(0.0, "0.001".into()), (1.0, "0.1".into())],
                },
                ParameterAxis {
                    name: "activation".into(),
                    ticks: vec![(0.0, "relu".into()), (1.0, "gelu".into())],
                },
            ],
            trials: vec![
                trial(1, 0.5, 0.8, true),
                trial(2, 0.25, 0.7, false),
                trial(3, 1.0, 0.9, true),
            ],
            best: Some(2),
            importance: Section::Given(vec![Effect {
                name: "learning rate".into(),
                share: 0.7,
            }]),
            configuration: "[train]\n".into(),
            ..Tuning::default()
        }
    }

    #[test]
    fn every_trial_is_on_the_page_and_texts_cannot_break_out_of_it() {
        let page = render_tuning(&tuning()).unwrap();
        for word in [
            "0.900",
            "0.700",
            "learning rate",
            "[train]",
            "Not a medical device",
        ] {
            assert!(page.contains(word), "{word}");
        }
        assert!(page.contains("&lt;b&gt;relu") && !page.contains("<b>relu"));
        assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https"));
    }

    #[test]
    fn a_study_without_a_finished_trial_still_has_a_page() {
        let mut early = tuning();
        early.trials.truncate(0);
        early.best = None;
        early.importance = Section::missing("too few trials");
        let page = render_tuning(&early).unwrap();
        assert!(page.contains("importance of the parameters: too few trials."));
    }

    #[test]
    fn a_place_off_its_axis_is_refused() {
        let mut off = tuning();
        off.trials[0].places[0] = Some(1.5);
        assert!(render_tuning(&off).is_err());
    }
}
