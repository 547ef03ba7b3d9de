//! Intervals: Wilson's for proportions, with its sample size cut down where images come in groups, and the
//! percentiles of a bootstrap.

use statrs::distribution::{ContinuousCDF, Normal};
use tumorlens_core::Interval;
use tumorlens_core::measured::IntervalMethod;

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
    let kish = n * n / groups.iter().map(|g| (g.trials as f64).powi(2)).sum::<f64>();
    let m = groups.len() as f64;
    let binomial = p * (1.0 - p) / n;
    let effective = if groups.len() < 2 || binomial <= 0.0 {
        kish
    } else {
        let residuals: f64 = groups.iter().map(|g| (g.successes as f64 - p * g.trials as f64).powi(2)).sum();
        let between = m / (m - 1.0) * residuals / (n * n);
        if between > 0.0 { (n * binomial / between).clamp(kish.min(n), n) } else { n }
    };
    wilson_effective(p, effective, level)
}

fn wilson_effective(p: f64, n: f64, level: f64) -> Option<Interval> {
    let z2 = normal_quantile(level)?.powi(2);
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = (z2 * (p * (1.0 - p) / n + z2 / (4.0 * n * n))).sqrt() / (1.0 + z2 / n);
    // At p = 0 and p = 1 the ends are exact; elsewhere rounding may leave [0, 1] by one unit in the last place.
    let low = if p <= 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if p >= 1.0 { 1.0 } else { (centre + half).min(1.0) };
    Some(Interval { low, high, level, method: IntervalMethod::Wilson })
}
