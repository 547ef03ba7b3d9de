//! Outlines on the input's grid.

use super::{Placement, TransformError};
use tumorlens_core::Mask;

/// See [`super::prepare_mask`].
pub(super) fn prepare_mask(mask: &Mask, placement: &Placement) -> Result<Vec<f32>, TransformError> {
    if mask.size() != placement.original() {
        let text = |s: tumorlens_core::Size| format!("{}x{}", s.width, s.height);
        return Err(TransformError::OtherSize {
            what: "outline",
            found: text(mask.size()),
            expected: text(placement.original()),
        });
    }
    let (crop, content, side) = (placement.crop(), placement.content(), placement.side());
    let columns = coverage(crop.width, content.width);
    let rows = coverage(crop.height, content.height);
    // Share of every target pixel that is inside: columns first, then rows.
    let mut narrow = vec![0.0; content.width * crop.height];
    for (y, line) in narrow.chunks_exact_mut(content.width).enumerate() {
        let source = &mask.values()[(crop.y + y) * mask.size().width + crop.x..][..crop.width];
        for (value, weights) in line.iter_mut().zip(&columns) {
            *value = weights.sum(|x| f64::from(u8::from(source[x])));
        }
    }
    let mut covered = vec![0.0; side * side];
    for (y, weights) in rows.iter().enumerate() {
        let start = (content.y + y) * side + content.x;
        for (x, value) in covered[start..start + content.width].iter_mut().enumerate() {
            *value = weights.sum(|y| narrow[y * content.width + x]);
        }
    }
    // The tolerance keeps exactly half outside, whatever the rounding of the sums.
    let inside = |c: f64| f32::from(u8::from(c > 0.5 + 1e-9));
    let mut values: Vec<f32> = covered.iter().map(|c| inside(*c)).collect();
    if values.iter().all(|v| *v == 0.0)
        && let Some((peak, most)) = first_largest(&covered)
        && most > 0.0
    {
        values[peak] = 1.0;
    }
    Ok(values)
}

fn first_largest(values: &[f64]) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for (i, &v) in values.iter().enumerate() {
        if best.is_none_or(|(_, b)| v > b) {
            best = Some((i, v));
        }
    }
    best
}

/// The source pixels that one target pixel covers on one axis, with weights that add up to 1.
struct Cover {
    start: usize,
    weights: Vec<f64>,
}

impl Cover {
    fn sum(&self, value: impl Fn(usize) -> f64) -> f64 {
        let terms = self.weights.iter().enumerate();
        terms.map(|(i, w)| w * value(self.start + i)).sum()
    }
}

fn coverage(source: usize, target: usize) -> Vec<Cover> {
    let scale = source as f64 / target as f64;
    (0..target)
        .map(|i| {
            let (from, to) = (i as f64 * scale, (i + 1) as f64 * scale);
            let start = (from.floor() as usize).min(source - 1);
            let end = (to.ceil() as usize).clamp(start + 1, source);
            let overlap = |p: usize| (to.min((p + 1) as f64) - from.max(p as f64)).max(0.0) / scale;
            Cover {
                start,
                weights: (start..end).map(overlap).collect(),
            }
        })
        .collect()
}
