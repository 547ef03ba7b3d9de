//! A PNG picture that travels inside the report.

use crate::shrink::{shrink, shrunk_size};
use base64::{Engine, engine::general_purpose::STANDARD};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde::{Deserialize, Serialize};
use tumorlens_core::{GreyImage, Size};

/// A PNG with its size. Serialises with the bytes as base64, so that a report can be written down as JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Picture {
    png: Vec<u8>,
    size: Size,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    png: String,
    width: usize,
    height: usize,
}

/// A picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The bytes are not a PNG, or their header does not give the size that was stated.
    #[error("picture: {0}")]
    NotAPng(&'static str),
    /// The values do not fill the picture.
    #[error("picture: {found} values do not make {width}x{height} pixels of {channels} channels")]
    Shape {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Values a pixel.
        channels: usize,
        /// Values given.
        found: usize,
    },
    /// Two grids that must be the same are not.
    #[error("picture: the {what} is {}x{}, the image {}x{}", found.width, found.height, expected.width, expected.height)]
    Grid {
        /// What has the wrong grid: map or outline.
        what: &'static str,
        /// Its grid.
        found: Size,
        /// The image's grid.
        expected: Size,
    },
    /// The encoder failed.
    #[error("picture: {0}")]
    Encode(#[from] image::ImageError),
}

/// How the bytes of a pixel are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// One byte a pixel.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, opacity.
    Rgba,
}

impl Pixels {
    fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    fn color(self) -> ExtendedColorType {
        match self {
            Self::Grey => ExtendedColorType::L8,
            Self::Rgb => ExtendedColorType::Rgb8,
            Self::Rgba => ExtendedColorType::Rgba8,
        }
    }
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

impl Picture {
    /// Takes PNG bytes as they are; only signature and header are looked at.
    ///
    /// # Errors
    /// When the bytes do not begin like a PNG.
    pub fn from_png(png: Vec<u8>) -> Result<Self, PictureError> {
        if !png.starts_with(SIGNATURE) {
            return Err(PictureError::NotAPng("no PNG signature"));
        }
        // The header chunk comes first: length, "IHDR", width, height, each of four bytes.
        let side = |at: usize| -> Option<usize> {
            let bytes: [u8; 4] = png.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes))
                .ok()
                .filter(|side| *side > 0)
        };
        match (side(16), side(20)) {
            (Some(width), Some(height)) => Ok(Self {
                size: Size { width, height },
                png,
            }),
            _ => Err(PictureError::NotAPng("no size in the header")),
        }
    }

    /// Encodes row-major pixels. The same pixels give the same bytes.
    ///
    /// # Errors
    /// When the number of bytes is not width x height x channels, or the picture is too large for a PNG.
    pub fn encode(size: Size, pixels: Pixels, bytes: &[u8]) -> Result<Self, PictureError> {
        let Size { width, height } = size;
        let shape = || PictureError::Shape {
            width,
            height,
            channels: pixels.channels(),
            found: bytes.len(),
        };
        let expected = width
            .checked_mul(height)
            .and_then(|n| n.checked_mul(pixels.channels()));
        if expected != Some(bytes.len()) || bytes.is_empty() {
            return Err(shape());
        }
        let side = |side: usize| u32::try_from(side).map_err(|_| shape());
        let mut png = Vec::new();
        // Best compression: a report is written once and mailed often.
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive)
            .write_image(bytes, side(width)?, side(height)?, pixels.color())?;
        Ok(Self { png, size })
    }

    /// A grey slice as an 8-bit picture: the 0.5th to 99.5th percentile of its finite values becomes black to white,
    /// and sides longer than `longest` pixels are shrunk (never enlarged).
    ///
    /// # Errors
    /// When the picture cannot be encoded.
    pub fn grey(image: &GreyImage, longest: usize) -> Result<Self, PictureError> {
        let bytes = grey_bytes(&shrink(image, longest));
        Self::encode(shrunk_size(image.size(), longest), Pixels::Grey, &bytes)
    }

    /// The PNG bytes.
    #[must_use]
    pub fn png(&self) -> &[u8] {
        &self.png
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The picture as a `data:` address for `src` and `href`.
    #[must_use]
    pub fn data_uri(&self) -> String {
        format!("data:image/png;base64,{}", STANDARD.encode(&self.png))
    }
}

/// Pixels are noise in a debug print.
impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Picture({}x{}, {} bytes)",
            self.size.width,
            self.size.height,
            self.png.len()
        )
    }
}

impl From<Picture> for Written {
    fn from(picture: Picture) -> Self {
        let Size { width, height } = picture.size;
        Self {
            png: STANDARD.encode(&picture.png),
            width,
            height,
        }
    }
}

impl TryFrom<Written> for Picture {
    type Error = PictureError;
    fn try_from(written: Written) -> Result<Self, PictureError> {
        let png = STANDARD
            .decode(&written.png)
            .map_err(|_| PictureError::NotAPng("not base64"))?;
        let picture = Self::from_png(png)?;
        if picture.size
            != (Size {
                width: written.width,
                height: written.height,
            })
        {
            return Err(PictureError::NotAPng(
                "the header has another size than stated",
            ));
        }
        Ok(picture)
    }
}

/// Grey values as bytes, windowed between the 0.5th and 99.5th percentile. Values that are not finite become black, as
/// does an image without contrast.
pub(crate) fn grey_bytes(image: &GreyImage) -> Vec<u8> {
    let mut sorted: Vec<f32> = image
        .values()
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .collect();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f64| {
        sorted
            .get(((sorted.len().saturating_sub(1)) as f64 * share).round() as usize)
            .copied()
    };
    let (low, high) = (at(0.005).unwrap_or(0.0), at(0.995).unwrap_or(0.0));
    let span = high - low;
    image
        .values()
        .iter()
        .map(|v| {
            if v.is_finite() && span > 0.0 {
                ((v - low) / span * 255.0).clamp(0.0, 255.0).round() as u8
            } else {
                0
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> GreyImage {
        GreyImage::from_fn(Size { width, height }, |x, y| (x + 10 * y) as f32)
    }

    #[test]
    fn a_picture_survives_a_round_trip_and_a_wrong_size_is_refused() {
        let picture = Picture::grey(&ramp(8, 6), 64).unwrap();
        assert_eq!(
            picture.size(),
            Size {
                width: 8,
                height: 6
            }
        );
        let json = serde_json::to_string(&picture).unwrap();
        assert_eq!(serde_json::from_str::<Picture>(&json).unwrap(), picture);
        assert!(
            serde_json::from_str::<Picture>(&json.replace("\"width\":8", "\"width\":9")).is_err()
        );
        assert!(
            serde_json::from_str::<Picture>(r#"{"png":"\"><script>","width":1,"height":1}"#)
                .is_err()
        );
    }

    #[test]
    fn long_sides_shrink_with_the_aspect_ratio_and_short_ones_stay() {
        assert_eq!(
            Picture::grey(&ramp(300, 150), 100).unwrap().size(),
            Size {
                width: 100,
                height: 50
            }
        );
        assert_eq!(
            Picture::grey(&ramp(3, 900), 100).unwrap().size(),
            Size {
                width: 1,
                height: 100
            }
        );
        assert_eq!(
            Picture::grey(&ramp(20, 10), 100).unwrap().size(),
            Size {
                width: 20,
                height: 10
            }
        );
    }

    #[test]
    fn an_image_without_contrast_or_without_finite_values_is_black() {
        let flat = GreyImage::from_fn(
            Size {
                width: 2,
                height: 2,
            },
            |_, _| 7.0,
        );
        assert_eq!(grey_bytes(&flat), [0; 4]);
        let nan = GreyImage::from_fn(
            Size {
                width: 2,
                height: 2,
            },
            |_, _| f32::NAN,
        );
        assert_eq!(grey_bytes(&nan), [0; 4]);
    }

    #[test]
    fn bytes_that_do_not_fill_the_picture_are_an_error() {
        let size = Size {
            width: 2,
            height: 2,
        };
        assert!(matches!(
            Picture::encode(size, Pixels::Rgb, &[0; 4]),
            Err(PictureError::Shape { channels: 3, .. })
        ));
        assert!(
            Picture::encode(
                Size {
                    width: 0,
                    height: 2
                },
                Pixels::Grey,
                &[]
            )
            .is_err()
        );
        assert!(Picture::from_png(b"GIF89a".to_vec()).is_err());
    }
}
