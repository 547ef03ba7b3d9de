//! Limits on what a file may make the program do.

/// Limits for one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// Largest picture, in pixels.
    pub max_pixels: u64,
    /// Largest allocation of a decoder, in bytes.
    pub max_alloc_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_file_bytes: 256 << 20, max_pixels: 64 << 20, max_alloc_bytes: 512 << 20 }
    }
}
