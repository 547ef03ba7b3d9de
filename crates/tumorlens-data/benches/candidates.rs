//! The search for candidates among a million hashes: minutes at most, not hours.
//!
//! `cargo bench -p tumorlens-data --bench candidates`

use divan::Bencher;
use rayon::prelude::*;
use tumorlens_core::Seed;
use tumorlens_data::fingerprint::perceptual_hash::PerceptualHash;
use tumorlens_data::group::hash_index::HashIndex;
use tumorlens_data::group::{CANDIDATE_BITS, CROP_BITS};

fn main() {
    divan::main();
}

/// Random hashes of which each tenth is a copy of the one before with four bits flipped.
fn hashes(n: usize) -> Vec<PerceptualHash> {
    let bits = |i: u64| Seed(0).index(i).0;
    let hash = |i: usize| match i % 10 {
        9 => bits(i as u64 - 1) ^ 0x0100_0020_0400_0080,
        _ => bits(i as u64),
    };
    (0..n)
        .into_par_iter()
        .map(|i| PerceptualHash(hash(i)))
        .collect()
}

/// All that grouping asks of the index: whole and head, each plain and mirrored, and six crops, plain and mirrored.
#[divan::bench(args = [10_000, 100_000, 1_000_000], sample_count = 1, sample_size = 1)]
fn search(bencher: Bencher<'_, '_>, n: usize) {
    let hashes = hashes(n);
    bencher.bench(|| {
        let index = HashIndex::new(hashes.iter().copied().map(Some));
        let views = [CANDIDATE_BITS; 2].into_iter().chain([CROP_BITS; 6]);
        let one = |hash: &PerceptualHash| {
            let mut near = 0u64;
            for (number, bits) in views.clone().enumerate() {
                // Other views have other hashes: rotated, so that they are looked up elsewhere.
                let hash = PerceptualHash(hash.0.rotate_left(number as u32));
                for hash in [hash, hash.mirrored()] {
                    index.within(hash, bits, |_| near += 1);
                }
            }
            near
        };
        let found: u64 = hashes.par_iter().map(one).sum();
        assert!(found >= hashes.len() as u64, "each hash is near itself");
        found
    });
}
