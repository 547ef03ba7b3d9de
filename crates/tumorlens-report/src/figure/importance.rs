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
    let most = texture
        .features
        .iter()
        .map(|f| f.importance)
        .fold(0.0, f64::max);
    if texture.features.iter().any(|f| !f.importance.is_finite()) {
        return Err(FigureError::new("importance", "a value is not finite"));
    }
    if most <= 0.0 {
        return Ok(None);
    }
    let mut canvas = Canvas::new(WIDTH, ROW * texture.features.len() as f64 + 6.0);
    let mut spoken = Vec::new();
    for (i, feature) in texture.features.iter().enumerate() {
        let top = ROW * i as f64;
        let value = number(feature.importance);
        canvas.text("row-name", (4.0, top + 15.0), Anchor::Start, &feature.name);
        canvas.text("row-value", (WIDTH - 4.0, top + 15.0), Anchor::End, &value);
        let length = (feature.importance.max(0.0) / most) * (WIDTH - 8.0);
        canvas.rect(
            &format!("bar {}", series(0)),
            (4.0, top + 20.0),
            (length.max(1.0), 8.0),
            None,
            &format!("{}: {value}", feature.name),
        );
        spoken.push(format!("{} {value}", feature.name));
    }
    Ok(Some(canvas.finish(
        "importance",
        &format!("Importance of features: {}.", spoken.join(", ")),
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
