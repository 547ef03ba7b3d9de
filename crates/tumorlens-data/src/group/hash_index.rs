//! Multi-index hashing: all pairs of near hashes, without comparing every pair.

use crate::fingerprint::perceptual_hash::PerceptualHash;
use rayon::prelude::*;

/// Bands into which a hash is cut.
const BANDS: usize = 4;
/// Bits of one band.
const BAND_BITS: u32 = u64::BITS / BANDS as u32;
/// Keys of one band.
const KEYS: usize = 1 << BAND_BITS;

/// 64-bit hashes filed for questions by Hamming distance (Norouzi, Punjani and Fleet 2012).
///
/// Hashes are filed by each of four bands of 16 bits. Of two hashes within r bits, at least one band lies within
/// r / 4 bits, so that it is enough to compare the hashes under one key with those under the keys near it: 137 keys for up
/// to 11 bits, of 65536.
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
    /// Files hashes with their positions.
    #[must_use]
    pub fn new(hashes: impl Iterator<Item = (u32, PerceptualHash)>) -> Self {
        let entries: Vec<(u64, u32)> = hashes.map(|(position, hash)| (hash.0, position)).collect();
        Self {
            bands: std::array::from_fn(|band| Band::new(band, &entries)),
        }
    }

    /// The same hashes, each of the mirrored image.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let entries = self.bands[0].entries.iter();
        Self::new(entries.map(|&(hash, position)| (position, PerceptualHash(hash).mirrored())))
    }

    /// Every pair of a hash of this index and one of the other within `distance` bits, by their positions, each pair
    /// once. It is a pair of filings: a position that is filed twice is found twice.
    pub fn near<'a>(
        &'a self,
        other: &'a Self,
        distance: u32,
    ) -> impl ParallelIterator<Item = (u32, u32)> + 'a {
        let reach = distance / BANDS as u32;
        let masks: Vec<usize> = (0..KEYS)
            .filter(|mask| mask.count_ones() <= reach)
            .collect();
        // All hashes under a key meet the hashes under each near key at once: the near keys lie far apart in memory.
        let under = move |(band, key): (usize, usize)| {
            let mut found = Vec::new();
            let ours = self.bands[band].under(key);
            for mask in masks.iter().filter(|_| !ours.is_empty()) {
                let theirs = other.bands[band].under(key ^ mask);
                for (&(p, a), &(q, b)) in
                    ours.iter().flat_map(|a| theirs.iter().map(move |b| (a, b)))
                {
                    let difference = p ^ q;
                    if difference.count_ones() <= distance && first_near(difference, reach) == band
                    {
                        found.push((a, b));
                    }
                }
            }
            found
        };
        (0..BANDS * KEYS)
            .into_par_iter()
            .map(|i| (i / KEYS, i % KEYS))
            .flat_map_iter(under)
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

/// The first band that is near: it alone reports a pair, so that each is reported once.
fn first_near(difference: u64, reach: u32) -> usize {
    (0..BANDS)
        .find(|&band| key(difference, band).count_ones() <= reach)
        .unwrap_or(BANDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few bits are free, so that near hashes are common.
    fn hashes() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(any::<u64>().prop_map(|h| h & 0x0303_0C30_0F01_8103), 0..40)
    }

    fn filed(hashes: &[u64]) -> HashIndex {
        HashIndex::new((0..).zip(hashes.iter().map(|h| PerceptualHash(*h))))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn the_index_finds_what_comparing_all_finds_and_each_pair_once(
            ours in hashes(), theirs in hashes(), distance in 0u32..12,
        ) {
            let mut found: Vec<(u32, u32)> = filed(&ours).near(&filed(&theirs), distance).collect();
            found.sort_unstable();
            let all = (0..ours.len()).flat_map(|a| (0..theirs.len()).map(move |b| (a, b)));
            let near = all.filter(|&(a, b)| (ours[a] ^ theirs[b]).count_ones() <= distance);
            prop_assert_eq!(found, near.map(|(a, b)| (a as u32, b as u32)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_index_of_mirrored_hashes_finds_the_mirrored_ones() {
        let index = filed(&[0x0123_4567_89AB_CDEF, 7]);
        let mirrored = filed(&[PerceptualHash(7).mirrored().0]);
        assert_eq!(
            index.mirrored().near(&mirrored, 0).collect::<Vec<_>>(),
            [(1, 0)]
        );
    }
}
