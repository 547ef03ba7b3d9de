//! Texture and intensity of a region of a picture, after the Image Biomarker Standardisation Initiative (IBSI; Zwanenburg
//! et al. 2020, Radiology 295:328).
//!
//! Co-occurrence and run-length matrices are two-dimensional, of distance 1, symmetric, with their four directions merged
//! (IBSI: "2D, slice-merged"). Values are first cut into levels of equal width over the region's own range (IBSI:
//! "fixed bin number"), so that scale and offset of an image do not matter to them.

mod co_occurrence;
mod local_pattern;
mod run_length;
mod statistics;
#[cfg(test)]
mod tests;

/// Levels into which the values of a region are cut.
pub const LEVELS: u16 = 32;

/// A region of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    values: &'a [f32],
    inside: &'a [bool],
    width: usize,
}

/// A picture and a region do not fit each other, or too little is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Lengths that are not whole rows of one size.
    #[error("{values} values and {inside} marks in rows of {width}")]
    Shape {
        /// Values.
        values: usize,
        /// Marks.
        inside: usize,
        /// Length of a row.
        width: usize,
    },
    /// A value inside is infinite or not a number.
    #[error("a value inside is not finite")]
    NotFinite,
    /// Too few pixels to speak of texture.
    #[error("{0} pixels are inside, expected at least {FEWEST}")]
    TooSmall(usize),
}

/// Fewest pixels of a region.
pub const FEWEST: usize = 9;

impl<'a> Region<'a> {
    /// The pixels of `values`, `[height, width]` row by row, where `inside` is true.
    ///
    /// # Errors
    /// When lengths differ, fewer than nine pixels are inside, or one of them is not finite.
    pub fn new(values: &'a [f32], inside: &'a [bool], width: usize) -> Result<Self, RegionError> {
        if values.len() != inside.len() || width == 0 || !values.len().is_multiple_of(width) {
            return Err(RegionError::Shape {
                values: values.len(),
                inside: inside.len(),
                width,
            });
        }
        let region = Self {
            values,
            inside,
            width,
        };
        let count = region.pixels().count();
        if count < FEWEST {
            return Err(RegionError::TooSmall(count));
        }
        if region.pixels().any(|v| !v.is_finite()) {
            return Err(RegionError::NotFinite);
        }
        Ok(region)
    }

    fn pixels(&self) -> impl Iterator<Item = f64> + '_ {
        self.values
            .iter()
            .zip(self.inside)
            .filter(|(_, inside)| **inside)
            .map(|(v, _)| f64::from(*v))
    }

    /// Level of each pixel, from 1; 0 outside (IBSI, fixed bin number).
    fn levels(&self, count: u16) -> Levels {
        let (low, high) = self
            .pixels()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
                (l.min(v), h.max(v))
            });
        let level = |v: f64| {
            let share = if high > low {
                (v - low) / (high - low)
            } else {
                0.0
            };
            ((share * f64::from(count)) as u16).min(count - 1) + 1
        };
        let of = self.values.iter().zip(self.inside);
        Levels {
            of: of
                .map(|(v, inside)| if *inside { level(f64::from(*v)) } else { 0 })
                .collect(),
            width: self.width,
            count,
        }
    }
}

/// Grey levels of a region.
struct Levels {
    /// 1 to `count`; 0 outside.
    of: Vec<u16>,
    width: usize,
    count: u16,
}

/// Steps to the four neighbours that stand for all eight: right, and the three below.
const DIRECTIONS: [(isize, isize); 4] = [(1, 0), (-1, 1), (0, 1), (1, 1)];

impl Levels {
    /// The level `step` away from a pixel; 0 outside the picture.
    fn beside(&self, at: usize, (dx, dy): (isize, isize)) -> (usize, u16) {
        let (x, y) = (at % self.width, at / self.width);
        let there = x
            .checked_add_signed(dx)
            .filter(|x| *x < self.width)
            .zip(y.checked_add_signed(dy))
            .map(|(x, y)| y * self.width + x);
        there.map_or((at, 0), |i| (i, self.of.get(i).copied().unwrap_or(0)))
    }
}

/// A feature's name and value. A name says its family: `intensity`, `histogram`, `co-occurrence`, `run length`, `pattern`.
pub type Feature = (&'static str, f64);

/// All features of a region, always the same ones in the same order; all are finite.
///
/// What has no value because every pixel is equal (a correlation, say) is 0.
#[must_use]
pub fn features(region: &Region<'_>) -> Vec<Feature> {
    let levels = region.levels(LEVELS);
    let mut all = statistics::of_values(region);
    all.extend(statistics::of_levels(&levels));
    all.extend(co_occurrence::features(&levels));
    all.extend(run_length::features(&levels));
    all.extend(local_pattern::features(region));
    for (_, value) in &mut all {
        if !value.is_finite() {
            *value = 0.0;
        }
    }
    all
}

/// `sum(-p log2 p)` over the positive ones.
fn entropy(p: impl Iterator<Item = f64>) -> f64 {
    p.filter(|p| *p > 0.0).map(|p| -p * p.log2()).sum()
}
