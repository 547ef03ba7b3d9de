//! Scores by class: one row of bars a class over a common axis, so that overlap is seen without mixing colours.

use super::axes::{Axis, Plot, series};
use crate::number::{count, counted, number};
use crate::report::evaluation::ScoreHistogram;
use crate::svg::{FigureError, Svg};

const FIGURE: &str = "score histogram";

/// Draws the histogram of each class; heights are shares of the class, so that a rare class can be read too.
///
/// # Errors
/// When edges are not ascending within [0, 1] or a class has another number of bins.
pub fn score_histogram(histogram: &ScoreHistogram) -> Result<Svg, FigureError> {
    check(histogram)?;
    let rows = histogram.classes.len() as f64;
    let tallest = histogram
        .classes
        .iter()
        .flat_map(|class| {
            let all = class.counts.iter().sum::<u64>().max(1) as f64;
            class.counts.iter().map(move |n| *n as f64 / all)
        })
        .fold(0.0, f64::max)
        .max(1e-9);
    let legend: Vec<_> = histogram
        .classes
        .iter()
        .enumerate()
        .map(|(i, class)| {
            (
                series(i),
                format!("{} ({})", class.name, count(class.counts.iter().sum())),
            )
        })
        .collect();
    let y = Axis::rows("Share of the class", rows);
    let mut plot = Plot::new(
        FIGURE,
        110.0 * rows.min(4.0),
        &Axis::unit("Probability of the positive class"),
        &y,
        &legend,
    );
    for (i, class) in histogram.classes.iter().enumerate() {
        let base = rows - 1.0 - i as f64;
        let all = class.counts.iter().sum::<u64>().max(1) as f64;
        for (edges, n) in histogram
            .edges
            .windows(2)
            .zip(&class.counts)
            .filter(|(_, n)| **n > 0)
        {
            let hint = format!(
                "{}: {} from {} to {}",
                class.name,
                counted(*n, "image", "images"),
                number(edges[0]),
                number(edges[1])
            );
            // 0.86 leaves air between the rows.
            let height = *n as f64 / all / tallest * 0.86;
            plot.bar(
                &format!("bar {}", series(i)),
                (edges[0], edges[1]),
                (base, height),
                &hint,
            )?;
        }
    }
    if let Some(threshold) = histogram.threshold {
        plot.upright(
            "threshold",
            threshold,
            &format!("threshold {}", number(threshold)),
        )?;
    }
    let names: Vec<_> = legend.iter().map(|(_, name)| name.as_str()).collect();
    Ok(plot.finish(
        "histogram",
        &format!(
            "Histogram of the probability, by true class: {}.",
            names.join(", ")
        ),
    ))
}

fn check(histogram: &ScoreHistogram) -> Result<(), FigureError> {
    let error = |reason: String| Err(FigureError::new(FIGURE, reason));
    if histogram.classes.is_empty() || histogram.edges.len() < 2 {
        return error("no bins".to_owned());
    }
    if !histogram.edges.windows(2).all(|pair| pair[0] < pair[1]) {
        return error("bin edges are not ascending".to_owned());
    }
    let bins = histogram.edges.len() - 1;
    match histogram
        .classes
        .iter()
        .find(|class| class.counts.len() != bins)
    {
        Some(class) => error(format!(
            "class '{}' has {} counts for {bins} bins",
            class.name,
            class.counts.len()
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::evaluation::ClassCounts;

    fn histogram() -> ScoreHistogram {
        ScoreHistogram {
            edges: vec![0.0, 0.5, 1.0],
            classes: vec![
                ClassCounts {
                    name: "no_tumor".into(),
                    counts: vec![3, 1],
                },
                ClassCounts {
                    name: "tumor".into(),
                    counts: vec![0, 8],
                },
            ],
            threshold: Some(0.4),
        }
    }

    #[test]
    fn heights_are_shares_of_the_class() {
        let svg = score_histogram(&histogram()).unwrap().to_string();
        // Rows are 110 high. no_tumor: 3 of 4 against the tallest 8 of 8: 0.75 * 0.86 * 110 = 70.95.
        assert!(
            svg.contains(
                "width=\"186\" height=\"70.9\"><title>no_tumor: 3 images from 0.000 to 0.500"
            ),
            "{svg}"
        );
        assert!(
            svg.contains("height=\"94.6\"><title>tumor: 8 images"),
            "{svg}"
        );
        assert!(svg.contains("threshold 0.400"));
    }

    #[test]
    fn counts_that_do_not_fit_the_bins_are_an_error() {
        let mut short = histogram();
        short.classes[1].counts.pop();
        assert_eq!(
            score_histogram(&short).unwrap_err().to_string(),
            "score histogram: class 'tumor' has 1 counts for 2 bins"
        );
        let descending = ScoreHistogram {
            edges: vec![0.0, 1.0, 0.5],
            ..histogram()
        };
        assert!(score_histogram(&descending).is_err());
        assert!(score_histogram(&ScoreHistogram::default()).is_err());
    }

    #[test]
    fn an_empty_class_is_drawn_without_bars() {
        let mut empty = histogram();
        empty.classes[0].counts = vec![0, 0];
        assert!(
            score_histogram(&empty)
                .unwrap()
                .as_str()
                .contains("no_tumor (0)")
        );
    }
}
