//! One axis: its range and its ticks at round numbers.

use crate::number::decimals;
use crate::svg::FigureError;

/// One axis: title, range and how a tick is written.
#[derive(Clone)]
pub(crate) struct Axis<'a> {
    pub(super) title: &'a str,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<f64>,
    scientific: bool,
    /// Whether its numbers are decimal logarithms of what is written.
    logarithmic: bool,
}

impl<'a> Axis<'a> {
    /// From 0 to 1 with a tick every 0.2.
    pub(crate) fn unit(title: &'a str) -> Self {
        let ticks = (0..=5).map(|i| f64::from(i) / 5.0).collect();
        Self {
            title,
            low: 0.0,
            high: 1.0,
            ticks,
            scientific: false,
            logarithmic: false,
        }
    }

    /// Around the values, ends moved outwards to a round number.
    ///
    /// # Errors
    /// When there is no value or one is not finite.
    pub(crate) fn around(
        figure: &'static str,
        title: &'a str,
        values: impl IntoIterator<Item = f64>,
    ) -> Result<Self, FigureError> {
        let (low, high) = range(figure, values)?;
        let step = nice_step((high - low) / 4.0);
        let first = (low / step).floor();
        let count = ((high / step).ceil() - first).max(1.0) as usize;
        let ticks: Vec<f64> = (0..=count).map(|i| (first + i as f64) * step).collect();
        let (low, high) = (first * step, (first + count as f64) * step);
        let scientific = high.abs().max(low.abs()) < 0.01;
        Ok(Self {
            title,
            low,
            high,
            ticks,
            scientific,
            logarithmic: false,
        })
    }

    /// Exactly from the first to the last number, with ticks at round whole numbers between: epochs.
    pub(crate) fn whole(title: &'a str, first: u64, last: u64) -> Self {
        let span = last.saturating_sub(first).max(1);
        let step = nice_step(span as f64 / 5.0).max(1.0).ceil() as u64;
        let ticks = (first..=first.saturating_add(span))
            .filter(|n| n.is_multiple_of(step))
            .map(|n| n as f64)
            .collect();
        Self {
            title,
            low: first as f64,
            high: (first + span) as f64,
            ticks,
            scientific: false,
            logarithmic: false,
        }
    }

    /// One unit high rows, without ticks: the numbers are in the hints.
    pub(crate) fn rows(title: &'a str, rows: f64) -> Self {
        Self {
            title,
            low: 0.0,
            high: rows,
            ticks: Vec::new(),
            scientific: false,
            logarithmic: false,
        }
    }

    /// Around the values on a logarithmic scale, with a tick at each power of ten. Its numbers are logarithms: a point
    /// stands at `value.log10()`. Ends are moved outwards to 1, 2 or 5 times a power of ten.
    ///
    /// # Errors
    /// When there is no value or one is not a finite number above 0.
    pub(crate) fn powers(
        figure: &'static str,
        title: &'a str,
        values: impl IntoIterator<Item = f64>,
    ) -> Result<Self, FigureError> {
        let (low, high) = range(figure, values.into_iter().map(f64::log10))?;
        // A hair of room, so that no mark stands on the edge.
        let ends = [low - 0.05, high + 0.05].map(|end| 10f64.powf(end));
        let outwards = [1.0 / nice_step(1.0 / ends[0]), nice_step(ends[1])].map(f64::log10);
        let [low, high] = outwards;
        let ticks = (low.ceil() as i32..=high.floor() as i32).map(f64::from);
        Ok(Self {
            title,
            low,
            high,
            ticks: ticks.collect(),
            scientific: false,
            logarithmic: true,
        })
    }

    /// Where it begins and ends.
    pub(crate) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// A tick as text, with no more decimals than the ticks need.
    pub(super) fn label(&self, tick: f64) -> String {
        if self.logarithmic {
            return decimals(10f64.powf(tick), (-tick).max(0.0) as usize);
        }
        if tick == 0.0 {
            return "0".to_owned();
        }
        if self.scientific {
            return format!("{tick:.1e}");
        }
        let gap = match self.ticks.as_slice() {
            [a, b, ..] => (b - a).abs(),
            _ => 1.0,
        };
        let whole = |digits: &usize| {
            let scaled = gap * 10f64.powi(*digits as i32);
            (scaled - scaled.round()).abs() < 1e-6
        };
        decimals(tick, (0..5).find(whole).unwrap_or(5))
    }
}

/// Smallest and largest of some values, which must be finite; widened when they are the same.
fn range(
    figure: &'static str,
    values: impl IntoIterator<Item = f64>,
) -> Result<(f64, f64), FigureError> {
    let mut ends: Option<(f64, f64)> = None;
    for value in values {
        if !value.is_finite() {
            return Err(FigureError::new(figure, "a value is not a finite number"));
        }
        ends = Some(ends.map_or((value, value), |(low, high)| {
            (low.min(value), high.max(value))
        }));
    }
    let (low, high) = ends.ok_or_else(|| FigureError::new(figure, "no values"))?;
    let margin = if high > low {
        0.0
    } else {
        low.abs().max(1e-6) * 0.1
    };
    Ok((low - margin, high + margin))
}

/// The round number (1, 2 or 5 times a power of ten) nearest above a step.
///
/// After Heckbert, "Nice numbers for graph labels", Graphics Gems (1990).
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|n| n * power)
        .find(|n| *n >= step * 0.999_999)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round_and_written_without_noise() {
        let axis = Axis::around("loss", "loss", [0.13, 0.69]).unwrap();
        let labels: Vec<_> = axis.ticks.iter().map(|t| axis.label(*t)).collect();
        assert_eq!(labels, ["0", "0.2", "0.4", "0.6", "0.8"]);
        let rate = Axis::around("rate", "rate", [0.0, 0.001]).unwrap();
        assert_eq!(rate.label(rate.ticks[1]), "5.0e-4");
        let auroc = Axis::around("auroc", "auroc", [0.71, 0.97]).unwrap();
        assert_eq!(auroc.label(auroc.ticks[1]), "0.8");
        let epochs = Axis::whole("epoch", 1, 40);
        assert_eq!(epochs.ticks, [10.0, 20.0, 30.0, 40.0]);
    }

    #[test]
    fn an_axis_around_nothing_or_around_infinity_is_an_error() {
        assert!(Axis::around("loss", "loss", [1.0, f64::INFINITY]).is_err());
        assert!(Axis::around("loss", "loss", []).is_err());
    }

    #[test]
    fn an_axis_of_powers_has_a_tick_at_each_and_takes_nothing_below_one_of_them() {
        let axis = Axis::powers("test", "x", [0.3, 140.0]).unwrap();
        let labels: Vec<_> = axis.ticks.iter().map(|t| axis.label(*t)).collect();
        assert_eq!(labels, ["1", "10", "100"]);
        assert!((axis.low - 0.2f64.log10()).abs() < 1e-9);
        assert!((axis.high - 200f64.log10()).abs() < 1e-9);
        let small = Axis::powers("test", "x", [0.01, 0.5]).unwrap();
        assert_eq!(small.label(-2.0), "0.01");
        assert!(Axis::powers("test", "x", [0.0, 1.0]).is_err());
        assert!(Axis::powers("test", "x", [-1.0, 1.0]).is_err());
    }

    proptest! {
        #[test]
        fn an_axis_holds_every_value_it_was_made_around(values in prop::collection::vec(-1e6f64..1e6, 1..20)) {
            let axis = Axis::around("test", "x", values.clone()).unwrap();
            prop_assert!(values.iter().all(|v| *v >= axis.low && *v <= axis.high));
            prop_assert!((2..=8).contains(&axis.ticks.len()));
        }
    }
}
