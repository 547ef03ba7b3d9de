//! Receiver operating characteristic, with confidence band and operating points.

use super::axes::{Axis, Plot, series};
use crate::number::{measured, number};
use crate::report::evaluation::RocCurve;
use crate::svg::{FigureError, Svg};

const FIGURE: &str = "ROC curve";

/// Draws one curve, or one a class.
///
/// # Errors
/// When there is no curve, or a point is not finite or outside [0, 1].
pub fn roc(curves: &[RocCurve]) -> Result<Svg, FigureError> {
    if curves.is_empty() {
        return Err(FigureError::new(FIGURE, "no curves"));
    }
    let legend: Vec<_> = curves
        .iter()
        .enumerate()
        .map(|(i, curve)| {
            (
                series(i),
                format!("{}: {}", curve.name, measured(&curve.auroc)),
            )
        })
        .collect();
    let (x, y) = (
        Axis::unit("False positive rate (1 - specificity)"),
        Axis::unit("Sensitivity"),
    );
    let mut plot = Plot::new(FIGURE, 330.0, &x, &y, &legend);
    plot.line("chance", &[(0.0, 0.0), (1.0, 1.0)])?;
    for (i, curve) in curves.iter().enumerate() {
        plot.band(series(i), &curve.band)?;
    }
    for (i, curve) in curves.iter().enumerate() {
        plot.line(series(i), &curve.points)?;
    }
    for (i, curve) in curves.iter().enumerate() {
        for mark in &curve.marks {
            let hint = format!(
                "{}: sensitivity {}, false positive rate {}",
                mark.name,
                number(mark.y),
                number(mark.x)
            );
            plot.mark(series(i), (mark.x, mark.y), &mark.name, &hint)?;
        }
    }
    Ok(plot.finish("roc", &spoken(curves)))
}

fn spoken(curves: &[RocCurve]) -> String {
    let curves: Vec<_> = curves
        .iter()
        .map(|curve| {
            let marks: Vec<_> = curve
                .marks
                .iter()
                .map(|m| {
                    format!(
                        "; at {} sensitivity {}, false positive rate {}",
                        m.name,
                        number(m.y),
                        number(m.x)
                    )
                })
                .collect();
            format!(
                "{}, area {}{}",
                curve.name,
                measured(&curve.auroc),
                marks.concat()
            )
        })
        .collect();
    format!("ROC curve. {}.", curves.join(". "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::evaluation::Mark;
    use tumorlens_core::Measured;

    fn curve() -> RocCurve {
        RocCurve {
            name: "model".into(),
            points: vec![(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (1.0, 1.0)],
            band: vec![(0.0, 0.0, 0.6), (1.0, 0.9, 1.0)],
            auroc: Measured::value(0.625),
            marks: vec![Mark {
                name: "Youden".into(),
                x: 0.0,
                y: 0.5,
            }],
        }
    }

    #[test]
    fn points_are_mapped_where_they_must_be() {
        // One legend row: the plot area is x 52..426, y 32..362; (0.5, 0.5) is its centre.
        let svg = roc(&[curve()]).unwrap().to_string();
        assert!(
            svg.contains("<path class=\"line s0\" d=\"M52,362L52,197L239,197L426,32\"/>"),
            "{svg}"
        );
        assert!(svg.contains("<path class=\"line chance\" d=\"M52,362L426,32\"/>"));
        assert!(svg.contains("<path class=\"band s0\" d=\"M52,164L426,32L426,65L52,362Z\"/>"));
        assert!(svg.contains("<circle class=\"mark s0\" cx=\"52\" cy=\"197\" r=\"5\"><title>Youden: sensitivity 0.500"));
        assert!(
            svg.contains("aria-label=\"ROC curve. model, area 0.625; at Youden sensitivity 0.500")
        );
    }

    #[test]
    fn an_undefined_area_is_said_with_its_reason() {
        let curve = RocCurve {
            auroc: Measured::undefined("no positive image"),
            ..curve()
        };
        assert!(
            roc(&[curve])
                .unwrap()
                .to_string()
                .contains("undefined: no positive image")
        );
    }

    #[test]
    fn no_curve_or_a_curve_outside_the_unit_square_is_an_error() {
        assert!(roc(&[]).is_err());
        let outside = RocCurve {
            points: vec![(0.0, 0.0), (1.0, f64::NAN)],
            ..curve()
        };
        assert!(roc(&[outside]).is_err());
    }
}
