//! Copies: images of the same slice, found before any split.
//!
//! Perceptual hashes name the candidates, without comparing every image with every other; the correlation of detail
//! maps proves that two of them show one slice: they are *kin*. Kin that also look alike, by the correlation of their
//! contents, are *copies*. Copies make the distinct slices that are counted; kin must never be torn apart by a split,
//! for a network recognises a slice through sharpening and contrast. `docs/explanation/copies.md` says how the limits were
//! chosen and what they miss.
//!
//! ```
//! use tumorlens_core::{GreyImage, Size};
//! use tumorlens_data::fingerprint::Fingerprint;
//! use tumorlens_data::group::find_copies;
//!
//! let slice = GreyImage::from_fn(Size { width: 90, height: 80 }, |x, y| ((x * x + 3 * y) % 50 + x) as f32);
//! let mirrored = GreyImage::from_fn(slice.size(), |x, y| slice.clamped(89 - x as isize, y as isize));
//! let other = GreyImage::from_fn(slice.size(), |x, y| ((y * y + 7 * x) % 60) as f32);
//! let copies = find_copies(&[slice, other, mirrored].map(|image| Fingerprint::of(&image)));
//! assert_eq!(copies.group, [0, 1, 0]);
//! ```

pub mod hash_index;
mod proof;
mod register;
pub(crate) mod union;

use crate::fingerprint::Fingerprint;
use hash_index::HashIndex;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use union::Union;

/// Bits in which the hashes of two copies may differ, in the nearer of the two views.
///
/// On two public sets, 99.9 % of 18,000 pairs of copies lie within 11 bits and 0.3 % of all other pairs; more than 11
/// would make the index look up ten times as many keys.
pub const CANDIDATE_BITS: u32 = 11;

/// Bits in which the hash of a copy may differ from that of a crop of the other. Fewer than [`CANDIDATE_BITS`], because
/// there are six crops of each image, and every candidate must be fitted.
pub const CROP_BITS: u32 = 7;

/// Correlation of detail maps from which two images are held to show the same slice.
///
/// Next slices of one head, 5 to 7 mm apart, reach 0.88 in 7 of three million pairs (figshare 1512427) and 0.90 in
/// none; heavy sharpening brings copies down to 0.85, but then not against all their copies.
pub const SAME_SLICE: f32 = 0.88;

/// Correlation of contents from which kin are copies. The public reference groups of copies were made with this limit.
pub const SAME_CONTENT: f32 = 0.92;

/// The same for mirrored contents: higher, because a head resembles its own mirror image.
pub const MIRRORED_CONTENT: f32 = 0.97;

/// How two images are copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyKind {
    /// Equal size and equal decoded values.
    IdenticalPixels,
    /// The same slice after resizing, recompression, a change of contrast or a crop.
    SameSlice,
    /// The same slice mirrored left to right.
    Mirrored,
}

/// Two images that are proven to show one slice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyPair {
    /// Position of the first image.
    pub a: usize,
    /// Position of the second image, above `a`.
    pub b: usize,
    /// In which way.
    pub kind: CopyKind,
    /// Correlation of the detail maps, 0.88 to 1; 1 for identical pixels.
    pub correlation: f32,
    /// They look alike, too, and are copies; otherwise they are kin only: the same slice after heavy sharpening, a strong
    /// change of contrast or a crop.
    pub close: bool,
}

/// Images grouped by the slice that they show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CopyGroups {
    /// Group of copies of each image, numbered from 0 in the order of first appearance.
    pub group: Vec<usize>,
    /// The wider group of kin of each image, numbered likewise; each holds whole groups of copies.
    pub kin: Vec<usize>,
    /// Proven pairs, ordered by `a`, then `b`. Of images that are identical pixel by pixel only the first is compared
    /// with others; the rest are paired with it.
    pub pairs: Vec<CopyPair>,
    /// Pairs that the hashes put up for proof.
    pub candidates: usize,
}

impl CopyGroups {
    /// Number of groups of copies: of distinct slices.
    #[must_use]
    pub fn count(&self) -> usize {
        self.group.iter().max().map_or(0, |last| last + 1)
    }

    /// Number of groups of kin.
    #[must_use]
    pub fn kin_count(&self) -> usize {
        self.kin.iter().max().map_or(0, |last| last + 1)
    }

    /// The groups of kin that are left when a mirrored pair does not count; numbered like [`CopyGroups::kin`].
    #[must_use]
    pub fn kin_without_mirrored(&self) -> Vec<usize> {
        let plain = |pair: &CopyPair| pair.kind != CopyKind::Mirrored;
        joined(self.kin.len(), &self.pairs, plain)
    }
}

/// The images joined along the pairs that count.
fn joined(images: usize, pairs: &[CopyPair], counts: impl Fn(&CopyPair) -> bool) -> Vec<usize> {
    let mut union = Union::new(images);
    for pair in pairs.iter().filter(|pair| counts(pair)) {
        union.join(pair.a, pair.b);
    }
    union.numbers()
}

/// Finds copies among images. The result does not depend on the number of threads, and the grouping not on the order
/// of the images.
///
/// Cost grows with the number of images times the number of candidates of one, not with the square. Two copies of a
/// third image are in one group even where they are not a proven pair themselves; so are two of its kin.
#[must_use]
pub fn find_copies<F: Borrow<Fingerprint> + Sync>(fingerprints: &[F]) -> CopyGroups {
    let (representatives, mut pairs) = identical(fingerprints);
    let distinct: Vec<&Fingerprint> = representatives
        .iter()
        .map(|&i| fingerprints[i].borrow())
        .collect();
    let candidates = candidates(&distinct);
    let prove = |&(a, b): &(u32, u32)| {
        let (a, b) = (a as usize, b as usize);
        let proof = proof::prove(distinct[a], distinct[b])?;
        Some(CopyPair {
            a: representatives[a],
            b: representatives[b],
            kind: proof.kind,
            correlation: proof.correlation,
            close: proof.close,
        })
    };
    pairs.extend(candidates.par_iter().filter_map(prove).collect::<Vec<_>>());
    pairs.sort_by_key(|pair| (pair.a, pair.b));

    CopyGroups {
        group: joined(fingerprints.len(), &pairs, |pair| pair.close),
        kin: joined(fingerprints.len(), &pairs, |_| true),
        pairs,
        candidates: candidates.len(),
    }
}

/// The first image of each set that is identical pixel by pixel, and the pairs of it with the others.
fn identical<F: Borrow<Fingerprint>>(fingerprints: &[F]) -> (Vec<usize>, Vec<CopyPair>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut representatives = Vec::new();
    let mut pairs = Vec::new();
    for (b, fingerprint) in fingerprints.iter().enumerate() {
        let a = *first.entry(&fingerprint.borrow().pixels).or_insert(b);
        if a == b {
            representatives.push(b);
        } else {
            pairs.push(CopyPair {
                a,
                b,
                kind: CopyKind::IdenticalPixels,
                correlation: 1.0,
                close: true,
            });
        }
    }
    (representatives, pairs)
}

/// Pairs (a below b) whose hashes are near, plain or mirrored; sorted, each once.
fn candidates(fingerprints: &[&Fingerprint]) -> Vec<(u32, u32)> {
    let numbered = || (0..).zip(fingerprints);
    let whole = HashIndex::new(numbered().filter_map(|(i, f)| Some((i, f.whole.hash?))));
    let head = HashIndex::new(numbered().filter_map(|(i, f)| Some((i, f.head.hash?))));
    let crops =
        HashIndex::new(numbered().flat_map(|(i, f)| f.crops.iter().map(move |hash| (i, *hash))));
    let mut pairs = Vec::new();
    for (index, others, bits) in [
        (&whole, &whole, CANDIDATE_BITS),
        (&head, &head, CANDIDATE_BITS),
        (&head, &crops, CROP_BITS),
    ] {
        let ordered = |(a, b): (u32, u32)| (a != b).then_some((a.min(b), a.max(b)));
        pairs.par_extend(index.near(others, bits).filter_map(ordered));
        pairs.par_extend(index.near(&others.mirrored(), bits).filter_map(ordered));
        // Each pair of views was found from both sides.
        pairs.par_sort_unstable();
        pairs.dedup();
    }
    pairs
}
