//! The four counts of a two-class confusion, and the figures that are ratios of them.

mod matrix;

pub use matrix::{ConfusionMatrix, argmax};

use crate::metric::Metric;
use crate::undefined::{Undefined, same_length};
use serde::{Deserialize, Serialize};

/// Counts of right and wrong calls. Integers, so that nothing is lost before the one division.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// Positive, called positive.
    pub true_positive: u64,
    /// Negative, called positive.
    pub false_positive: u64,
    /// Negative, called negative.
    pub true_negative: u64,
    /// Positive, called negative.
    pub false_negative: u64,
}

impl Confusion {
    /// Counts calls against the truth; true means positive.
    ///
    /// # Errors
    /// When the slices differ in length.
    pub fn count(truth: &[bool], called: &[bool]) -> Result<Self, Undefined> {
        same_length("calls", truth.len(), called.len())?;
        Ok(Self::tally(
            truth.iter().zip(called).map(|(&t, &c)| (t, c, 1)),
        ))
    }

    /// Counts calls "positive when `score >= threshold`" against the truth.
    ///
    /// # Errors
    /// When the slices differ in length.
    pub fn at(threshold: f64, truth: &[bool], scores: &[f64]) -> Result<Self, Undefined> {
        same_length("scores", truth.len(), scores.len())?;
        Ok(Self::tally(
            truth
                .iter()
                .zip(scores)
                .map(|(&t, &s)| (t, s >= threshold, 1)),
        ))
    }

    /// Counts (truth, call, how often).
    pub(crate) fn tally(cases: impl Iterator<Item = (bool, bool, u32)>) -> Self {
        let mut counts = Self::default();
        for (truth, call, times) in cases {
            let cell = match (truth, call) {
                (true, true) => &mut counts.true_positive,
                (false, true) => &mut counts.false_positive,
                (false, false) => &mut counts.true_negative,
                (true, false) => &mut counts.false_negative,
            };
            *cell += u64::from(times);
        }
        counts
    }

    /// The same calls with the classes' roles exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            true_positive: self.true_negative,
            false_positive: self.false_negative,
            true_negative: self.true_positive,
            false_negative: self.false_positive,
        }
    }

    /// All images.
    #[must_use]
    pub fn total(self) -> u64 {
        self.positives() + self.negatives()
    }

    /// Positive images.
    #[must_use]
    pub fn positives(self) -> u64 {
        self.true_positive + self.false_negative
    }

    /// Negative images.
    #[must_use]
    pub fn negatives(self) -> u64 {
        self.true_negative + self.false_positive
    }

    /// Images called positive.
    #[must_use]
    pub fn called_positive(self) -> u64 {
        self.true_positive + self.false_positive
    }

    /// Images called negative.
    #[must_use]
    pub fn called_negative(self) -> u64 {
        self.true_negative + self.false_negative
    }

    /// Share of right calls.
    ///
    /// # Errors
    /// Without an image.
    pub fn accuracy(self) -> Result<f64, Undefined> {
        ratio(
            self.true_positive + self.true_negative,
            self.total(),
            Undefined::NoImage,
        )
    }

    /// Mean of sensitivity and specificity.
    ///
    /// # Errors
    /// When a class is absent.
    pub fn balanced_accuracy(self) -> Result<f64, Undefined> {
        Ok((self.sensitivity()? + self.specificity()?) / 2.0)
    }

    /// TP / (TP + FN).
    ///
    /// # Errors
    /// Without a positive image.
    pub fn sensitivity(self) -> Result<f64, Undefined> {
        ratio(self.true_positive, self.positives(), Undefined::NoPositive)
    }

    /// TN / (TN + FP).
    ///
    /// # Errors
    /// Without a negative image.
    pub fn specificity(self) -> Result<f64, Undefined> {
        ratio(self.true_negative, self.negatives(), Undefined::NoNegative)
    }

    /// TP / (TP + FP).
    ///
    /// # Errors
    /// When nothing was called positive.
    pub fn ppv(self) -> Result<f64, Undefined> {
        ratio(
            self.true_positive,
            self.called_positive(),
            Undefined::NoPositiveCall,
        )
    }

    /// TN / (TN + FN).
    ///
    /// # Errors
    /// When nothing was called negative.
    pub fn npv(self) -> Result<f64, Undefined> {
        ratio(
            self.true_negative,
            self.called_negative(),
            Undefined::NoNegativeCall,
        )
    }

    /// 2 TP / (2 TP + FP + FN).
    ///
    /// # Errors
    /// Without a positive image and a positive call.
    pub fn f1(self) -> Result<f64, Undefined> {
        let twice = 2 * self.true_positive;
        ratio(
            twice,
            twice + self.false_positive + self.false_negative,
            Undefined::NothingPositive,
        )
    }

    /// Matthews' correlation coefficient, -1 to 1.
    ///
    /// # Errors
    /// When all images or all calls are of one class. (scikit-learn gives 0 there.)
    pub fn mcc(self) -> Result<f64, Undefined> {
        let truth = self.positives() as f64 * self.negatives() as f64;
        let calls = self.called_positive() as f64 * self.called_negative() as f64;
        if truth <= 0.0 || calls <= 0.0 {
            return Err(Undefined::OneClass);
        }
        let right = i128::from(self.true_positive) * i128::from(self.true_negative);
        let wrong = i128::from(self.false_positive) * i128::from(self.false_negative);
        Ok((right - wrong) as f64 / (truth * calls).sqrt())
    }

    /// The figures of [`Metric::OF_CALLS`], in that order.
    pub(crate) fn figures(self) -> [Result<f64, Undefined>; 8] {
        Metric::OF_CALLS.map(|metric| match metric {
            Metric::Accuracy => self.accuracy(),
            Metric::BalancedAccuracy => self.balanced_accuracy(),
            Metric::Sensitivity => self.sensitivity(),
            Metric::Specificity => self.specificity(),
            Metric::Ppv => self.ppv(),
            Metric::Npv => self.npv(),
            Metric::F1 => self.f1(),
            _ => self.mcc(),
        })
    }
}

fn ratio(part: u64, whole: u64, otherwise: Undefined) -> Result<f64, Undefined> {
    if whole == 0 {
        Err(otherwise)
    } else {
        Ok(part as f64 / whole as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 41 of 48 right, as the student's figure could have come about.
    const STUDENT: Confusion = Confusion {
        true_positive: 26,
        false_positive: 3,
        true_negative: 15,
        false_negative: 4,
    };

    #[test]
    fn every_ratio_is_the_one_of_its_definition() {
        assert_eq!(STUDENT.accuracy(), Ok(41.0 / 48.0));
        assert_eq!(STUDENT.sensitivity(), Ok(26.0 / 30.0));
        assert_eq!(STUDENT.specificity(), Ok(15.0 / 18.0));
        assert_eq!(STUDENT.ppv(), Ok(26.0 / 29.0));
        assert_eq!(STUDENT.npv(), Ok(15.0 / 19.0));
        assert_eq!(STUDENT.f1(), Ok(52.0 / 59.0));
        assert_eq!(
            STUDENT.balanced_accuracy(),
            Ok((26.0 / 30.0 + 15.0 / 18.0) / 2.0)
        );
    }

    #[test]
    fn a_score_at_the_threshold_is_called_positive() {
        let counts = Confusion::at(0.5, &[true, false, true], &[0.5, 0.49, 0.2]).unwrap();
        assert_eq!(
            counts,
            Confusion {
                true_positive: 1,
                false_positive: 0,
                true_negative: 1,
                false_negative: 1
            }
        );
    }

    #[test]
    fn what_cannot_be_divided_is_undefined_with_its_reason() {
        let none = Confusion::default();
        assert_eq!(none.accuracy(), Err(Undefined::NoImage));
        let only_negative = Confusion {
            true_negative: 5,
            ..none
        };
        assert_eq!(only_negative.accuracy(), Ok(1.0));
        assert_eq!(only_negative.sensitivity(), Err(Undefined::NoPositive));
        assert_eq!(
            only_negative.balanced_accuracy(),
            Err(Undefined::NoPositive)
        );
        assert_eq!(only_negative.ppv(), Err(Undefined::NoPositiveCall));
        assert_eq!(only_negative.f1(), Err(Undefined::NothingPositive));
        assert_eq!(only_negative.mcc(), Err(Undefined::OneClass));
        let only_positive = only_negative.swapped();
        assert_eq!(only_positive.specificity(), Err(Undefined::NoNegative));
        assert_eq!(only_positive.npv(), Err(Undefined::NoNegativeCall));
        assert!(Confusion::count(&[true], &[]).is_err());
    }

    #[test]
    fn a_perfect_call_correlates_with_one_and_its_opposite_with_minus_one() {
        let perfect = Confusion {
            true_positive: 7,
            true_negative: 11,
            ..Confusion::default()
        };
        assert_eq!(perfect.mcc(), Ok(1.0));
        let opposite = Confusion {
            false_positive: 7,
            false_negative: 11,
            ..Confusion::default()
        };
        assert_eq!(opposite.mcc(), Ok(-1.0));
    }
}
