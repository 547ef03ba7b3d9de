//! Cross-validation repeated, each time with the groups dealt into folds anew: what one deal and one training happen to
//! give averages out.

use super::{
    CrossValidationError, Fold, PointSpread, Spreads, calls_of_all, check, spread_of_assessments,
};
use crate::evaluation::{EvaluationSettings, Scored, evaluate_calls};
use serde::{Deserialize, Serialize};
use tumorlens_core::ClassSet;

/// Figures over the repeats, each of which is that of all test images of a repeat together. Intervals draw groups once for all
/// repeats: an image does not become several by being tested several times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    /// How often.
    pub repeats: usize,
    /// Figures of the scores.
    pub scores: Spreads,
    /// Figures of the calls, each image called at its own fold's threshold.
    pub points: Vec<PointSpread>,
}

/// Evaluates the folds of every repeat, which test the same images.
///
/// # Errors
/// When there are fewer than two repeats, one tests other images than the first, or its folds are no cross-validation.
pub fn repeated(
    classes: &ClassSet,
    repeats: &[Vec<Fold>],
    settings: &EvaluationSettings,
) -> Result<Repeated, CrossValidationError> {
    if repeats.len() < 2 {
        return Err(CrossValidationError::TooFewRepeats(repeats.len()));
    }
    let mut first: Option<Vec<String>> = None;
    let (mut evaluations, mut drawn) = (Vec::new(), Vec::new());
    for (number, folds) in (1..).zip(repeats) {
        check(folds)?;
        let images: Vec<&Scored> = folds.iter().flat_map(|f| &f.images).collect();
        // In one order for all repeats, so that the same draw means the same groups.
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.sort_by_key(|i| &images[*i].path);
        let paths: Vec<String> = order.iter().map(|i| images[*i].path.clone()).collect();
        if *first.get_or_insert_with(|| paths.clone()) != paths {
            return Err(CrossValidationError::OtherImages(number));
        }
        let sorted: Vec<Scored> = order.iter().map(|i| images[*i].clone()).collect();
        let calls = calls_of_all(classes, folds)
            .into_iter()
            .map(|(name, calls)| (name, order.iter().map(|i| calls[*i]).collect()))
            .collect();
        let (evaluation, replicates) = evaluate_calls(classes, &sorted, calls, settings)
            .map_err(CrossValidationError::Pooled)?;
        evaluations.push(evaluation);
        drawn.push(replicates);
    }
    let (scores, points) = spread_of_assessments(&evaluations, &drawn);
    Ok(Repeated {
        repeats: repeats.len(),
        scores,
        points,
    })
}
