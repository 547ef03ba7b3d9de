//! Reading a whole file within the limits.

use super::error::DecodeError;
use crate::limits::Limits;
use std::io::Read;
use std::path::Path;

/// Reads a whole regular file within the limit. Never waits for a pipe and never reads a device.
///
/// # Errors
/// When it is no regular file, cannot be read, or is too long.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    // Asked before opening: opening a pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(DecodeError::NotAFile);
    }
    let file = std::fs::File::open(path)?;
    let limit = limits.max_file_bytes;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(DecodeError::FileTooLong { limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // One byte more than the limit, so that a file that grows meanwhile is noticed.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(DecodeError::FileTooLong { limit });
    }
    Ok(bytes)
}

/// The first bytes of a regular file, enough to tell its format; none when it cannot be read.
pub(crate) fn read_head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if std::fs::metadata(path).is_ok_and(|m| m.is_file())
        && let Ok(file) = std::fs::File::open(path)
        && file.take(512).read_to_end(&mut head).is_err()
    {
        head.clear();
    }
    head
}
