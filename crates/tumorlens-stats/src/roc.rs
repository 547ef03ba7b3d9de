//! The ROC curve and the area under it.

mod band;

pub use band::BandPoint;
pub(crate) use band::band;

use crate::ranking::{Ranking, Step};
use crate::undefined::Undefined;
use serde::{Deserialize, Serialize};

/// One point of a ROC curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// 1 - specificity.
    pub false_positive_rate: f64,
    /// Sensitivity.
    pub true_positive_rate: f64,
    /// Called positive at or above this score; absent at the origin, where nothing is called positive.
    pub threshold: Option<f64>,
}

/// A ROC curve from (0, 0) to (1, 1), one point for each distinct score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roc {
    points: Vec<RocPoint>,
}

/// Area under the ROC curve: the probability that a positive image scores above a negative one, ties half.
/// Exact up to one division.
///
/// # Errors
/// When a class is absent, a score is not finite, or the slices differ in length.
pub fn auroc(truth: &[bool], scores: &[f64]) -> Result<f64, Undefined> {
    area(Ranking::new(truth, scores)?.steps())
}

pub(crate) fn area(steps: impl Iterator<Item = Step>) -> Result<f64, Undefined> {
    let (mut twice_area, mut positives, mut negatives) = (0u128, 0u64, 0u64);
    for step in steps {
        let width = u128::from(step.false_positive - negatives);
        twice_area += width * u128::from(step.true_positive + positives);
        (positives, negatives) = (step.true_positive, step.false_positive);
    }
    let pairs = both_present(positives, negatives)?;
    Ok(twice_area as f64 / (2.0 * pairs))
}

/// Number of pairs of a positive and a negative image, at least 1.
pub(crate) fn both_present(positives: u64, negatives: u64) -> Result<f64, Undefined> {
    match (positives, negatives) {
        (0, 0) => Err(Undefined::NoImage),
        (0, _) => Err(Undefined::NoPositive),
        (_, 0) => Err(Undefined::NoNegative),
        _ => Ok(positives as f64 * negatives as f64),
    }
}

impl Roc {
    /// The full curve.
    ///
    /// # Errors
    /// As [`auroc`].
    pub fn new(truth: &[bool], scores: &[f64]) -> Result<Self, Undefined> {
        Self::of(&Ranking::new(truth, scores)?)
    }

    pub(crate) fn of(ranking: &Ranking) -> Result<Self, Undefined> {
        let steps: Vec<Step> = ranking.steps().collect();
        let (positives, negatives) = steps
            .last()
            .map_or((0, 0), |s| (s.true_positive, s.false_positive));
        both_present(positives, negatives)?;
        let mut points = vec![RocPoint {
            false_positive_rate: 0.0,
            true_positive_rate: 0.0,
            threshold: None,
        }];
        points.extend(steps.iter().map(|s| RocPoint {
            false_positive_rate: s.false_positive as f64 / negatives as f64,
            true_positive_rate: s.true_positive as f64 / positives as f64,
            threshold: Some(s.threshold),
        }));
        Ok(Self { points })
    }

    /// Points from (0, 0) to (1, 1).
    #[must_use]
    pub fn points(&self) -> &[RocPoint] {
        &self.points
    }

    /// The same curve without the points inside its vertical and horizontal runs, for drawing: it covers the same
    /// line with fewer points.
    #[must_use]
    pub fn corners(&self) -> Self {
        let inside_run = |w: &[RocPoint]| {
            let flat = |f: fn(&RocPoint) -> f64| f(&w[0]) == f(&w[1]) && f(&w[1]) == f(&w[2]);
            flat(|p| p.false_positive_rate) || flat(|p| p.true_positive_rate)
        };
        let last = self.points.len().saturating_sub(1);
        let kept = |i: usize| i == 0 || i == last || !inside_run(&self.points[i - 1..=i + 1]);
        Self {
            points: (0..self.points.len())
                .filter(|&i| kept(i))
                .map(|i| self.points[i])
                .collect(),
        }
    }

    /// Area under the curve up to a false positive rate, standardised so that chance is 0.5 and perfection 1
    /// (McClish 1989). `None` unless `0 < limit <= 1`.
    #[must_use]
    pub fn partial_area(&self, limit: f64) -> Option<f64> {
        if !(limit > 0.0 && limit <= 1.0) {
            return None;
        }
        let mut area = 0.0;
        for pair in self.points.windows(2) {
            let (x0, y0) = (pair[0].false_positive_rate, pair[0].true_positive_rate);
            let (x1, y1) = (pair[1].false_positive_rate, pair[1].true_positive_rate);
            if x0 >= limit {
                break;
            }
            let x = x1.min(limit);
            let y = if x1 > x0 {
                y0 + (y1 - y0) * (x - x0) / (x1 - x0)
            } else {
                y1
            };
            area += (x - x0) * (y0 + y) / 2.0;
        }
        let chance = limit * limit / 2.0;
        Some(0.5 * (1.0 + (area - chance) / (limit - chance)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_of_four_images_is_the_one_drawn_by_hand() {
        // Fawcett-style example: by falling score P N P N.
        let roc = Roc::new(&[true, false, true, false], &[0.9, 0.8, 0.7, 0.6]).unwrap();
        let xy: Vec<_> = roc
            .points()
            .iter()
            .map(|p| (p.false_positive_rate, p.true_positive_rate))
            .collect();
        assert_eq!(
            xy,
            [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]
        );
        assert_eq!(roc.points()[0].threshold, None);
        assert_eq!(
            auroc(&[true, false, true, false], &[0.9, 0.8, 0.7, 0.6]),
            Ok(0.75)
        );
    }

    #[test]
    fn a_constant_score_ranks_like_chance() {
        assert_eq!(auroc(&[true, false, false], &[0.3; 3]), Ok(0.5));
    }

    #[test]
    fn one_class_alone_has_no_curve() {
        assert_eq!(
            auroc(&[true, true], &[0.1, 0.2]),
            Err(Undefined::NoNegative)
        );
        assert_eq!(auroc(&[false], &[0.1]), Err(Undefined::NoPositive));
        assert_eq!(Roc::new(&[], &[]), Err(Undefined::NoImage));
    }

    #[test]
    fn corners_cover_the_same_line() {
        let truth = [true, true, true, false, false, true, false];
        let roc = Roc::new(&truth, &[7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]).unwrap();
        let corners = roc.corners();
        assert_eq!(corners.points().len(), 5);
        assert_eq!(corners.partial_area(1.0), roc.partial_area(1.0));
        assert_eq!(
            roc.partial_area(1.0),
            auroc(&truth, &[7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]).ok()
        );
    }
}
