//! The samples of a picture as its file stores them.

use super::sniff::Format;
use super::{DecodeError, PictureInfo};
use tumorlens_core::Size;

/// Channels of a stored picture; the samples of one pixel lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// Grey.
    L,
    /// Grey and alpha.
    La,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha (not premultiplied).
    Rgba,
    /// Cyan, magenta, yellow, black: inks, for which no grey is defined here.
    Cmyk,
    /// Red, green, blue and a channel without stated meaning.
    RgbX,
}

impl Channels {
    /// 1 to 4.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::L => 1,
            Self::La => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk | Self::RgbX => 4,
        }
    }

    /// `L`, `LA`, `RGB`, `RGBA`, `CMYK` or `RGBX`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::L => "L",
            Self::La => "LA",
            Self::Rgb => "RGB",
            Self::Rgba => "RGBA",
            Self::Cmyk => "CMYK",
            Self::RgbX => "RGBX",
        }
    }
}

/// Sample values; 1, 2 and 4 bits are already spread over 8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 0 to 255.
    U8(Vec<u8>),
    /// 0 to 65535.
    U16(Vec<u16>),
}

impl Samples {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
        }
    }

    /// True without values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A picture as stored: `samples[(y * width + x) * channels + c]`, before orientation.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Format by content.
    pub format: Format,
    /// Width and height before orientation.
    pub size: Size,
    /// Channels after a palette was looked up.
    pub channels: Channels,
    /// Values.
    pub samples: Samples,
    /// Colour mode in the file: a name of [`Channels`], or `P` for a palette.
    pub mode: &'static str,
    /// Bits a channel in the file, 1 to 16.
    pub bits: u8,
    /// Orientation tag, 1 to 8.
    pub orientation: u8,
    /// False for a JPEG file that ends where its pixels begin: what it decodes to is no picture of anything.
    pub holds_pixels: bool,
}

impl Stored {
    /// Refuses samples that do not fill the picture.
    pub(super) fn check(self) -> Result<Self, DecodeError> {
        let expected = self.size.area().checked_mul(self.channels.count());
        if expected == Some(self.samples.len()) && !self.samples.is_empty() {
            return Ok(self);
        }
        let found = self.samples.len();
        Err(DecodeError::damaged(
            self.format.name(),
            format!("{found} samples do not fill the picture"),
        ))
    }

    /// Facts for the caller.
    #[must_use]
    pub fn info(&self) -> PictureInfo {
        PictureInfo {
            format: self.format.name(),
            stored: self.size,
            mode: self.mode.to_owned(),
            bits: self.bits,
            orientation: self.orientation,
        }
    }
}
