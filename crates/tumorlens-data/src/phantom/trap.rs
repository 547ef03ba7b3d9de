//! Planted traps: copies in disguise.

use super::PhantomSlice;
use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tumorlens_core::{GreyImage, Mask, Seed, Size};

/// How many traps to plant, each on another slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traps {
    /// The same bytes under another name. Default 3.
    pub byte_copies: usize,
    /// Resized, with another contrast. Default 4.
    pub rescaled: usize,
    /// Left and right exchanged, with a little noise. Default 3.
    pub mirrored: usize,
    /// The same bytes in the folder of the other class. Default 1.
    pub label_conflicts: usize,
}

impl Default for Traps {
    fn default() -> Self {
        Self {
            byte_copies: 3,
            rescaled: 4,
            mirrored: 3,
            label_conflicts: 1,
        }
    }
}

impl Traps {
    /// No traps.
    #[must_use]
    pub fn none() -> Self {
        Self {
            byte_copies: 0,
            rescaled: 0,
            mirrored: 0,
            label_conflicts: 0,
        }
    }

    /// All traps together.
    #[must_use]
    pub fn count(&self) -> usize {
        [
            self.byte_copies,
            self.rescaled,
            self.mirrored,
            self.label_conflicts,
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    fn kind(&self, number: usize) -> TrapKind {
        let mut end = self.byte_copies;
        if number < end {
            return TrapKind::ByteCopy;
        }
        end += self.rescaled;
        if number < end {
            return TrapKind::Rescaled;
        }
        end += self.mirrored;
        if number < end {
            return TrapKind::Mirrored;
        }
        TrapKind::LabelConflict
    }
}

/// A planted copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// What was done to it.
    pub kind: TrapKind,
    /// Name of the slice that it is a copy of.
    pub original: String,
}

/// What was done to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrapKind {
    /// The same bytes under another name.
    ByteCopy,
    /// Resized, with another contrast.
    Rescaled,
    /// Left and right exchanged, with a little noise.
    Mirrored,
    /// The same bytes in the folder of the other class.
    LabelConflict,
}

impl TrapKind {
    /// As truth.csv spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ByteCopy => "byte_copy",
            Self::Rescaled => "rescaled",
            Self::Mirrored => "mirrored",
            Self::LabelConflict => "label_conflict",
        }
    }
}

/// Trap `number`, a copy of one of the slices 0..originals.
pub(super) fn plant(
    traps: &Traps,
    originals: usize,
    number: usize,
    seed: Seed,
    original: impl Fn(usize) -> PhantomSlice,
) -> PhantomSlice {
    let seed = seed.derive("traps");
    let mut slice = original(victim(originals, number, seed));
    let kind = traps.kind(number);
    let mut draw = Draw::new(seed.derive("change").index(number as u64));
    match kind {
        TrapKind::ByteCopy | TrapKind::LabelConflict => {}
        TrapKind::Rescaled => rescale(&mut slice, &mut draw),
        TrapKind::Mirrored => mirror(&mut slice, &mut draw),
    }
    slice.trap = Some(Trap {
        kind,
        original: slice.name,
    });
    // Nothing in the name tells whose copy it is.
    slice.name = format!("copy-{:04}", number + 1);
    slice
}

/// A slice that no earlier trap copies.
fn victim(originals: usize, number: usize, seed: Seed) -> usize {
    let mut draw = Draw::new(seed.derive("victims"));
    let mut taken = BTreeSet::new();
    loop {
        let mut candidate = draw.below(originals);
        while !taken.insert(candidate) {
            candidate = (candidate + 1) % originals;
        }
        if taken.len() > number {
            return candidate;
        }
    }
}

fn rescale(slice: &mut PhantomSlice, draw: &mut Draw) {
    let (old, mask) = (&slice.image, &slice.mask);
    let factor = draw.range(0.7..=1.4);
    let gamma = draw.range(0.75..=1.3);
    let side = ((old.width() as f32 * factor).round() as usize).max(16);
    let size = Size {
        width: side,
        height: side,
    };
    let step = old.width() as f32 / side as f32;
    let from = |i: usize| (i as f32 + 0.5) * step - 0.5;
    let image = GreyImage::from_fn(size, |x, y| {
        let value = bilinear(old, from(x), from(y)) / 255.0;
        (255.0 * value.powf(gamma)).round()
    });
    let nearest = |i: usize| ((i as f32 + 0.5) * step) as usize;
    let mask = Mask::from_fn(size, |x, y| mask.get(nearest(x), nearest(y)));
    (slice.image, slice.mask) = (image, mask);
}

fn bilinear(image: &GreyImage, x: f32, y: f32) -> f32 {
    let (fx, fy) = (x.floor(), y.floor());
    let at = |dx: isize, dy: isize| image.clamped(fx as isize + dx, fy as isize + dy);
    let (wx, wy) = (x - fx, y - fy);
    let row = |dy: isize| at(0, dy) + wx * (at(1, dy) - at(0, dy));
    row(0) + wy * (row(1) - row(0))
}

fn mirror(slice: &mut PhantomSlice, draw: &mut Draw) {
    let (old, mask) = (&slice.image, &slice.mask);
    let size = old.size();
    let image = GreyImage::from_fn(size, |x, y| {
        let value = old.values()[y * size.width + size.width - 1 - x];
        (value + draw.within(3.0)).round().clamp(0.0, 255.0)
    });
    let mask = Mask::from_fn(size, |x, y| mask.get(size.width - 1 - x, y));
    (slice.image, slice.mask) = (image, mask);
}
