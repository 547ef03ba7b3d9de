//! Contact sheets: many small images with captions.
//!
//! Tiles stay separate pictures in an HTML grid, so that the sheet fits a phone and its captions can be read, searched and
//! spoken.

use crate::picture::{Picture, PictureError};
use serde::{Deserialize, Serialize};
use tumorlens_core::GreyImage;

/// Longest side of a tile in pixels.
const TILE_SIDE: usize = 128;

/// Small images under one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactSheet {
    /// E.g. the class.
    pub title: String,
    /// E.g. `12 of 511 images, drawn with the run's seed`.
    pub note: String,
    /// The images.
    pub tiles: Vec<Tile>,
}

/// One small image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    /// The image, at most 128 pixels on its longer side.
    pub picture: Picture,
    /// File name, or what was done to the image.
    pub caption: String,
}

impl Tile {
    /// Shrinks and encodes an image.
    ///
    /// # Errors
    /// When the picture cannot be encoded.
    pub fn of(image: &GreyImage, caption: impl Into<String>) -> Result<Self, PictureError> {
        Ok(Self {
            picture: Picture::grey(image, TILE_SIDE)?,
            caption: caption.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Size;

    #[test]
    fn a_tile_is_small_whatever_the_image() {
        let image = GreyImage::from_fn(
            Size {
                width: 640,
                height: 480,
            },
            |x, y| (x + y) as f32,
        );
        let tile = Tile::of(&image, "a.png").unwrap();
        assert_eq!(
            tile.picture.size(),
            Size {
                width: 128,
                height: 96
            }
        );
    }
}
