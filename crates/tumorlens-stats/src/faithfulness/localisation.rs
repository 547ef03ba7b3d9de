//! The three figures of one map against its outline.

use super::{Cut, Outlined, energy, iou, pointing};
use crate::undefined::measured;
use serde::{Deserialize, Serialize};
use tumorlens_core::Measured;

/// How well maps find outlines; for one image, or as means over many. All 0 to 1, larger is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Localisation {
    /// Pointing game: share of maps whose largest value lies inside.
    pub pointing: Measured,
    /// Share of the positive values that lies inside.
    pub energy: Measured,
    /// Intersection over union at a threshold chosen on validation images.
    pub iou: Measured,
}

/// The figures of one map, without tolerance in the pointing game. A map that points nowhere is undefined in all.
#[must_use]
pub fn localise(outlined: &Outlined, cut: Cut) -> Localisation {
    let flat = pointing(outlined, 0.0);
    Localisation {
        energy: measured(flat.clone().and_then(|_| energy(outlined))),
        iou: measured(flat.clone().and_then(|_| iou(outlined, cut))),
        pointing: measured(flat),
    }
}

impl Localisation {
    /// The figures in the order of their fields.
    pub(super) fn figures(&self) -> [&Measured; 3] {
        [&self.pointing, &self.energy, &self.iou]
    }
}
