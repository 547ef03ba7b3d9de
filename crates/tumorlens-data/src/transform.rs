//! From a decoded slice to the network's input, as [`PreprocessSpec`] says, and back.
//!
//! The order is fixed: head crop, square padding or stretching, resize, intensity window, normalisation, channel
//! copies. [`prepare`] does the steps up to the window and yields values in [0, 1]; augmentation works there;
//! [`to_input`] does the rest. A [`Placement`] remembers the geometry, so that an outline can be brought onto the
//! input's grid and a map of the input back onto the picture's own.
//!
//! ```
//! use tumorlens_core::{GreyImage, PreprocessSpec, Size};
//! use tumorlens_data::transform::{Outside, prepare, to_input};
//!
//! let spec = PreprocessSpec::default();
//! let image = GreyImage::from_fn(Size { width: 200, height: 150 }, |x, y| {
//!     if (40..160).contains(&x) && (20..130).contains(&y) { (x + y) as f32 } else { 0.0 }
//! });
//! let prepared = prepare(&image, &spec)?;
//! let input = to_input(&prepared.values, &spec);
//! assert_eq!(input.len(), spec.input_shape().iter().product::<usize>());
//! let back = prepared.placement.to_original(&prepared.values, Outside::Zero)?;
//! assert_eq!(back.size(), image.size());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod asymmetry;
pub mod augment;
mod bitmap;
mod crop;
pub mod exchange;
mod head;
mod outline;
mod padded;
mod placement;
pub(crate) mod resize;
mod tones;
mod window;

pub use augment::{AugmentConfig, AugmentParams};
pub use head::head_region;
pub use placement::{Outside, Placement, Rect};

use tones::Tones;
use tumorlens_core::image::ShapeError;
use tumorlens_core::preprocess::{Fit, SpecError};
use tumorlens_core::{GreyImage, Mask, PreprocessSpec};

/// An image cannot become an input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// A pixel is infinite or not a number.
    #[error("pixel ({x}, {y}) is {value}, not a finite number")]
    NotFinite {
        /// Column.
        x: usize,
        /// Row.
        y: usize,
        /// The value.
        value: f32,
    },
    /// A pixel is so large that sums of such pixels are infinite: no scanner stores that.
    #[error("pixel ({x}, {y}) is {value:e}, beyond {LARGEST:e}")]
    TooLarge {
        /// Column.
        x: usize,
        /// Row.
        y: usize,
        /// The value.
        value: f32,
    },
    /// All pixels are equal: there is nothing to see, and no window to compute.
    #[error("all pixels are {value}; the image is empty")]
    Constant {
        /// The value of every pixel.
        value: f32,
    },
    /// The specification is out of range.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// An outline or a map of another size than the image it belongs to.
    #[error("the {what} is {found}, its image {expected} pixels wide and high")]
    OtherSize {
        /// `outline` or `map`.
        what: &'static str,
        /// Its size.
        found: String,
        /// The image's.
        expected: String,
    },
    /// A side is too long for the resizer.
    #[error("an image of {width}x{height} cannot be resized: {reason}")]
    Resize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Why.
        reason: String,
    },
    /// A buffer and a size that do not fit each other.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// Largest pixel, in size: the weighted sums of a resize stay finite.
const LARGEST: f32 = 1e30;

/// An image after crop, fit, resize and window.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Values in [0, 1], `[size, size]`, row by row; 0 in the padding.
    pub values: Vec<f32>,
    /// Where the input's pixels lie in the picture.
    pub placement: Placement,
}

/// Crop, fit, resize and window. The same image and specification give the same bytes.
///
/// # Errors
/// When the specification is out of range, a pixel is not finite or beyond 1e30, or the image (or what the head crop leaves of it) is
/// constant.
pub fn prepare(image: &GreyImage, spec: &PreprocessSpec) -> Result<Prepared, TransformError> {
    spec.check()?;
    check_finite(image)?;
    let tones = Tones::of(image);
    let crop = crop::crop_box(image, tones.as_ref(), spec)?;
    let pixels = crop.cut(image);
    let (low, high) = (spec.window.low, spec.window.high);
    let window = match &tones {
        Some(tones) => tones.measure_part(crop, image.width(), low, high),
        None => window::measure(&pixels, low, high),
    }
    .ok_or_else(|| TransformError::Constant { value: pixels[0] })?;
    let content = fit(crop, spec);
    let mut resized = resize::resize(
        &pixels,
        (crop.width, crop.height),
        (content.width, content.height),
    )?;
    // After the resize, so that the overshoot of its filter next to the skull is cut as well.
    window.apply(&mut resized);
    let mut values = vec![0.0; spec.size * spec.size];
    for (row, line) in resized.chunks_exact(content.width).enumerate() {
        let start = (content.y + row) * spec.size + content.x;
        values[start..start + content.width].copy_from_slice(line);
    }
    let placement = Placement::new(image.size(), crop, spec.size, content);
    Ok(Prepared { values, placement })
}

/// Normalisation, channel copies and, where asked for, the channel of [asymmetry](PreprocessSpec::asymmetry): `[size, size]`
/// values in [0, 1] to the [input](PreprocessSpec::input_shape).
#[must_use]
pub fn to_input(values: &[f32], spec: &PreprocessSpec) -> Vec<f32> {
    let scale = 1.0 / spec.window.std;
    let normalised: Vec<f32> = values
        .iter()
        .map(|v| (v - spec.window.mean) * scale)
        .collect();
    let mut input = normalised.repeat(spec.channels);
    if spec.asymmetry {
        let difference = asymmetry::asymmetry(values, spec.size);
        input.extend(difference.into_iter().map(|d| d * scale));
    }
    input
}

/// An outline on the input's grid, `[size, size]`, 0 or 1: a pixel is inside when more than half of its area is.
///
/// An outline that is not empty never becomes empty: if no pixel is covered by half, the most covered one is inside,
/// so that a small lesion does not turn into the statement that nothing is there. (If the head crop cuts the outline
/// off altogether, nothing is left of it.)
///
/// # Errors
/// When the outline's size is not that of the image.
pub fn prepare_mask(mask: &Mask, placement: &Placement) -> Result<Vec<f32>, TransformError> {
    outline::prepare_mask(mask, placement)
}

/// The rectangle of the input that shows the cropped image.
fn fit(crop: Rect, spec: &PreprocessSpec) -> Rect {
    let side = spec.size;
    let long = crop.width.max(crop.height);
    let scaled = |length: usize| match spec.fit {
        Fit::Stretch => side,
        // Rounded half up, in integers; a very flat image keeps one row.
        Fit::Pad => ((2 * length * side + long) / (2 * long)).clamp(1, side),
    };
    let (width, height) = (scaled(crop.width), scaled(crop.height));
    Rect {
        x: (side - width) / 2,
        y: (side - height) / 2,
        width,
        height,
    }
}

fn check_finite(image: &GreyImage) -> Result<(), TransformError> {
    let usable = |v: &f32| v.is_finite() && v.abs() <= LARGEST;
    let Some(i) = image.values().iter().position(|v| !usable(v)) else {
        return Ok(());
    };
    let (x, y, value) = (i % image.width(), i / image.width(), image.values()[i]);
    Err(if value.is_finite() {
        TransformError::TooLarge { x, y, value }
    } else {
        TransformError::NotFinite { x, y, value }
    })
}
