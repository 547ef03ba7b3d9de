//! Making images small enough for a page: averaging over areas, so that thin bright lines dim instead of vanishing.
//!
//! Own code because `imageops::resize` clamps 32-bit values to [0, 1], which MRI intensities are not in.

use tumorlens_core::{GreyImage, Size};

/// The size after shrinking the longer side to at most `longest`, keeping the aspect ratio.
pub(crate) fn shrunk_size(size: Size, longest: usize) -> Size {
    let side = size.width.max(size.height);
    let longest = longest.max(1);
    if side <= longest {
        return size;
    }
    let scaled = |length: usize| (length * longest).div_ceil(side).max(1);
    Size {
        width: scaled(size.width),
        height: scaled(size.height),
    }
}

/// Shrinks until the longer side is at most `longest`; an image that is small enough comes back as it is. Values that
/// are not finite count as 0.
pub(crate) fn shrink(image: &GreyImage, longest: usize) -> GreyImage {
    let (from, to) = (image.size(), shrunk_size(image.size(), longest));
    if from == to {
        return image.clone();
    }
    let values = image.values();
    let narrow = GreyImage::from_fn(
        Size {
            width: to.width,
            height: from.height,
        },
        |x, y| average(x, to.width, from.width, |i| values[y * from.width + i]),
    );
    GreyImage::from_fn(to, |x, y| {
        average(y, to.height, from.height, |i| {
            narrow.values()[i * to.width + x]
        })
    })
}

/// Mean of the source pixels below target pixel `place`, weighted by how much of each it covers. `target` and `source`
/// are lengths in pixels, `target <= source`.
fn average(place: usize, target: usize, source: usize, value: impl Fn(usize) -> f32) -> f32 {
    // In units of 1/target of a source pixel everything is a whole number.
    let (start, end) = (place * source, (place + 1) * source);
    let mut sum = 0.0f64;
    for i in start / target..end.div_ceil(target).min(source) {
        let covered = end.min((i + 1) * target) - start.max(i * target);
        let value = f64::from(value(i));
        sum += if value.is_finite() {
            value * covered as f64
        } else {
            0.0
        };
    }
    (sum / source as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pixel_is_the_mean_of_what_it_covers_in_the_images_own_unit() {
        let image = GreyImage::new(
            Size {
                width: 3,
                height: 1,
            },
            vec![0.0, 300.0, 600.0],
        )
        .unwrap();
        // Two pixels out of three: each covers one whole pixel and half of the middle one.
        assert_eq!(shrink(&image, 2).values(), [100.0, 500.0]);
        let square = GreyImage::from_fn(
            Size {
                width: 4,
                height: 4,
            },
            |x, y| (x / 2 * 10 + y / 2) as f32,
        );
        assert_eq!(shrink(&square, 2).values(), [0.0, 10.0, 1.0, 11.0]);
    }

    #[test]
    fn values_that_are_not_finite_count_as_nothing() {
        let image = GreyImage::new(
            Size {
                width: 2,
                height: 1,
            },
            vec![f32::NAN, 4.0],
        )
        .unwrap();
        assert_eq!(shrink(&image, 1).values(), [2.0]);
    }

    proptest! {
        #[test]
        fn the_mean_stays_when_the_aspect_ratio_does(values in prop::collection::vec(-1e3f32..1e3, 64), side in 1usize..9) {
            let mean = |image: &GreyImage| image.values().iter().map(|v| f64::from(*v)).sum::<f64>() / image.size().area() as f64;
            let image = GreyImage::new(Size { width: 8, height: 8 }, values).unwrap();
            prop_assert!((mean(&shrink(&image, side)) - mean(&image)).abs() < 1e-3);
        }
    }
}
