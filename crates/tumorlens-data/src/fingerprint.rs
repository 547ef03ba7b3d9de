//! Fingerprint: what is kept of an image to recognise copies of the same slice.
//!
//! An image is looked at twice, as a whole and cut to the head, because either view alone can be led astray: the whole
//! view by a cropped or padded border, the head's box by a brightened background. Each view is brought to a square of
//! 64x64 and gives
//!
//! - a [perceptual hash](perceptual_hash) of 63 bits, in which copies differ little: the filter for candidates;
//! - a [detail map](detail): the fine structure after local contrast normalisation: the proof that both show one slice.
//!
//! Beside the views stands the [content], the image without its dark border: it tells whether two images of one
//! slice also look alike.
//!
//! Resizing, recompression, brightness, contrast, gamma, blurring and sharpening leave the detail map nearly alone;
//! another slice of the same head has other sulci and a map that hardly correlates. `docs/explanation/copies.md`
//! has the figures.
//!
//! Equality by [`Fingerprint::pixels`] is exact: same size, same decoded values.

pub mod content;
mod correlation;
pub mod detail;
pub mod head_box;
pub mod perceptual_hash;
pub mod thumbnail;

use content::Content;
use detail::Detail;
use head_box::head_box;
use perceptual_hash::PerceptualHash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thumbnail::{Region, thumbnail};
use tumorlens_core::{GreyImage, Size};

/// What a crop into the head may take away, as shares of the head's width and height: left, top, right, bottom.
///
/// A hash bears a crop of some 2 %. The crops between these are near enough to one of them; see
/// `docs/explanation/copies.md` for what is found after which crop.
const CROPS: [[f32; 4]; 6] = [
    [0.06, 0.0, 0.0, 0.0],
    [0.0, 0.06, 0.0, 0.0],
    [0.0, 0.0, 0.06, 0.0],
    [0.0, 0.0, 0.0, 0.06],
    [0.03; 4],
    [0.06; 4],
];

/// Fingerprint of one decoded image: about 12 kB in memory, 12 kB as JSON.
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
    /// The image without its dark border.
    pub content: Content,
    /// Hashes of the head as crops into it would leave it: found among the heads of other images, they name those that
    /// may be such crops.
    pub crops: Vec<PerceptualHash>,
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
        let whole = square(image, Region::whole(image.size()));
        let head = square(image, head_box(image));
        Self {
            size: image.size(),
            pixels: pixel_hash(image),
            whole: View::of(&whole),
            head: View::of(&head),
            content: Content::of(image),
            crops: CROPS
                .iter()
                .filter_map(|crop| PerceptualHash::of(&square(&head, cropped(*crop))))
                .collect(),
        }
    }
}

impl View {
    fn of(square: &GreyImage) -> Self {
        Self {
            hash: PerceptualHash::of(square),
            detail: Detail::of(square),
        }
    }
}

fn square(image: &GreyImage, region: Region) -> GreyImage {
    thumbnail(
        image,
        region,
        Size {
            width: detail::SIDE,
            height: detail::SIDE,
        },
    )
}

/// What is left of a 64x64 view.
fn cropped([left, top, right, bottom]: [f32; 4]) -> Region {
    let side = detail::SIDE as f32;
    Region {
        left: left * side,
        top: top * side,
        width: side * (1.0 - left - right),
        height: side * (1.0 - top - bottom),
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
