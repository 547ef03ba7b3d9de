//! A small writer of inline SVG: every string is escaped, every coordinate has one decimal.
//!
//! Colours are not written here. Marks carry CSS classes and the page's style sheet gives them colours, so that
//! one figure works on a light screen, a dark screen and on paper.

use crate::number::decimals;
use crate::render::style_of_figures;
use serde::{Serialize, Serializer};
use std::fmt;

/// A finished figure: one `<svg>` element, safe to be put into an HTML page as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg(String);

impl Svg {
    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Width in CSS pixels of a figure that stands by itself, where nothing else gives one.
const ALONE: &str = "880";

impl Svg {
    /// The figure as a file of its own, with its colours for light and dark screens and its background.
    #[must_use]
    pub fn alone(&self) -> String {
        let (open, body) = self.0.split_once('>').unwrap_or(("<svg", ""));
        let attributes = open.strip_prefix("<svg").unwrap_or_default();
        let style = style_of_figures();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{ALONE}\"{attributes}>\n<style>\n{style}</style>\n\
             <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n{body}\n"
        )
    }
}

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Serialises as minijinja's safe string, so that the template does not escape the markup a second time.
impl Serialize for Svg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        minijinja::Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

/// A figure cannot be drawn from these values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{figure}: {reason}")]
pub struct FigureError {
    /// Which figure.
    pub figure: &'static str,
    /// What is wrong with its values.
    pub reason: String,
}

impl FigureError {
    pub(crate) fn new(figure: &'static str, reason: impl Into<String>) -> Self {
        Self {
            figure,
            reason: reason.into(),
        }
    }
}

/// Escapes text for XML content and for attribute values in double quotes. Control characters, which XML does not
/// allow, become the replacement character.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate with at most one decimal. A tenth of a unit is below what a screen shows.
pub(crate) fn coordinate(value: f64) -> String {
    let text = decimals(value, 1);
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Where a text's point lies.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Points as a path `M..L..`, consecutive duplicates (after rounding) left out.
pub(crate) fn path_through(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    let mut last = String::new();
    for (x, y) in points {
        let point = format!("{},{}", coordinate(x), coordinate(y));
        if point != last {
            path.push(if path.is_empty() { 'M' } else { 'L' });
            path.push_str(&point);
            last = point;
        }
    }
    path
}

/// An open figure, origin at the top left, units of one CSS pixel at full width.
pub(crate) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            self.body.push_str(part);
        }
    }

    pub(crate) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(coordinate);
        let attributes = format!("x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"");
        self.push(&["<line class=\"", class, "\" ", &attributes, "/>"]);
    }

    pub(crate) fn path(&mut self, class: &str, d: &str) {
        self.push(&["<path class=\"", class, "\" d=\"", d, "\"/>"]);
    }

    /// A circle; `hint` is shown when the pointer rests on it.
    pub(crate) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64, hint: &str) {
        let [x, y, r] = [x, y, radius].map(coordinate);
        let attributes = format!("cx=\"{x}\" cy=\"{y}\" r=\"{r}\"");
        self.push(&[
            "<circle class=\"",
            class,
            "\" ",
            &attributes,
            ">",
            &title(hint),
            "</circle>",
        ]);
    }

    /// A rectangle from its top left corner; `hint` as for [`Canvas::circle`]; `opacity` where the value is the shade.
    pub(crate) fn rect(
        &mut self,
        class: &str,
        at: (f64, f64),
        size: (f64, f64),
        opacity: Option<f64>,
        hint: &str,
    ) {
        let [x, y, w, h] = [at.0, at.1, size.0.max(0.0), size.1.max(0.0)].map(coordinate);
        let shade = opacity.map_or_else(String::new, |o| {
            format!(" fill-opacity=\"{}\"", decimals(o, 2))
        });
        let attributes = format!("x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{shade}");
        self.push(&[
            "<rect class=\"",
            class,
            "\" ",
            &attributes,
            ">",
            &title(hint),
            "</rect>",
        ]);
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        self.push(&[
            "<text class=\"",
            class,
            "\" ",
            &placed(x, y, anchor),
            ">",
            &escape(text),
            "</text>",
        ]);
    }

    /// Text that reads upwards, for the title of a vertical axis.
    pub(crate) fn text_upwards(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let turn = format!(
            " transform=\"rotate(-90 {} {})\"",
            coordinate(x),
            coordinate(y)
        );
        self.push(&[
            "<text class=\"",
            class,
            "\" ",
            &placed(x, y, Anchor::Middle),
            &turn,
            ">",
            &escape(text),
        ]);
        self.push(&["</text>"]);
    }

    /// Text that ends at a point and is turned about it, by so many radians clockwise.
    pub(crate) fn text_turned(&mut self, class: &str, (x, y): (f64, f64), angle: f64, text: &str) {
        let [at_x, at_y, degrees] = [x, y, angle.to_degrees()].map(coordinate);
        let turn = format!(" transform=\"rotate({degrees} {at_x} {at_y})\"");
        let place = placed(x, y, Anchor::End);
        self.push(&["<text class=\"", class, "\" ", &place, &turn, ">"]);
        self.push(&[&escape(text), "</text>"]);
    }

    /// Markup made by this crate, put in as it is.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.push(&[markup]);
    }

    /// Closes the figure. `label` says in one sentence what the figure shows, for readers who do not see it.
    pub(crate) fn finish(self, class: &str, label: &str) -> Svg {
        Svg(format!(
            "<svg class=\"figure {class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            coordinate(self.width),
            coordinate(self.height),
            escape(label),
            self.body
        ))
    }
}

fn title(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("<title>{}</title>", escape(hint))
    }
}

fn placed(x: f64, y: f64, anchor: Anchor) -> String {
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    format!("x=\"{}\" y=\"{}\"{anchor}", coordinate(x), coordinate(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_labels_cannot_break_out_of_the_figure() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text(
            "t",
            (1.0, 2.0),
            Anchor::Start,
            "</text><script>alert(1)</script>\u{7}",
        );
        let svg = canvas.finish("x", "a \"quoted\" <label>").to_string();
        assert!(!svg.contains("<script>"));
        assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt;\u{fffd}"));
        assert!(svg.contains("aria-label=\"a &quot;quoted&quot; &lt;label&gt;\""));
    }

    #[test]
    fn coordinates_are_short_and_paths_skip_points_that_fall_together() {
        assert_eq!(coordinate(-0.04), "0");
        assert_eq!(coordinate(12.0), "12");
        assert_eq!(coordinate(12.25), "12.2");
        assert_eq!(
            path_through([(0.0, 0.0), (0.01, 0.02), (1.0, 2.0)]),
            "M0,0L1,2"
        );
    }
}
