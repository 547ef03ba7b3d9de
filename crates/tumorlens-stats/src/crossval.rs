//! Cross-validation: each fold evaluated by itself, the spread over folds, and all folds pooled.

mod repeated;

pub use repeated::{Repeated, repeated};

use crate::bootstrap::Replicates;
use crate::evaluation::{
    Drawn, Evaluation, EvaluationError, EvaluationSettings, Multiclass, OVERALL, Scored, calls_at,
    evaluate_calls, of_class,
};
use crate::metric::{Figures, Metric};
use crate::operating_point::OperatingPoint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tumorlens_core::{ClassSet, Interval, Measured};

/// The test part of one fold, scored by the model of that fold, with the thresholds chosen on its validation part.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Scored test images.
    pub images: Vec<Scored>,
    /// Operating points, the same names in the same order in every fold.
    pub points: Vec<OperatingPoint>,
}

/// One figure over the folds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean over the folds, undefined when it is undefined in one. Its interval resamples the groups of each fold; it
    /// says how far the mean hangs on the images, not on the randomness of training.
    pub mean: Measured,
    /// Standard deviation over the folds (divisor folds - 1). Folds share training images, so this is no standard error.
    pub standard_deviation: Measured,
    /// Smallest value of a fold.
    pub lowest: Measured,
    /// Largest value of a fold.
    pub highest: Measured,
}

/// Figures over the folds.
pub type Spreads = BTreeMap<Metric, Spread>;

/// Figures over the folds at one operating point, whose threshold differs from fold to fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointSpread {
    /// Name of the operating point.
    pub name: String,
    /// Figures of the calls.
    pub figures: Spreads,
}

/// Spread of the figures of more than two classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MulticlassSpread {
    /// See [`Multiclass::overall`].
    pub overall: Spreads,
    /// See [`Multiclass::class_mean`].
    pub class_mean: Spreads,
}

/// A whole cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// Each fold.
    pub folds: Vec<Evaluation>,
    /// Figures of the scores over the folds.
    pub scores: Spreads,
    /// Figures of the calls over the folds.
    pub points: Vec<PointSpread>,
    /// With more than two classes.
    pub multiclass: Option<MulticlassSpread>,
    /// All test images together, each called at its own fold's threshold. Its AUROC and AUPRC compare scores of
    /// different models with each other; the mean over folds does not, and is the one to quote.
    pub pooled: Evaluation,
}

/// Folds do not make a cross-validation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CrossValidationError {
    /// Fewer than two folds.
    #[error("cross-validation needs at least two folds, found {0}")]
    TooFewFolds(usize),
    /// Fewer than two repeats.
    #[error("repeating needs at least two repeats, found {0}")]
    TooFewRepeats(usize),
    /// The repeat of this number, from 1, tests other images than the first.
    #[error("repeat {0} tests other images than the first")]
    OtherImages(usize),
    /// Operating points differ in name or order.
    #[error("fold {fold}: operating points '{found}', in fold 1 '{expected}'")]
    Points {
        /// Number of the fold, from 1.
        fold: usize,
        /// Names found.
        found: String,
        /// Names in the first fold.
        expected: String,
    },
    /// A group is tested in two folds, so that it was trained on in one and tested in the other.
    #[error("group '{group}' is tested in fold {first} and in fold {second}")]
    SharedGroup {
        /// The group.
        group: String,
        /// Number of the first fold, from 1.
        first: usize,
        /// Number of the second fold, from 1.
        second: usize,
    },
    /// The images of a fold do not fit together.
    #[error("fold {fold}: {error}")]
    Fold {
        /// Number of the fold, from 1.
        fold: usize,
        /// What is wrong.
        error: EvaluationError,
    },
    /// The images of all folds do not fit together.
    #[error("all folds: {0}")]
    Pooled(EvaluationError),
}

/// Evaluates every fold, their spread and the pool.
///
/// # Errors
/// When there are fewer than two folds, a group or an image is in two, or images do not fit the classes.
pub fn cross_validate(
    classes: &ClassSet,
    folds: &[Fold],
    settings: &EvaluationSettings,
) -> Result<CrossValidation, CrossValidationError> {
    check(folds)?;
    let mut evaluations = Vec::with_capacity(folds.len());
    let mut drawn = Vec::with_capacity(folds.len());
    for (i, fold) in folds.iter().enumerate() {
        // A seed for each fold: their replicates are then independent, as their images are.
        let seed = settings.resampling.seed.derive("fold").index(i as u64);
        let mut own = settings.clone();
        own.resampling.seed = seed;
        let (mut evaluation, replicates) =
            evaluate_calls(classes, &fold.images, calls(classes, fold), &own)
                .map_err(|error| CrossValidationError::Fold { fold: i + 1, error })?;
        evaluation.operating_points.clone_from(&fold.points);
        evaluations.push(evaluation);
        drawn.push(replicates);
    }
    let (scores, points) = spread_of_assessments(&evaluations, &drawn);
    Ok(CrossValidation {
        scores,
        points,
        multiclass: spread_of_multiclass(&evaluations, &drawn),
        pooled: pool(classes, folds, settings)?,
        folds: evaluations,
    })
}

fn calls(classes: &ClassSet, fold: &Fold) -> Vec<(String, Vec<bool>)> {
    fold.points
        .iter()
        .map(|p| (p.name.clone(), calls_at(classes, &fold.images, p.threshold)))
        .collect()
}

/// Calls on the images of all folds, one after the other.
fn calls_of_all(classes: &ClassSet, folds: &[Fold]) -> Vec<(String, Vec<bool>)> {
    let mut all: Vec<(String, Vec<bool>)> = Vec::new();
    for fold in folds {
        for (i, (name, own)) in calls(classes, fold).into_iter().enumerate() {
            if i == all.len() {
                all.push((name, Vec::new()));
            }
            all[i].1.extend(own);
        }
    }
    all
}

fn pool(
    classes: &ClassSet,
    folds: &[Fold],
    settings: &EvaluationSettings,
) -> Result<Evaluation, CrossValidationError> {
    let pooled = calls_of_all(classes, folds);
    let images: Vec<Scored> = folds
        .iter()
        .flat_map(|f| f.images.iter().cloned())
        .collect();
    let (evaluation, _) =
        evaluate_calls(classes, &images, pooled, settings).map_err(CrossValidationError::Pooled)?;
    Ok(evaluation)
}

fn check(folds: &[Fold]) -> Result<(), CrossValidationError> {
    if folds.len() < 2 {
        return Err(CrossValidationError::TooFewFolds(folds.len()));
    }
    let names = |fold: &Fold| {
        fold.points
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let expected = names(&folds[0]);
    let mut tested: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, fold) in (1..).zip(folds) {
        let found = names(fold);
        if found != expected {
            return Err(CrossValidationError::Points {
                fold: number,
                found,
                expected,
            });
        }
        for image in &fold.images {
            let first = *tested.entry(&image.group).or_insert(number);
            if first != number {
                let group = image.group.clone();
                return Err(CrossValidationError::SharedGroup {
                    group,
                    first,
                    second: number,
                });
            }
        }
    }
    Ok(())
}

fn spread_of_assessments(folds: &[Evaluation], drawn: &[Drawn]) -> (Spreads, Vec<PointSpread>) {
    let parts: Vec<&Replicates> = drawn.iter().map(|d| &d.assessment).collect();
    let means = Replicates::mean(&parts);
    let mut column = 0..;
    let mut spread_next = |metric: Metric, figures: Vec<&Figures>| {
        (
            metric,
            spread(
                &values(&figures, metric),
                column.next().and_then(|c| means.interval(c)),
            ),
        )
    };
    let scores = Metric::OF_SCORES
        .into_iter()
        .map(|m| spread_next(m, folds.iter().map(|f| &f.assessment.scores).collect()))
        .collect();
    let names = folds.first().map_or_else(Vec::new, |f| {
        f.assessment.points.iter().map(|p| p.name.clone()).collect()
    });
    let points = (0..)
        .zip(names)
        .map(|(i, name): (usize, String)| PointSpread {
            name,
            figures: Metric::OF_CALLS
                .into_iter()
                .map(|m| {
                    spread_next(
                        m,
                        folds
                            .iter()
                            .map(|f| &f.assessment.points[i].figures)
                            .collect(),
                    )
                })
                .collect(),
        })
        .collect();
    (scores, points)
}

fn spread_of_multiclass(folds: &[Evaluation], drawn: &[Drawn]) -> Option<MulticlassSpread> {
    let each: Vec<&Multiclass> = folds.iter().filter_map(|f| f.multiclass.as_ref()).collect();
    let drawn: Vec<_> = drawn.iter().filter_map(|d| d.multiclass.as_ref()).collect();
    if each.is_empty() {
        return None;
    }
    let spreads = |metrics: Vec<Metric>, figures: Vec<&Figures>, parts: Vec<&Replicates>| {
        let means = Replicates::mean(&parts);
        let one = |(column, metric)| {
            (
                metric,
                spread(&values(&figures, metric), means.interval(column)),
            )
        };
        metrics.into_iter().enumerate().map(one).collect()
    };
    Some(MulticlassSpread {
        overall: spreads(
            OVERALL.to_vec(),
            each.iter().map(|m| &m.overall).collect(),
            drawn.iter().map(|d| &d.overall).collect(),
        ),
        class_mean: spreads(
            of_class().collect(),
            each.iter().map(|m| &m.class_mean).collect(),
            drawn.iter().map(|d| &d.class_mean).collect(),
        ),
    })
}

fn values(figures: &[&Figures], metric: Metric) -> Vec<Measured> {
    let missing = || Measured::undefined("not measured");
    figures
        .iter()
        .map(|f| f.get(&metric).cloned().unwrap_or_else(missing))
        .collect()
}

/// Mean, deviation and range of one figure over folds.
fn spread(folds: &[Measured], interval: Option<Interval>) -> Spread {
    let mut values = Vec::with_capacity(folds.len());
    for (number, fold) in (1..).zip(folds) {
        match fold {
            Measured::Value { value, .. } => values.push(*value),
            Measured::Undefined { undefined } => {
                let all = Measured::undefined(format!("fold {number}: {undefined}"));
                return Spread {
                    mean: all.clone(),
                    standard_deviation: all.clone(),
                    lowest: all.clone(),
                    highest: all,
                };
            }
        }
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Spread {
        mean: interval.map_or_else(
            || Measured::value(mean),
            |i| Measured::with_interval(mean, i),
        ),
        standard_deviation: Measured::value((squares / (n - 1.0)).sqrt()),
        lowest: Measured::value(values.iter().copied().fold(f64::INFINITY, f64::min)),
        highest: Measured::value(values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
    }
}

#[cfg(test)]
mod tests;
