//! What the probes see.

use super::image::AuditImage;
use crate::fingerprint::thumbnail::{Region, thumbnail};
use tumorlens_core::{GreyImage, Size};

/// Side of the thumbnail that is compared by the nearest neighbour.
pub(super) const SIDE: usize = 48;
/// Width of the border on that thumbnail: 4 % of the image.
const RING: usize = 2;
/// Stretches of one side of the border.
const STRETCHES: usize = 12;

/// Width, height, aspect, bits a channel, length of the file, bytes a pixel, mean grey value (0 to 1 of the depth).
/// Format and colour mode are names and become numbers where all images are known.
pub(super) fn metadata(image: &AuditImage) -> Vec<f32> {
    let Size { width, height } = image.info.stored;
    let (width, height) = (width as f32, height as f32);
    let values = image.image.values();
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    let bytes = image.bytes as f32;
    vec![
        width,
        height,
        width / height,
        f32::from(image.info.bits),
        bytes,
        bytes / (width * height),
        mean as f32 / full_scale(image.info.bits),
    ]
}

/// The whole image as 48x48 values of 8 bits, whatever its shape and depth.
pub(super) fn thumbnail48(image: &GreyImage, bits: u8) -> Vec<u8> {
    let small = thumbnail(
        image,
        Region::whole(image.size()),
        Size {
            width: SIDE,
            height: SIDE,
        },
    );
    let scale = 255.0 / full_scale(bits);
    small
        .values()
        .iter()
        .map(|v| (v * scale).round().clamp(0.0, 255.0) as u8)
        .collect()
}

/// Mean and spread of the outermost 4 % of each side, in twelve stretches: top, bottom, left, right.
pub(super) fn border(thumbnail: &[u8]) -> Vec<f32> {
    let at = |x: usize, y: usize| f32::from(thumbnail[y * SIDE + x]);
    let far = SIDE - RING;
    let sides: [&dyn Fn(usize, usize) -> f32; 4] = [
        &|along, deep| at(along, deep),
        &|along, deep| at(along, far + deep),
        &|along, deep| at(deep, along),
        &|along, deep| at(far + deep, along),
    ];
    let length = SIDE / STRETCHES;
    let mut features = Vec::with_capacity(2 * sides.len() * STRETCHES);
    for side in sides {
        for stretch in 0..STRETCHES {
            let pixels: Vec<f32> = (stretch * length..(stretch + 1) * length)
                .flat_map(|along| (0..RING).map(move |deep| side(along, deep)))
                .collect();
            let mean = pixels.iter().sum::<f32>() / pixels.len() as f32;
            let variance =
                pixels.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / pixels.len() as f32;
            features.extend([mean, variance.sqrt()]);
        }
    }
    features
}

/// The largest value of pictures of this depth: grey values of 1 to 8 bits are spread over 0 to 255.
fn full_scale(bits: u8) -> f32 {
    if bits > 8 { 65_535.0 } else { 255.0 }
}
