//! Feature maps and filters as one picture of tiles.

use super::colour_map::ColourMap;
use crate::picture::{Picture, PictureError, Pixels};
use tumorlens_core::Size;

/// Pixels of air between tiles.
const GAP: usize = 3;
/// Tiles beyond this many are not drawn: they could not be told apart.
pub const MOST_TILES: usize = 256;

/// How values become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileScale {
    /// Each tile from its own smallest to its own largest value, in viridis: feature maps.
    EachByItself,
    /// Each tile from minus to plus its own largest size, white at 0, blue below, orange above: filters.
    Signed,
}

/// How tiles are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileLayout {
    /// Tiles in a row, at least 1.
    pub columns: usize,
    /// Pixels drawn for a value in each direction, at least 1. Nearest neighbour: values are shown as they are.
    pub zoom: usize,
    /// Colours.
    pub scale: TileScale,
}

impl TileLayout {
    /// Layout for feature maps, with a zoom that brings a tile to about 64 pixels.
    #[must_use]
    pub fn feature_maps(tile: Size) -> Self {
        Self {
            columns: 8,
            zoom: (64 / tile.width.max(tile.height).max(1)).max(1),
            scale: TileScale::EachByItself,
        }
    }

    /// Layout for filters of a few pixels, with a zoom that brings a tile to about 48 pixels.
    #[must_use]
    pub fn filters(tile: Size) -> Self {
        Self {
            columns: 16,
            zoom: (48 / tile.width.max(tile.height).max(1)).max(1),
            scale: TileScale::Signed,
        }
    }
}

/// Draws `[tiles, height, width]` values, row by row, as tiles with transparent air between them. At most
/// [`MOST_TILES`] tiles are drawn. A tile without contrast is drawn in the middle colour.
///
/// # Errors
/// When the values do not make whole tiles, or there are none.
pub fn tiles(values: &[f32], tile: Size, layout: TileLayout) -> Result<Picture, PictureError> {
    let shape = || PictureError::Shape {
        width: tile.width,
        height: tile.height,
        channels: 1,
        found: values.len(),
    };
    let area = tile
        .width
        .checked_mul(tile.height)
        .filter(|area| *area > 0)
        .ok_or_else(shape)?;
    if values.is_empty() || !values.len().is_multiple_of(area) {
        return Err(shape());
    }
    let drawn: Vec<&[f32]> = values.chunks_exact(area).take(MOST_TILES).collect();
    let columns = layout.columns.clamp(1, drawn.len());
    let zoom = layout.zoom.max(1);
    let side = |length: usize, count: usize| {
        length
            .checked_mul(zoom)?
            .checked_add(GAP)?
            .checked_mul(count)?
            .checked_sub(GAP)
    };
    let size = Size {
        width: side(tile.width, columns).ok_or_else(shape)?,
        height: side(tile.height, drawn.len().div_ceil(columns)).ok_or_else(shape)?,
    };
    let bytes = size
        .width
        .checked_mul(size.height)
        .and_then(|n| n.checked_mul(4))
        .ok_or_else(shape)?;
    let mut rgba = vec![0u8; bytes];
    for (i, values) in drawn.iter().enumerate() {
        let left = i % columns * (tile.width * zoom + GAP);
        let top = i / columns * (tile.height * zoom + GAP);
        let colours = colours(values, layout.scale);
        for y in 0..tile.height * zoom {
            for x in 0..tile.width * zoom {
                let [red, green, blue] = colours[y / zoom * tile.width + x / zoom];
                let at = ((top + y) * size.width + left + x) * 4;
                rgba[at..at + 4].copy_from_slice(&[red, green, blue, 255]);
            }
        }
    }
    Picture::encode(size, Pixels::Rgba, &rgba)
}

fn colours(values: &[f32], scale: TileScale) -> Vec<[u8; 3]> {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high, map) = match scale {
        TileScale::EachByItself => (
            finite().fold(f32::INFINITY, f32::min),
            finite().fold(f32::NEG_INFINITY, f32::max),
            ColourMap::Viridis,
        ),
        TileScale::Signed => {
            let size = finite().map(f32::abs).fold(0.0, f32::max);
            (-size, size, ColourMap::BlueWhiteOrange)
        }
    };
    let share = |v: f32| {
        if v.is_finite() && high > low {
            (v - low) / (high - low)
        } else {
            0.5
        }
    };
    values.iter().map(|v| map.at(share(*v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(picture: &Picture) -> image::RgbaImage {
        image::load_from_memory(picture.png()).unwrap().to_rgba8()
    }

    #[test]
    fn tiles_stand_in_rows_with_air_between_them() {
        let tile = Size {
            width: 2,
            height: 1,
        };
        let layout = TileLayout {
            columns: 2,
            zoom: 3,
            scale: TileScale::EachByItself,
        };
        let picture = tiles(&[0.0, 1.0, 5.0, 9.0, 4.0, 4.0], tile, layout).unwrap();
        // Two columns of 2*3 pixels and 3 of air; two rows of 1*3 and 3 of air.
        assert_eq!(
            picture.size(),
            Size {
                width: 15,
                height: 9
            }
        );
        let image = pixels(&picture);
        let colour = |x, y| image.get_pixel(x, y).0[..3].to_vec();
        assert_eq!(colour(0, 0), ColourMap::Viridis.at(0.0));
        assert_eq!(colour(5, 2), ColourMap::Viridis.at(1.0));
        assert_eq!(
            colour(9, 0),
            ColourMap::Viridis.at(0.0),
            "each tile has its own scale"
        );
        assert_eq!(image.get_pixel(6, 0).0[3], 0, "air is transparent");
        assert_eq!(
            image.get_pixel(14, 8).0[3],
            0,
            "so is the place of a tile that does not exist"
        );
        assert_eq!(
            colour(0, 6),
            ColourMap::Viridis.at(0.5),
            "no contrast: the middle colour"
        );
    }

    #[test]
    fn zero_is_white_in_signed_tiles_whatever_the_range() {
        let layout = TileLayout {
            columns: 1,
            zoom: 1,
            scale: TileScale::Signed,
        };
        let image = pixels(
            &tiles(
                &[-0.1, 0.0, 0.4],
                Size {
                    width: 3,
                    height: 1,
                },
                layout,
            )
            .unwrap(),
        );
        assert_eq!(image.get_pixel(1, 0).0, [0xf7, 0xf7, 0xf7, 255]);
        assert_eq!(image.get_pixel(2, 0).0, [0xd5, 0x5e, 0x00, 255]);
    }

    #[test]
    fn values_that_do_not_make_whole_tiles_are_an_error() {
        let tile = Size {
            width: 2,
            height: 2,
        };
        assert!(tiles(&[0.0; 6], tile, TileLayout::feature_maps(tile)).is_err());
        assert!(tiles(&[], tile, TileLayout::feature_maps(tile)).is_err());
        assert!(
            tiles(
                &[0.0],
                Size {
                    width: 0,
                    height: 2
                },
                TileLayout::filters(tile)
            )
            .is_err()
        );
    }
}
