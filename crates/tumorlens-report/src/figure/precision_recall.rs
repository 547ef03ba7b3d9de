//! Precision against recall. Drawn in steps, because precision does not change linearly between two thresholds
//! (Davis and Goadrich 2006); the area under the steps is the average precision.

use super::axes::{Axis, Plot, series};
use crate::number::{measured, number};
use crate::report::evaluation::PrecisionRecallCurve;
use crate::svg::{FigureError, Svg};

const FIGURE: &str = "precision-recall curve";

/// Draws one curve, or one a class, with what guessing reaches.
///
/// # Errors
/// When there is no curve, or a point is not finite or outside [0, 1].
pub fn precision_recall(curves: &[PrecisionRecallCurve]) -> Result<Svg, FigureError> {
    if curves.is_empty() {
        return Err(FigureError::new(FIGURE, "no curves"));
    }
    let legend: Vec<_> = curves
        .iter()
        .enumerate()
        .map(|(i, curve)| {
            (
                series(i),
                format!("{}: {}", curve.name, measured(&curve.auprc)),
            )
        })
        .collect();
    let (x, y) = (
        Axis::unit("Recall (sensitivity)"),
        Axis::unit("Precision (PPV)"),
    );
    let mut plot = Plot::new(FIGURE, 330.0, &x, &y, &legend);
    for (i, curve) in curves.iter().enumerate() {
        plot.line(
            "chance",
            &[(0.0, curve.prevalence), (1.0, curve.prevalence)],
        )?;
        plot.line(series(i), &steps(&curve.points))?;
        for mark in &curve.marks {
            let hint = format!(
                "{}: recall {}, precision {}",
                mark.name,
                number(mark.x),
                number(mark.y)
            );
            plot.mark(series(i), (mark.x, mark.y), &mark.name, &hint)?;
        }
    }
    let spoken: Vec<_> = curves
        .iter()
        .map(|c| {
            format!(
                "{}, area {}, guessing reaches {}",
                c.name,
                measured(&c.auprc),
                number(c.prevalence)
            )
        })
        .collect();
    Ok(plot.finish(
        "precision-recall",
        &format!("Precision-recall curve. {}.", spoken.join(". ")),
    ))
}

/// From each point first to the precision of the next one, then across to it.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out = Vec::with_capacity(points.len() * 2);
    for (i, (recall, precision)) in points.iter().enumerate() {
        if let Some((before, _)) = i.checked_sub(1).and_then(|b| points.get(b)) {
            out.push((*before, *precision));
        }
        out.push((*recall, *precision));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Measured;

    #[test]
    fn the_area_under_the_steps_is_the_average_precision() {
        // Average precision of these points by its definition, sum of (recall gain) x precision: 0.5*1 + 0.5*0.8 = 0.9.
        let steps = steps(&[(0.0, 1.0), (0.5, 1.0), (1.0, 0.8)]);
        let area: f64 = steps.windows(2).map(|w| (w[1].0 - w[0].0) * w[1].1).sum();
        assert!((area - 0.9).abs() < 1e-12);
        assert_eq!(
            steps,
            [(0.0, 1.0), (0.0, 1.0), (0.5, 1.0), (0.5, 0.8), (1.0, 0.8)]
        );
    }

    #[test]
    fn guessing_is_drawn_at_the_prevalence() {
        let curve = PrecisionRecallCurve {
            name: "model".into(),
            points: vec![(0.0, 1.0), (1.0, 0.5)],
            auprc: Measured::value(0.5),
            prevalence: 0.5,
            marks: vec![],
        };
        let svg = precision_recall(&[curve]).unwrap().to_string();
        assert!(
            svg.contains("<path class=\"line chance\" d=\"M52,197L426,197\"/>"),
            "{svg}"
        );
    }
}
