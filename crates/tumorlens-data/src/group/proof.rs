//! Proof: do two images show the same slice?

use super::{CROP_BITS, CopyKind, MIRRORED_CONTENT, SAME_CONTENT, SAME_SLICE, register};
use crate::fingerprint::perceptual_hash::PerceptualHash;
use crate::fingerprint::{Fingerprint, View};

/// Views whose hashes differ in more bits are not worth a fit.
const HOPEFUL_BITS: u32 = 8;

/// Two images show the same slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Proof {
    pub(super) kind: CopyKind,
    pub(super) correlation: f32,
    /// They look alike, too: see [`super::CopyPair::close`].
    pub(super) close: bool,
}

/// Compares the views as they lie; where that is not enough but there is hope, after fitting one onto the other.
pub(super) fn prove(a: &Fingerprint, b: &Fingerprint) -> Option<Proof> {
    // A fit is not exactly symmetric; the order of the images must not matter.
    let (a, b) = if a.pixels <= b.pixels { (a, b) } else { (b, a) };
    let views = [(&a.whole, &b.whole), (&a.head, &b.head)];
    let best =
        |of: fn(&View, &View) -> f32| views.iter().map(|(a, b)| of(a, b)).fold(0.0, f32::max);
    let mut plain = best(|a, b| a.detail.correlation(&b.detail));
    let mut mirrored = best(|a, b| a.detail.mirrored_correlation(&b.detail));
    if plain.max(mirrored) < SAME_SLICE {
        plain = plain.max(fitted(a, b, false));
        mirrored = mirrored.max(fitted(a, b, true));
    }
    // A symmetric head resembles its own mirror image: on a tie the simpler explanation stands.
    let kind = if plain >= mirrored {
        CopyKind::SameSlice
    } else {
        CopyKind::Mirrored
    };
    let correlation = plain.max(mirrored);
    (correlation >= SAME_SLICE).then(|| Proof {
        kind,
        correlation,
        close: is_close(a, b),
    })
}

/// Whether the contents correlate as those of copies do. A symmetric head may pass mirrored although it is not.
fn is_close(a: &Fingerprint, b: &Fingerprint) -> bool {
    a.content.correlation(&b.content) >= SAME_CONTENT
        || a.content.mirrored_correlation(&b.content) >= MIRRORED_CONTENT
}

/// The best correlation of a view after fitting; 0 where the hashes give no hope.
fn fitted(a: &Fingerprint, b: &Fingerprint, mirrored: bool) -> f32 {
    let near = |a: Option<PerceptualHash>, b: Option<PerceptualHash>, bits| match (a, b) {
        (Some(a), Some(b)) => a.distance(if mirrored { b.mirrored() } else { b }) <= bits,
        _ => false,
    };
    let crop = |a: &Fingerprint, b: &Fingerprint| {
        a.crops
            .iter()
            .any(|crop| near(Some(*crop), b.head.hash, CROP_BITS))
    };
    let fit = |a: &View, b: &View| match mirrored {
        false => register::fit(&a.detail, &b.detail),
        true => register::fit(&a.detail, &b.detail.mirrored()),
    };
    let mut best = 0.0f32;
    if near(a.whole.hash, b.whole.hash, HOPEFUL_BITS) {
        best = best.max(fit(&a.whole, &b.whole));
    }
    if near(a.head.hash, b.head.hash, HOPEFUL_BITS) || crop(a, b) || crop(b, a) {
        best = best.max(fit(&a.head, &b.head));
    }
    best
}
