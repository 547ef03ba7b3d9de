//! Reliability diagram: observed share of positive images against the probability that was stated, with the number of
//! images in each bin (DeGroot and Fienberg 1983).

use super::axes::{Axis, Plot};
use crate::number::{counted, measured, number};
use crate::report::evaluation::{Reliability, ReliabilityBin};
use crate::svg::{FigureError, Svg};

const FIGURE: &str = "reliability diagram";
/// Share of the plot's height that the tallest count bar takes.
const COUNT_HEIGHT: f64 = 0.22;

/// Draws bins with intervals, bins before calibration faintly, and counts as bars at the foot.
///
/// # Errors
/// When no bin holds an image, or a value is not finite or outside [0, 1].
pub fn reliability(reliability: &Reliability) -> Result<Svg, FigureError> {
    let most = reliability
        .bins
        .iter()
        .map(|bin| bin.count)
        .max()
        .unwrap_or(0);
    if most == 0 {
        return Err(FigureError::new(FIGURE, "no bin holds an image"));
    }
    let mut legend = vec![("s0", "calibrated".to_owned())];
    if !reliability.before.is_empty() {
        legend.push(("before", "before calibration".to_owned()));
    }
    let (x, y) = (
        Axis::unit("Mean probability of the bin"),
        Axis::unit("Observed share of positives"),
    );
    let mut plot = Plot::new(FIGURE, 330.0, &x, &y, &legend);
    for bin in &reliability.bins {
        count_bar(&mut plot, bin, most)?;
    }
    plot.line("chance", &[(0.0, 0.0), (1.0, 1.0)])?;
    plot.line("before", &places(&reliability.before))?;
    for bin in reliability.bins.iter().filter(|bin| bin.count > 0) {
        if let (Some(x), Some(interval)) = (bin.mean_probability.get(), bin.observed.interval()) {
            plot.whisker("whisker s0", x, interval.low, interval.high)?;
        }
    }
    plot.line("s0", &places(&reliability.bins))?;
    for bin in reliability.bins.iter().filter(|bin| bin.count > 0) {
        if let (Some(x), Some(y)) = (bin.mean_probability.get(), bin.observed.get()) {
            plot.circle("dot s0", (x, y), 4.0, &hint(bin))?;
        }
    }
    let spoken: Vec<_> = reliability
        .bins
        .iter()
        .filter(|bin| bin.count > 0)
        .map(hint)
        .collect();
    Ok(plot.finish(
        "reliability",
        &format!("Reliability diagram. {}.", spoken.join("; ")),
    ))
}

/// Mean probability and observed share of the bins that hold images.
fn places(bins: &[ReliabilityBin]) -> Vec<(f64, f64)> {
    bins.iter()
        .filter(|bin| bin.count > 0)
        .filter_map(|bin| Some((bin.mean_probability.get()?, bin.observed.get()?)))
        .collect()
}

fn count_bar(plot: &mut Plot, bin: &ReliabilityBin, most: u64) -> Result<(), FigureError> {
    let height = bin.count as f64 / most as f64 * COUNT_HEIGHT;
    let gap = (bin.high - bin.low) * 0.06;
    plot.band(
        "counts",
        &[(bin.low + gap, 0.0, height), (bin.high - gap, 0.0, height)],
    )
}

fn hint(bin: &ReliabilityBin) -> String {
    format!(
        "{} said {}, {} were positive",
        counted(bin.count, "image", "images"),
        bin.mean_probability
            .get()
            .map_or_else(|| "nothing".to_owned(), number),
        measured(&bin.observed)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Measured;

    fn bin(low: f64, count: u64, mean: f64, observed: Measured) -> ReliabilityBin {
        ReliabilityBin {
            low,
            high: low + 0.5,
            count,
            mean_probability: Measured::value(mean),
            observed,
        }
    }

    #[test]
    fn bins_stand_at_their_mean_and_empty_bins_are_not_drawn() {
        let empty = bin(0.5, 0, 0.75, Measured::undefined("empty bin"));
        let value = Reliability {
            bins: vec![bin(0.0, 4, 0.25, Measured::value(0.5)), empty],
            ..Default::default()
        };
        let svg = super::reliability(&value).unwrap().to_string();
        // x = 52 + 0.25 * 374, y = 362 - 0.5 * 330
        assert!(
            svg.contains("<circle class=\"dot s0\" cx=\"145.5\" cy=\"197\" r=\"4\">"),
            "{svg}"
        );
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("4 images said 0.250, 0.500 were positive"));
    }

    #[test]
    fn a_diagram_without_images_is_an_error() {
        assert!(super::reliability(&Reliability::default()).is_err());
    }
}
