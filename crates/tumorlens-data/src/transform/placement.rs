//! Where the pixels of an input lie in the picture they were made from.

use super::TransformError;
use serde::{Deserialize, Serialize};
use tumorlens_core::{GreyImage, Size};

/// A rectangle of whole pixels, at least 1x1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rect {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Rect {
    /// The whole of an image.
    #[must_use]
    pub fn whole(size: Size) -> Self {
        Self {
            x: 0,
            y: 0,
            width: size.width,
            height: size.height,
        }
    }

    /// The pixels inside, row by row.
    pub(crate) fn cut(self, image: &GreyImage) -> Vec<f32> {
        let rows = image.values().chunks_exact(image.width());
        rows.skip(self.y)
            .take(self.height)
            .flat_map(|row| &row[self.x..self.x + self.width])
            .copied()
            .collect()
    }
}

/// What [`Placement::to_original`] writes where the input did not look (outside the head crop).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// The smallest value of the map: no evidence, whatever the map's range. The default.
    #[default]
    Minimum,
    /// 0: right for signed maps, where 0 is neutral.
    Zero,
}

/// The map between the pixel grid of a picture and that of its input: the rectangle `crop` of the picture fills the
/// rectangle `content` of the input. Coordinates are continuous with pixel (0, 0) covering [0, 1) x [0, 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    original: Size,
    crop: Rect,
    side: usize,
    content: Rect,
}

impl Placement {
    pub(super) fn new(original: Size, crop: Rect, side: usize, content: Rect) -> Self {
        Self {
            original,
            crop,
            side,
            content,
        }
    }

    /// Size of the picture.
    #[must_use]
    pub fn original(&self) -> Size {
        self.original
    }

    /// The part of the picture that the input shows.
    #[must_use]
    pub fn crop(&self) -> Rect {
        self.crop
    }

    /// Side of the square input.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// The part of the input that shows the picture; the rest is padding.
    #[must_use]
    pub fn content(&self) -> Rect {
        self.content
    }

    /// A point of the picture in the coordinates of the input.
    #[must_use]
    pub fn to_input_point(&self, x: f64, y: f64) -> (f64, f64) {
        let (sx, sy) = self.scale();
        (
            self.content.x as f64 + (x - self.crop.x as f64) * sx,
            self.content.y as f64 + (y - self.crop.y as f64) * sy,
        )
    }

    /// A point of the input in the coordinates of the picture.
    #[must_use]
    pub fn to_original_point(&self, x: f64, y: f64) -> (f64, f64) {
        let (sx, sy) = self.scale();
        (
            self.crop.x as f64 + (x - self.content.x as f64) / sx,
            self.crop.y as f64 + (y - self.content.y as f64) / sy,
        )
    }

    /// A map of the input, `[size, size]`, on the picture's own pixel grid: sampled bilinearly at the centre of every
    /// pixel inside the crop (never into the padding), `outside` elsewhere. Values that are not finite stay as they are.
    ///
    /// # Errors
    /// When the map has another number of values than the input has pixels.
    pub fn to_original(&self, map: &[f32], outside: Outside) -> Result<GreyImage, TransformError> {
        if map.len() != self.side * self.side {
            return Err(TransformError::OtherSize {
                what: "map",
                found: format!("{} values", map.len()),
                expected: format!("{0}x{0}", self.side),
            });
        }
        let fill = match outside {
            Outside::Zero => 0.0,
            Outside::Minimum => map.iter().copied().fold(f32::INFINITY, f32::min),
        };
        let (columns, rows) = self.taps();
        let mut values = vec![fill; self.original.area()];
        for (row, y) in rows.iter().enumerate() {
            let upper = &map[y.low * self.side..][..self.side];
            let lower = &map[y.high * self.side..][..self.side];
            let start = (self.crop.y + row) * self.original.width + self.crop.x;
            for (value, x) in values[start..].iter_mut().zip(&columns) {
                *value = y.mix(
                    x.mix(upper[x.low], upper[x.high]),
                    x.mix(lower[x.low], lower[x.high]),
                );
            }
        }
        Ok(GreyImage::new(self.original, values)?)
    }

    /// Input pixels a picture pixel.
    fn scale(&self) -> (f64, f64) {
        (
            self.content.width as f64 / self.crop.width as f64,
            self.content.height as f64 / self.crop.height as f64,
        )
    }

    /// For every column and row of the crop: the two input pixels it lies between.
    fn taps(&self) -> (Vec<Tap>, Vec<Tap>) {
        let (sx, sy) = self.scale();
        let axis = |count: usize, scale: f64, start: usize, length: usize| -> Vec<Tap> {
            let tap = |i: usize| Tap::new((i as f64 + 0.5) * scale - 0.5, start, length);
            (0..count).map(tap).collect()
        };
        (
            axis(self.crop.width, sx, self.content.x, self.content.width),
            axis(self.crop.height, sy, self.content.y, self.content.height),
        )
    }
}

/// Two neighbouring pixels on one axis and the weight of the second.
#[derive(Clone, Copy, Debug)]
struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

impl Tap {
    /// Around `position`, in pixels from the first pixel's centre, clamped to `length` pixels from `start`.
    fn new(position: f64, start: usize, length: usize) -> Self {
        let last = length - 1;
        let position = position.clamp(0.0, last as f64);
        let low = position.floor() as usize;
        Self {
            low: start + low,
            high: start + (low + 1).min(last),
            weight: (position - low as f64) as f32,
        }
    }

    fn mix(self, a: f32, b: f32) -> f32 {
        // Not a + w (b - a): with w = 0 an infinite b must not turn a into NaN.
        if self.weight == 0.0 {
            a
        } else {
            a * (1.0 - self.weight) + b * self.weight
        }
    }
}
