//! Siemens mosaics: the slices of a volume as tiles of one picture, row by row in a square grid.

use super::csa;
use super::data_set::DataSet;
use super::header::Header;
use super::place::Place;
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

    /// Place of each slice, from that of the whole picture; nothing where the file does not say which way slices follow.
    ///
    /// The scanner states the whole picture's position as if its centre were the tile's, so that the first tile begins
    /// half the difference of the two further in (as nibabel's `MosaicWrapper` has it).
    #[must_use]
    pub(super) fn places(&self, set: &DataSet<'_>, whole: Option<Place>) -> Vec<Option<Place>> {
        let first = whole.zip(csa::slice_normal(set)).zip(step(set));
        let Some(((whole, normal), step)) = first else {
            return vec![None; self.slices];
        };
        let further = (self.across - 1) as f64 / 2.0;
        let [columns, rows] = [self.tile.width, self.tile.height].map(|side| side as f64 * further);
        let place = |slice: usize| Place {
            position: std::array::from_fn(|axis| {
                whole.position[axis]
                    + whole.along_row[axis] * whole.spacing[1] * columns
                    + whole.along_column[axis] * whole.spacing[0] * rows
                    + normal[axis] * step * slice as f64
            }),
            ..whole
        };
        (0..self.slices).map(|slice| Some(place(slice))).collect()
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

/// Distance of neighbouring slices, mm: as stated, or their thickness.
fn step(set: &DataSet<'_>) -> Option<f64> {
    let stated = |tag| set.decimal(tag).ok().flatten().filter(|mm| *mm > 0.0);
    stated(tag::SPACING_BETWEEN_SLICES).or_else(|| stated(tag::SLICE_THICKNESS))
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
