//! Siemens mosaics: the slices of a volume as tiles of one picture, row by row in a square grid.

use super::data_set::DataSet;
use super::header::Header;
use super::tag;
use tumorlens_core::{GreyImage, Size};

/// How the tiles lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mosaic {
    /// Number of slices.
    pub slices: usize,
    /// Tiles in a row of the grid.
    pub across: usize,
    /// Size of a tile.
    pub tile: Size,
}

impl Mosaic {
    /// The grid of a file whose image type says MOSAIC and that states the number of its slices; else `None`.
    #[must_use]
    pub fn read(set: &DataSet<'_>, header: &Header) -> Option<Self> {
        if header.frames != 1 || !set.texts(tag::IMAGE_TYPE).iter().any(|t| t == "MOSAIC") {
            return None;
        }
        let slices = usize::from(*set.shorts(tag::NUMBER_OF_IMAGES_IN_MOSAIC).first()?);
        let across = (1..=64).find(|n| n * n >= slices)?;
        if slices < 2
            || !header.columns.is_multiple_of(across)
            || !header.rows.is_multiple_of(across)
        {
            return None;
        }
        let tile = Size {
            width: header.columns / across,
            height: header.rows / across,
        };
        Some(Self {
            slices,
            across,
            tile,
        })
    }

    /// One slice of the whole picture; `None` beyond the last.
    #[must_use]
    pub fn cut(&self, whole: &GreyImage, slice: usize) -> Option<GreyImage> {
        if slice >= self.slices {
            return None;
        }
        let left = slice % self.across * self.tile.width;
        let top = slice / self.across * self.tile.height;
        Some(GreyImage::from_fn(self.tile, |x, y| {
            whole.values()[(top + y) * whole.width() + left + x]
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_counted_row_by_row() {
        let size = |side| Size {
            width: side,
            height: side,
        };
        let whole = GreyImage::from_fn(size(6), |x, y| (x / 2 + 3 * (y / 2)) as f32);
        let mosaic = Mosaic {
            slices: 8,
            across: 3,
            tile: size(2),
        };
        for slice in 0..8 {
            let tile = mosaic.cut(&whole, slice).unwrap();
            assert!(tile.values().iter().all(|v| *v == slice as f32));
        }
        assert!(mosaic.cut(&whole, 8).is_none());
    }
}
