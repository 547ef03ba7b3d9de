//! One case: the image, and beside it the image with heat map and outline.
//!
//! The parts stay layers in one SVG: the grey image is stored once and used twice, the heat map is a small picture, the
//! outline a path. That is a quarter of the bytes of two finished pictures.

use super::outline::Outline;
use super::overlay::{HeatRange, heat_picture, same_grid};
use crate::picture::{Picture, PictureError};
use crate::shrink::{shrink, shrunk_size};
use crate::svg::{Canvas, Svg, escape};
use serde::{Deserialize, Serialize};
use tumorlens_core::{Attribution, GreyImage, Mask, Size};

/// Longest side of a case's image in pixels.
const IMAGE_SIDE: usize = 256;
/// Longest side of its heat map, which has no finer detail than the network's layers.
const HEAT_SIDE: usize = 96;
/// Air between the two panes, in pixels of the image.
const GAP: f64 = 4.0;

/// The layers of one case, on one grid of at most 256 pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasePicture {
    /// The slice.
    pub image: Picture,
    /// Heat map with transparency, stretched over the image; absent without a map or without positive evidence.
    pub heat: Option<Picture>,
    /// Outline of the lesion in pixels of `image`.
    pub outline: Option<Outline>,
}

impl CasePicture {
    /// Makes the layers. `map` comes with the range to draw it in; take one range for all cases to make them comparable.
    ///
    /// # Errors
    /// When map or mask have another grid than the image.
    pub fn draw(
        image: &GreyImage,
        map: Option<(&Attribution, HeatRange)>,
        mask: Option<&Mask>,
    ) -> Result<Self, PictureError> {
        let size = image.size();
        let heat = map
            .map(|(map, range)| heat_layer(map, range, size))
            .transpose()?;
        let outline = mask.map(|mask| outline_layer(mask, size)).transpose()?;
        Ok(Self {
            image: Picture::grey(image, IMAGE_SIDE)?,
            heat,
            outline,
        })
    }

    /// Both panes, or the image alone when there is nothing to lay over it. `id` must be unique in the page.
    #[must_use]
    pub fn svg(&self, id: &str, label: &str) -> Svg {
        let Size { width, height } = self.image.size();
        let (width, height) = (width as f64, height as f64);
        let layered = self.heat.is_some() || self.outline.is_some();
        let total = if layered { 2.0 * width + GAP } else { width };
        let mut canvas = Canvas::new(total, height);
        canvas.raw(&image_element(
            &self.image,
            &format!(" id=\"{}\"", escape(id)),
            width,
            height,
        ));
        if layered {
            canvas.raw(&format!("<g transform=\"translate({} 0)\">", width + GAP));
            canvas.raw(&format!("<use href=\"#{}\"/>", escape(id)));
            if let Some(heat) = &self.heat {
                canvas.raw(&image_element(
                    heat,
                    " class=\"heat\" preserveAspectRatio=\"none\"",
                    width,
                    height,
                ));
            }
            if let Some(outline) = &self.outline {
                let path = outline.svg_path();
                canvas.path("outline-halo", &path);
                canvas.path("outline", &path);
            }
            canvas.raw("</g>");
        }
        canvas.finish("case", label)
    }
}

fn image_element(picture: &Picture, attributes: &str, width: f64, height: f64) -> String {
    format!(
        "<image{attributes} width=\"{width}\" height=\"{height}\" href=\"{}\"/>",
        picture.data_uri()
    )
}

fn heat_layer(
    map: &Attribution,
    range: HeatRange,
    expected: Size,
) -> Result<Picture, PictureError> {
    same_grid("map", map.size, expected)?;
    let Size { width, height } = map.size;
    let values = GreyImage::new(map.size, map.values.clone()).map_err(|e| PictureError::Shape {
        width,
        height,
        channels: 1,
        found: e.found,
    })?;
    let small = shrink(&values, HEAT_SIDE);
    heat_picture(
        &Attribution {
            size: small.size(),
            values: small.into_values(),
            ..map.clone()
        },
        range,
    )
}

fn outline_layer(mask: &Mask, expected: Size) -> Result<Outline, PictureError> {
    same_grid("outline", mask.size(), expected)?;
    let size = shrunk_size(mask.size(), IMAGE_SIDE);
    // Nearest neighbour: a mask is never blended.
    let shrunk = Mask::from_fn(size, |x, y| {
        mask.get(
            nearest(x, size.width, expected.width),
            nearest(y, size.height, expected.height),
        )
    });
    Ok(Outline::of(&shrunk))
}

/// The source pixel below the centre of a target pixel.
fn nearest(place: usize, target: usize, source: usize) -> usize {
    ((2 * place + 1) * source) / (2 * target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 512,
        height: 400,
    };

    fn map() -> Attribution {
        let values = GreyImage::from_fn(
            SIZE,
            |x, y| if x / 64 == 3 && y / 64 == 2 { 1.0 } else { 0.0 },
        )
        .into_values();
        Attribution {
            size: SIZE,
            values,
            method: String::new(),
            layer: String::new(),
            target: String::new(),
        }
    }

    fn image() -> GreyImage {
        GreyImage::from_fn(SIZE, |x, y| ((x / 7) ^ (y / 9)) as f32)
    }

    #[test]
    fn layers_share_one_grid_after_shrinking() {
        let mask = Mask::from_fn(SIZE, |x, y| {
            (100..200).contains(&x) && (50..150).contains(&y)
        });
        let range = HeatRange {
            low: 0.0,
            high: 1.0,
        };
        let picture = CasePicture::draw(&image(), Some((&map(), range)), Some(&mask)).unwrap();
        assert_eq!(
            picture.image.size(),
            Size {
                width: 256,
                height: 200
            }
        );
        assert_eq!(
            picture.heat.as_ref().unwrap().size(),
            Size {
                width: 96,
                height: 75
            }
        );
        assert_eq!(
            picture.outline.as_ref().unwrap().svg_path(),
            "M50,25h50M50,75h50M50,25v50M100,25v50"
        );
        let svg = picture.svg("case-1", "a case").to_string();
        assert!(svg.contains("viewBox=\"0 0 516 200\""));
        assert_eq!(
            svg.matches("data:image/png").count(),
            2,
            "the grey image is stored once"
        );
    }

    #[test]
    fn a_case_without_map_and_outline_is_the_image_alone() {
        let picture = CasePicture::draw(&image(), None, None).unwrap();
        let svg = picture.svg("c", "a case").to_string();
        assert!(svg.contains("viewBox=\"0 0 256 200\""));
        assert!(!svg.contains("<use"));
    }

    #[test]
    fn a_map_of_another_grid_is_refused() {
        let wrong = Attribution {
            size: Size {
                width: 4,
                height: 4,
            },
            values: vec![0.0; 16],
            ..map()
        };
        assert!(
            CasePicture::draw(
                &image(),
                Some((
                    &wrong,
                    HeatRange {
                        low: 0.0,
                        high: 1.0
                    }
                )),
                None
            )
            .is_err()
        );
        let short = Attribution {
            values: vec![0.0; 16],
            ..map()
        };
        assert!(
            CasePicture::draw(
                &image(),
                Some((
                    &short,
                    HeatRange {
                        low: 0.0,
                        high: 1.0
                    }
                )),
                None
            )
            .is_err()
        );
    }
}
