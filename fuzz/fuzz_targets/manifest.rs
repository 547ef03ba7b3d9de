//! What is read can be written, and is read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_data::manifest::{parse, to_bytes};

fuzz_target!(|bytes: &[u8]| {
    let Ok(rows) = parse(bytes, "manifest.csv") else {
        return;
    };
    let Ok(written) = to_bytes(&rows) else {
        return;
    };
    let again = parse(&written, "manifest.csv");
    assert!(again.is_ok_and(|again| again == rows));
});
