//! Images in the order of their scores. Sorted once; the ROC curve, the precision-recall curve, the choice of an
//! operating point and every bootstrap replicate walk down the same order.

use crate::undefined::{Undefined, same_length};

/// Images by falling score, with equal scores taken together.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// (image, is it positive), by falling score.
    order: Vec<(usize, bool)>,
    /// Each distinct score and the position in `order` after its last image.
    blocks: Vec<(f64, usize)>,
}

/// Counts when everything with at least this score is called positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The score.
    pub threshold: f64,
    /// Positive images at or above it.
    pub true_positive: u64,
    /// Negative images at or above it.
    pub false_positive: u64,
}

impl Ranking {
    /// Sorts by score; O(n log n).
    ///
    /// # Errors
    /// When the slices differ in length, are empty, or a score is not finite.
    pub fn new(truth: &[bool], scores: &[f64]) -> Result<Self, Undefined> {
        same_length("scores", truth.len(), scores.len())?;
        if let Some(i) = scores.iter().position(|s| !s.is_finite()) {
            return Err(Undefined::NotFinite(i));
        }
        if truth.is_empty() {
            return Err(Undefined::NoImage);
        }
        let mut by_score: Vec<usize> = (0..truth.len()).collect();
        by_score.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut blocks: Vec<(f64, usize)> = Vec::new();
        for (position, &image) in by_score.iter().enumerate() {
            match blocks.last_mut() {
                // `==` and not `total_cmp`: 0.0 and -0.0 are one score.
                Some((score, end)) if *score == scores[image] => *end = position + 1,
                _ => blocks.push((scores[image], position + 1)),
            }
        }
        Ok(Self {
            order: by_score.into_iter().map(|i| (i, truth[i])).collect(),
            blocks,
        })
    }

    /// Number of images.
    #[must_use]
    pub fn images(&self) -> usize {
        self.order.len()
    }

    /// Counts at each distinct score, from the highest down.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        self.walk(|_| 1)
    }

    /// Counts at each distinct score when image i is there `times[i]` times, as in a bootstrap replicate.
    pub(crate) fn resampled<'a>(&'a self, times: &'a [u32]) -> impl Iterator<Item = Step> + 'a {
        self.walk(|image| times[image])
    }

    fn walk<'a>(&'a self, times: impl Fn(usize) -> u32 + 'a) -> impl Iterator<Item = Step> + 'a {
        let mut start = 0;
        let mut step = Step {
            threshold: f64::INFINITY,
            true_positive: 0,
            false_positive: 0,
        };
        self.blocks.iter().map(move |&(threshold, end)| {
            for &(image, positive) in &self.order[start..end] {
                let side = if positive {
                    &mut step.true_positive
                } else {
                    &mut step.false_positive
                };
                *side += u64::from(times(image));
            }
            start = end;
            step.threshold = threshold;
            step
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_one_step_whatever_their_order() {
        let ranking = Ranking::new(&[true, false, true, false], &[0.5, 0.5, 0.9, 0.1]).unwrap();
        let steps: Vec<_> = ranking
            .steps()
            .map(|s| (s.threshold, s.true_positive, s.false_positive))
            .collect();
        assert_eq!(steps, [(0.9, 1, 0), (0.5, 2, 1), (0.1, 2, 2)]);
    }

    #[test]
    fn zero_and_minus_zero_are_one_score() {
        let ranking = Ranking::new(&[true, false], &[0.0, -0.0]).unwrap();
        assert_eq!(ranking.steps().count(), 1);
    }

    #[test]
    fn what_cannot_be_sorted_is_named() {
        assert_eq!(
            Ranking::new(&[true, false], &[0.1, f64::NAN]).unwrap_err(),
            Undefined::NotFinite(1)
        );
        assert_eq!(Ranking::new(&[], &[]).unwrap_err(), Undefined::NoImage);
        assert!(Ranking::new(&[true], &[]).is_err());
    }
}
