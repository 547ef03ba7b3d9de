//! Local binary patterns: which of the eight neighbours are at least as bright (Ojala, Pietikäinen and Mäenpää 2002,
//! radius 1, rotation invariant, uniform).

use super::{Feature, Region};

const NAMES: [&str; 10] = [
    "pattern 0 of 8 brighter",
    "pattern 1 of 8 brighter",
    "pattern 2 of 8 brighter",
    "pattern 3 of 8 brighter",
    "pattern 4 of 8 brighter",
    "pattern 5 of 8 brighter",
    "pattern 6 of 8 brighter",
    "pattern 7 of 8 brighter",
    "pattern 8 of 8 brighter",
    "pattern without order",
];

/// The neighbours in a circle.
const CIRCLE: [(isize, isize); 8] = [
    (1, 0),
    (1, 1),
    (0, 1),
    (-1, 1),
    (-1, 0),
    (-1, -1),
    (0, -1),
    (1, -1),
];

/// Shares of the pixels whose eight neighbours are all inside.
pub(super) fn features(region: &Region<'_>) -> Vec<Feature> {
    let mut counts = [0.0; NAMES.len()];
    let (width, height) = (region.width, region.values.len() / region.width);
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let at = y * width + x;
            let around = CIRCLE.map(|(dx, dy)| {
                let (x, y) = (x.saturating_add_signed(dx), y.saturating_add_signed(dy));
                y * width + x
            });
            if !region.inside[at] || around.iter().any(|i| !region.inside[*i]) {
                continue;
            }
            let brighter = around.map(|i| region.values[i] >= region.values[at]);
            let changes = (0..8)
                .filter(|i| brighter[*i] != brighter[(i + 1) % 8])
                .count();
            let ones = brighter.iter().filter(|b| **b).count();
            counts[if changes <= 2 { ones } else { 9 }] += 1.0;
        }
    }
    let total: f64 = counts.iter().sum();
    NAMES
        .into_iter()
        .zip(counts)
        .map(|(name, n)| (name, n / total))
        .collect()
}
