//! From a [`Report`] to one HTML page.

use crate::figure::curves::{TrainingCharts, share_curves, training_charts};
use crate::figure::interval_bar::interval_bar;
use crate::figure::{
    bars, confusion, forest, histogram, importance, precision_recall, reliability, roc,
};
use crate::page;
use crate::plain_words::sentences;
use crate::report::explanation::{Case, Explanation};
use crate::report::{Report, Theme};
use crate::svg::{FigureError, Svg};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;
use tumorlens_core::bundle_card::RESEARCH_USE_ONLY;

/// A report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A figure cannot be drawn from its values.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// A template could not be filled.
    #[error("report: {0}")]
    Template(#[from] minijinja::Error),
}

/// The report as one HTML page that needs nothing else: no script, no network, no font file.
///
/// The same report gives the same bytes; nothing is read from the clock or the machine.
///
/// # Errors
/// When the values of a figure cannot be drawn (not finite, off their axis, of different lengths).
pub fn render(report: &Report) -> Result<String, ReportError> {
    page::fill(
        "report.html",
        context! {
            report => Serde(report),
            charts => Serde(Charts::draw(report)?),
            sentences => sentences(report),
            contents => Serde(contents(report)),
            notice => RESEARCH_USE_ONLY,
            style => Value::from_safe_string(style(report.theme)),
        },
    )
}

/// The style sheet with the dark colours put where the theme wants them. Paper is always light.
pub(crate) fn style(theme: Theme) -> String {
    themed(page::STYLE, theme)
}

/// As [`style`], of figures alone.
pub(crate) fn style_of_figures() -> String {
    themed(page::FIGURES, Theme::Auto)
}

fn themed(style: &str, theme: Theme) -> String {
    let dark = page::DARK;
    match theme {
        Theme::Light => style.to_owned(),
        Theme::Dark => format!("{style}\n@media screen {{\n:root {{\n{dark}}}\n}}\n"),
        Theme::Auto => format!(
            "{style}\n@media screen and (prefers-color-scheme: dark) {{\n:root {{\n{dark}}}\n}}\n"
        ),
    }
}

/// One line of the table of contents.
#[derive(Serialize)]
struct Entry {
    id: &'static str,
    title: &'static str,
}

fn contents(report: &Report) -> Vec<Entry> {
    [
        (true, "summary", "Summary"),
        (!report.data.is_left_out(), "data", "Data and audit"),
        (!report.training.is_left_out(), "training", "Training"),
        (!report.evaluation.is_left_out(), "evaluation", "Evaluation"),
        (
            !report.explanation.is_left_out(),
            "explanation",
            "Explanation",
        ),
        (
            !report.provenance.is_left_out(),
            "provenance",
            "How it was made",
        ),
        (!report.card.is_left_out(), "card", "Model card"),
    ]
    .into_iter()
    .filter_map(|(there, id, title)| there.then_some(Entry { id, title }))
    .collect()
}

/// Every chart of the page; absent where its data are.
#[derive(Default, Serialize)]
struct Charts {
    key_figures: Vec<Option<Svg>>,
    comparison: Option<Svg>,
    split: Option<Svg>,
    training: TrainingCharts,
    roc: Option<Svg>,
    precision_recall: Option<Svg>,
    reliability: Option<Svg>,
    histogram: Option<Svg>,
    confusion: Option<Svg>,
    /// One for each metric told apart.
    subgroups: Vec<Svg>,
    /// One list a case group.
    cases: Vec<Vec<Svg>>,
    deletion: Option<Svg>,
    insertion: Option<Svg>,
    texture: Option<Svg>,
    /// One a feature, for the first ones.
    dependence: Vec<Svg>,
}

impl Charts {
    fn draw(report: &Report) -> Result<Self, FigureError> {
        let mut charts = Self {
            key_figures: report
                .summary
                .key_figures
                .iter()
                .map(|figure| interval_bar(&figure.measured))
                .collect(),
            comparison: report
                .summary
                .comparison
                .as_ref()
                .map(forest::comparison)
                .transpose()?,
            ..Self::default()
        };
        if let Some(data) = report.data.given() {
            charts.split = data.split.given().map(bars::split).transpose()?;
        }
        if let Some(training) = report.training.given() {
            charts.training = training_charts(training)?;
        }
        if let Some(evaluation) = report.evaluation.given() {
            charts.roc = evaluation
                .roc
                .given()
                .map(|curves| roc::roc(curves))
                .transpose()?;
            charts.precision_recall = evaluation
                .precision_recall
                .given()
                .map(|c| precision_recall::precision_recall(c))
                .transpose()?;
            charts.reliability = evaluation
                .reliability
                .given()
                .map(reliability::reliability)
                .transpose()?;
            charts.histogram = evaluation
                .histogram
                .given()
                .map(histogram::score_histogram)
                .transpose()?;
            charts.confusion = evaluation
                .confusion
                .given()
                .map(confusion::confusion)
                .transpose()?;
            for told_apart in evaluation.subgroups.given().into_iter().flatten() {
                charts.subgroups.push(forest::subgroups(told_apart)?);
            }
        }
        if let Some(explanation) = report.explanation.given() {
            charts.draw_explanation(explanation)?;
        }
        Ok(charts)
    }

    fn draw_explanation(&mut self, explanation: &Explanation) -> Result<(), FigureError> {
        for (g, group) in explanation.cases.given().into_iter().flatten().enumerate() {
            let pictures = group.cases.iter().enumerate();
            self.cases.push(
                pictures
                    .map(|(c, case)| case.picture.svg(&format!("case-{g}-{c}"), &spoken(case)))
                    .collect(),
            );
        }
        if let Some(texture) = explanation.texture.given() {
            self.texture = importance::importance(texture)?;
            for feature in texture.features.iter().filter(|f| !f.dependence.is_empty()) {
                self.dependence.push(importance::dependence(feature)?);
            }
        }
        if let Some(faithfulness) = explanation.faithfulness.given() {
            let draw = |title, x, curves: &Vec<_>| {
                if curves.is_empty() {
                    Ok(None)
                } else {
                    share_curves(title, x, curves).map(Some)
                }
            };
            self.deletion = draw(
                "Deletion",
                "Share of pixels taken away",
                &faithfulness.deletion,
            )?;
            self.insertion = draw(
                "Insertion",
                "Share of pixels put in",
                &faithfulness.insertion,
            )?;
        }
        Ok(())
    }
}

fn spoken(case: &Case) -> String {
    let layers = match (&case.picture.heat, &case.picture.outline) {
        (Some(_), Some(_)) => "the slice, and beside it with heat map and outline",
        (Some(_), None) => "the slice, and beside it with heat map",
        (None, Some(_)) => "the slice, and beside it with outline",
        (None, None) => "the slice",
    };
    format!(
        "{}, labelled {}, called {}: {layers}",
        case.path, case.truth, case.call
    )
}
