//! Limits on what a file may make the program do.

use std::time::Duration;

/// Limits for one file. They hold before anything large is allocated: the file's length before it is read, its
/// width and height before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// Largest picture, in pixels.
    pub max_pixels: u64,
    /// Largest allocation of a decoder, in bytes.
    pub max_alloc_bytes: u64,
    /// Longest time that decoding takes before it gives up.
    pub max_time: Duration,
}

impl Default for Limits {
    /// 256 MiB a file, 64 Mi pixels a picture, 512 MiB and 10 seconds a decoder: above any slice, below what hurts a small
    /// machine.
    fn default() -> Self {
        Self {
            max_file_bytes: 256 << 20,
            max_pixels: 64 << 20,
            max_alloc_bytes: 512 << 20,
            max_time: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The limit as a length in memory; where a pointer is smaller than the limit, memory is the limit.
    pub(crate) fn max_alloc(&self) -> usize {
        usize::try_from(self.max_alloc_bytes).unwrap_or(usize::MAX)
    }
}
