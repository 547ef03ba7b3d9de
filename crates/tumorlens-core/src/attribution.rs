//! Attribution: the raw map of what a call rests on. A heat map is its drawing.

use crate::image::Size;
use serde::{Deserialize, Serialize};

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

/// From which value on a map shows its region: from `threshold`, or from the share of the map's largest value where that is
/// higher. A single value for all maps draws small lesions too wide and large ones too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapLine {
    /// The least value of a region.
    pub threshold: f32,
    /// Share of the largest value, 0 to 1.
    pub share: f32,
}

impl MapLine {
    /// The value of this map at or above which its region lies.
    #[must_use]
    pub fn of(&self, values: &[f32]) -> f32 {
        self.below(values.iter().copied().fold(0.0f32, f32::max))
    }

    /// The same for a map whose largest value is known.
    #[must_use]
    pub fn below(&self, highest: f32) -> f32 {
        self.threshold.max(self.share * highest)
    }
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

#[cfg(test)]
mod tests {
    use super::MapLine;

    #[test]
    fn a_region_begins_at_the_threshold_or_at_its_share_of_a_high_map() {
        let line = MapLine {
            threshold: 1.0,
            share: 0.25,
        };
        assert_eq!(line.of(&[]).to_bits(), 1.0f32.to_bits());
        assert_eq!(line.of(&[-3.0, 2.0]).to_bits(), 1.0f32.to_bits());
        assert_eq!(line.of(&[-3.0, 8.0, f32::NAN]).to_bits(), 2.0f32.to_bits());
    }
}
