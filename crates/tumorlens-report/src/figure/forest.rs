//! Forest plot: one row a subgroup or rule, value as a dot, interval as a whisker, the reference as an upright line.

use super::axes::WIDTH;
use crate::glossary::title;
use crate::number::{counted, decimals, measured, number};
use crate::report::evaluation::Subgroups;
use crate::report::summary::Comparison;
use crate::svg::{Anchor, Canvas, FigureError, Svg};
use tumorlens_core::Measured;

const LEFT: f64 = 4.0;
const RIGHT: f64 = 10.0;
/// Each row is a line of text above its whisker: it stays readable on a phone, where columns would not.
const ROW: f64 = 44.0;
const FOOT: f64 = 30.0;

struct Row<'a> {
    name: String,
    note: String,
    measured: &'a Measured,
    class: &'static str,
}

/// The model beside the simple rules that it must beat.
///
/// # Errors
/// When there are no rows, or a value lies outside the axis from 0 (or -1 for MCC) to 1.
pub fn comparison(comparison: &Comparison) -> Result<Svg, FigureError> {
    let model = &comparison.model;
    let mut rows = vec![Row {
        name: model.name.clone(),
        note: String::new(),
        measured: &model.measured,
        class: "s0",
    }];
    rows.extend(comparison.rules.iter().map(|rule| Row {
        name: rule.name.clone(),
        note: String::new(),
        measured: &rule.measured,
        class: "plain",
    }));
    draw(
        "comparison with simple rules",
        &comparison.metric,
        &rows,
        model.measured.get(),
    )
}

/// One metric by subgroup, with the overall value as a line through all rows.
///
/// # Errors
/// When a value lies outside the axis from 0 (or -1 for MCC) to 1.
pub fn subgroups(subgroups: &Subgroups) -> Result<Svg, FigureError> {
    let overall = &subgroups.overall;
    let mut rows = vec![Row {
        name: overall.name.clone(),
        note: String::new(),
        measured: &overall.measured,
        class: "s0",
    }];
    rows.extend(subgroups.rows.iter().map(|row| Row {
        name: format!("{}: {}", row.factor, row.level),
        note: counted(row.images, "image", "images"),
        measured: &row.measured,
        class: "plain",
    }));
    draw(
        "results by subgroup",
        &subgroups.metric,
        &rows,
        overall.measured.get(),
    )
}

fn draw(
    figure: &'static str,
    metric: &str,
    rows: &[Row<'_>],
    reference: Option<f64>,
) -> Result<Svg, FigureError> {
    let scale = Scale {
        figure,
        low: if metric == "mcc" { -1.0 } else { 0.0 },
    };
    let bottom = ROW * rows.len() as f64 + 4.0;
    let mut canvas = Canvas::new(WIDTH, bottom + FOOT);
    for (i, row) in rows.iter().enumerate() {
        let top = ROW * i as f64;
        // Lines stop below the row's text, which they would strike through.
        for tick in scale.ticks() {
            let x = scale.across(tick)?;
            canvas.line("grid", (x, top + 25.0), (x, top + 37.0));
        }
        if let Some(reference) = reference {
            let x = scale.across(reference)?;
            canvas.line("reference", (x, top + 24.0), (x, top + 38.0));
        }
        draw_row(&mut canvas, row, top, &scale)?;
    }
    for (i, tick) in scale.ticks().into_iter().enumerate() {
        let anchor = [
            Anchor::Start,
            Anchor::Middle,
            Anchor::Middle,
            Anchor::Middle,
            Anchor::End,
        ][i];
        canvas.text(
            "tick",
            (scale.across(tick)?, bottom + 18.0),
            anchor,
            &decimals(tick, 2),
        );
    }
    let spoken: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}", row.name, measured(row.measured)))
        .collect();
    Ok(canvas.finish(
        "forest",
        &format!("{}, {figure}: {}.", title(metric), spoken.join("; ")),
    ))
}

fn draw_row(
    canvas: &mut Canvas,
    row: &Row<'_>,
    top: f64,
    scale: &Scale,
) -> Result<(), FigureError> {
    let (text, y) = (top + 18.0, top + 31.0);
    let name = if row.note.is_empty() {
        row.name.clone()
    } else {
        format!("{} ({})", row.name, row.note)
    };
    let class = if row.class == "s0" {
        "row-name strong"
    } else {
        "row-name"
    };
    canvas.text(class, (LEFT, text), Anchor::Start, &name);
    match row.measured {
        Measured::Value { value, interval } => {
            canvas.text(
                "row-value",
                (WIDTH - RIGHT, text),
                Anchor::End,
                &measured(row.measured),
            );
            if let Some(interval) = interval {
                let ends = (scale.across(interval.low)?, scale.across(interval.high)?);
                canvas.line(&format!("whisker {}", row.class), (ends.0, y), (ends.1, y));
            }
            canvas.circle(
                &format!("dot {}", row.class),
                (scale.across(*value)?, y),
                5.0,
                &number(*value),
            );
        }
        // The reason takes the place of the whisker, where there is room for it.
        Measured::Undefined { undefined } => {
            canvas.text("row-value", (WIDTH - RIGHT, text), Anchor::End, "undefined");
            canvas.text("row-reason", (LEFT, y + 4.0), Anchor::Start, undefined);
        }
    }
    Ok(())
}

/// The axis from `low` to 1.
struct Scale {
    figure: &'static str,
    low: f64,
}

impl Scale {
    fn ticks(&self) -> [f64; 5] {
        [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| self.low + (1.0 - self.low) * share)
    }

    fn across(&self, value: f64) -> Result<f64, FigureError> {
        let low = self.low;
        if (low - 1e-9..=1.0 + 1e-9).contains(&value) {
            Ok(LEFT + (value - low) / (1.0 - low) * (WIDTH - LEFT - RIGHT))
        } else {
            Err(FigureError::new(
                self.figure,
                format!("the value {value} lies outside {low} to 1"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::NamedMeasure;
    use tumorlens_core::{Interval, measured::IntervalMethod};

    fn value(value: f64, low: f64, high: f64) -> Measured {
        Measured::with_interval(
            value,
            Interval {
                low,
                high,
                level: 0.95,
                method: IntervalMethod::Wilson,
            },
        )
    }

    #[test]
    fn values_and_intervals_stand_where_they_must() {
        let svg = comparison(&Comparison {
            metric: "accuracy".into(),
            model: NamedMeasure::new("this model", value(0.5, 0.25, 1.0)),
            rules: vec![NamedMeasure::new(
                "majority vote",
                Measured::undefined("one class only"),
            )],
        })
        .unwrap()
        .to_string();
        // The axis from 0 to 1 runs over x 4..430.
        assert!(
            svg.contains(
                "<line class=\"whisker s0\" x1=\"110.5\" y1=\"31\" x2=\"430\" y2=\"31\"/>"
            ),
            "{svg}"
        );
        assert!(svg.contains("<circle class=\"dot s0\" cx=\"217\" cy=\"31\" r=\"5\">"));
        assert_eq!(
            svg.matches("<circle").count(),
            1,
            "an undefined value has no dot"
        );
        assert!(
            svg.contains("majority vote undefined: one class only"),
            "the label gives the reason"
        );
    }

    #[test]
    fn a_share_above_one_is_an_error() {
        let wrong = Comparison {
            metric: "accuracy".into(),
            model: NamedMeasure::new("m", Measured::value(1.2)),
            rules: vec![],
        };
        assert!(comparison(&wrong).is_err());
        let negative = Subgroups {
            metric: "mcc".into(),
            overall: NamedMeasure::new("all", Measured::value(-0.5)),
            rows: vec![],
        };
        assert!(
            subgroups(&negative).is_ok(),
            "a correlation may be negative"
        );
    }
}
