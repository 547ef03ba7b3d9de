//! Lines over a common axis: losses by epoch, scores by share of pixels deleted.

use super::axes::{Axis, Plot, series};
use crate::number::number;
use crate::report::explanation::NamedCurve;
use crate::report::training::{Epoch, Training};
use crate::svg::{FigureError, Svg};

/// Height of the plot area.
const HEIGHT: f64 = 200.0;
const LEARNING_RATE: &str = "learning rate by epoch";

/// The training charts that there is data for.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct TrainingCharts {
    /// Loss on training and validation.
    pub loss: Option<Svg>,
    /// AUROC on validation.
    pub auroc: Option<Svg>,
    /// Learning rate.
    pub learning_rate: Option<Svg>,
}

/// Draws losses, validation AUROC and learning rate by epoch; the kept epoch is marked.
///
/// # Errors
/// When a value is not finite or epochs are not ascending.
pub fn training_charts(training: &Training) -> Result<TrainingCharts, FigureError> {
    let ascending = training
        .epochs
        .windows(2)
        .all(|pair| pair[0].epoch < pair[1].epoch);
    if !ascending {
        return Err(FigureError::new(
            "training curves",
            "epochs are not in ascending order",
        ));
    }
    let curve = |name: &str, value: fn(&Epoch) -> Option<f64>| NamedCurve {
        name: name.to_owned(),
        points: training
            .epochs
            .iter()
            .filter_map(|e| Some((e.epoch as f64, value(e)?)))
            .collect(),
    };
    let losses = [
        curve("training", |e| e.train_loss),
        curve("validation", |e| e.validation_loss),
    ];
    let auroc = [curve("validation", |e| e.validation_auroc)];
    let rate = [curve("learning rate", |e| e.learning_rate)];
    Ok(TrainingCharts {
        loss: by_epoch("loss by epoch", "Loss", &losses, training)?,
        auroc: by_epoch("validation AUROC by epoch", "AUROC", &auroc, training)?,
        learning_rate: by_epoch(LEARNING_RATE, "Learning rate", &rate, training)?,
    })
}

fn by_epoch(
    figure: &'static str,
    title: &str,
    curves: &[NamedCurve],
    training: &Training,
) -> Result<Option<Svg>, FigureError> {
    let drawn: Vec<_> = curves
        .iter()
        .filter(|curve| !curve.points.is_empty())
        .collect();
    let (Some(first), Some(last)) = (training.epochs.first(), training.epochs.last()) else {
        return Ok(None);
    };
    if drawn.is_empty() {
        return Ok(None);
    }
    let x = Axis::whole("Epoch", first.epoch, last.epoch);
    // The heading of the figure names this axis; a title beside wide tick labels would run into them.
    let y = Axis::around(
        figure,
        "",
        drawn.iter().flat_map(|c| c.points.iter().map(|p| p.1)),
    )?;
    let legend: Vec<_> = match drawn.as_slice() {
        [_] => Vec::new(),
        several => several
            .iter()
            .enumerate()
            .map(|(i, c)| (series(i), c.name.clone()))
            .collect(),
    };
    let mut plot = Plot::new(figure, HEIGHT, &x, &y, &legend);
    if let Some(chosen) = training.chosen_epoch {
        plot.upright("chosen", chosen as f64, &kept(figure, chosen))?;
    }
    for (i, curve) in drawn.iter().enumerate() {
        plot.line(series(i), &curve.points)?;
        // A line through one point draws nothing.
        if let [only] = curve.points.as_slice() {
            plot.circle(&format!("dot {}", series(i)), *only, 4.0, "")?;
        }
    }
    let ends: Vec<_> = drawn
        .iter()
        .filter_map(|c| {
            Some(format!(
                "{} from {} to {}",
                c.name,
                number(c.points.first()?.1),
                number(c.points.last()?.1)
            ))
        })
        .collect();
    Ok(Some(plot.finish(
        "curve",
        &format!("{title} by epoch: {}.", ends.join(", ")),
    )))
}

/// The text beside the kept epoch; the learning rate's own line would run through it.
fn kept(figure: &str, chosen: u64) -> String {
    if figure == LEARNING_RATE {
        String::new()
    } else {
        format!("kept: epoch {chosen}")
    }
}

/// Draws scores against a share of pixels, both 0 to 1: deletion and insertion curves.
///
/// # Errors
/// When there is no curve, or a point is not finite or outside [0, 1].
pub fn share_curves(title: &str, x_title: &str, curves: &[NamedCurve]) -> Result<Svg, FigureError> {
    const FIGURE: &str = "deletion and insertion curves";
    if curves.iter().all(|curve| curve.points.is_empty()) {
        return Err(FigureError::new(FIGURE, "no points"));
    }
    let legend: Vec<_> = curves
        .iter()
        .enumerate()
        .map(|(i, c)| (series(i), c.name.clone()))
        .collect();
    let mut plot = Plot::new(
        FIGURE,
        240.0,
        &Axis::unit(x_title),
        &Axis::unit("Mean score"),
        &legend,
    );
    for (i, curve) in curves.iter().enumerate() {
        plot.line(series(i), &curve.points)?;
    }
    let names: Vec<_> = curves.iter().map(|c| c.name.as_str()).collect();
    Ok(plot.finish(
        "curve",
        &format!(
            "{title}: mean score by share of pixels, for {}.",
            names.join(", ")
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: u64, loss: f64) -> Epoch {
        Epoch {
            epoch,
            train_loss: Some(loss),
            ..Epoch::default()
        }
    }

    #[test]
    fn what_was_not_measured_is_not_drawn_and_the_kept_epoch_is() {
        let epochs = vec![epoch(1, 0.8), epoch(2, 0.4), epoch(3, 0.0)];
        let charts = training_charts(&Training {
            epochs,
            chosen_epoch: Some(2),
            ..Training::default()
        })
        .unwrap();
        let svg = charts.loss.unwrap().to_string();
        // One series needs no legend: the plot area is x 52..426, y 12..212.
        assert!(
            svg.contains("<path class=\"line s0\" d=\"M52,12L239,112L426,212\"/>"),
            "{svg}"
        );
        assert!(svg.contains("kept: epoch 2"));
        assert_eq!(charts.auroc, None);
        assert_eq!(charts.learning_rate, None);
    }

    #[test]
    fn a_run_of_one_epoch_or_none_can_be_drawn() {
        let one = Training {
            epochs: vec![epoch(1, 0.5)],
            ..Training::default()
        };
        assert!(
            training_charts(&one)
                .unwrap()
                .loss
                .unwrap()
                .as_str()
                .contains("<circle")
        );
        assert_eq!(
            training_charts(&Training::default()).unwrap(),
            TrainingCharts::default()
        );
    }

    #[test]
    fn a_loss_that_is_not_a_number_is_an_error() {
        let bad = Training {
            epochs: vec![epoch(1, f64::NAN)],
            ..Training::default()
        };
        assert_eq!(
            training_charts(&bad).unwrap_err().to_string(),
            "loss by epoch: a value is not a finite number"
        );
        let twice = Training {
            epochs: vec![epoch(1, 0.1), epoch(1, 0.2)],
            ..Training::default()
        };
        assert!(training_charts(&twice).is_err());
    }
}
