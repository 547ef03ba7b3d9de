//! From scored images to everything that a report says of them, as one value that can be written down.

mod assessment;
mod multiclass;
mod part;
#[cfg(test)]
mod tests;
mod triage;

pub use assessment::{Assessment, PointFigures};
pub use multiclass::{ClassAssessment, Multiclass};
pub(crate) use multiclass::{OVERALL, of_class};
pub(crate) use part::Part;
pub use triage::TriageFigures;

use crate::bootstrap::{Replicates, Resampling};
use crate::calibration::{Bins, Reliability};
use crate::metric::Metric;
use crate::operating_point::OperatingPoint;
use crate::precision_recall::PrecisionRecall;
use crate::roc::{BandPoint, Roc, band};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tumorlens_core::{ClassIndex, ClassSet, Probability, Seed, Verdict};

/// One image with what a model said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Path as the manifest has it; unique within a list.
    pub path: String,
    /// Group: images that are not independent of each other.
    pub group: String,
    /// Where the image came from.
    pub source: String,
    /// The truth.
    pub label: ClassIndex,
    /// Probability of every class, in the order of the classes.
    pub probabilities: Vec<Probability>,
    /// Other properties by which results are told apart, e.g. `plane` = `axial`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// That the image is referred or refused whatever its probability, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<(Verdict, String)>,
}

/// How to evaluate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationSettings {
    /// The bootstrap over groups; its level is that of all intervals.
    pub resampling: Resampling,
    /// Bins of the reliability diagram and the calibration error. Default ten of equal width.
    pub bins: Bins,
}

impl EvaluationSettings {
    /// The defaults with this seed.
    #[must_use]
    pub fn seeded(seed: Seed) -> Self {
        Self {
            resampling: Resampling::seeded(seed),
            bins: Bins::equal_width(10),
        }
    }
}

/// How many images a figure rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Images.
    pub images: usize,
    /// Groups; what varies independently.
    pub groups: usize,
    /// Images of every class, in the order of the classes.
    pub by_class: Vec<usize>,
}

/// The images that share one value of one tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subgroup {
    /// `source`, or the name of a tag.
    pub tag: String,
    /// The value that they share.
    pub value: String,
    /// How many they are.
    pub counts: Counts,
    /// Their figures.
    pub assessment: Assessment,
}

/// Everything said of a list of scored images.
///
/// Figures by [`Metric`] are those of the question "is it the positive class?"; for more than two classes
/// [`Multiclass`] adds each class and their mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Version of this layout, 1.
    pub version: u32,
    /// The classes and which is positive.
    pub classes: ClassSet,
    /// How it was evaluated.
    pub settings: EvaluationSettings,
    /// The thresholds, as chosen on validation. Empty in an evaluation pooled over folds, each with its own.
    pub operating_points: Vec<OperatingPoint>,
    /// How many images.
    pub counts: Counts,
    /// Figures over all images.
    pub assessment: Assessment,
    /// ROC curve at its corners; absent where the AUROC is undefined.
    pub roc: Option<Roc>,
    /// Pointwise intervals of the ROC curve; empty where resampling shows no spread.
    #[serde(default)]
    pub roc_band: Vec<BandPoint>,
    /// Precision-recall curve; absent where the AUPRC is undefined.
    pub precision_recall: Option<PrecisionRecall>,
    /// Reliability diagram of the positive class; absent without images.
    pub reliability: Option<Reliability>,
    /// By source, then by every tag, where there is more than one value. Sorted by tag and value.
    pub subgroups: Vec<Subgroup>,
    /// With more than two classes.
    pub multiclass: Option<Multiclass>,
    /// Where the model refers what it cannot call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triage: Option<TriageFigures>,
}

/// Scored images do not fit together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// Not one probability for each class.
    #[error("{path}: {found} probabilities for {expected} classes")]
    Probabilities {
        /// Image.
        path: String,
        /// Number found.
        found: usize,
        /// Number of classes.
        expected: usize,
    },
    /// Probabilities that do not sum to 1.
    #[error("{path}: the probabilities sum to {sum}, expected 1")]
    Sum {
        /// Image.
        path: String,
        /// Their sum.
        sum: f64,
    },
    /// A label outside the classes.
    #[error("{path}: label {label} of {classes} classes")]
    Label {
        /// Image.
        path: String,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// An image twice.
    #[error("{0}: scored twice")]
    Duplicate(String),
}

/// Evaluates scored images at operating points that were chosen on other images.
///
/// Intervals: Wilson's for accuracy, sensitivity, specificity, PPV and NPV, on the effective number of images where
/// images come in groups; DeLong's for AUROC, over groups; percentiles of the group bootstrap for the rest.
/// The result does not depend on the number of threads.
///
/// # Errors
/// When images do not fit the classes or one stands twice. An empty list is no error: its figures are undefined.
pub fn evaluate(
    classes: &ClassSet,
    images: &[Scored],
    points: &[OperatingPoint],
    settings: &EvaluationSettings,
) -> Result<Evaluation, EvaluationError> {
    let calls = points
        .iter()
        .map(|p| (p.name.clone(), calls_at(classes, images, p.threshold)))
        .collect();
    let (mut evaluation, _) = evaluate_calls(classes, images, calls, settings)?;
    evaluation.operating_points = points.to_vec();
    Ok(evaluation)
}

/// Which images are called positive at a threshold. An image without a probability of the positive class is not.
#[must_use]
pub fn calls_at(classes: &ClassSet, images: &[Scored], threshold: Probability) -> Vec<bool> {
    let positive = classes.positive().0;
    images
        .iter()
        .map(|image| {
            image
                .probabilities
                .get(positive)
                .is_some_and(|p| *p >= threshold)
        })
        .collect()
}

/// Replicates behind an evaluation, for means over folds.
pub(crate) struct Drawn {
    pub(crate) assessment: Replicates,
    pub(crate) multiclass: Option<multiclass::Drawn>,
}

/// Evaluates with the calls given, by the name of the operating point.
pub(crate) fn evaluate_calls(
    classes: &ClassSet,
    images: &[Scored],
    calls: Vec<(String, Vec<bool>)>,
    settings: &EvaluationSettings,
) -> Result<(Evaluation, Drawn), EvaluationError> {
    check(classes, images)?;
    let resampling = settings.resampling;
    let whole = Part::new(
        classes.positive(),
        &images.iter().collect::<Vec<_>>(),
        calls,
    );
    let (assessment, drawn) = assessment::assess(&whole, settings, resampling.derive("all"));
    let (multiclass, multiclass_drawn) = if classes.is_binary() {
        (None, None)
    } else {
        let (value, drawn) = multiclass::assess(classes, images, settings);
        (Some(value), Some(drawn))
    };
    let curves = whole.ranking();
    let evaluation = Evaluation {
        version: 1,
        classes: classes.clone(),
        settings: settings.clone(),
        operating_points: Vec::new(),
        counts: Counts::of(classes, images),
        assessment,
        roc: curves
            .and_then(|r| Roc::of(r).ok())
            .map(|roc| roc.corners()),
        roc_band: curves
            .map(|r| band(r, whole.groups(), resampling.derive("roc band")))
            .unwrap_or_default(),
        precision_recall: curves.and_then(|r| PrecisionRecall::of(r).ok()),
        reliability: Reliability::new(
            whole.truth(),
            whole.scores(),
            &settings.bins,
            resampling.level,
        )
        .ok(),
        subgroups: subgroups(classes, images, &whole, settings),
        multiclass,
        triage: None,
    };
    Ok((
        evaluation,
        Drawn {
            assessment: drawn,
            multiclass: multiclass_drawn,
        },
    ))
}

fn subgroups(
    classes: &ClassSet,
    images: &[Scored],
    whole: &Part,
    settings: &EvaluationSettings,
) -> Vec<Subgroup> {
    let mut members: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (i, image) in images.iter().enumerate() {
        let tags = image
            .tags
            .iter()
            .map(|(tag, value)| (tag.as_str(), value.as_str()));
        for key in std::iter::once(("source", image.source.as_str())).chain(tags) {
            members.entry(key).or_default().push(i);
        }
    }
    let values = |tag: &str| members.keys().filter(|(t, _)| *t == tag).count();
    let told_apart = members
        .iter()
        .filter(|((tag, _), own)| values(tag) > 1 || own.len() < images.len());
    told_apart
        .map(|(&(tag, value), own)| {
            let resampling = settings.resampling.derive(tag).derive(value);
            let (assessment, _) = assessment::assess(&whole.subset(own), settings, resampling);
            Subgroup {
                tag: tag.to_owned(),
                value: value.to_owned(),
                counts: Counts::of(classes, own.iter().map(|&i| &images[i])),
                assessment,
            }
        })
        .collect()
}

impl Counts {
    fn of<'a>(classes: &ClassSet, images: impl IntoIterator<Item = &'a Scored>) -> Self {
        let mut by_class = vec![0; classes.len()];
        let mut groups = BTreeSet::new();
        for image in images {
            by_class[image.label.0] += 1;
            groups.insert(&image.group);
        }
        Self {
            images: by_class.iter().sum(),
            groups: groups.len(),
            by_class,
        }
    }
}

/// Probabilities computed in single precision sum to 1 within this.
const SUM_TOLERANCE: f64 = 1e-3;

/// Checks that images fit the classes and that none stands twice.
pub(crate) fn check(classes: &ClassSet, images: &[Scored]) -> Result<(), EvaluationError> {
    let mut seen = BTreeSet::new();
    for image in images {
        let path = || image.path.clone();
        let (found, expected) = (image.probabilities.len(), classes.len());
        if found != expected {
            return Err(EvaluationError::Probabilities {
                path: path(),
                found,
                expected,
            });
        }
        let sum: f64 = image.probabilities.iter().map(|p| p.get()).sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(EvaluationError::Sum { path: path(), sum });
        }
        if image.label.0 >= expected {
            return Err(EvaluationError::Label {
                path: path(),
                label: image.label.0,
                classes: expected,
            });
        }
        if !seen.insert(&image.path) {
            return Err(EvaluationError::Duplicate(path()));
        }
    }
    Ok(())
}

impl Evaluation {
    /// Figures that a model card shows: those of the scores, and those of the calls at the named operating point.
    #[must_use]
    pub fn key_figures(&self, point: &str) -> BTreeMap<Metric, tumorlens_core::Measured> {
        let calls = self
            .assessment
            .points
            .iter()
            .filter(|p| p.name == point)
            .flat_map(|p| &p.figures);
        self.assessment
            .scores
            .iter()
            .chain(calls)
            .map(|(m, v)| (*m, v.clone()))
            .collect()
    }
}
