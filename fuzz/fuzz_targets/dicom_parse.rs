//! Headers: file meta information, elements, sequences, places, windows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_data::format::dicom::{File, about};
use tumorlens_data::limits::Limits;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_file_bytes: 1 << 20,
        max_pixels: 1 << 20,
        max_alloc_bytes: 16 << 20,
        ..Limits::default()
    };
    if let Ok(file) = File::open(bytes, &limits) {
        let _ = file.data_set();
    }
    let _ = about::about(bytes, &limits);
});
