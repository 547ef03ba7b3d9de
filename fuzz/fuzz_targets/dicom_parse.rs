//! Headers: file meta information, elements, sequences, places, windows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_data::format::dicom::{File, about};
use tumorlens_fuzz::small;

fuzz_target!(|bytes: &[u8]| {
    let limits = small();
    if let Ok(file) = File::open(bytes, &limits) {
        let _ = file.data_set();
    }
    let _ = about::about(bytes, &limits);
});
