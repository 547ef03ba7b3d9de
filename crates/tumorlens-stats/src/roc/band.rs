//! How far a ROC curve may lie from the truth: a pointwise band.

use super::both_present;
use crate::bootstrap::{Resampling, bootstrap};
use crate::groups::Groups;
use crate::ranking::{Ranking, Step};
use serde::{Deserialize, Serialize};

/// Places along the axis of false positive rates, evenly from 0 to 1.
const PLACES: usize = 41;

/// Between which sensitivities the curve lies at one false positive rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BandPoint {
    /// 1 - specificity, 0 to 1.
    pub false_positive_rate: f64,
    /// Lower end of the interval of the sensitivity.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Intervals of the sensitivity at evenly spaced false positive rates (vertical averaging of bootstrap replicates over
/// groups; Fawcett 2006, section 9.1). Each holds at its place, not all of them together. A place is left out where
/// every replicate agrees and resampling shows no spread; empty with fewer than two groups or one class only.
pub(crate) fn band(ranking: &Ranking, groups: &Groups, resampling: Resampling) -> Vec<BandPoint> {
    let rates = || (0..PLACES).map(|i| i as f64 / (PLACES - 1) as f64);
    let replicates = bootstrap(groups, resampling, |times| {
        let steps: Vec<Step> = ranking.resampled(times).collect();
        let total = steps.last().map(|s| (s.true_positive, s.false_positive));
        match total {
            Some((positives, negatives)) if both_present(positives, negatives).is_ok() => {
                let place = |step: &Step| {
                    (
                        step.false_positive as f64 / negatives as f64,
                        step.true_positive as f64 / positives as f64,
                    )
                };
                let curve: Vec<(f64, f64)> = std::iter::once((0.0, 0.0))
                    .chain(steps.iter().map(place))
                    .collect();
                rates()
                    .map(|rate| Some(sensitivity_at(&curve, rate)))
                    .collect()
            }
            _ => vec![None; PLACES],
        }
    });
    rates()
        .enumerate()
        .filter_map(|(i, rate)| {
            let interval = replicates.interval(i)?;
            Some(BandPoint {
                false_positive_rate: rate,
                low: interval.low,
                high: interval.high,
            })
        })
        .collect()
}

/// Height of a rising curve at a place; where it rises steeply, the upper end.
fn sensitivity_at(curve: &[(f64, f64)], rate: f64) -> f64 {
    let after = curve.partition_point(|(x, _)| *x <= rate);
    let Some(&(x0, y0)) = curve.get(after.saturating_sub(1)) else {
        return 0.0;
    };
    match curve.get(after) {
        Some(&(x1, y1)) if x1 > x0 => y0 + (y1 - y0) * (rate - x0) / (x1 - x0),
        _ => y0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roc::{Roc, RocPoint};
    use tumorlens_core::Seed;

    fn example(n: usize) -> (Vec<bool>, Vec<f64>, Groups) {
        let truth: Vec<bool> = (0..n).map(|i| i % 2 == 0).collect();
        let scores: Vec<f64> = (0..n)
            .map(|i| f64::from(i as u32 * 7919 % 101) / 101.0 + if truth[i] { 0.35 } else { 0.0 })
            .collect();
        let names: Vec<String> = (0..n).map(|i| i.to_string()).collect();
        (truth, scores, Groups::new(&names))
    }

    #[test]
    fn the_curve_lies_in_its_band_and_more_images_make_it_narrower() {
        let width = |n| {
            let (truth, scores, groups) = example(n);
            let ranking = Ranking::new(&truth, &scores).unwrap();
            let points: Vec<(f64, f64)> = Roc::of(&ranking)
                .unwrap()
                .points()
                .iter()
                .map(|p: &RocPoint| (p.false_positive_rate, p.true_positive_rate))
                .collect();
            let band = band(&ranking, &groups, Resampling::seeded(Seed(1)));
            assert!(band.len() > PLACES / 2, "{}", band.len());
            for point in &band {
                let y = sensitivity_at(&points, point.false_positive_rate);
                assert!(
                    point.low <= y + 0.02 && y <= point.high + 0.02,
                    "{point:?} does not hold {y}"
                );
            }
            band.iter().map(|p| p.high - p.low).sum::<f64>() / band.len() as f64
        };
        let (few, many) = (width(40), width(400));
        assert!(many < 0.6 * few, "{many} and {few}");
    }

    #[test]
    fn one_class_alone_has_no_band() {
        let (_, scores, groups) = example(20);
        let ranking = Ranking::new(&[true; 20], &scores).unwrap();
        assert_eq!(band(&ranking, &groups, Resampling::seeded(Seed(1))), []);
    }
}
