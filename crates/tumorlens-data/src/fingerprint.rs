//! Fingerprint: what is kept of an image to recognise copies of the same slice.
//!
//! An image is looked at twice, as a whole and cut to the head, because either view alone can be led astray: the whole
//! view by a cropped or padded border, the head's box by a brightened background. Each view is brought to a square of
//! 64x64 and gives
//!
//! - a [perceptual hash](perceptual_hash) of 63 bits, in which copies differ little: the filter for candidates;
//! - a [detail map](detail): the fine structure after local contrast normalisation: the proof.
//!
//! Resizing, recompression, brightness, contrast, gamma, blurring and sharpening leave the detail map nearly alone;
//! another slice of the same head has other sulci and a map that hardly correlates. `docs/explanation/copies.md`
//! has the figures.
//!
//! Equality by [`Fingerprint::pixels`] is exact: same size, same decoded values.

pub mod detail;
pub mod head_box;
pub mod perceptual_hash;
pub mod thumbnail;

use detail::Detail;
use head_box::head_box;
use perceptual_hash::PerceptualHash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thumbnail::{Region, thumbnail};
use tumorlens_core::{GreyImage, Size};

/// Fingerprint of one decoded image: about 8 kB in memory, 8 kB as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// Size of the decoded image.
    pub size: Size,
    /// SHA-256 of size and decoded values, lower-case hexadecimal: equal for images that are identical pixel by pixel.
    pub pixels: String,
    /// The image as a whole.
    pub whole: View,
    /// The image cut to the head.
    pub head: View,
}

/// One way to look at an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Filter for candidates; `None` for a view without contrast, which resembles nothing.
    pub hash: Option<PerceptualHash>,
    /// Proof.
    pub detail: Detail,
}

impl Fingerprint {
    /// Takes the fingerprint of a decoded image of any size. Values that are not finite count as background.
    #[must_use]
    pub fn of(image: &GreyImage) -> Self {
        let head = head_box(image);
        Self {
            size: image.size(),
            pixels: pixel_hash(image),
            whole: View::of(image, Region::whole(image.size())),
            head: View::of(image, head),
        }
    }
}

impl View {
    fn of(image: &GreyImage, region: Region) -> Self {
        let thumb = thumbnail(image, region, Size { width: detail::SIDE, height: detail::SIDE });
        Self { hash: PerceptualHash::of(&thumb), detail: Detail::of(&thumb) }
    }
}

fn pixel_hash(image: &GreyImage) -> String {
    let mut hasher = Sha256::new();
    hasher.update((image.width() as u64).to_le_bytes());
    hasher.update((image.height() as u64).to_le_bytes());
    for row in image.values().chunks(1024) {
        let bytes: Vec<u8> = row.iter().flat_map(|v| v.to_le_bytes()).collect();
        hasher.update(bytes);
    }
    crate::hex(&hasher.finalize())
}
