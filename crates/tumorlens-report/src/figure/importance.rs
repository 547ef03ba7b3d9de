//! What trees on texture and intensity rest on: bars of importance, and lines of partial dependence.

use super::axes::{Axis, Plot, WIDTH, series};
use crate::number::number;
use crate::report::explanation::{Texture, TextureFeature};
use crate::svg::{Anchor, Canvas, FigureError, Svg};

const ROW: f64 = 34.0;
const HEIGHT: f64 = 160.0;

/// One bar a feature, as long as its importance; nothing without a feature that matters.
///
/// # Errors
/// When an importance is not finite.
pub fn importance(texture: &Texture) -> Result<Option<Svg>, FigureError> {
    let rows: Vec<(&str, f64)> = texture
        .features
        .iter()
        .map(|f| (f.name.as_str(), f.importance))
        .collect();
    bars("Importance of features", &rows)
}

/// One bar a row, as long as its value beside the largest; nothing without a value above 0. `what` is read to those who
/// do not see it.
///
/// # Errors
/// When a value is not finite.
pub fn bars(what: &str, rows: &[(&str, f64)]) -> Result<Option<Svg>, FigureError> {
    if rows.iter().any(|(_, value)| !value.is_finite()) {
        return Err(FigureError::new("importance", "a value is not finite"));
    }
    let most = rows.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    if most <= 0.0 {
        return Ok(None);
    }
    let mut canvas = Canvas::new(WIDTH, ROW * rows.len() as f64 + 6.0);
    let mut spoken = Vec::new();
    for (i, (name, value)) in rows.iter().enumerate() {
        let top = ROW * i as f64;
        let text = number(*value);
        canvas.text("row-name", (4.0, top + 15.0), Anchor::Start, name);
        canvas.text("row-value", (WIDTH - 4.0, top + 15.0), Anchor::End, &text);
        let length = (value.max(0.0) / most) * (WIDTH - 8.0);
        canvas.rect(
            &format!("bar {}", series(0)),
            (4.0, top + 20.0),
            (length.max(1.0), 8.0),
            None,
            &format!("{name}: {text}"),
        );
        spoken.push(format!("{name} {text}"));
    }
    Ok(Some(canvas.finish(
        "importance",
        &format!("{what}: {}.", spoken.join(", ")),
    )))
}

/// The mean score against the value of one feature.
///
/// # Errors
/// When a point is not finite.
pub fn dependence(feature: &TextureFeature) -> Result<Svg, FigureError> {
    const FIGURE: &str = "partial dependence";
    let points = &feature.dependence;
    let x = Axis::around(FIGURE, "Value of the feature", points.iter().map(|p| p.0))?;
    let y = Axis::around(FIGURE, "", points.iter().map(|p| p.1))?;
    let mut plot = Plot::new(FIGURE, HEIGHT, &x, &y, &[]);
    plot.line(series(0), points)?;
    let spoken = match (points.first(), points.last()) {
        (Some(first), Some(last)) => format!(
            "Score by {}: from {} at {} to {} at {}.",
            feature.name,
            number(first.1),
            number(first.0),
            number(last.1),
            number(last.0)
        ),
        _ => String::new(),
    };
    Ok(plot.finish("curve", &spoken))
}
