//! Parallel coordinates (Inselberg 1985), turned by a quarter: one row a parameter, one line a trial, so that a phone has
//! room for many parameters.

use super::axes::WIDTH;
use crate::number::number;
use crate::svg::{Anchor, Canvas, FigureError, Svg, path_through};
use crate::tuning::{Tuning, TuningTrial};

const FIGURE: &str = "parallel coordinates";
const ROW: f64 = 58.0;
const TOP: f64 = 26.0;
const SIDE: f64 = 34.0;
/// Best complete trials that are drawn strongly.
const STRONG: usize = 5;

/// One line a complete trial through its values, from the first parameter down to the figure; the best are strong.
/// Nothing without a complete trial.
///
/// # Errors
/// When a place lies off its axis or a figure is not finite.
pub fn parallel(tuning: &Tuning) -> Result<Option<Svg>, FigureError> {
    let mut complete: Vec<(f64, &TuningTrial)> = tuning
        .trials
        .iter()
        .filter(|t| t.complete)
        .filter_map(|t| Some((t.figure?, t)))
        .collect();
    if complete.is_empty() {
        return Ok(None);
    }
    if complete.iter().any(|(figure, _)| !figure.is_finite()) {
        return Err(FigureError::new(FIGURE, "a figure is not finite"));
    }
    // The best last, so that it lies on top.
    complete.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.number.cmp(&a.1.number)));
    let (low, high) = (complete[0].0, complete[complete.len() - 1].0);
    let rows = tuning.axes.len() + 1;
    let mut canvas = Canvas::new(WIDTH, TOP + ROW * rows as f64 - 18.0);
    let height = |row: usize| TOP + ROW * row as f64;
    let across = |place: f64| SIDE + place * (WIDTH - 2.0 * SIDE);
    let last = complete.len();
    for (rank, (figure, trial)) in complete.iter().enumerate() {
        let share = if high > low {
            (figure - low) / (high - low)
        } else {
            1.0
        };
        let mut points = Vec::with_capacity(rows);
        for (row, place) in trial.places.iter().enumerate() {
            let Some(place) = place else {
                continue;
            };
            if !(0.0..=1.0).contains(place) {
                return Err(FigureError::new(FIGURE, format!("{place} is off its axis")));
            }
            points.push((across(*place), height(row)));
        }
        points.push((across(share), height(rows - 1)));
        let class = match last - rank {
            1 => "thread top",
            n if n <= STRONG => "thread upper",
            _ => "thread",
        };
        canvas.path(class, &path_through(points));
    }
    // Texts over the lines, so that they can be read.
    for (row, axis) in tuning.axes.iter().enumerate() {
        frame(&mut canvas, height(row), &axis.name);
        for (place, text) in &axis.ticks {
            tick(&mut canvas, (across(*place), height(row)), text);
        }
    }
    frame(&mut canvas, height(rows - 1), &tuning.metric);
    for (place, figure) in [(0.0, low), (1.0, high)] {
        tick(
            &mut canvas,
            (across(place), height(rows - 1)),
            &number(figure),
        );
    }
    let best = complete[last - 1];
    let spoken: Vec<String> = tuning
        .axes
        .iter()
        .zip(&best.1.values)
        .map(|(axis, value)| format!("{} {value}", axis.name))
        .collect();
    Ok(Some(canvas.finish(
        "parallel",
        &format!(
            "{last} trials, each a line through its values; the best, {} with {}: {}.",
            tuning.metric,
            number(best.0),
            spoken.join(", ")
        ),
    )))
}

fn frame(canvas: &mut Canvas, y: f64, name: &str) {
    canvas.text("row-name halo", (SIDE, y - 9.0), Anchor::Start, name);
    canvas.line("track", (SIDE, y), (WIDTH - SIDE, y));
}

fn tick(canvas: &mut Canvas, (x, y): (f64, f64), text: &str) {
    canvas.line("tickmark", (x, y - 3.0), (x, y + 3.0));
    canvas.text("tick halo", (x, y + 17.0), Anchor::Middle, text);
}
