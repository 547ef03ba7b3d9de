//! Statistics of values (IBSI 3.3) and of levels (IBSI 3.4).

use super::{Feature, Levels, Region, entropy};

/// Of the values, without regard to where they lie.
pub(super) fn of_values(region: &Region<'_>) -> Vec<Feature> {
    let mut values: Vec<f64> = region.pixels().collect();
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |k: i32| values.iter().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
    let variance = moment(2);
    let median = percentile(&values, 0.5);
    let (p10, p25, p75, p90) = (
        percentile(&values, 0.1),
        percentile(&values, 0.25),
        percentile(&values, 0.75),
        percentile(&values, 0.9),
    );
    let deviation = |from: f64| values.iter().map(|v| (v - from).abs()).sum::<f64>() / n;
    vec![
        ("intensity mean", mean),
        ("intensity variance", variance),
        ("intensity skewness", moment(3) / variance.powf(1.5)),
        ("intensity kurtosis", moment(4) / variance.powi(2) - 3.0),
        ("intensity median", median),
        ("intensity 10th percentile", p10),
        ("intensity 90th percentile", p90),
        ("intensity interquartile range", p75 - p25),
        ("intensity range", values[values.len() - 1] - values[0]),
        ("intensity mean absolute deviation", deviation(mean)),
        ("intensity median absolute deviation", deviation(median)),
        ("intensity coefficient of variation", variance.sqrt() / mean),
        (
            "intensity quartile coefficient of dispersion",
            (p75 - p25) / (p75 + p25),
        ),
        (
            "intensity root mean square",
            (values.iter().map(|v| v * v).sum::<f64>() / n).sqrt(),
        ),
    ]
}

/// Between the two nearest of sorted values, linearly (as NumPy does by default).
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let below = at as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

/// Of the histogram of levels.
pub(super) fn of_levels(levels: &Levels) -> Vec<Feature> {
    let mut counts = vec![0.0; usize::from(levels.count) + 1];
    levels
        .of
        .iter()
        .for_each(|l| counts[usize::from(*l)] += 1.0);
    counts[0] = 0.0;
    let n: f64 = counts.iter().sum();
    let p = || counts.iter().map(|c| c / n);
    vec![
        ("histogram entropy", entropy(p())),
        ("histogram uniformity", p().map(|p| p * p).sum()),
    ]
}
