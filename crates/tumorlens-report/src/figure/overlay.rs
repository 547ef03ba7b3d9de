//! Heat maps: an attribution laid over its image.
//!
//! Only positive evidence is drawn: from 0, which is invisible, to the top of the range, which is nearly opaque. A map
//! without positive evidence draws nothing, rather than having its noise stretched to full colour.

use super::colour_map::ColourMap;
use crate::picture::{Picture, PictureError, Pixels, grey_bytes};
use serde::{Deserialize, Serialize};
use tumorlens_core::{Attribution, GreyImage, Mask, Size};

/// Opacity at the top of the range: the anatomy stays visible below.
const OPAQUE: f32 = 0.82;
/// Colour of outlines, which no colour of the map resembles.
pub(crate) const OUTLINE: [u8; 3] = [0x5e, 0xe7, 0xff];

/// Which values of a map are drawn from invisible to full colour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeatRange {
    /// At or below: invisible.
    pub low: f32,
    /// At or above: full colour.
    pub high: f32,
}

impl HeatRange {
    /// From 0 to the largest finite value of this map; `None` when nothing is above 0.
    ///
    /// Maps drawn with ranges of their own cannot be compared by colour. For a gallery, take one range for all.
    #[must_use]
    pub fn positive(values: &[f32]) -> Option<Self> {
        let high = values
            .iter()
            .copied()
            .filter(|v| v.is_finite())
            .fold(0.0, f32::max);
        (high > 0.0).then_some(Self { low: 0.0, high })
    }

    /// Place of a value in the range, 0 to 1; 0 for what is not a number.
    #[must_use]
    pub fn share(self, value: f32) -> f32 {
        let share = (value - self.low) / (self.high - self.low);
        if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        }
    }
}

/// Colour and opacity (0 to 1) of a place in the range.
pub(crate) fn heat(share: f32) -> ([u8; 3], f32) {
    // The lowest quarter of inferno is black and would darken the image instead of marking it.
    let colour = ColourMap::Inferno.at(0.25 + 0.75 * share);
    (colour, OPAQUE * share)
}

/// The map alone as a picture with transparency, in its own grid.
///
/// # Errors
/// When the map's values do not fill its grid.
pub fn heat_picture(map: &Attribution, range: HeatRange) -> Result<Picture, PictureError> {
    let bytes: Vec<u8> = map
        .values
        .iter()
        .flat_map(|value| {
            let ([red, green, blue], alpha) = heat(range.share(*value));
            [red, green, blue, (alpha * 255.0).round() as u8]
        })
        .collect();
    Picture::encode(map.size, Pixels::Rgba, &bytes)
}

/// Image, heat map and, where known, the outline of the mask, as PNG bytes in the image's own grid: what
/// `predict --heatmaps` writes.
///
/// # Errors
/// When map or mask have another grid than the image, or the picture cannot be encoded.
pub fn overlay_png(
    image: &GreyImage,
    map: &Attribution,
    range: HeatRange,
    mask: Option<&Mask>,
) -> Result<Vec<u8>, PictureError> {
    let size = image.size();
    same_grid("map", map.size, size)?;
    if map.values.len() != size.area() {
        let Size { width, height } = size;
        return Err(PictureError::Shape {
            width,
            height,
            channels: 1,
            found: map.values.len(),
        });
    }
    let mut bytes: Vec<u8> = grey_bytes(image)
        .into_iter()
        .zip(&map.values)
        .flat_map(|(grey, value)| {
            let (colour, alpha) = heat(range.share(*value));
            colour.map(|c| (f32::from(grey) * (1.0 - alpha) + f32::from(c) * alpha).round() as u8)
        })
        .collect();
    if let Some(mask) = mask {
        same_grid("outline", mask.size(), size)?;
        for (pixel, on_edge) in bytes.chunks_exact_mut(3).zip(edge_pixels(mask)) {
            if on_edge {
                pixel.copy_from_slice(&OUTLINE);
            }
        }
    }
    Ok(Picture::encode(size, Pixels::Rgb, &bytes)?.png().to_vec())
}

pub(crate) fn same_grid(
    what: &'static str,
    found: Size,
    expected: Size,
) -> Result<(), PictureError> {
    if found == expected {
        Ok(())
    } else {
        Err(PictureError::Grid {
            what,
            found,
            expected,
        })
    }
}

/// Pixels inside the mask with a side on its border, row by row.
fn edge_pixels(mask: &Mask) -> impl Iterator<Item = bool> + '_ {
    let Size { width, height } = mask.size();
    (0..height).flat_map(move |y| {
        (0..width).map(move |x| {
            let surrounded = x > 0
                && y > 0
                && mask.get(x - 1, y)
                && mask.get(x, y - 1)
                && mask.get(x + 1, y)
                && mask.get(x, y + 1);
            mask.get(x, y) && !surrounded
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 8,
        height: 8,
    };

    fn map(values: Vec<f32>) -> Attribution {
        Attribution {
            size: SIZE,
            values,
            method: "grad_cam".into(),
            layer: "last".into(),
            target: "tumor".into(),
        }
    }

    fn image() -> GreyImage {
        GreyImage::from_fn(SIZE, |x, y| (x * y) as f32)
    }

    fn pixel(png: &[u8], x: u32, y: u32) -> [u8; 3] {
        image::load_from_memory(png)
            .unwrap()
            .to_rgb8()
            .get_pixel(x, y)
            .0
    }

    #[test]
    fn evidence_is_coloured_and_its_absence_leaves_the_image_as_it_is() {
        let mut values = vec![0.0; 64];
        values[8 * 3 + 5] = 2.0;
        let map = map(values);
        let range = HeatRange::positive(&map.values).unwrap();
        assert_eq!(
            range,
            HeatRange {
                low: 0.0,
                high: 2.0
            }
        );
        let png = overlay_png(&image(), &map, range, None).unwrap();
        let [red, _, blue] = pixel(&png, 5, 3);
        assert!(red > 200 && blue < 190, "the peak is yellow: {red} {blue}");
        let [red, green, blue] = pixel(&png, 6, 6);
        assert!(red == green && green == blue, "elsewhere it stays grey");
    }

    #[test]
    fn a_map_without_positive_evidence_has_no_range() {
        assert_eq!(HeatRange::positive(&[0.0, -3.0, f32::NAN]), None);
        assert_eq!(
            HeatRange {
                low: 0.0,
                high: 1.0
            }
            .share(f32::NAN),
            0.0
        );
        assert_eq!(
            HeatRange {
                low: 1.0,
                high: 1.0
            }
            .share(1.0),
            0.0
        );
    }

    #[test]
    fn the_outline_is_drawn_on_the_edge_of_the_mask_only() {
        let mask = Mask::from_fn(SIZE, |x, y| (2..6).contains(&x) && (2..6).contains(&y));
        let png = overlay_png(
            &image(),
            &map(vec![0.0; 64]),
            HeatRange {
                low: 0.0,
                high: 1.0,
            },
            Some(&mask),
        )
        .unwrap();
        assert_eq!(pixel(&png, 2, 3), OUTLINE);
        assert_ne!(pixel(&png, 3, 3), OUTLINE);
        assert_ne!(pixel(&png, 1, 3), OUTLINE);
    }

    #[test]
    fn another_grid_is_an_error_that_says_what_it_is() {
        let small = Size {
            width: 4,
            height: 4,
        };
        let wrong = Attribution {
            size: small,
            ..map(vec![0.0; 16])
        };
        let range = HeatRange {
            low: 0.0,
            high: 1.0,
        };
        let error = overlay_png(&image(), &wrong, range, None).unwrap_err();
        assert_eq!(error.to_string(), "picture: the map is 4x4, the image 8x8");
        let mask = Mask::from_fn(small, |_, _| true);
        assert!(overlay_png(&image(), &map(vec![0.0; 64]), range, Some(&mask)).is_err());
        assert!(overlay_png(&image(), &map(vec![0.0; 63]), range, None).is_err());
        assert!(heat_picture(&map(vec![0.0; 63]), range).is_err());
    }
}
