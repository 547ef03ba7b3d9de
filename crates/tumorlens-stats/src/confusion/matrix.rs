//! The confusion of any number of classes.

use super::{Confusion, ratio};
use crate::undefined::{Undefined, same_length};
use serde::{Deserialize, Serialize};

/// Counts by class: `counts[truth][call]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfusionMatrix {
    counts: Vec<Vec<u64>>,
}

/// The class of the largest probability, the first of the classes on ties; `None` without classes.
#[must_use]
pub fn argmax(probabilities: &[f64]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (class, &p) in probabilities.iter().enumerate() {
        if best.is_none_or(|(_, b)| p > b) {
            best = Some((class, p));
        }
    }
    best.map(|(class, _)| class)
}

impl ConfusionMatrix {
    /// Counts calls against the truth, both as class numbers below `classes`.
    ///
    /// # Errors
    /// When the slices differ in length or a number is not below `classes`.
    pub fn count(classes: usize, truth: &[usize], called: &[usize]) -> Result<Self, Undefined> {
        same_length("calls", truth.len(), called.len())?;
        if let Some(&found) = truth.iter().chain(called).find(|c| **c >= classes) {
            return Err(Undefined::UnknownClass { found, classes });
        }
        Ok(Self::tally(
            classes,
            truth.iter().zip(called).map(|(&t, &c)| (t, c, 1)),
        ))
    }

    /// Counts (truth, call, how often); classes outside the matrix are the caller's error.
    pub(crate) fn tally(classes: usize, cases: impl Iterator<Item = (usize, usize, u32)>) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for (truth, call, times) in cases {
            counts[truth][call] += u64::from(times);
        }
        Self { counts }
    }

    /// Rows by true class, columns by called class.
    #[must_use]
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// One class as positive, all others as negative; all zero for a class that is not there.
    #[must_use]
    pub fn one_vs_rest(&self, class: usize) -> Confusion {
        let cells = self
            .cells()
            .map(|(truth, call, times)| (truth == class, call == class, times));
        let mut out = Confusion::default();
        if class >= self.classes() {
            return out;
        }
        for (truth, call, times) in cells {
            match (truth, call) {
                (true, true) => out.true_positive += times,
                (false, true) => out.false_positive += times,
                (false, false) => out.true_negative += times,
                (true, false) => out.false_negative += times,
            }
        }
        out
    }

    /// Share of right calls.
    ///
    /// # Errors
    /// Without an image.
    pub fn accuracy(&self) -> Result<f64, Undefined> {
        ratio(self.right(), self.total(), Undefined::NoImage)
    }

    /// Mean of the classes' sensitivities.
    ///
    /// # Errors
    /// When a class is absent. (scikit-learn leaves the class out.)
    pub fn balanced_accuracy(&self) -> Result<f64, Undefined> {
        let mut sum = 0.0;
        for class in 0..self.classes() {
            sum += self
                .one_vs_rest(class)
                .sensitivity()
                .map_err(|_| Undefined::NoImageOfClass(class))?;
        }
        if self.classes() == 0 {
            Err(Undefined::NoImage)
        } else {
            Ok(sum / self.classes() as f64)
        }
    }

    /// Matthews' correlation for any number of classes (Gorodkin 2004, `R_K`).
    ///
    /// # Errors
    /// When all images or all calls are of one class. (scikit-learn gives 0 there.)
    pub fn mcc(&self) -> Result<f64, Undefined> {
        let n = self.total() as f64;
        let mut together = 0.0;
        let mut truth_squares = 0.0;
        let mut call_squares = 0.0;
        for class in 0..self.classes() {
            let one = self.one_vs_rest(class);
            together += one.positives() as f64 * one.called_positive() as f64;
            truth_squares += (one.positives() as f64).powi(2);
            call_squares += (one.called_positive() as f64).powi(2);
        }
        let (truth, calls) = (n * n - truth_squares, n * n - call_squares);
        if truth <= 0.0 || calls <= 0.0 {
            return Err(Undefined::OneClass);
        }
        Ok((self.right() as f64 * n - together) / (truth * calls).sqrt())
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        self.counts.iter().enumerate().flat_map(|(truth, row)| {
            row.iter()
                .enumerate()
                .map(move |(call, &times)| (truth, call, times))
        })
    }

    fn right(&self) -> u64 {
        self.cells()
            .filter(|(truth, call, _)| truth == call)
            .map(|(_, _, times)| times)
            .sum()
    }

    fn total(&self) -> u64 {
        self.cells().map(|(_, _, times)| times).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_against_the_rest_keeps_every_image() {
        let matrix = ConfusionMatrix::count(3, &[0, 0, 1, 1, 2, 2], &[0, 1, 1, 1, 0, 2]).unwrap();
        assert_eq!(matrix.counts(), [[1, 1, 0], [0, 2, 0], [1, 0, 1]]);
        let first = matrix.one_vs_rest(0);
        assert_eq!(
            first,
            Confusion {
                true_positive: 1,
                false_positive: 1,
                true_negative: 3,
                false_negative: 1
            }
        );
        assert_eq!(matrix.accuracy(), Ok(4.0 / 6.0));
        assert_eq!(matrix.balanced_accuracy(), Ok((0.5 + 1.0 + 0.5) / 3.0));
    }

    #[test]
    fn a_missing_class_leaves_the_mean_over_classes_undefined() {
        let matrix = ConfusionMatrix::count(3, &[0, 1], &[0, 1]).unwrap();
        assert_eq!(
            matrix.balanced_accuracy(),
            Err(Undefined::NoImageOfClass(2))
        );
        assert_eq!(matrix.mcc(), Ok(1.0));
        assert_eq!(
            ConfusionMatrix::count(2, &[0, 1], &[1, 1]).unwrap().mcc(),
            Err(Undefined::OneClass)
        );
        assert!(ConfusionMatrix::count(2, &[0, 2], &[0, 1]).is_err());
    }

    #[test]
    fn ties_go_to_the_first_class() {
        assert_eq!(argmax(&[0.2, 0.4, 0.4]), Some(1));
        assert_eq!(argmax(&[]), None);
    }
}
