//! Which slices show enough of the head.

use super::Volume;
use tumorlens_core::Plane;

/// A voxel belongs to the head above this share of the range from the 2nd to the 98th percentile.
const HEAD: f32 = 0.15;
/// A slice is worth a look from this share of the head's area in the fullest slice on.
const AREA: f64 = 0.35;

/// Slices whose head area is at least [`AREA`] of the fullest slice's.
pub(super) fn worth_a_look(volume: &Volume, plane: Plane) -> Vec<usize> {
    let Some(threshold) = threshold(&volume.values) else {
        return Vec::new();
    };
    let size = volume.grid(plane);
    let areas: Vec<usize> = (0..volume.slices(plane))
        .map(|index| {
            (0..size.area())
                .filter(|i| {
                    let place = volume.place(plane, index, i % size.width, i / size.width);
                    volume.values[place] > threshold
                })
                .count()
        })
        .collect();
    let fullest = areas.iter().copied().max().unwrap_or(0) as f64;
    (0..areas.len())
        .filter(|i| areas[*i] > 0 && areas[*i] as f64 >= AREA * fullest)
        .collect()
}

/// `None` when the values are constant or none is finite.
fn threshold(values: &[f32]) -> Option<f32> {
    // A sample of every n-th voxel is enough for a percentile and keeps sorting short.
    let step = values.len() / 100_000 + 1;
    let mut sample: Vec<f32> = values
        .iter()
        .step_by(step)
        .copied()
        .filter(|v| v.is_finite())
        .collect();
    sample.sort_by(f32::total_cmp);
    let at = |share: f64| {
        sample
            .get((share * (sample.len().checked_sub(1)?) as f64) as usize)
            .copied()
    };
    let (low, high) = (at(0.02)?, at(0.98)?);
    (high > low).then_some(low + HEAD * (high - low))
}
