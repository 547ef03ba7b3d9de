//! PNG, JPEG, TIFF, BMP and WebP: as a picture and as an outline.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_data::format::raster;
use tumorlens_data::format::raster::mask::decode_mask;
use tumorlens_data::limits::Limits;
use tumorlens_fuzz::reaches_the_network_as_numbers;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_file_bytes: 1 << 20,
        max_pixels: 1 << 18,
        max_alloc_bytes: 16 << 20,
        ..Limits::default()
    };
    if let Ok(picture) = raster::decode(bytes, &limits) {
        reaches_the_network_as_numbers(&picture.image);
        let _ = decode_mask(bytes, &limits);
    }
});
