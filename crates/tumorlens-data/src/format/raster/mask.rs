//! Outlines stored as pictures.

use super::{DecodeError, decode};
use crate::format::file::read_file;
use crate::limits::Limits;
use crate::slice::{self, Part};
use std::path::Path;
use tumorlens_core::{Mask, Size};

/// Reads an outline: a pixel is inside when its grey value is above half of the picture's largest value. So masks of
/// 0 and 1, of 0 and 255, and lossy ones are read alike; an all-black picture is an empty outline. In a slice of a
/// volume every value above 0 is inside: there numbers name parts of the lesion.
///
/// # Errors
/// As [`super::decode_file`].
pub fn decode_mask_file(path: &Path, limits: &Limits) -> Result<Mask, DecodeError> {
    let (file, part) = slice::split(path);
    if part == Part::Whole {
        return decode_mask(&read_file(path, limits)?, limits);
    }
    let image = slice::open(&file, limits)?.slice(part)?;
    let inside = image.values().iter().map(|&v| v > 0.0).collect();
    Mask::new(image.size(), inside).map_err(|e| DecodeError::damaged("outline", e))
}

/// Reads an outline from bytes; see [`decode_mask_file`].
///
/// # Errors
/// As [`super::decode`].
pub fn decode_mask(bytes: &[u8], limits: &Limits) -> Result<Mask, DecodeError> {
    let picture = decode(bytes, limits)?;
    let half = picture.image.range().map_or(0.0, |(_, high)| high / 2.0);
    let inside = picture.image.values().iter().map(|&v| v > half).collect();
    Mask::new(picture.image.size(), inside)
        .map_err(|e| DecodeError::damaged(picture.info.format, e))
}

/// Brings an outline to another size of the same shape by nearest neighbour; `None` when the aspect ratio differs by
/// more than one pixel of the shorter side, for then it belongs to another picture or another crop.
#[must_use]
pub fn fit_mask(mask: &Mask, size: Size) -> Option<Mask> {
    let from = mask.size();
    if from == size {
        return Some(mask.clone());
    }
    if from.area() == 0 || size.area() == 0 {
        return None;
    }
    let wanted_height = size.width as f64 * from.height as f64 / from.width as f64;
    let wanted_width = size.height as f64 * from.width as f64 / from.height as f64;
    if (wanted_height - size.height as f64).abs() > 1.0
        && (wanted_width - size.width as f64).abs() > 1.0
    {
        return None;
    }
    // Pixel centres: the target pixel x covers the source position (x + 1/2) * from / to.
    let nearest = |x: usize, to: usize, from: usize| ((2 * x + 1) * from / (2 * to)).min(from - 1);
    Some(Mask::from_fn(size, |x, y| {
        mask.get(
            nearest(x, size.width, from.width),
            nearest(y, size.height, from.height),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_of_twice_the_size_shrinks_onto_the_picture_and_another_shape_is_refused() {
        let large = Mask::from_fn(
            Size {
                width: 8,
                height: 4,
            },
            |x, y| (2..6).contains(&x) && y < 2,
        );
        let small = fit_mask(
            &large,
            Size {
                width: 4,
                height: 2,
            },
        )
        .unwrap();
        assert_eq!(
            small.values(),
            [false, true, true, false, false, false, false, false]
        );
        assert!(
            fit_mask(
                &large,
                Size {
                    width: 4,
                    height: 4
                }
            )
            .is_none()
        );
    }
}
