//! Why a file could not be decoded.

/// A file could not be decoded. The message does not name the file: the caller knows what it is called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Not a file that has an end: a folder, a pipe, a device.
    #[error("is not a regular file")]
    NotAFile,
    /// No bytes.
    #[error("is empty")]
    Empty,
    /// None of the formats that are read.
    #[error("is no PNG, JPEG, TIFF, BMP or WebP picture, no DICOM and no NIfTI file")]
    UnknownFormat,
    /// Longer than [`Limits::max_file_bytes`](crate::limits::Limits::max_file_bytes).
    #[error("is longer than {limit} bytes, the limit")]
    FileTooLong {
        /// The limit.
        limit: u64,
    },
    /// More pixels than [`Limits::max_pixels`](crate::limits::Limits::max_pixels), or an empty side.
    #[error("{width}x{height} pixels are refused: a picture has 1 to {limit}")]
    Dimensions {
        /// Columns that the file declares.
        width: u64,
        /// Rows that the file declares.
        height: u64,
        /// The limit.
        limit: u64,
    },
    /// Decoding would take more memory than [`Limits::max_alloc_bytes`](crate::limits::Limits::max_alloc_bytes).
    #[error("decoding needs more than {limit} bytes of memory, the limit")]
    Memory {
        /// The limit.
        limit: u64,
    },
    /// Decoding takes longer than [`Limits::max_time`](crate::limits::Limits::max_time).
    #[error("decoding takes longer than {seconds} s, the limit")]
    Time {
        /// The limit.
        seconds: f64,
    },
    /// A valid file of a kind that is not read.
    #[error("{format}: {what} is not supported")]
    Unsupported {
        /// Format.
        format: &'static str,
        /// The kind.
        what: String,
    },
    /// The file contradicts itself or its format, or ends too early.
    #[error("damaged {format}: {reason}")]
    Damaged {
        /// Format.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
}

impl DecodeError {
    pub(crate) fn unsupported<T>(format: &'static str, what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Unsupported {
            format,
            what: what.into(),
        })
    }

    pub(crate) fn damaged(format: &'static str, reason: impl std::fmt::Display) -> Self {
        // Some decoders print byte dumps: one line of bounded length is enough to act on.
        let line: String = reason
            .to_string()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(200)
            .collect();
        Self::Damaged {
            format,
            reason: line,
        }
    }
}
