//! Intervals: Wilson's for proportions, with its sample size cut down where images come in groups, and the
//! percentiles of a bootstrap.

use crate::groups::Groups;
use statrs::distribution::{ContinuousCDF, Normal};
use tumorlens_core::measured::IntervalMethod;
use tumorlens_core::{Interval, Measured};

/// How many standard deviations hold the share `level` of a normal distribution, two-sided: 1.96 for 0.95.
/// `None` when `level` is not strictly between 0 and 1.
#[must_use]
pub fn normal_quantile(level: f64) -> Option<f64> {
    if !(level > 0.0 && level < 1.0) {
        return None;
    }
    Some(Normal::standard().inverse_cdf(0.5 + level / 2.0))
}

/// Wilson's score interval of `successes` out of `n` independent trials (Wilson 1927).
///
/// It stays inside [0, 1] and does not collapse when none or all succeed. `None` when `n` is 0, `successes` exceeds
/// `n`, or `level` is not strictly between 0 and 1.
#[must_use]
pub fn wilson(successes: u64, n: u64, level: f64) -> Option<Interval> {
    if n == 0 || successes > n {
        return None;
    }
    wilson_effective(successes as f64 / n as f64, n as f64, level)
}

/// Successes and trials of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupTally {
    /// Images of the group that count as a success.
    pub successes: u64,
    /// Images of the group that were tried.
    pub trials: u64,
}

/// The share of hits among images that come in groups, with the interval of [`wilson_grouped`]; an image that is no trial
/// is `None`. Nothing without a trial.
#[must_use]
pub fn share_grouped(
    groups: &Groups,
    hits: impl IntoIterator<Item = Option<bool>>,
    level: f64,
) -> Option<Measured> {
    let mut tallies = vec![GroupTally::default(); groups.count()];
    for (&group, hit) in groups.of().iter().zip(hits) {
        if let Some(hit) = hit {
            tallies[group].trials += 1;
            tallies[group].successes += u64::from(hit);
        }
    }
    let successes: u64 = tallies.iter().map(|g| g.successes).sum();
    let trials: u64 = tallies.iter().map(|g| g.trials).sum();
    if trials == 0 {
        return None;
    }
    let value = successes as f64 / trials as f64;
    Some(match wilson_grouped(&tallies, level) {
        Some(interval) => Measured::with_interval(value, interval),
        None => Measured::value(value),
    })
}

/// Wilson's interval of a proportion over images that come in groups.
///
/// Copies of one slice, or slices of one subject, are not independent trials. The number of images is divided by the
/// design effect, the ratio of the between-group variance of the proportion to its binomial variance (Rao and Scott
/// 1992), and the interval is Wilson's on that effective number. It is held between Kish's number
/// `(sum of sizes)^2 / sum of squared sizes`, as if the images of a group were all alike, and the number of images;
/// where the proportion is 0 or 1 nothing can be estimated and Kish's number is taken. With one image a group this is
/// exactly [`wilson`].
///
/// Groups without trials are left out. `None` as for [`wilson`].
#[must_use]
pub fn wilson_grouped(groups: &[GroupTally], level: f64) -> Option<Interval> {
    let groups: Vec<_> = groups.iter().filter(|g| g.trials > 0).collect();
    let successes: u64 = groups.iter().map(|g| g.successes).sum();
    let images: u64 = groups.iter().map(|g| g.trials).sum();
    if images == 0 || groups.iter().any(|g| g.successes > g.trials) {
        return None;
    }
    let n = images as f64;
    let p = successes as f64 / n;
    let kish = n * n
        / groups
            .iter()
            .map(|g| (g.trials as f64).powi(2))
            .sum::<f64>();
    let m = groups.len() as f64;
    let binomial = p * (1.0 - p) / n;
    let effective = if groups.len() < 2 || binomial <= 0.0 {
        kish
    } else {
        let residuals: f64 = groups
            .iter()
            .map(|g| (g.successes as f64 - p * g.trials as f64).powi(2))
            .sum();
        let between = m / (m - 1.0) * residuals / (n * n);
        if between > 0.0 {
            (n * binomial / between).clamp(kish.min(n), n)
        } else {
            n
        }
    };
    wilson_effective(p, effective, level)
}

fn wilson_effective(p: f64, n: f64, level: f64) -> Option<Interval> {
    let z2 = normal_quantile(level)?.powi(2);
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt() / (1.0 + z2 / n);
    // At p = 0 and p = 1 the ends are exact; elsewhere rounding may leave [0, 1] by one unit in the last place.
    let low = if p <= 0.0 {
        0.0
    } else {
        (centre - half).max(0.0)
    };
    let high = if p >= 1.0 {
        1.0
    } else {
        (centre + half).min(1.0)
    };
    Some(Interval {
        low,
        high,
        level,
        method: IntervalMethod::Wilson,
    })
}

/// Interval between the percentiles `(1 - level) / 2` and `(1 + level) / 2` of the values, interpolated linearly
/// between neighbours as `numpy.percentile` does. `None` without values, when all are equal, when one is not finite, or
/// when `level` is not strictly between 0 and 1.
#[must_use]
pub fn percentile_interval(mut values: Vec<f64>, level: f64) -> Option<Interval> {
    if !(level > 0.0 && level < 1.0) || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let (first, last) = (*values.first()?, *values.last()?);
    if first >= last {
        return None;
    }
    let at = |share: f64| {
        let position = share * (values.len() - 1) as f64;
        let below = position.floor() as usize;
        let above = (below + 1).min(values.len() - 1);
        values[below] + (values[above] - values[below]) * (position - below as f64)
    };
    let tail = (1.0 - level) / 2.0;
    Some(Interval {
        low: at(tail),
        high: at(1.0 - tail),
        level,
        method: IntervalMethod::GroupBootstrap,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(interval: Interval, low: f64, high: f64) -> bool {
        (interval.low - low).abs() < 5e-5 && (interval.high - high).abs() < 5e-5
    }

    #[test]
    fn wilson_gives_the_intervals_of_newcombes_table() {
        // Newcombe 1998, Statistics in Medicine 17:857, table I, method 3: 81/263, 15/148, 0/20, 1/29.
        for (successes, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(successes, n, 0.95).unwrap();
            assert!(close(interval, low, high), "{successes}/{n}: {interval:?}");
        }
    }

    #[test]
    fn a_proportion_of_nothing_has_no_interval() {
        assert_eq!(wilson(0, 0, 0.95), None);
        assert_eq!(wilson(3, 2, 0.95), None);
        assert_eq!(wilson(1, 2, 1.0), None);
        assert_eq!(wilson(1, 2, f64::NAN), None);
        assert_eq!(wilson_grouped(&[], 0.95), None);
    }

    #[test]
    fn groups_of_one_image_change_nothing() {
        let singles: Vec<_> = (0..48)
            .map(|i| GroupTally {
                successes: u64::from(i < 41),
                trials: 1,
            })
            .collect();
        assert_eq!(wilson_grouped(&singles, 0.95), wilson(41, 48, 0.95));
    }

    #[test]
    fn copies_count_once() {
        // Ten groups of five equal images are ten images, also where all are right and no variance can be seen.
        let copies = |right| -> Vec<_> {
            (0..10)
                .map(|i| GroupTally {
                    successes: if i < right { 5 } else { 0 },
                    trials: 5,
                })
                .collect()
        };
        for right in [7, 10] {
            let grouped = wilson_grouped(&copies(right), 0.95).unwrap();
            let single = wilson(right, 10, 0.95).unwrap();
            assert!(
                close(grouped, single.low, single.high),
                "{grouped:?} {single:?}"
            );
        }
    }

    #[test]
    fn groups_whose_images_vary_freely_count_almost_as_many_images() {
        let mixed: Vec<_> = (0..50)
            .map(|i| GroupTally {
                successes: 1 + i % 2,
                trials: 3,
            })
            .collect();
        // Less spread between groups than chance would give: no more than the number of images is claimed.
        assert_eq!(wilson_grouped(&mixed, 0.95), wilson(75, 150, 0.95));
    }

    #[test]
    fn percentiles_interpolate_as_numpy_does() {
        // numpy.percentile([1, 2, 3, 4, 10], [10, 90]) = [1.4, 7.6]
        let interval = percentile_interval(vec![10.0, 1.0, 3.0, 2.0, 4.0], 0.8).unwrap();
        assert!(close(interval, 1.4, 7.6), "{interval:?}");
        assert_eq!(percentile_interval(vec![2.0; 9], 0.8), None);
        assert_eq!(percentile_interval(vec![], 0.8), None);
    }
}
