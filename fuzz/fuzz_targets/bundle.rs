//! A stranger's bundle is refused or is sound; nothing in it makes memory or time run away.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tumorlens_nn::bundle::Bundle;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = Bundle::from_bytes(bytes) {
        assert!(bundle.to_bytes().is_ok());
    }
});
