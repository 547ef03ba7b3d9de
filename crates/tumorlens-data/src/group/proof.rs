//! Proof: do two images show the same slice?

use super::{CopyKind, SAME_SLICE, register};
use crate::fingerprint::{Fingerprint, View};

/// Views whose hashes differ in more bits are not worth a fit.
const HOPEFUL_BITS: u32 = 8;
/// Images that correlate less as they lie are not worth a fit.
const HOPEFUL: f32 = 0.2;

/// Two images show the same slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Proof {
    pub(super) kind: CopyKind,
    pub(super) correlation: f32,
}

/// Compares the views as they lie; where that is not enough but gives hope, after fitting one onto the other.
pub(super) fn prove(a: &Fingerprint, b: &Fingerprint) -> Option<Proof> {
    // A fit is not exactly symmetric; the order of the images must not matter.
    let (a, b) = if a.pixels <= b.pixels { (a, b) } else { (b, a) };
    let views = [(&a.whole, &b.whole), (&a.head, &b.head)];
    let best = |of: &dyn Fn(&View, &View) -> f32| views.iter().map(|(a, b)| of(a, b)).fold(0.0, f32::max);
    let mut plain = best(&|a, b| a.detail.correlation(&b.detail));
    let mut mirrored = best(&|a, b| a.detail.mirrored_correlation(&b.detail));
    if (HOPEFUL..SAME_SLICE).contains(&plain.max(mirrored)) {
        plain = plain.max(best(&fitted));
        mirrored = mirrored.max(best(&fitted_mirrored));
    }
    // A symmetric head resembles its own mirror image: on a tie the simpler explanation stands.
    let kind = if plain >= mirrored { CopyKind::SameSlice } else { CopyKind::Mirrored };
    let correlation = plain.max(mirrored);
    (correlation >= SAME_SLICE).then_some(Proof { kind, correlation })
}

/// The correlation after fitting; 0 where the hashes give no hope. Fitting costs a thousand times as much as comparing.
fn fitted(a: &View, b: &View) -> f32 {
    match (a.hash, b.hash) {
        (Some(p), Some(q)) if p.distance(q) <= HOPEFUL_BITS => register::fit(&a.detail, &b.detail),
        _ => 0.0,
    }
}

fn fitted_mirrored(a: &View, b: &View) -> f32 {
    match (a.hash, b.hash) {
        (Some(p), Some(q)) if p.distance(q.mirrored()) <= HOPEFUL_BITS => {
            register::fit(&a.detail, &b.detail.mirrored())
        }
        _ => 0.0,
    }
}
