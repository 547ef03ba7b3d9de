//! Plot area, grid and legend: what every chart with two axes shares.

mod axis;

use crate::svg::{Anchor, Canvas, FigureError, Svg, path_through};
pub(crate) use axis::Axis;

/// Width of every chart in its own units; at this width one unit is one CSS pixel.
pub(crate) const WIDTH: f64 = 440.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 46.0;
const TOP: f64 = 12.0;
const LEGEND_ROW: f64 = 20.0;
const LABEL_ROW: f64 = 15.0;
/// Mean width of a character at the legend's largest font size, that on a phone. Too wide an estimate only breaks a row
/// early.
const CHARACTER: f64 = 7.4;

/// One entry of a legend: CSS class of the line, or of a spot (`spot ...`), and text; `title` is a row of text alone.
pub(crate) type Legend<'a> = [(&'a str, String)];

/// A chart with two axes, grid and legend drawn, ready for marks.
pub(crate) struct Plot {
    figure: &'static str,
    canvas: Canvas,
    x: (f64, f64),
    y: (f64, f64),
    top: f64,
    bottom: f64,
    /// Texts beside marks: left end, right end, baseline.
    labels: Vec<(f64, f64, f64)>,
}

impl Plot {
    /// Draws frame, grid, ticks, titles and legend. `height` is that of the plot area.
    pub(crate) fn new(
        figure: &'static str,
        height: f64,
        x: &Axis<'_>,
        y: &Axis<'_>,
        legend: &Legend<'_>,
    ) -> Self {
        let places = legend_places(legend);
        let rows = places.last().map_or(0.0, |(row, _)| row + 1.0);
        let top = TOP + rows * LEGEND_ROW;
        let bottom = top + height;
        let canvas = Canvas::new(WIDTH, bottom + BOTTOM);
        let mut plot = Self {
            figure,
            canvas,
            x: (x.low, x.high),
            y: (y.low, y.high),
            top,
            bottom,
            labels: Vec::new(),
        };
        plot.draw_legend(legend, &places);
        for tick in &y.ticks {
            let (_, at) = plot.place(x.low, *tick);
            plot.canvas.line("grid", (LEFT, at), (WIDTH - RIGHT, at));
            plot.canvas
                .text("tick", (LEFT - 7.0, at + 4.0), Anchor::End, &y.label(*tick));
        }
        for tick in &x.ticks {
            let (at, _) = plot.place(*tick, y.low);
            plot.canvas
                .line("tickmark", (at, bottom), (at, bottom + 4.0));
            plot.canvas
                .text("tick", (at, bottom + 18.0), Anchor::Middle, &x.label(*tick));
        }
        plot.canvas
            .line("axis", (LEFT, bottom), (WIDTH - RIGHT, bottom));
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        plot.canvas.text(
            "axis-title",
            (middle, bottom + 38.0),
            Anchor::Middle,
            x.title,
        );
        plot.canvas
            .text_upwards("axis-title", (13.0, (top + bottom) / 2.0), y.title);
        plot
    }

    fn draw_legend(&mut self, legend: &Legend<'_>, places: &[(f64, f64)]) {
        for ((class, text), (row, x)) in legend.iter().zip(places) {
            let y = TOP + row * LEGEND_ROW + 4.0;
            if *class == "title" {
                self.canvas
                    .text("strong", (*x, y + 4.0), Anchor::Start, text);
                continue;
            }
            if class.starts_with("spot") {
                self.canvas.circle(class, (x + 14.0, y), 6.0, "");
            } else {
                self.canvas
                    .line(&format!("line {class}"), (*x, y), (x + 20.0, y));
            }
            self.canvas
                .text("legend", (x + 26.0, y + 4.0), Anchor::Start, text);
        }
    }

    /// Pixel position of a data point.
    pub(crate) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |value: f64, (low, high): (f64, f64)| (value - low) / (high - low);
        let across = LEFT + share(x, self.x) * (WIDTH - RIGHT - LEFT);
        let down = self.bottom - share(y, self.y) * (self.bottom - self.top);
        (across, down)
    }

    /// As [`Plot::place`], refusing points that are not on the plot.
    fn inside(&self, x: f64, y: f64) -> Result<(f64, f64), FigureError> {
        // A hair of tolerance: curves computed in floating point end at 1.0000000000000002.
        let within = |v: f64, (low, high): (f64, f64)| {
            let hair = (high - low) * 1e-9;
            v >= low - hair && v <= high + hair
        };
        if within(x, self.x) && within(y, self.y) {
            Ok(self.place(x, y))
        } else {
            Err(FigureError::new(
                self.figure,
                format!("the point ({x}, {y}) lies outside the axes"),
            ))
        }
    }

    /// A line through points, without those that lie on a straight horizontal or vertical run.
    pub(crate) fn line(&mut self, class: &str, points: &[(f64, f64)]) -> Result<(), FigureError> {
        let placed: Vec<_> = straight_runs_shortened(points)
            .map(|(x, y)| self.inside(x, y))
            .collect::<Result<_, _>>()?;
        self.canvas
            .path(&format!("line {class}"), &path_through(placed));
        Ok(())
    }

    /// The area between two lines over the same horizontal values: (x, low, high).
    pub(crate) fn band(
        &mut self,
        class: &str,
        band: &[(f64, f64, f64)],
    ) -> Result<(), FigureError> {
        let upper = band.iter().map(|(x, _, high)| (*x, *high));
        let lower = band.iter().rev().map(|(x, low, _)| (*x, *low));
        let placed: Vec<_> = upper
            .chain(lower)
            .map(|(x, y)| self.inside(x, y))
            .collect::<Result<_, _>>()?;
        if !placed.is_empty() {
            self.canvas.path(
                &format!("band {class}"),
                &format!("{}Z", path_through(placed)),
            );
        }
        Ok(())
    }

    /// A ring at a point, with a text beside it and a hint.
    pub(crate) fn mark(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        text: &str,
        hint: &str,
    ) -> Result<(), FigureError> {
        let (px, py) = self.inside(x, y)?;
        self.canvas
            .circle(&format!("mark {class}"), (px, py), 5.0, hint);
        if !text.is_empty() {
            self.label_beside(px, py, text);
        }
        Ok(())
    }

    /// Writes a text below and to the right of a point, or to the left where there is no room; lower still where
    /// another text already stands.
    fn label_beside(&mut self, px: f64, py: f64, text: &str) {
        let width = text.chars().count() as f64 * CHARACTER;
        let right = px + 9.0 + width < WIDTH;
        let left_end = if right { px + 9.0 } else { px - 9.0 - width };
        let mut baseline = py + 18.0;
        let taken = |(from, to, at): &(f64, f64, f64), y: f64| {
            *from < left_end + width && left_end < *to && (at - y).abs() < LABEL_ROW
        };
        while baseline < self.bottom - LABEL_ROW
            && self.labels.iter().any(|label| taken(label, baseline))
        {
            baseline += LABEL_ROW;
        }
        self.labels.push((left_end, left_end + width, baseline));
        let (at, anchor) = if right {
            (px + 9.0, Anchor::Start)
        } else {
            (px - 9.0, Anchor::End)
        };
        self.canvas.text("mark-label", (at, baseline), anchor, text);
    }

    /// A vertical line over the whole height at `x`, with its text at the top.
    pub(crate) fn upright(&mut self, class: &str, x: f64, text: &str) -> Result<(), FigureError> {
        let (px, top) = self.inside(x, self.y.1)?;
        self.canvas.line(class, (px, top), (px, self.bottom));
        let left_half = px < (LEFT + WIDTH) / 2.0;
        let (at, anchor) = if left_half {
            (px + 6.0, Anchor::Start)
        } else {
            (px - 6.0, Anchor::End)
        };
        self.canvas
            .text("mark-label", (at, top + 12.0), anchor, text);
        Ok(())
    }

    /// A whisker from `low` to `high` at `x`.
    pub(crate) fn whisker(
        &mut self,
        class: &str,
        x: f64,
        low: f64,
        high: f64,
    ) -> Result<(), FigureError> {
        let (from, to) = (self.inside(x, low)?, self.inside(x, high)?);
        self.canvas.line(class, from, to);
        Ok(())
    }

    /// A bar from `low` to `high` along x, standing on `base` and `height` tall. Neighbours are told apart by one
    /// unit of background.
    pub(crate) fn bar(
        &mut self,
        class: &str,
        (low, high): (f64, f64),
        (base, height): (f64, f64),
        hint: &str,
    ) -> Result<(), FigureError> {
        let (left, top) = self.inside(low, base + height)?;
        let (right, foot) = self.inside(high, base)?;
        self.canvas.rect(
            class,
            (left, top),
            (right - left - 1.0, foot - top),
            None,
            hint,
        );
        Ok(())
    }

    pub(crate) fn circle(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        radius: f64,
        hint: &str,
    ) -> Result<(), FigureError> {
        let at = self.inside(x, y)?;
        self.canvas.circle(class, at, radius, hint);
        Ok(())
    }

    /// Left, top, right and bottom of the plot area.
    pub(crate) fn area(&self) -> [f64; 4] {
        [LEFT, self.top, WIDTH - RIGHT, self.bottom]
    }

    /// A text above the end of a line between two points of the chart, turned as the line is. Gives the room it takes,
    /// generously: left, top, right, bottom.
    pub(crate) fn text_on(&mut self, from: (f64, f64), to: (f64, f64), text: &str) -> [f64; 4] {
        let (from, to) = (self.place(from.0, from.1), self.place(to.0, to.1));
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let length = across.hypot(down).max(1e-9);
        let (across, down) = (across / length, down / length);
        let width = text.chars().count() as f64 * CHARACTER;
        // Six units from the end, seven above the line.
        let end = (
            to.0 - 6.0 * across + 7.0 * down,
            to.1 - 6.0 * down - 7.0 * across,
        );
        self.canvas
            .text_turned("tick halo", end, down.atan2(across), text);
        let start = (end.0 - width * across, end.1 - width * down);
        [
            start.0.min(end.0) - 4.0,
            start.1.min(end.1) - 14.0,
            start.0.max(end.0) + 4.0,
            start.1.max(end.1) + 8.0,
        ]
    }

    /// A thin line from a mark to its text, in units of the figure.
    pub(crate) fn leader(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.canvas.line("leader", from, to);
    }

    /// A text at a place in units of the figure.
    pub(crate) fn label(&mut self, left: f64, baseline: f64, text: &str) {
        self.canvas
            .text("mark-label", (left, baseline), Anchor::Start, text);
    }

    pub(crate) fn finish(self, class: &str, label: &str) -> Svg {
        self.canvas.finish(class, label)
    }
}

/// Row and left end of each legend entry, broken into rows by estimated width.
fn legend_places(legend: &Legend<'_>) -> Vec<(f64, f64)> {
    let mut places = Vec::with_capacity(legend.len());
    let (mut row, mut x) = (0.0, LEFT);
    for (class, text) in legend {
        let width = 26.0 + text.chars().count() as f64 * CHARACTER + 16.0;
        if x > LEFT && x + width > WIDTH {
            row += 1.0;
            x = LEFT;
        }
        places.push((row, x));
        x += if *class == "title" { WIDTH } else { width };
    }
    places
}

/// Leaves out the middle of three points on one horizontal or vertical line: the drawing stays the same, and a ROC
/// curve of ten thousand images stays small.
fn straight_runs_shortened(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    points.iter().copied().enumerate().filter_map(|(i, here)| {
        let neighbours = i
            .checked_sub(1)
            .and_then(|before| Some((points.get(before)?, points.get(i + 1)?)));
        let redundant = neighbours.is_some_and(|(before, after)| {
            (before.0 == here.0 && here.0 == after.0) || (before.1 == here.1 && here.1 == after.1)
        });
        (!redundant).then_some(here)
    })
}

/// CSS class of the `i`-th series; there are seven, then they repeat.
pub(crate) fn series(i: usize) -> &'static str {
    ["s0", "s1", "s2", "s3", "s4", "s5", "s6"][i % 7]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_plot_places_its_corners_at_the_ends_of_the_axes() {
        let plot = Plot::new("test", 300.0, &Axis::unit("x"), &Axis::unit("y"), &[]);
        assert_eq!(plot.place(0.0, 0.0), (LEFT, TOP + 300.0));
        assert_eq!(plot.place(1.0, 1.0), (WIDTH - RIGHT, TOP));
        assert_eq!(
            plot.place(0.5, 0.5),
            ((LEFT + WIDTH - RIGHT) / 2.0, TOP + 150.0)
        );
    }

    #[test]
    fn a_point_off_the_axes_or_not_finite_is_an_error_that_names_the_figure() {
        let mut plot = Plot::new("ROC curve", 300.0, &Axis::unit("x"), &Axis::unit("y"), &[]);
        let error = plot.line("s0", &[(0.0, 0.0), (0.5, 1.2)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ROC curve: the point (0.5, 1.2) lies outside the axes"
        );
        assert!(plot.mark("s0", (f64::NAN, 0.5), "", "").is_err());
        assert!(
            plot.line("s0", &[(0.0, 0.0), (1.0, 1.0 + f64::EPSILON)])
                .is_ok()
        );
    }

    #[test]
    fn texts_of_marks_that_lie_close_together_stand_below_each_other() {
        let mut plot = Plot::new("test", 300.0, &Axis::unit("x"), &Axis::unit("y"), &[]);
        for name in ["one", "two", "three"] {
            plot.mark("s0", (0.25, 0.75), name, "").unwrap();
        }
        let baselines: Vec<f64> = plot.labels.iter().map(|label| label.2).collect();
        assert_eq!(baselines, [105.0, 120.0, 135.0]);
    }

    #[test]
    fn straight_runs_lose_their_middle_and_keep_their_corners() {
        let points = [
            (0.0, 0.0),
            (0.0, 0.2),
            (0.0, 0.4),
            (0.3, 0.4),
            (0.6, 0.4),
            (1.0, 1.0),
        ];
        let kept: Vec<_> = straight_runs_shortened(&points).collect();
        assert_eq!(kept, [(0.0, 0.0), (0.0, 0.4), (0.6, 0.4), (1.0, 1.0)]);
    }
}
