//! Stored values of every coding, then each slice as a grey picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_data::format::dicom;
use tumorlens_fuzz::{reaches_the_network_as_numbers, small};

fuzz_target!(|bytes: &[u8]| {
    let limits = small();
    let Ok(image) = dicom::decode(bytes, &limits) else {
        return;
    };
    for frame in 0..image.slices().min(4) {
        if let Ok(grey) = image.grey(frame) {
            reaches_the_network_as_numbers(&grey);
        }
    }
});
