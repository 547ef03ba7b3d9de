//! The single border at which a panic of a decoder becomes an error.

use super::clock;
use super::error::DecodeError;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a decoder for as long as it may; should it panic, the file is damaged and the reason says so.
///
/// The decoders are other people's code fed with hostile bytes, and one bad file among thousands must not end a run.
/// Nothing outlives the call: bytes come in by reference, samples go out by value, so that no broken state is seen.
pub(super) fn without_panic<T>(
    format: &'static str,
    time: Duration,
    decoder: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let decoder = || clock::within(time, decoder);
    if cfg!(fuzzing) {
        // A fuzzer is to see the panic.
        return decoder();
    }
    silence();
    // A thread that waits for others may take up another decoder meanwhile.
    let before = DECODING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decoder));
    DECODING.set(before);
    result.unwrap_or_else(|_| Err(DecodeError::damaged(format, "the decoder gave up on it")))
}

/// Keeps the message of a caught panic off the terminal; any other panic is reported as before.
fn silence() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !DECODING.get() {
                before(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_becomes_an_error_and_the_next_file_is_decoded() {
        let empty: [u8; 0] = [];
        let hour = Duration::from_secs(3600);
        let result: Result<u8, _> =
            without_panic("png", hour, || Ok(empty[std::hint::black_box(3)]));
        assert_eq!(
            result.unwrap_err().to_string(),
            "damaged png: the decoder gave up on it"
        );
        assert_eq!(without_panic("png", hour, || Ok(7)).unwrap(), 7);
    }
}
