//! A mean over images, with its interval over groups.

use tumorlens_core::Measured;
use tumorlens_stats::bootstrap::{Resampling, bootstrap};
use tumorlens_stats::groups::Groups;
use tumorlens_stats::undefined::Undefined;

/// Mean of one value an image, with the interval of the bootstrap over groups; undefined without images.
pub(super) fn mean(values: &[f64], groups: &Groups, resampling: Resampling) -> Measured {
    let Some(value) = weighted(values, &vec![1; values.len()]) else {
        return Undefined::NoImage.into();
    };
    let replicates = bootstrap(groups, resampling, |times| vec![weighted(values, times)]);
    match replicates.interval(0) {
        Some(interval) => Measured::with_interval(value, interval),
        None => Measured::value(value),
    }
}

fn weighted(values: &[f64], times: &[u32]) -> Option<f64> {
    let count: u32 = times.iter().sum();
    let sum: f64 = values
        .iter()
        .zip(times)
        .map(|(v, &t)| v * f64::from(t))
        .sum();
    (count > 0).then(|| sum / f64::from(count))
}
