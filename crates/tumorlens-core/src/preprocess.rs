//! The preprocessing specification: how a decoded slice becomes the network's input.
//!
//! It is stored in the bundle, so that a served image is prepared exactly as a training image was.
//! `tumorlens-data` carries it out; the order is the order of the fields.

use serde::{Deserialize, Serialize};

/// Steps from a decoded grey slice to a `[channels, size, size]` tensor, in this order:
/// head crop, square padding or stretching, resize, intensity window, normalisation, channel copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreprocessSpec {
    /// Whether the image is first cut to the box of the head.
    pub crop: Crop,
    /// How an image that is not square fits into the square input.
    pub fit: Fit,
    /// Side of the square input in pixels, 16 to 1024.
    pub size: usize,
    /// Intensity window.
    pub window: Window,
    /// 1 (grey) or 3 (the grey value three times, for networks made for colour).
    pub channels: usize,
    /// One more channel behind these: the smoothed image less its mirror image about the head's midline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asymmetry: bool,
}

/// Cutting to the head.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Crop {
    /// The whole image.
    None,
    /// The bounding box of the pixels above the background (Otsu's threshold on the window, largest component),
    /// widened on each side by `margin` times its longer side. Falls back to the whole image when the box is
    /// smaller than a tenth of the image.
    Head {
        /// Share of the box's longer side added on each side, e.g. 0.02.
        margin: f32,
    },
}

/// Fitting into a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Keep the aspect ratio and pad with the background (value 0 after the window), centred.
    Pad,
    /// Stretch to the square.
    Stretch,
}

/// Intensity window: values at or below the low percentile become 0, at or above the high one 1, linear between.
/// Computed on the finite pixels of the cropped image that are above its minimum. A constant image becomes all 0.
/// Afterwards `value = (value - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Lower percentile, 0 to 100.
    pub low: f32,
    /// Upper percentile, 0 to 100, above `low`.
    pub high: f32,
    /// Subtracted after the window.
    pub mean: f32,
    /// Divided by after the window, above 0.
    pub std: f32,
}

/// A field of the specification is out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("preprocessing: {field} is {found}, expected {expected}")]
pub struct SpecError {
    /// Field name.
    pub field: &'static str,
    /// Value found.
    pub found: String,
    /// Values allowed.
    pub expected: &'static str,
}

impl Default for PreprocessSpec {
    fn default() -> Self {
        Self {
            crop: Crop::Head { margin: 0.02 },
            fit: Fit::Pad,
            size: 128,
            window: Window {
                low: 1.0,
                high: 99.5,
                mean: 0.3,
                std: 0.25,
            },
            channels: 1,
            asymmetry: false,
        }
    }
}

impl PreprocessSpec {
    /// Shape of the network's input, `[channels, rows, columns]`, with the channel of asymmetry where it is asked for.
    #[must_use]
    pub fn input_shape(&self) -> [usize; 3] {
        let channels = self.channels + usize::from(self.asymmetry);
        [channels, self.size, self.size]
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(&self) -> Result<(), SpecError> {
        let error = |field, found: String, expected| {
            Err(SpecError {
                field,
                found,
                expected,
            })
        };
        if !(16..=1024).contains(&self.size) {
            return error("size", self.size.to_string(), "16 to 1024");
        }
        if self.channels != 1 && self.channels != 3 {
            return error("channels", self.channels.to_string(), "1 or 3");
        }
        let w = self.window;
        if !(w.low >= 0.0 && w.low < w.high && w.high <= 100.0) {
            return error(
                "window",
                format!("{} to {}", w.low, w.high),
                "percentiles 0 <= low < high <= 100",
            );
        }
        if !(w.std > 0.0 && w.std.is_finite() && w.mean.is_finite()) {
            return error(
                "window.std",
                format!("{} (mean {})", w.std, w.mean),
                "finite, std above 0",
            );
        }
        if let Crop::Head { margin } = self.crop
            && !(0.0..=1.0).contains(&margin)
        {
            return error("crop.margin", margin.to_string(), "0 to 1");
        }
        Ok(())
    }
}
