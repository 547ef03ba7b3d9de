//! The bundle's bytes: named parts, each with its hash, and a hash over everything.
//!
//! ```text
//! offset  size  what
//!      0     8  "TUMLENS\0"
//!      8     4  format version, little endian: 1
//!     12     4  number of bytes of the index, little endian, at most 1 MiB
//!     16     n  index: JSON list of {"name", "bytes", "sha256"}, in the order of the parts
//!   16+n        the parts, one after the other
//!    end    32  SHA-256 of everything before
//! ```

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const MAGIC: &[u8; 8] = b"TUMLENS\0";
const VERSION: u32 = 1;
const MAX_INDEX: usize = 1 << 20;

/// Named parts of a bundle.
pub(super) type Parts = BTreeMap<String, Vec<u8>>;
/// The same where they lie in a file.
pub(super) type Named<'a> = BTreeMap<String, &'a [u8]>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    bytes: usize,
    sha256: String,
}

/// Why bytes are not a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// Other magic bytes.
    #[error("not a tumorlens bundle")]
    NotABundle,
    /// Made by a newer version.
    #[error("bundle format {0} is not known to this version")]
    Version(u32),
    /// The bytes end early, go on too long, or a hash differs.
    #[error("the bundle is damaged: {0}")]
    Damaged(String),
}

/// Lower-case hexadecimal SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// Packs parts in the order of their names.
pub(super) fn pack(parts: &Parts) -> Result<Vec<u8>, serde_json::Error> {
    let index: Vec<Entry> = parts
        .iter()
        .map(|(name, bytes)| Entry {
            name: name.clone(),
            bytes: bytes.len(),
            sha256: sha256(bytes),
        })
        .collect();
    let index = serde_json::to_vec(&index)?;
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(index.len() as u32).to_le_bytes());
    out.extend_from_slice(&index);
    for bytes in parts.values() {
        out.extend_from_slice(bytes);
    }
    let seal = Sha256::digest(&out);
    out.extend_from_slice(&seal);
    Ok(out)
}

/// Reads the parts while the hash over everything is checked, and gives what was read only if that holds, with the SHA-256
/// of all bytes. Copies none of the bytes given.
///
/// The hash covers every byte, the index and its hashes among them: those are computed only where it does not hold, to say
/// which part is damaged.
pub(super) fn unpack<'a, T: Send, E: From<ContainerError> + Send>(
    bytes: &'a [u8],
    read: impl FnOnce(&Named<'a>) -> Result<T, E> + Send,
) -> Result<(T, String), E> {
    let parts = parts(bytes);
    let (whole, found) = rayon::join(
        || seal(bytes),
        || match &parts {
            Ok((parts, _)) => read(parts),
            Err(error) => Err(error.clone().into()),
        },
    );
    match (whole, &parts) {
        (Ok(whole), _) => Ok((found?, whole)),
        (Err(ContainerError::Damaged(reason)), Ok((parts, index))) => {
            let differs = |entry: &&Entry| sha256(parts[&entry.name]) != entry.sha256;
            let part = index.iter().find(differs).map(|e| e.name.as_str());
            let part = part.map(|name| format!(", as does that of part '{name}'"));
            let reason = reason + &part.unwrap_or_default();
            Err(ContainerError::Damaged(reason).into())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// Reads the parts of bytes that something else vouches for: no hash is checked.
pub(super) fn unpack_unchecked<'a, T, E: From<ContainerError>>(
    bytes: &'a [u8],
    read: impl FnOnce(&Named<'a>) -> Result<T, E>,
) -> Result<T, E> {
    let (parts, _) = parts(bytes)?;
    read(&parts)
}

/// Checks the hash over everything and gives that of all bytes, itself included.
fn seal(bytes: &[u8]) -> Result<String, ContainerError> {
    let body = body(bytes)?;
    let mut hash = Sha256::new_with_prefix(&bytes[..body]);
    if hash.clone().finalize()[..] != bytes[body..] {
        return Err(damaged("its checksum differs"));
    }
    hash.update(&bytes[body..]);
    Ok(hex(&hash.finalize()))
}

fn damaged(what: &str) -> ContainerError {
    ContainerError::Damaged(what.to_owned())
}

fn word(bytes: &[u8], at: usize) -> Result<u32, ContainerError> {
    let bytes: [u8; 4] = bytes
        .get(at..at + 4)
        .and_then(|b| b.try_into().ok())
        .ok_or_else(|| damaged("cut short"))?;
    Ok(u32::from_le_bytes(bytes))
}

/// Where the hash over everything begins, of bytes that are a bundle of this version.
fn body(bytes: &[u8]) -> Result<usize, ContainerError> {
    if bytes.get(..8) != Some(MAGIC) {
        return Err(ContainerError::NotABundle);
    }
    let version = word(bytes, 8)?;
    if version != VERSION {
        return Err(ContainerError::Version(version));
    }
    bytes
        .len()
        .checked_sub(32)
        .ok_or_else(|| damaged("cut short"))
}

/// The parts by name, and the index; no hash is checked.
fn parts(bytes: &[u8]) -> Result<(Named<'_>, Vec<Entry>), ContainerError> {
    let body = body(bytes)?;
    let length = word(bytes, 12)? as usize;
    if length > MAX_INDEX {
        return Err(damaged("its index is too large"));
    }
    let index = bytes[..body]
        .get(16..16 + length)
        .ok_or_else(|| damaged("cut short"))?;
    let index: Vec<Entry> = serde_json::from_slice(index)
        .map_err(|e| ContainerError::Damaged(format!("index: {e}")))?;
    let mut parts = BTreeMap::new();
    let mut at = 16 + length;
    for entry in &index {
        let end = at
            .checked_add(entry.bytes)
            .filter(|end| *end <= body)
            .ok_or_else(|| damaged("cut short"))?;
        let part = &bytes[at..end];
        if parts.insert(entry.name.clone(), part).is_some() {
            return Err(ContainerError::Damaged(format!(
                "part '{}' stands twice",
                entry.name
            )));
        }
        at = end;
    }
    if at != body {
        return Err(damaged("bytes that belong to no part"));
    }
    Ok((parts, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let parts: Parts = [("a".to_owned(), vec![1, 2, 3]), ("b".to_owned(), vec![])].into();
        pack(&parts).unwrap()
    }

    fn part_a(bytes: &[u8]) -> Result<(Vec<u8>, String), ContainerError> {
        let a = |parts: &Named<'_>| parts.get("a").map(|a| a.to_vec());
        unpack(bytes, |parts| a(parts).ok_or_else(|| damaged("no a")))
    }

    #[test]
    fn parts_survive_a_round_trip() {
        let bytes = sample();
        let (a, hash) = part_a(&bytes).unwrap();
        assert_eq!(a, [1, 2, 3]);
        assert_eq!(hash, sha256(&bytes));
    }

    #[test]
    fn the_damaged_part_is_named() {
        let mut bytes = sample();
        let last = bytes.len() - 33;
        bytes[last] ^= 1;
        let error = part_a(&bytes).unwrap_err().to_string();
        assert!(
            error.ends_with("checksum differs, as does that of part 'a'"),
            "{error}"
        );
    }

    #[test]
    fn every_single_bit_flip_and_every_truncation_is_noticed() {
        let good = sample();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(part_a(&bad).is_err(), "bit {bit}");
        }
        for end in 0..good.len() {
            assert!(part_a(&good[..end]).is_err(), "cut at {end}");
        }
    }
}
