//! Which format a file has, by its first bytes.

/// A picture format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// ISO/IEC 15948.
    Png,
    /// ISO/IEC 10918-1, baseline, extended, progressive and lossless.
    Jpeg,
    /// TIFF 6.0 and BigTIFF.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// WebP, lossy and lossless.
    WebP,
}

impl Format {
    /// `png`, `jpeg`, `tiff`, `bmp` or `webp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::WebP => "webp",
        }
    }
}

/// The format whose signature the bytes begin with.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Format::Png)
    } else if starts(b"\xFF\xD8\xFF") {
        Some(Format::Jpeg)
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        Some(Format::Tiff)
    } else if starts(b"BM") && bytes.len() >= 14 {
        Some(Format::Bmp)
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(Format::WebP)
    } else {
        None
    }
}
