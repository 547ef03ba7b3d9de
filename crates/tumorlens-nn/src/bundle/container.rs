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

/// What a bundle's bytes hold.
#[derive(Debug)]
pub(super) struct Unpacked<'a> {
    /// The parts by name.
    pub(super) parts: BTreeMap<String, &'a [u8]>,
    /// SHA-256 of all bytes.
    pub(super) sha256: String,
}

/// Unpacks and checks every hash. Copies none of the bytes given.
pub(super) fn unpack(bytes: &[u8]) -> Result<Unpacked<'_>, ContainerError> {
    let (whole, parts) = rayon::join(|| seal(bytes), || parts(bytes));
    // What is wrong with the whole is said first.
    let whole = whole?;
    Ok(Unpacked {
        parts: parts?,
        sha256: whole,
    })
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

/// The parts by name, each with its hash checked.
fn parts(bytes: &[u8]) -> Result<BTreeMap<String, &[u8]>, ContainerError> {
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
    for entry in index {
        let end = at
            .checked_add(entry.bytes)
            .filter(|end| *end <= body)
            .ok_or_else(|| damaged("cut short"))?;
        let part = &bytes[at..end];
        if sha256(part) != entry.sha256 {
            return Err(ContainerError::Damaged(format!(
                "part '{}' has another hash",
                entry.name
            )));
        }
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
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let parts: Parts = [("a".to_owned(), vec![1, 2, 3]), ("b".to_owned(), vec![])].into();
        pack(&parts).unwrap()
    }

    #[test]
    fn parts_survive_a_round_trip() {
        let bytes = sample();
        let unpacked = unpack(&bytes).unwrap();
        assert_eq!(unpacked.parts["a"], [1, 2, 3]);
        assert_eq!(unpacked.sha256, sha256(&bytes));
    }

    #[test]
    fn every_single_bit_flip_and_every_truncation_is_noticed() {
        let good = sample();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(unpack(&bad).is_err(), "bit {bit}");
        }
        for end in 0..good.len() {
            assert!(unpack(&good[..end]).is_err(), "cut at {end}");
        }
    }
}
