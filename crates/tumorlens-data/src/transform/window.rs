//! The intensity window: percentiles to [0, 1].

/// A measured window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    low: f32,
    high: f32,
}

/// The window of finite values: percentiles `low` and `high` (0 to 100, linear between order statistics, as NumPy's
/// default) of the values above the minimum. `None` when all values are equal.
///
/// Where both percentiles fall on one value, as in a picture of two greys, the minimum takes the place of the lower
/// one, so that the picture keeps its contrast.
pub(super) fn measure(values: &[f32], low: f32, high: f32) -> Option<Bounds> {
    let minimum = values.iter().copied().fold(f32::INFINITY, f32::min);
    let mut above: Vec<f32> = values.iter().copied().filter(|v| *v > minimum).collect();
    if above.is_empty() {
        return None;
    }
    let total = above.len();
    let at = |rank: usize| {
        let (_, value, rest) = above.select_nth_unstable_by(rank, f32::total_cmp);
        let next = rest.iter().copied().fold(f32::INFINITY, f32::min);
        [*value, next]
    };
    Some(between(minimum, total, at, [low, high]))
}

/// The window between two percentiles of `total` values above the minimum, at least one; `at` gives the value of a rank
/// from 0 and the one after it, infinity after the last.
pub(super) fn between(
    minimum: f32,
    total: usize,
    mut at: impl FnMut(usize) -> [f32; 2],
    percentiles: [f32; 2],
) -> Bounds {
    let [low, high] = percentiles.map(|p| percentile(total, &mut at, p));
    let low = if low < high { low } else { minimum };
    Bounds { low, high }
}

impl Bounds {
    /// Maps values in place: 0 at or below the lower bound, 1 at or above the upper one, linear between.
    pub(super) fn apply(self, values: &mut [f32]) {
        // In double precision: the span of two finite f32 may not be one.
        let (low, scale) = (
            f64::from(self.low),
            1.0 / (f64::from(self.high) - f64::from(self.low)),
        );
        for value in values {
            *value = ((f64::from(*value) - low) * scale).clamp(0.0, 1.0) as f32;
        }
    }
}

/// Percentile `p` of `total` finite values, at least one.
fn percentile(total: usize, at: &mut impl FnMut(usize) -> [f32; 2], p: f32) -> f32 {
    let position = f64::from(p) / 100.0 * (total - 1) as f64;
    let below = (position.floor() as usize).min(total - 1);
    let fraction = position - below as f64;
    let [value, next] = at(below);
    let value = f64::from(value);
    if fraction > 0.0 && next.is_finite() {
        (value + fraction * (f64::from(next) - value)) as f32
    } else {
        value as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_match_numpy() {
        // numpy.percentile([3, 1, 2, 10, 7], q): 0 -> 1, 50 -> 3, 30 -> 2.2, 99 -> 9.88, 100 -> 10
        for (q, expected) in [
            (0.0, 1.0),
            (50.0, 3.0),
            (30.0, 2.2),
            (99.0, 9.88),
            (100.0, 10.0),
        ] {
            let sorted = [1.0, 2.0, 3.0, 7.0, 10.0, f32::INFINITY];
            let found = percentile(5, &mut |rank| [sorted[rank], sorted[rank + 1]], q);
            assert!((found - expected).abs() < 1e-6, "{q}: {found}");
        }
    }

    #[test]
    fn the_background_does_not_move_the_window() {
        let head: Vec<f32> = (1..=100).map(|v| v as f32).collect();
        let mut padded = head.clone();
        padded.extend([0.0; 900]);
        assert_eq!(
            measure(&padded, 1.0, 99.0),
            measure(&[&head[..], &[0.0]].concat(), 1.0, 99.0)
        );
    }

    #[test]
    fn two_greys_stay_two_greys_and_one_grey_has_no_window() {
        let mut values = [7.0, 7.0, 9.0, 9.0];
        measure(&values, 1.0, 99.5).unwrap().apply(&mut values);
        assert_eq!(values, [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(measure(&[4.0; 5], 1.0, 99.5), None);
    }

    #[test]
    fn the_largest_finite_range_is_mapped_without_overflow() {
        let mut values = [f32::MIN, 0.0, f32::MAX];
        measure(&values, 0.0, 100.0).unwrap().apply(&mut values);
        assert!(values.iter().all(|v| (0.0..=1.0).contains(v)), "{values:?}");
    }
}
