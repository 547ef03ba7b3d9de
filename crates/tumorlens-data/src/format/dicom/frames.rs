//! From the fragments of encapsulated pixel data to frames (DICOM PS3.5 annex A.4).

use super::data_set::{DataSet, damaged};
use super::syntax::Coding;
use super::tag;
use crate::format::error::DecodeError;
use std::borrow::Cow;

/// The bytes of each frame.
///
/// # Errors
/// When the fragments cannot be shared out among the frames without guessing.
pub(super) fn frames<'a>(
    set: &DataSet<'a>,
    count: usize,
    coding: Coding,
) -> Result<Vec<Cow<'a, [u8]>>, DecodeError> {
    let mut fragments = set
        .fragments()?
        .ok_or_else(|| damaged("its pixel data is not encapsulated as its transfer syntax says"))?;
    if fragments.is_empty() {
        return Err(damaged("its pixel data has no fragments"));
    }
    let table = fragments.remove(0);
    if fragments.is_empty() {
        return Err(damaged("its pixel data has no fragments"));
    }
    if count == 1 {
        return Ok(vec![joined(&fragments)]);
    }
    if fragments.len() == count {
        return Ok(fragments.into_iter().map(Cow::Borrowed).collect());
    }
    let starts = offsets(set, table, &fragments, count).or_else(|| {
        // Without a table a frame can be told by the signature with which its stream begins.
        let signature: &[u8] = match coding {
            Coding::Jpeg | Coding::JpegLs => &[0xFF, 0xD8, 0xFF],
            Coding::Jpeg2000 => &[0xFF, 0x4F, 0xFF, 0x51],
            Coding::Native | Coding::Rle => return None,
        };
        let starts: Vec<usize> = (0..fragments.len())
            .filter(|i| fragments[*i].starts_with(signature))
            .collect();
        (starts.len() == count && starts[0] == 0).then_some(starts)
    });
    let Some(starts) = starts else {
        return Err(damaged(format!(
            "{} fragments cannot be shared out among {count} frames",
            fragments.len()
        )));
    };
    let ends = starts.iter().skip(1).copied().chain([fragments.len()]);
    Ok(starts
        .iter()
        .zip(ends)
        .map(|(start, end)| joined(&fragments[*start..end]))
        .collect())
}

fn joined<'a>(fragments: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match fragments {
        [one] => Cow::Borrowed(one),
        many => Cow::Owned(many.concat()),
    }
}

/// Index of the first fragment of each frame by the basic or extended offset table; `None` when there is no table or
/// it does not point at fragments.
fn offsets(
    set: &DataSet<'_>,
    basic: &[u8],
    fragments: &[&[u8]],
    count: usize,
) -> Option<Vec<usize>> {
    let wanted: Vec<u64> = match set.value(tag::EXTENDED_OFFSET_TABLE) {
        Some(extended) => extended
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| u64::from_le_bytes(*b))
            .collect(),
        None => basic
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| u64::from(u32::from_le_bytes(*b)))
            .collect(),
    };
    let mut at = 0;
    let mut starts = Vec::with_capacity(count.min(fragments.len()));
    let mut next = wanted.iter();
    let mut target = next.next();
    for (i, fragment) in fragments.iter().enumerate() {
        if target == Some(&at) {
            starts.push(i);
            target = next.next();
        }
        at += 8 + fragment.len() as u64;
    }
    (starts.len() == count && wanted.len() == count && starts.first() == Some(&0)).then_some(starts)
}
