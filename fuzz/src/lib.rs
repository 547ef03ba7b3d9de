//! What several targets hold of an image.

use tumorlens_core::{GreyImage, PreprocessSpec};
use tumorlens_data::transform::prepare;

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
