//! From a layer's grid to the input's.

use tumorlens_core::Size;

/// Bilinear, half-pixel centres, edges repeated: as OpenCV's INTER_LINEAR and PyTorch's interpolate without
/// align_corners, so that a layer's pixel lands in the middle of the input's pixels it was computed from.
pub(super) fn resize(values: &[f32], from: Size, to: Size) -> Vec<f32> {
    if from == to {
        return values.to_vec();
    }
    let columns: Vec<Between> = (0..to.width)
        .map(|x| between(x, from.width, to.width))
        .collect();
    let mut resized = Vec::with_capacity(to.area());
    for y in 0..to.height {
        let row = between(y, from.height, to.height);
        let (upper, lower) = (
            &values[row.first * from.width..],
            &values[row.second * from.width..],
        );
        resized.extend(columns.iter().map(|column| {
            let along = |line: &[f32]| column.mix(line[column.first], line[column.second]);
            row.mix(along(upper), along(lower))
        }));
    }
    resized
}

/// A position between two source pixels.
struct Between {
    first: usize,
    second: usize,
    share: f32,
}

impl Between {
    fn mix(&self, first: f32, second: f32) -> f32 {
        first + (second - first) * self.share
    }
}

fn between(target: usize, from: usize, to: usize) -> Between {
    let last = from.saturating_sub(1);
    let position = ((target as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, last as f64);
    let first = position.floor() as usize;
    Between {
        first,
        second: (first + 1).min(last),
        share: (position - first as f64) as f32,
    }
}
