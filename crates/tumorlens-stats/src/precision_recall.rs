//! The precision-recall curve and average precision.

use crate::ranking::{Ranking, Step};
use crate::roc::both_present;
use crate::undefined::Undefined;
use serde::{Deserialize, Serialize};

/// One point of a precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// Sensitivity.
    pub recall: f64,
    /// PPV.
    pub precision: f64,
    /// Called positive at or above this score.
    pub threshold: f64,
}

/// A precision-recall curve by rising recall, one point for each distinct score. There is no point at recall 0,
/// where precision is 0/0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrecisionRecall {
    points: Vec<PrecisionRecallPoint>,
}

/// Average precision, `sum over scores of (recall gained) x precision`, as scikit-learn has it: without the
/// interpolation that makes a curve look better than it is. Its chance level is the share of positive images.
///
/// # Errors
/// When a class is absent (without negative images it is 1 whatever the scores; scikit-learn gives that 1), a score is
/// not finite, or the slices differ in length.
pub fn average_precision(truth: &[bool], scores: &[f64]) -> Result<f64, Undefined> {
    average(Ranking::new(truth, scores)?.steps())
}

pub(crate) fn average(steps: impl Iterator<Item = Step>) -> Result<f64, Undefined> {
    let mut sum = 0.0;
    let (mut positives, mut negatives) = (0, 0);
    for step in steps {
        let gained = step.true_positive - positives;
        (positives, negatives) = (step.true_positive, step.false_positive);
        if gained > 0 {
            sum += gained as f64 * positives as f64 / (positives + negatives) as f64;
        }
    }
    both_present(positives, negatives)?;
    Ok(sum / positives as f64)
}

impl PrecisionRecall {
    /// The full curve.
    ///
    /// # Errors
    /// As [`average_precision`].
    pub fn new(truth: &[bool], scores: &[f64]) -> Result<Self, Undefined> {
        Self::of(&Ranking::new(truth, scores)?)
    }

    pub(crate) fn of(ranking: &Ranking) -> Result<Self, Undefined> {
        let steps: Vec<Step> = ranking.steps().collect();
        let (positives, negatives) = steps
            .last()
            .map_or((0, 0), |s| (s.true_positive, s.false_positive));
        both_present(positives, negatives)?;
        let point = |s: &Step| PrecisionRecallPoint {
            recall: s.true_positive as f64 / positives as f64,
            precision: s.true_positive as f64 / (s.true_positive + s.false_positive) as f64,
            threshold: s.threshold,
        };
        Ok(Self {
            points: steps.iter().map(point).collect(),
        })
    }

    /// Points by rising recall.
    #[must_use]
    pub fn points(&self) -> &[PrecisionRecallPoint] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_of_four_images_is_the_one_counted_by_hand() {
        // By falling score P N P N: half the recall at precision 1, half at 2/3.
        let truth = [true, false, true, false];
        let scores = [0.9, 0.8, 0.7, 0.6];
        assert_eq!(
            average_precision(&truth, &scores),
            Ok((1.0 + 2.0 / 3.0) / 2.0)
        );
        let curve = PrecisionRecall::new(&truth, &scores).unwrap();
        let last = curve.points().last().unwrap();
        assert_eq!(
            (last.recall, last.precision, last.threshold),
            (1.0, 0.5, 0.6)
        );
    }

    #[test]
    fn one_class_alone_is_undefined() {
        assert_eq!(
            average_precision(&[true], &[0.5]),
            Err(Undefined::NoNegative)
        );
        assert_eq!(
            average_precision(&[false], &[0.5]),
            Err(Undefined::NoPositive)
        );
    }
}
