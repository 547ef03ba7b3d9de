//! More than two classes: each class against the rest, their mean, and the figures of the whole call.

use super::assessment::{self, Assessment, with};
use super::part::{Part, weighted_mean};
use super::{EvaluationSettings, Scored};
use crate::bootstrap::{Replicates, bootstrap};
use crate::calibration::{Tally, squared_error, surprise};
use crate::confusion::{ConfusionMatrix, argmax};
use crate::groups::Groups;
use crate::intervals::{GroupTally, wilson_grouped};
use crate::metric::{Figures, Metric};
use crate::undefined::Undefined;
use serde::{Deserialize, Serialize};
use tumorlens_core::{ClassIndex, ClassSet, Measured};

/// Figures of a call among more than two classes. The call is the class of the largest probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Multiclass {
    /// Counts by true class and called class.
    pub confusion: ConfusionMatrix,
    /// Accuracy, balanced accuracy, MCC, Brier score (sum over the classes, 0 to 2), log loss, and the calibration error
    /// of the called class's probability.
    pub overall: Figures,
    /// Unweighted mean over the classes, each against the rest (macro average).
    pub class_mean: Figures,
    /// Each class against the rest, in the order of the classes.
    pub classes: Vec<ClassAssessment>,
}

/// One class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassAssessment {
    /// Name of the class.
    pub class: String,
    /// Its figures; the one operating point is the class of the largest probability.
    pub assessment: Assessment,
}

/// Figures of the whole call, in the order of their replicates.
pub(crate) const OVERALL: [Metric; 6] = [
    Metric::Accuracy,
    Metric::BalancedAccuracy,
    Metric::Mcc,
    Metric::Brier,
    Metric::LogLoss,
    Metric::Ece,
];

/// Figures of one class, in the order of their replicates.
pub(crate) fn of_class() -> impl Iterator<Item = Metric> {
    Metric::OF_SCORES.into_iter().chain(Metric::OF_CALLS)
}

/// Replicates behind [`Multiclass`].
pub(crate) struct Drawn {
    /// Statistics in the order of [`OVERALL`].
    pub(crate) overall: Replicates,
    /// Statistics in the order of [`of_class`].
    pub(crate) class_mean: Replicates,
}

pub(super) fn assess(
    classes: &ClassSet,
    images: &[Scored],
    settings: &EvaluationSettings,
) -> (Multiclass, Drawn) {
    let called: Vec<usize> = images
        .iter()
        .filter_map(|image| argmax(&numbers(image)))
        .collect();
    let (confusion, overall, overall_drawn) = overall(classes, images, &called, settings);
    let mut parts = Vec::with_capacity(classes.len());
    let mut drawn = Vec::with_capacity(classes.len());
    // All classes with one seed, so that replicate i has the same images for every class and means can be taken.
    let resampling = settings.resampling.derive("classes");
    for (class, name) in classes.names().iter().enumerate() {
        let calls = vec![(
            "largest".to_owned(),
            called.iter().map(|c| *c == class).collect(),
        )];
        let part = Part::new(ClassIndex(class), &images.iter().collect::<Vec<_>>(), calls);
        let (assessment, replicates) = assessment::assess(&part, settings, resampling);
        parts.push(ClassAssessment {
            class: name.clone(),
            assessment,
        });
        drawn.push(replicates);
    }
    let mean_drawn = Replicates::mean(&drawn.iter().collect::<Vec<_>>());
    let class_mean = of_class()
        .enumerate()
        .map(|(column, metric)| {
            (
                metric,
                with(mean(&parts, metric), mean_drawn.interval(column)),
            )
        })
        .collect();
    let value = Multiclass {
        confusion,
        overall,
        class_mean,
        classes: parts,
    };
    (
        value,
        Drawn {
            overall: overall_drawn,
            class_mean: mean_drawn,
        },
    )
}

fn overall(
    classes: &ClassSet,
    images: &[Scored],
    called: &[usize],
    settings: &EvaluationSettings,
) -> (ConfusionMatrix, Figures, Replicates) {
    let truth: Vec<usize> = images.iter().map(|image| image.label.0).collect();
    let right: Vec<bool> = truth.iter().zip(called).map(|(t, c)| t == c).collect();
    let confidence: Vec<f64> = images
        .iter()
        .zip(called)
        .map(|(i, &c)| i.probabilities[c].get())
        .collect();
    let bins = &settings.bins;
    let bin_of: Vec<usize> = confidence.iter().map(|&p| bins.find(p)).collect();
    let errors: Vec<f64> = images.iter().map(error_of_all_classes).collect();
    let surprises: Vec<f64> = images
        .iter()
        .map(|i| surprise(i.probabilities[i.label.0].get()))
        .collect();
    let matrix = |times: &[u32]| {
        let cases = truth.iter().zip(called).zip(times);
        ConfusionMatrix::tally(classes.len(), cases.map(|((&t, &c), &n)| (t, c, n)))
    };
    let statistics = |times: &[u32]| {
        let matrix = matrix(times);
        OVERALL.map(|metric| match metric {
            Metric::Accuracy => matrix.accuracy(),
            Metric::BalancedAccuracy => matrix.balanced_accuracy(),
            Metric::Mcc => matrix.mcc(),
            Metric::Brier => weighted_mean(&errors, times),
            Metric::LogLoss => weighted_mean(&surprises, times),
            _ => Tally::count(bins.count(), &bin_of, &right, &confidence, |i| times[i]).ece(),
        })
    };
    let names: Vec<&str> = images.iter().map(|image| image.group.as_str()).collect();
    let groups = Groups::new(&names);
    let resampling = settings.resampling.derive("overall");
    let replicates = bootstrap(&groups, resampling, |times| {
        statistics(times).map(Result::ok).into()
    });
    let mut tallies = vec![GroupTally::default(); groups.count()];
    for (&group, &right) in groups.of().iter().zip(&right) {
        tallies[group].trials += 1;
        tallies[group].successes += u64::from(right);
    }
    let accuracy = wilson_grouped(&tallies, resampling.level);
    let once = vec![1u32; images.len()];
    let figure = |(column, (metric, value))| {
        let interval = accuracy
            .filter(|_| metric == Metric::Accuracy)
            .or(replicates.interval(column));
        (metric, with(value, interval))
    };
    let figures = OVERALL
        .into_iter()
        .zip(statistics(&once))
        .enumerate()
        .map(figure)
        .collect();
    (matrix(&once), figures, replicates)
}

fn numbers(image: &Scored) -> Vec<f64> {
    image.probabilities.iter().map(|p| p.get()).collect()
}

fn error_of_all_classes(image: &Scored) -> f64 {
    numbers(image)
        .iter()
        .enumerate()
        .map(|(class, &p)| squared_error(class == image.label.0, p))
        .sum()
}

/// Mean of a figure over the classes; undefined when it is undefined for one.
fn mean(parts: &[ClassAssessment], metric: Metric) -> Result<f64, Undefined> {
    let mut sum = 0.0;
    for part in parts {
        let calls = part
            .assessment
            .points
            .iter()
            .find_map(|p| p.figures.get(&metric));
        sum += match part.assessment.scores.get(&metric).or(calls) {
            Some(Measured::Value { value, .. }) => *value,
            Some(Measured::Undefined { undefined }) => {
                return Err(Undefined::Part {
                    of: part.class.clone(),
                    reason: undefined.clone(),
                });
            }
            None => return Err(Undefined::NoImage),
        };
    }
    Ok(sum / parts.len() as f64)
}
