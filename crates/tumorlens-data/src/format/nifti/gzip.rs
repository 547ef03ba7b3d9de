//! gzip, to the end.

use super::damaged;
use crate::format::clock::Timed;
use crate::format::error::DecodeError;
use crate::limits::Limits;
use std::borrow::Cow;
use std::io::Read;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B])
}

/// The bytes inside; those that are not gzip as they are. Several members follow each other as one file.
pub(super) fn inflated<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
    if !is(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    let limit = limits.max_alloc_bytes;
    // The last four bytes tell the length, if they can be believed: deflate makes a byte of 1032 at most.
    let told = bytes.last_chunk().map_or(0, |b| u32::from_le_bytes(*b));
    let most = (bytes.len() as u64).saturating_mul(1032).min(limit);
    let mut inflated = Vec::with_capacity(u64::from(told).min(most) as usize);
    flate2::bufread::MultiGzDecoder::new(Timed(bytes))
        .take(limit + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| damaged("its gzip data is damaged, or bytes follow it"))?;
    if inflated.len() as u64 > limit {
        return Err(DecodeError::Memory { limit });
    }
    Ok(Cow::Owned(inflated))
}
