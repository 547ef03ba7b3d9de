//! What several targets hold of an image.

use tumorlens_core::{GreyImage, PreprocessSpec};
use tumorlens_data::limits::Limits;
use tumorlens_data::transform::prepare;

/// Limits under which an input is decoded in milliseconds.
#[must_use]
pub fn small() -> Limits {
    Limits {
        max_file_bytes: 1 << 20,
        max_pixels: 1 << 18,
        max_alloc_bytes: 16 << 20,
        ..Limits::default()
    }
}

/// What reaches a network is a number, or the image is refused.
pub fn reaches_the_network_as_numbers(image: &GreyImage) {
    let spec = PreprocessSpec {
        size: 32,
        ..PreprocessSpec::default()
    };
    if let Ok(prepared) = prepare(image, &spec) {
        assert!(prepared.values.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
