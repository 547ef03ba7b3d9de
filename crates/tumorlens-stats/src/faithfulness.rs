//! How well an attribution map shows what the model saw: against outlines, and by taking pixels away.
//!
//! Maps and outlines are row-major slices on one grid. All figures are better when larger, but for the deletion area.

mod chance;
mod deletion_insertion;
mod energy;
mod iou;
mod localisation;
mod pointing;
mod sanity;
mod table;

pub use chance::{centre_prior, chance};
pub use deletion_insertion::{CurveError, PerturbationCurve, by_importance};
pub use energy::energy;
pub use iou::{Cut, best_cut, iou};
pub use localisation::{Localisation, localise};
pub use pointing::pointing;
pub use sanity::rank_correlation;
pub use table::{LocalisationRow, Localised, SizeBins, SizeBinsError, localisation_table};

/// An attribution map with the outline that it should show.
#[derive(Clone, Copy, Debug)]
pub struct Outlined<'a> {
    map: &'a [f32],
    inside: &'a [bool],
    width: usize,
}

/// A map and an outline do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutlinedError {
    /// Wrong number of values.
    #[error("{found} {what} values do not fill a grid of {width}x{height}")]
    Shape {
        /// `map` or `outline`.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A map value is infinite or not a number.
    #[error("map value {0} is not a finite number")]
    NotFinite(usize),
    /// Nothing is outlined, or everything, so that no map could be wrong or right.
    #[error("the outline holds {found} of {pixels} pixels")]
    Outline {
        /// Pixels inside.
        found: usize,
        /// Pixels in all.
        pixels: usize,
    },
}

impl<'a> Outlined<'a> {
    /// Checks map and outline, `[height, width]` each, row by row.
    ///
    /// # Errors
    /// When a length is not width x height, a map value is not finite, or the outline holds no pixel or all.
    pub fn new(
        map: &'a [f32],
        inside: &'a [bool],
        width: usize,
        height: usize,
    ) -> Result<Self, OutlinedError> {
        for (what, found) in [("map", map.len()), ("outline", inside.len())] {
            if width.checked_mul(height) != Some(found) {
                return Err(OutlinedError::Shape {
                    what,
                    found,
                    width,
                    height,
                });
            }
        }
        if let Some(i) = map.iter().position(|v| !v.is_finite()) {
            return Err(OutlinedError::NotFinite(i));
        }
        let found = inside.iter().filter(|v| **v).count();
        if found == 0 || found == inside.len() {
            return Err(OutlinedError::Outline {
                found,
                pixels: inside.len(),
            });
        }
        Ok(Self { map, inside, width })
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &'a [f32] {
        self.map
    }

    /// The outline filled in.
    #[must_use]
    pub fn inside(&self) -> &'a [bool] {
        self.inside
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.map.len() / self.width
    }

    /// Number of pixels in the outline, at least 1.
    #[must_use]
    pub fn area(&self) -> usize {
        self.inside.iter().filter(|v| **v).count()
    }

    /// The same outline under a map of ours, which is known to fit.
    fn with_map<'b>(&self, map: &'b [f32]) -> Outlined<'b>
    where
        'a: 'b,
    {
        Outlined {
            map,
            inside: self.inside,
            width: self.width,
        }
    }

    /// Largest value and smallest value of the map.
    fn range(&self) -> (f32, f32) {
        self.map
            .iter()
            .fold((f32::NEG_INFINITY, f32::INFINITY), |(high, low), &v| {
                (high.max(v), low.min(v))
            })
    }
}

#[cfg(test)]
mod tests;
