//! The small bar below a key figure: the interval on a track from 0 to 1.

use crate::svg::{Canvas, Svg};
use tumorlens_core::Measured;

const WIDTH: f64 = 200.0;

/// Draws the interval and the value; `None` when there is no interval or it does not lie in [0, 1].
#[must_use]
pub fn interval_bar(measured: &Measured) -> Option<Svg> {
    let (value, interval) = (measured.get()?, measured.interval()?);
    let unit = 0.0..=1.0;
    if ![value, interval.low, interval.high]
        .iter()
        .all(|v| unit.contains(v))
    {
        return None;
    }
    let across = |v: f64| 5.0 + v * (WIDTH - 10.0);
    let mut canvas = Canvas::new(WIDTH, 12.0);
    canvas.line("track", (across(0.0), 6.0), (across(1.0), 6.0));
    canvas.line(
        "whisker s0",
        (across(interval.low), 6.0),
        (across(interval.high), 6.0),
    );
    canvas.circle("dot s0", (across(value), 6.0), 4.5, "");
    Some(canvas.finish(
        "interval-bar",
        &format!(
            "{} on a scale from 0 to 1",
            crate::number::measured(measured)
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::{Interval, measured::IntervalMethod};

    #[test]
    fn only_a_figure_with_an_interval_from_zero_to_one_has_a_bar() {
        let with = |low, high| Interval {
            low,
            high,
            level: 0.95,
            method: IntervalMethod::GroupBootstrap,
        };
        let svg = interval_bar(&Measured::with_interval(0.5, with(0.0, 1.0)))
            .unwrap()
            .to_string();
        assert!(svg.contains("cx=\"100\""));
        assert_eq!(interval_bar(&Measured::value(0.5)), None);
        assert_eq!(interval_bar(&Measured::undefined("no images")), None);
        assert_eq!(
            interval_bar(&Measured::with_interval(0.2, with(-0.1, 0.5))),
            None
        );
    }
}
