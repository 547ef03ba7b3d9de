//! A search as it went: each trial's figure, and the best so far.

use super::axes::{Axis, Plot, series};
use crate::number::number;
use crate::svg::{FigureError, Svg};
use crate::tuning::Tuning;

const FIGURE: &str = "search";
const HEIGHT: f64 = 220.0;

/// Figures by trial; nothing without one.
///
/// # Errors
/// When a figure is not finite.
pub fn search(tuning: &Tuning) -> Result<Option<Svg>, FigureError> {
    let seen: Vec<_> = tuning
        .trials
        .iter()
        .filter_map(|t| Some((t.number, t.figure?, t.complete)))
        .collect();
    let Some(last) = seen.last().map(|(number, ..)| *number) else {
        return Ok(None);
    };
    let x = Axis::whole("Trial", 0, last + 1);
    let y = Axis::around(FIGURE, "AUROC", seen.iter().map(|(_, figure, _)| *figure))?;
    let legend = [(series(0), "best so far".to_owned())];
    let mut plot = Plot::new(FIGURE, HEIGHT, &x, &y, &legend);
    let mut best: Option<f64> = None;
    let mut steps = Vec::new();
    for (number, figure, _) in seen.iter().filter(|(_, _, complete)| *complete) {
        let before = best;
        let now = before.map_or(*figure, |b| b.max(*figure));
        if let Some(before) = before {
            steps.push((*number as f64, before));
        }
        steps.push((*number as f64, now));
        best = Some(now);
    }
    plot.line(series(0), &steps)?;
    for (trial, figure, complete) in &seen {
        let hint = format!("trial {trial}: {}", number(*figure));
        let (class, radius) = if *complete {
            ("dot s0", 4.5)
        } else {
            ("mark plain", 3.0)
        };
        plot.circle(class, (*trial as f64, *figure), radius, &hint)?;
    }
    let spoken = format!(
        "Figures of {} trials; the best is {}.",
        seen.len(),
        best.map_or_else(|| "none".to_owned(), number)
    );
    Ok(Some(plot.finish("search", &spoken)))
}
