//! Forest plot: one row a subgroup or rule, value as a dot, interval as a whisker, the reference as an upright line.

use super::axes::WIDTH;
use crate::number::{counted, measured, number};
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
    let low = if metric == "mcc" { -1.0 } else { 0.0 };
    let bottom = ROW * rows.len() as f64 + 4.0;
    let mut canvas = Canvas::new(WIDTH, bottom + FOOT);
    let across = |value: f64| -> Result<f64, FigureError> {
        if (low - 1e-9..=1.0 + 1e-9).contains(&value) {
            Ok(LEFT + (value - low) / (1.0 - low) * (WIDTH - LEFT - RIGHT))
        } else {
            Err(FigureError::new(
                figure,
                format!("the value {value} lies outside {low} to 1"),
            ))
        }
    };
    for i in 0..=4 {
        let tick = low + (1.0 - low) * f64::from(i) / 4.0;
        let x = across(tick)?;
        let anchor = [
            Anchor::Start,
            Anchor::Middle,
            Anchor::Middle,
            Anchor::Middle,
            Anchor::End,
        ][i as usize];
        canvas.line("grid", (x, 4.0), (x, bottom));
        canvas.text(
            "tick",
            (x, bottom + 18.0),
            anchor,
            &crate::number::decimals(tick, 2),
        );
    }
    if let Some(reference) = reference {
        let x = across(reference)?;
        canvas.line("reference", (x, ROW - 14.0), (x, bottom));
    }
    for (i, row) in rows.iter().enumerate() {
        let top = ROW * i as f64;
        draw_row(&mut canvas, row, top, &across)?;
    }
    let spoken: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}", row.name, measured(row.measured)))
        .collect();
    let title = crate::glossary::title(metric);
    Ok(canvas.finish(
        "forest",
        &format!("{title}, {figure}: {}.", spoken.join("; ")),
    ))
}

fn draw_row(
    canvas: &mut Canvas,
    row: &Row<'_>,
    top: f64,
    across: &impl Fn(f64) -> Result<f64, FigureError>,
) -> Result<(), FigureError> {
    let (text, y) = (top + 18.0, top + 31.0);
    let name = if row.note.is_empty() {
        row.name.clone()
    } else {
        format!("{} ({})", row.name, row.note)
    };
    canvas.text(
        if row.class == "s0" {
            "row-name strong"
        } else {
            "row-name"
        },
        (LEFT, text),
        Anchor::Start,
        &name,
    );
    let written = match row.measured {
        Measured::Value { .. } => measured(row.measured),
        // The reason can be long; it is in the table beside the figure and in the figure's label.
        Measured::Undefined { .. } => "undefined".to_owned(),
    };
    canvas.text("row-value", (WIDTH - RIGHT, text), Anchor::End, &written);
    if let Some(interval) = row.measured.interval() {
        canvas.line(
            &format!("whisker {}", row.class),
            (across(interval.low)?, y),
            (across(interval.high)?, y),
        );
    }
    if let Some(value) = row.measured.get() {
        canvas.circle(
            &format!("dot {}", row.class),
            (across(value)?, y),
            5.0,
            &number(value),
        );
    }
    Ok(())
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
