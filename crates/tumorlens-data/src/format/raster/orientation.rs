//! Turning a picture upright (EXIF 2.32, tag 0x0112; TIFF 6.0, tag 274).

use image::metadata::Orientation;
use tumorlens_core::{GreyImage, Size};

/// The orientation in an EXIF block; 1 where there is none or its value is illegal.
pub(super) fn of_exif(block: Option<&[u8]>) -> u8 {
    // JPEG files differ in whether the block still has its "Exif\0\0" name.
    let block = block.map(|b| b.strip_prefix(b"Exif\0\0").unwrap_or(b));
    block
        .and_then(Orientation::from_exif_chunk)
        .map_or(1, Orientation::to_exif)
}

/// Applies an orientation, 1 to 8; any other value does nothing.
pub(super) fn upright(image: GreyImage, orientation: u8) -> GreyImage {
    let Size {
        width: w,
        height: h,
    } = image.size();
    let stored = image.values();
    // For each value: where the upright pixel (x, y) lies in the stored grid.
    let turned = |swapped: bool, from: &dyn Fn(usize, usize) -> (usize, usize)| {
        let size = if swapped {
            Size {
                width: h,
                height: w,
            }
        } else {
            Size {
                width: w,
                height: h,
            }
        };
        GreyImage::from_fn(size, |x, y| {
            let (sx, sy) = from(x, y);
            stored[sy * w + sx]
        })
    };
    match orientation {
        2 => turned(false, &|x, y| (w - 1 - x, y)),
        3 => turned(false, &|x, y| (w - 1 - x, h - 1 - y)),
        4 => turned(false, &|x, y| (x, h - 1 - y)),
        5 => turned(true, &|x, y| (y, x)),
        6 => turned(true, &|x, y| (y, h - 1 - x)),
        7 => turned(true, &|x, y| (w - 1 - y, h - 1 - x)),
        8 => turned(true, &|x, y| (w - 1 - y, x)),
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stored 3x2 grid `a b c / d e f` as numbers 1 to 6.
    fn turned(orientation: u8) -> (usize, Vec<f32>) {
        let image = GreyImage::from_fn(
            Size {
                width: 3,
                height: 2,
            },
            |x, y| (y * 3 + x + 1) as f32,
        );
        let upright = upright(image, orientation);
        (upright.width(), upright.into_values())
    }

    #[test]
    fn each_orientation_turns_as_the_exif_table_says() {
        // EXIF 2.32 table 6: which visual side row 0 and column 0 are, e.g. 6 = row 0 on the right, column 0 on top.
        assert_eq!(turned(1), (3, vec![1., 2., 3., 4., 5., 6.]));
        assert_eq!(turned(2), (3, vec![3., 2., 1., 6., 5., 4.]));
        assert_eq!(turned(3), (3, vec![6., 5., 4., 3., 2., 1.]));
        assert_eq!(turned(4), (3, vec![4., 5., 6., 1., 2., 3.]));
        assert_eq!(turned(5), (2, vec![1., 4., 2., 5., 3., 6.]));
        assert_eq!(turned(6), (2, vec![4., 1., 5., 2., 6., 3.]));
        assert_eq!(turned(7), (2, vec![6., 3., 5., 2., 4., 1.]));
        assert_eq!(turned(8), (2, vec![3., 6., 2., 5., 1., 4.]));
    }
}
