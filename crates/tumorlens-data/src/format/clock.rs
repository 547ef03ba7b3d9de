//! The time that one file may take: decoders look at the clock between lines, tiles or pieces of what they read.
//!
//! A thread cannot be stopped from outside, and a process for every file costs more than decoding it. So time is
//! kept as memory is, by asking on the way: what the limits on bytes and pixels leave to a hostile file is then at most
//! the piece between two looks.

use super::error::DecodeError;
use std::cell::Cell;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

thread_local! {
    static END: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Bytes that a decoder is handed at once, so that it comes back for more.
const PIECE: usize = 64 << 10;

/// Runs a decoder on this thread with so much time; what it says of a file after that is that time ran out.
pub(super) fn within<T>(
    time: Duration,
    decoder: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let before = END.replace(Instant::now().checked_add(time).map(|end| (end, time)));
    let result = decoder();
    let late = check();
    END.set(before);
    match result {
        Ok(done) => Ok(done),
        // A decoder that was refused its next piece calls the file damaged.
        Err(error) => late.and(Err(error)),
    }
}

/// What is left of the time, for a part of the work that goes on in another thread; endless where none was set.
pub(super) fn left() -> Duration {
    END.get().map_or(Duration::MAX, |(end, _)| {
        end.saturating_duration_since(Instant::now())
    })
}

/// Whether time is left; always where none was set.
///
/// # Errors
/// [`DecodeError::Time`] when it ran out.
pub(super) fn check() -> Result<(), DecodeError> {
    match END.get() {
        Some((end, time)) if Instant::now() >= end => Err(DecodeError::Time {
            seconds: time.as_secs_f64(),
        }),
        _ => Ok(()),
    }
}

/// Hands out pieces while time is left.
#[derive(Debug)]
pub(super) struct Timed<R>(pub(super) R);

impl<R> Timed<R> {
    fn tick() -> io::Result<()> {
        check().map_err(|late| io::Error::new(io::ErrorKind::TimedOut, late))
    }
}

impl<R: Read> Read for Timed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Self::tick()?;
        let length = buffer.len().min(PIECE);
        self.0.read(&mut buffer[..length])
    }
}

impl<R: BufRead> BufRead for Timed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Self::tick()?;
        let buffer = self.0.fill_buf()?;
        Ok(&buffer[..buffer.len().min(PIECE)])
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl<R: Seek> Seek for Timed<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_in_time_is_kept_and_what_is_refused_afterwards_is_late() {
        let hour = Duration::from_secs(3600);
        assert_eq!(within(hour, || Ok(7)).unwrap(), 7);
        let empty = within(hour, || Err::<(), _>(DecodeError::Empty)).unwrap_err();
        assert!(matches!(empty, DecodeError::Empty));
        let late = within(Duration::ZERO, || Err::<(), _>(DecodeError::Empty)).unwrap_err();
        assert!(matches!(late, DecodeError::Time { .. }), "{late}");
        assert!(check().is_ok(), "time is over with the file");
    }

    #[test]
    fn a_reader_out_of_time_hands_nothing_out() {
        let bytes = vec![0u8; 3 * PIECE];
        let read = || {
            let mut all = Vec::new();
            Timed(bytes.as_slice()).read_to_end(&mut all)?;
            Ok(all)
        };
        assert_eq!(within(Duration::from_secs(3600), read).unwrap(), bytes);
        let late = within(Duration::ZERO, read).unwrap_err();
        assert!(matches!(late, DecodeError::Time { .. }), "{late}");
    }
}
