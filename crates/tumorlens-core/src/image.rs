//! Grey images and masks. They are different types, so that a mask is never interpolated like an image.

use serde::{Deserialize, Serialize};

/// Width and height in pixels, both at least 1 in any image that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// Number of pixels.
    #[must_use]
    pub fn area(self) -> usize {
        self.width * self.height
    }
}

/// The buffer's length does not fit the size, or the size is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} values do not make an image of {width}x{height}")]
pub struct ShapeError {
    /// Columns asked for.
    pub width: usize,
    /// Rows asked for.
    pub height: usize,
    /// Values given.
    pub found: usize,
}

fn check(size: Size, found: usize) -> Result<(), ShapeError> {
    match size.width.checked_mul(size.height) {
        Some(n) if n == found && n > 0 => Ok(()),
        _ => Err(ShapeError {
            width: size.width,
            height: size.height,
            found,
        }),
    }
}

/// One grey slice, row by row, `values[y * width + x]`, in the stored intensity unit of its source
/// (0 to 255 for 8-bit pictures, 0 to 65535 for 16-bit ones) or after a transform that says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct GreyImage {
    size: Size,
    values: Vec<f32>,
}

impl GreyImage {
    /// Wraps row-major values.
    ///
    /// # Errors
    /// When the number of values is not width x height, or is 0.
    pub fn new(size: Size, values: Vec<f32>) -> Result<Self, ShapeError> {
        check(size, values.len())?;
        Ok(Self { size, values })
    }

    /// Computes every pixel from (x, y). A zero side is taken as 1, so that an image always exists.
    #[must_use]
    pub fn from_fn(size: Size, mut f: impl FnMut(usize, usize) -> f32) -> Self {
        let size = Size {
            width: size.width.max(1),
            height: size.height.max(1),
        };
        let mut values = Vec::with_capacity(size.area());
        for y in 0..size.height {
            for x in 0..size.width {
                values.push(f(x, y));
            }
        }
        Self { size, values }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.size.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.size.height
    }

    /// Values row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Values row by row, to change.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values themselves.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The pixel at column `x`, row `y`, nearest edge pixel outside.
    #[must_use]
    pub fn clamped(&self, x: isize, y: isize) -> f32 {
        let x = x.clamp(0, self.size.width as isize - 1) as usize;
        let y = y.clamp(0, self.size.height as isize - 1) as usize;
        self.values[y * self.size.width + x]
    }

    /// Smallest and largest finite value; `None` when no value is finite.
    #[must_use]
    pub fn range(&self) -> Option<(f32, f32)> {
        self.values
            .iter()
            .copied()
            .filter(|v| v.is_finite())
            .fold(None, |range, v| {
                Some(range.map_or((v, v), |(low, high): (f32, f32)| (low.min(v), high.max(v))))
            })
    }
}

/// An outline filled in: true inside the lesion. Row by row like [`GreyImage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    values: Vec<bool>,
}

impl Mask {
    /// Wraps row-major values.
    ///
    /// # Errors
    /// When the number of values is not width x height, or is 0.
    pub fn new(size: Size, values: Vec<bool>) -> Result<Self, ShapeError> {
        check(size, values.len())?;
        Ok(Self { size, values })
    }

    /// Computes every pixel from (x, y). A zero side is taken as 1.
    #[must_use]
    pub fn from_fn(size: Size, mut f: impl FnMut(usize, usize) -> bool) -> Self {
        let size = Size {
            width: size.width.max(1),
            height: size.height.max(1),
        };
        let mut values = Vec::with_capacity(size.area());
        for y in 0..size.height {
            for x in 0..size.width {
                values.push(f(x, y));
            }
        }
        Self { size, values }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Values row by row.
    #[must_use]
    pub fn values(&self) -> &[bool] {
        &self.values
    }

    /// The pixel at column `x`, row `y`; false outside.
    #[must_use]
    pub fn get(&self, x: usize, y: usize) -> bool {
        x < self.size.width && y < self.size.height && self.values[y * self.size.width + x]
    }

    /// Number of pixels inside.
    #[must_use]
    pub fn area(&self) -> usize {
        self.values.iter().filter(|v| **v).count()
    }

    /// True when no pixel is inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_the_wrong_length_cannot_be_made() {
        let size = Size {
            width: 2,
            height: 3,
        };
        assert!(GreyImage::new(size, vec![0.0; 5]).is_err());
        assert!(
            GreyImage::new(
                Size {
                    width: 0,
                    height: 3
                },
                vec![]
            )
            .is_err()
        );
        assert!(
            Mask::new(
                Size {
                    width: usize::MAX,
                    height: 3
                },
                vec![true]
            )
            .is_err()
        );
        assert!(GreyImage::new(size, vec![0.0; 6]).is_ok());
    }
}
