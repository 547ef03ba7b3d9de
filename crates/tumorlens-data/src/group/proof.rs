//! Proof: do two images show the same slice?

use super::{CopyKind, SAME_SLICE, register};
use crate::fingerprint::{Fingerprint, View};

/// From this correlation on two views need no fitting to be held for copies.
const PLAIN: f32 = 0.95;
/// Below this correlation, or beyond these bits, no fit has been seen to succeed.
const HOPELESS: f32 = 0.2;
const HOPEFUL_BITS: u32 = 8;

/// Two images show the same slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Proof {
    pub(super) kind: CopyKind,
    pub(super) correlation: f32,
}
pub(super) fn dbg(a: &Fingerprint, b: &Fingerprint) -> (f32,f32,bool) {
    let views = || [(&a.whole, &b.whole), (&a.head, &b.head)].into_iter();
    let (mut plain, mut mirrored) = (0.0f32, 0.0f32);
    for (a, b) in views() {
        plain = plain.max(a.detail.correlation(&b.detail));
        mirrored = mirrored.max(a.detail.mirrored_correlation(&b.detail));
    }
    let p0=plain.max(mirrored);
        for (a, b) in views() {
            plain = plain.max(fitted(a, b, false));
            mirrored = mirrored.max(fitted(a, b, true));
        }
    (p0,plain.max(mirrored),plain<mirrored)
}
/// Compares the views as they lie; where that is not enough but gives hope, after fitting one onto the other.
pub(super) fn prove(a: &Fingerprint, b: &Fingerprint) -> Option<Proof> {
    let views = || [(&a.whole, &b.whole), (&a.head, &b.head)].into_iter();
    let (mut plain, mut mirrored) = (0.0f32, 0.0f32);
    for (a, b) in views() {
        plain = plain.max(a.detail.correlation(&b.detail));
        mirrored = mirrored.max(a.detail.mirrored_correlation(&b.detail));
    }
    if plain.max(mirrored) < SAME_SLICE {
        for (a, b) in views() {
            plain = plain.max(fitted(a, b, false));
            mirrored = mirrored.max(fitted(a, b, true));
        }
    }
    // A symmetric head resembles its mirror image as well: the plainer explanation stands on a tie.
    let kind = if plain >= mirrored { CopyKind::SameSlice } else { CopyKind::Mirrored };
    let correlation = plain.max(mirrored);
    (correlation >= SAME_SLICE).then_some(Proof { kind, correlation })
}

/// The correlation after fitting; 0 where the hashes give no hope. Fitting costs a thousand times as much as comparing.
fn fitted(a: &View, b: &View, mirrored: bool) -> f32 {
    let (Some(hash_a), Some(hash_b)) = (a.hash, b.hash) else { return 0.0 };
    let hash_b = if mirrored { hash_b.mirrored() } else { hash_b };
    if hash_a.distance(hash_b) > 11 {
        return 0.0;
    }
    if mirrored { register::fit(&a.detail, &b.detail.mirrored()) } else { register::fit(&a.detail, &b.detail) }
}
