//! The part of the ZIP format that PyTorch writes: entries stored as they are, none compressed or encrypted.
//! Names of fields as in PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

use super::super::file::shown;
use std::ops::Range;

/// Most entries; a checkpoint has one for each tensor and a few more.
const MOST_ENTRIES: usize = 8192;
const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END_OF_DIRECTORY: [u8; 4] = *b"PK\x05\x06";
/// The end record without its comment.
const END_BYTES: usize = 22;

/// An archive in memory whose entries do not overlap and whose checksums are right.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    /// Sorted by name.
    entries: Vec<Entry>,
}

/// One stored file.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    data: Range<usize>,
    crc32: u32,
}

impl<'a> Archive<'a> {
    /// Reads the directory and checks every entry against it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let end = find_end(bytes)
            .ok_or_else(|| "no directory at the end of the archive: cut short?".to_owned())?;
        let count = usize::from(u16_at(bytes, end + 10)?);
        let start = size_at(bytes, end + 16)?;
        if count > MOST_ENTRIES {
            return Err(format!("{count} entries, at most {MOST_ENTRIES} are read"));
        }
        let mut entries = Vec::with_capacity(count);
        let mut at = start;
        for _ in 0..count {
            let (entry, next) = central(bytes, at, start)?;
            entries.push(entry);
            at = next;
        }
        entries.sort_by_key(|entry| entry.data.start);
        if entries
            .windows(2)
            .any(|pair| pair[0].data.end > pair[1].data.start)
        {
            return Err("entries of the archive overlap".to_owned());
        }
        // Not before it is known that they do not overlap, so that each byte is summed once.
        let damaged = |entry: &&Entry| {
            bytes
                .get(entry.data.clone())
                .is_none_or(|data| crc32fast::hash(data) != entry.crc32)
        };
        if let Some(entry) = entries.iter().find(damaged) {
            return Err(format!(
                "the checksum of {} is wrong: the file is damaged",
                shown(&entry.name)
            ));
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(format!("the archive holds {} twice", shown(&pair[0].name)));
        }
        Ok(Self { bytes, entries })
    }

    /// Names of all entries, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The bytes of the entry of this name.
    pub(super) fn find(&self, name: &str) -> Option<&'a [u8]> {
        let position = self
            .entries
            .binary_search_by(|entry| entry.name.as_str().cmp(name))
            .ok()?;
        self.bytes.get(self.entries.get(position)?.data.clone())
    }
}

/// Place of the end record: the last one whose comment fills the rest of the file.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        bytes[at..].starts_with(&END_OF_DIRECTORY)
            && u16_at(bytes, at + 20)
                .is_ok_and(|comment| at + END_BYTES + usize::from(comment) == bytes.len())
    })
}

/// One entry of the directory, and where the next one starts.
fn central(bytes: &[u8], at: usize, directory: usize) -> Result<(Entry, usize), String> {
    let field = |offset: usize| at.checked_add(offset).ok_or_else(cut);
    if u32_at(bytes, at)? != CENTRAL_HEADER {
        return Err("the directory of the archive is damaged".to_owned());
    }
    let lengths = [28, 30, 32].map(|offset| {
        field(offset)
            .and_then(|at| u16_at(bytes, at))
            .map(usize::from)
    });
    let [name, extra, comment] = lengths;
    let (name, extra, comment) = (name?, extra?, comment?);
    let text = bytes.get(field(46)?..field(46 + name)?).ok_or_else(cut)?;
    let name_text = std::str::from_utf8(text)
        .map_err(|_| "a name in the archive is not UTF-8".to_owned())?
        .to_owned();
    let refuse = |what: &str| Err(format!("{} is {what}", shown(&name_text)));
    if u16_at(bytes, field(8)?)? & 1 != 0 {
        return refuse("encrypted");
    }
    let (method, packed, size) = (
        u16_at(bytes, field(10)?)?,
        size_at(bytes, field(20)?)?,
        size_at(bytes, field(24)?)?,
    );
    if method != 0 || packed != size {
        return refuse("compressed; PyTorch stores entries as they are");
    }
    let data = local(bytes, size_at(bytes, field(42)?)?, text, size)?;
    if data.end > directory {
        return refuse("not before the directory of the archive");
    }
    Ok((
        Entry {
            name: name_text,
            data,
            crc32: u32_at(bytes, field(16)?)?,
        },
        field(46 + name + extra + comment)?,
    ))
}

/// Where the data of the entry lies whose local header is at `at`.
fn local(bytes: &[u8], at: usize, name: &[u8], size: usize) -> Result<Range<usize>, String> {
    let field = |offset: usize| at.checked_add(offset).ok_or_else(cut);
    let (name_length, extra) = (u16_at(bytes, field(26)?)?, u16_at(bytes, field(28)?)?);
    let start = field(30)?;
    let name_end = start
        .checked_add(usize::from(name_length))
        .ok_or_else(cut)?;
    if u32_at(bytes, at)? != LOCAL_HEADER || bytes.get(start..name_end) != Some(name) {
        return Err("the directory of the archive does not match its entries".to_owned());
    }
    let begin = name_end.checked_add(usize::from(extra)).ok_or_else(cut)?;
    Ok(begin..begin.checked_add(size).ok_or_else(cut)?)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, String> {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    field
        .map(|&field| u16::from_le_bytes(field))
        .ok_or_else(cut)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, String> {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    field
        .map(|&field| u32::from_le_bytes(field))
        .ok_or_else(cut)
}

/// A size or place; the largest value says that a 64-bit one follows elsewhere, which files up to 2 GiB do not need.
fn size_at(bytes: &[u8], at: usize) -> Result<usize, String> {
    match u32_at(bytes, at)? {
        u32::MAX => Err("a 64-bit archive".to_owned()),
        value => usize::try_from(value).map_err(|_| cut()),
    }
}

fn cut() -> String {
    "the archive is cut short or damaged".to_owned()
}
