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

/// What grouping asks of the index, plain and mirrored: hashes near each other in two views, and near six crops.
#[divan::bench(args = [10_000, 100_000, 1_000_000], sample_count = 1, sample_size = 1)]
fn search(bencher: Bencher<'_, '_>, n: usize) {
    let hashes = hashes(n);
    bencher.bench(|| {
        // Other views and crops have other hashes: here the same ones with their bits rotated.
        let view = |turn: u32| {
            (0..).zip(
                hashes
                    .iter()
                    .map(move |hash| PerceptualHash(hash.0.rotate_left(turn))),
            )
        };
        let (whole, head) = (HashIndex::new(view(0)), HashIndex::new(view(5)));
        let crops = HashIndex::new((6..12).flat_map(view));
        [
            (&whole, &whole, CANDIDATE_BITS),
            (&head, &head, CANDIDATE_BITS),
            (&head, &crops, CROP_BITS),
        ]
        .map(|(a, b, bits)| a.near(b, bits).count() + a.near(&b.mirrored(), bits).count())
    });
}
