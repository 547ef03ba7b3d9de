//! Multi-index hashing: all hashes near a given one, without looking at every hash.

use crate::fingerprint::perceptual_hash::PerceptualHash;

/// Bands into which a hash is cut.
const BANDS: usize = 4;
/// Bits of one band.
const BAND_BITS: u32 = u64::BITS / BANDS as u32;
/// Keys of one band.
const KEYS: usize = 1 << BAND_BITS;

/// An index of 64-bit hashes for questions by Hamming distance (Norouzi, Punjani and Fleet 2012).
///
/// Hashes are filed by each of four bands of 16 bits. Of two hashes within r bits, at least one band lies within
/// r / 4 bits, so that it is enough to look under the keys near each band: 137 keys a band for up to 11 bits.
#[derive(Clone, Debug)]
pub struct HashIndex {
    bands: [Band; BANDS],
}

/// All hashes in the order of their key in one band.
#[derive(Clone, Debug)]
struct Band {
    /// Entries of key k are `starts[k]..starts[k + 1]`.
    starts: Vec<u32>,
    /// Hash and position.
    entries: Vec<(u64, u32)>,
}

impl HashIndex {
    /// Files hashes by position; those that are `None` are left out. At most 2^32 - 1 hashes.
    #[must_use]
    pub fn new(hashes: impl Iterator<Item = Option<PerceptualHash>>) -> Self {
        let entries: Vec<(u64, u32)> = (0u32..)
            .zip(hashes)
            .filter_map(|(position, hash)| Some((hash?.0, position)))
            .collect();
        Self {
            bands: std::array::from_fn(|band| Band::new(band, &entries)),
        }
    }

    /// Calls `found` once with the position of every hash within `distance` bits of `hash`, in no particular order.
    pub fn within(&self, hash: PerceptualHash, distance: u32, mut found: impl FnMut(u32)) {
        let reach = distance / BANDS as u32;
        for (number, band) in self.bands.iter().enumerate() {
            each_near_key(key(hash.0, number), reach, &mut |key| {
                for &(other, position) in band.under(key) {
                    let difference = hash.0 ^ other;
                    // Only the first band that is near reports a hash, so that each is reported once.
                    let earlier = || (0..number).any(|b| band_distance(difference, b) <= reach);
                    if difference.count_ones() <= distance && !earlier() {
                        found(position);
                    }
                }
            });
        }
    }
}

impl Band {
    /// Counting sort by key.
    fn new(number: usize, hashes: &[(u64, u32)]) -> Self {
        let mut starts = vec![0u32; KEYS + 1];
        for &(hash, _) in hashes {
            starts[key(hash, number) + 1] += 1;
        }
        for k in 0..KEYS {
            starts[k + 1] += starts[k];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0); hashes.len()];
        for &entry in hashes {
            let place = &mut next[key(entry.0, number)];
            entries[*place as usize] = entry;
            *place += 1;
        }
        Self { starts, entries }
    }

    fn under(&self, key: usize) -> &[(u64, u32)] {
        &self.entries[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

fn key(hash: u64, band: usize) -> usize {
    (hash >> (band as u32 * BAND_BITS)) as usize & (KEYS - 1)
}

fn band_distance(difference: u64, band: usize) -> u32 {
    key(difference, band).count_ones()
}

/// Calls `visit` with every key within `reach` bits of `key`, each once.
fn each_near_key(key: usize, reach: u32, visit: &mut impl FnMut(usize)) {
    flip(key, 0, reach, visit);
}

/// Visits `key` and all keys that follow from it by flipping up to `flips` of the bits from `from` on.
fn flip(key: usize, from: u32, flips: u32, visit: &mut impl FnMut(usize)) {
    visit(key);
    if flips > 0 {
        for bit in from..BAND_BITS {
            flip(key ^ (1 << bit), bit + 1, flips - 1, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Few bits are free, so that near hashes are common.
        #[test]
        fn the_index_finds_what_comparing_all_finds_and_each_once(
            hashes in proptest::collection::vec(any::<u64>().prop_map(|h| h & 0x0303_0C30_0F01_8103), 0..60),
            hash in any::<u64>().prop_map(|h| h & 0x0303_0C30_0F01_8103),
            distance in 0u32..12,
        ) {
            let index = HashIndex::new(hashes.iter().map(|h| Some(PerceptualHash(*h))));
            let mut found = Vec::new();
            index.within(PerceptualHash(hash), distance, |position| found.push(position as usize));
            found.sort_unstable();
            let near = |i: &usize| (hashes[*i] ^ hash).count_ones() <= distance;
            prop_assert_eq!(found, (0..hashes.len()).filter(near).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_band_within_two_bits_has_137_keys() {
        let mut keys = Vec::new();
        each_near_key(0xBEEF, 2, &mut |key| keys.push(key));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 1 + 16 + 120);
        assert!(keys.iter().all(|k| (k ^ 0xBEEF).count_ones() <= 2));
    }
}
