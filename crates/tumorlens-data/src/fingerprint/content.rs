//! Content: the image without its dark border, small.
//!
//! Its correlation tells copies that look alike from the same slice after heavy processing: sharpening, a strong change
//! of contrast, and a crop all lower it. See `docs/explanation/copies.md`.

use super::correlation::{correlation, mirrored_pairs, pairs};
use crate::dark_border;
use crate::transform::Rect;
use crate::transform::resize::resize;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tumorlens_core::{GreyImage, Size};

/// Side of the content.
pub const SIDE: usize = 64;
/// Side of the square on which the border is sought, so that the noise of a large image averages out.
const SOUGHT: usize = 256;
/// A pixel is content when it lies above the darkest value by this share of the range: 18 of 255.
const DARK: f32 = 0.07;
/// A row or column belongs to the content when more than this share of it does: a few specks of noise do not.
const CONTENT_SHARE: f32 = 0.02;
/// Levels of grey kept, so that a pixel is one letter.
const LEVELS: u8 = 64;
/// The letters of the levels, darkest first.
const LETTERS: &[u8; LEVELS as usize] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// 64x64 grey levels from 0 (darkest) to 63, row by row, of the box that holds everything but a dark border. As text it
/// is one letter a pixel, in the alphabet of base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(Vec<u8>);

impl Content {
    /// The content of an image of any size. Values that are not finite count as background.
    #[must_use]
    pub fn of(image: &GreyImage) -> Self {
        // Resizing fails for sides beyond 32 bits only: such an image resembles nothing.
        Self::cut(image).unwrap_or_else(|| Self(vec![0; SIDE * SIDE]))
    }

    fn cut(image: &GreyImage) -> Option<Self> {
        let (low, high) = image.range().filter(|(low, high)| high > low)?;
        let known = |v: &f32| if v.is_finite() { *v } else { low };
        let values: Vec<f32> = image.values().iter().map(known).collect();
        let square = resize(&values, (image.width(), image.height()), (SOUGHT, SOUGHT)).ok()?;
        let square_size = Size {
            width: SOUGHT,
            height: SOUGHT,
        };
        let bright = low + DARK * (high - low);
        let inside = dark_border::inside(&square, SOUGHT, bright, CONTENT_SHARE)
            .unwrap_or_else(|| Rect::whole(square_size));
        let size = (inside.width, inside.height);
        let cut = inside.cut(&GreyImage::new(square_size, square).ok()?);
        let top = f32::from(LEVELS - 1);
        let level = |v: &f32| ((v - low) / (high - low) * top).round().clamp(0.0, top) as u8;
        let small = resize(&cut, size, (SIDE, SIDE)).ok()?;
        Some(Self(small.iter().map(level).collect()))
    }

    /// Pearson's correlation of two contents, -1 to 1; 0 when one of them is flat.
    #[must_use]
    pub fn correlation(&self, other: &Self) -> f32 {
        correlation(pairs(&self.0, &other.0))
    }

    /// [`Self::correlation`] with the other content mirrored left to right.
    #[must_use]
    pub fn mirrored_correlation(&self, other: &Self) -> f32 {
        correlation(mirrored_pairs(&self.0, &other.0, SIDE))
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let letter = |v: &u8| char::from(LETTERS[usize::from(v % LEVELS)]);
        serializer.serialize_str(&self.0.iter().map(letter).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let level = |b: u8| (0..LEVELS).find(|level| LETTERS[usize::from(*level)] == b);
        let values: Option<Vec<u8>> = text.bytes().map(level).collect();
        values
            .filter(|values| values.len() == SIDE * SIDE)
            .map(Self)
            .ok_or_else(|| D::Error::custom("a content has 4096 letters of the base64 alphabet"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shaded disc with a border of `margin` pixels of value 3 around it.
    fn disc(side: usize, margin: usize) -> GreyImage {
        let size = Size {
            width: side + 2 * margin,
            height: side + 2 * margin,
        };
        let half = side as f32 / 2.0;
        GreyImage::from_fn(size, |x, y| {
            let place = |i: usize| (i as f32 + 0.5 - margin as f32 - half) / half;
            let (u, v) = (place(x), place(y));
            if u * u + v * v < 1.0 {
                120.0 + 60.0 * (5.0 * u).sin() + 40.0 * v
            } else {
                3.0
            }
        })
    }

    #[test]
    fn a_dark_border_and_another_size_do_not_matter() {
        let plain = Content::of(&disc(200, 0));
        for (side, margin) in [(200, 60), (128, 5), (400, 30)] {
            let other = Content::of(&disc(side, margin));
            let found = plain.correlation(&other);
            assert!(found > 0.98, "{side} with {margin}: {found}");
        }
    }

    #[test]
    fn a_few_specks_in_the_border_do_not_widen_the_box() {
        let plain = disc(100, 40);
        let mut specked = plain.clone();
        for i in 0..2 {
            specked.values_mut()[(5 + 40 * i) * plain.width() + 4] = 255.0;
        }
        let found = Content::of(&plain).correlation(&Content::of(&specked));
        assert!(found > 0.99, "{found}");
    }

    #[test]
    fn mirroring_is_undone_by_the_mirrored_correlation() {
        let image = disc(120, 10);
        let mirror = GreyImage::from_fn(image.size(), |x, y| {
            image.clamped((image.width() - 1 - x) as isize, y as isize)
        });
        let (plain, mirrored) = (Content::of(&image), Content::of(&mirror));
        assert!(plain.mirrored_correlation(&mirrored) > 0.999);
        assert!(plain.correlation(&mirrored) < 0.9);
    }

    #[test]
    fn a_flat_image_resembles_nothing_and_text_is_read_again() {
        let flat = GreyImage::from_fn(disc(10, 0).size(), |_, _| 7.0);
        let flat = Content::of(&flat);
        assert_eq!(flat.correlation(&flat), 0.0);
        let content = Content::of(&disc(90, 3));
        let json = serde_json::to_string(&content).unwrap();
        assert_eq!(json.len(), SIDE * SIDE + 2);
        assert_eq!(serde_json::from_str::<Content>(&json).unwrap(), content);
        assert!(serde_json::from_str::<Content>("\"AB\"").is_err());
        assert!(serde_json::from_str::<Content>(&json.replace('A', "?")).is_err());
    }
}
