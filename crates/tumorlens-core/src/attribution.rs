//! Attribution: the raw map of what a call rests on. A heat map is its drawing.

use crate::image::Size;

/// A raw attribution, row by row, in the pixel grid of `size`. Larger means more evidence for `target`.
/// It keeps its raw range: scaling each map by itself makes two maps incomparable, so only drawing scales.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// Grid of the map.
    pub size: Size,
    /// Values, `values[y * width + x]`.
    pub values: Vec<f32>,
    /// Method, e.g. `grad_cam`.
    pub method: String,
    /// Layer it was taken at; empty for methods that work on the input.
    pub layer: String,
    /// Class whose score is explained.
    pub target: String,
}

impl Attribution {
    /// Column and row of the largest value, the first in row order on ties; `None` when no value is finite.
    #[must_use]
    pub fn peak(&self) -> Option<(usize, usize)> {
        let mut best: Option<(usize, f32)> = None;
        for (i, &v) in self.values.iter().enumerate() {
            if v.is_finite() && best.is_none_or(|(_, b)| v > b) {
                best = Some((i, v));
            }
        }
        best.map(|(i, _)| (i % self.size.width, i / self.size.width))
    }
}
