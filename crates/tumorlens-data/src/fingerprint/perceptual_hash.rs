//! Perceptual hash: the signs of the low frequencies.

use super::detail::SIDE;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use tumorlens_core::GreyImage;

/// Frequencies a side.
const FREQUENCIES: usize = 8;

/// The signs of the 8x8 lowest coefficients of the two-dimensional cosine transform of a 64x64 view, without the mean:
/// 63 bits. Copies differ in few of them, other images in about half.
///
/// After the "pHash" of Zauner (2010), but with signs in place of a comparison with the median: mirroring an image
/// negates its odd horizontal frequencies, so that the hash of the mirrored image is this one with fixed bits flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerceptualHash(pub u64);

/// The bits of odd horizontal frequencies.
const ODD_COLUMNS: u64 = 0xAAAA_AAAA_AAAA_AAAA;

impl PerceptualHash {
    /// The hash of a 64x64 view; `None` when all its values are equal.
    pub(super) fn of(view: &GreyImage) -> Option<Self> {
        let (low, high) = view.range()?;
        if low >= high {
            return None;
        }
        // Rows first: 64 rows of 8 horizontal frequencies, then 8 vertical frequencies of each.
        let mut narrow = vec![[0.0f64; FREQUENCIES]; SIDE];
        for (row, out) in view.values().chunks(SIDE).zip(&mut narrow) {
            for (out, cosines) in out.iter_mut().zip(COSINES.iter()) {
                *out = row
                    .iter()
                    .zip(cosines)
                    .map(|(v, c)| f64::from(*v) * c)
                    .sum();
            }
        }
        let mut bits = 0;
        for (v, cosines) in COSINES.iter().enumerate() {
            for u in 0..FREQUENCIES {
                let coefficient: f64 = narrow.iter().zip(cosines).map(|(row, c)| row[u] * c).sum();
                let is_mean = u == 0 && v == 0;
                if coefficient > 0.0 && !is_mean {
                    bits |= 1 << (v * FREQUENCIES + u);
                }
            }
        }
        Some(Self(bits))
    }

    /// The hash of the image mirrored left to right.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self(self.0 ^ ODD_COLUMNS)
    }

    /// Number of bits in which two hashes differ, 0 to 64.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

/// `COSINES[u][x]` of the cosine transform of type II.
static COSINES: LazyLock<[[f64; SIDE]; FREQUENCIES]> = LazyLock::new(|| {
    std::array::from_fn(|u| {
        std::array::from_fn(|x| {
            (std::f64::consts::PI / SIDE as f64 * (x as f64 + 0.5) * u as f64).cos()
        })
    })
});

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::Size;

    fn wave(mirrored: bool) -> GreyImage {
        GreyImage::from_fn(
            Size {
                width: SIDE,
                height: SIDE,
            },
            |x, y| {
                let x = if mirrored { SIDE - 1 - x } else { x } as f32;
                let y = y as f32;
                (x * 0.11).sin() * (y * 0.07 + 1.0) + (x * y * 0.004).cos() + 0.01 * x
            },
        )
    }

    #[test]
    fn a_mirrored_image_has_the_mirrored_hash() {
        let (Some(plain), Some(mirrored)) = (
            PerceptualHash::of(&wave(false)),
            PerceptualHash::of(&wave(true)),
        ) else {
            panic!("both have contrast");
        };
        assert_eq!(plain.mirrored().mirrored(), plain);
        assert_eq!(plain.mirrored(), mirrored);
        assert!(plain.distance(mirrored) > 8);
    }

    #[test]
    fn brightness_and_contrast_do_not_matter_and_a_flat_image_has_none() {
        let image = wave(false);
        let changed = GreyImage::from_fn(image.size(), |x, y| {
            9.0 + 3.0 * image.clamped(x as isize, y as isize)
        });
        assert_eq!(PerceptualHash::of(&image), PerceptualHash::of(&changed));
        assert_eq!(
            PerceptualHash::of(&GreyImage::from_fn(image.size(), |_, _| 3.0)),
            None
        );
    }
}
