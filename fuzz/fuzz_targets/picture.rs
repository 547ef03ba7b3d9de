//! PNG, JPEG, TIFF, BMP and WebP: as a picture and as an outline.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_data::format::raster;
use tumorlens_data::format::raster::mask::decode_mask;
use tumorlens_fuzz::{reaches_the_network_as_numbers, small};

fuzz_target!(|bytes: &[u8]| {
    let limits = small();
    if let Ok(picture) = raster::decode(bytes, &limits) {
        reaches_the_network_as_numbers(&picture.image);
        let _ = decode_mask(bytes, &limits);
    }
});
