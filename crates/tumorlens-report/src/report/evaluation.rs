//! Figures on the test part.

use super::Section;
use super::summary::NamedMeasure;
use serde::{Deserialize, Serialize};
use tumorlens_core::{ClassSet, Measured};

/// Results on the test part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evaluation {
    /// What was measured on what and how often it was read, in one sentence.
    pub note: String,
    /// All figures; names are metric keys as in [`crate::glossary`].
    pub metrics: Vec<NamedMeasure>,
    /// Receiver operating characteristic: one curve, or one a class.
    pub roc: Section<Vec<RocCurve>>,
    /// Precision and recall: one curve, or one a class.
    pub precision_recall: Section<Vec<PrecisionRecallCurve>>,
    /// Whether probabilities mean what they say.
    pub reliability: Section<Reliability>,
    /// Distribution of scores by class.
    pub histogram: Section<ScoreHistogram>,
    /// Counts at the chosen operating point.
    pub confusion: Section<Confusion>,
    /// With more than two classes: each against the rest, and their mean.
    pub classes: Section<ClassFigures>,
    /// Thresholds that were chosen on validation, with their figures on test.
    pub operating_points: Section<Vec<OperatingPoint>>,
    /// What is called and what is referred to a person.
    pub triage: Section<Triage>,
    /// Figures by source, plane, size.
    pub subgroups: Section<Vec<Subgroups>>,
}

/// A ROC curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RocCurve {
    /// Name in the legend; a class, or the model.
    pub name: String,
    /// (false positive rate, sensitivity), ascending from (0, 0) to (1, 1).
    pub points: Vec<(f64, f64)>,
    /// Confidence band: (false positive rate, low, high), ascending; may be empty.
    pub band: Vec<(f64, f64, f64)>,
    /// Area under the curve.
    pub auroc: Measured,
    /// Operating points: (false positive rate, sensitivity).
    pub marks: Vec<Mark>,
}

/// A precision-recall curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionRecallCurve {
    /// Name in the legend.
    pub name: String,
    /// (recall, precision), ascending in recall.
    pub points: Vec<(f64, f64)>,
    /// Area under the curve (average precision).
    pub auprc: Measured,
    /// Share of positive images: what guessing reaches.
    pub prevalence: f64,
    /// Operating points: (recall, precision).
    pub marks: Vec<Mark>,
}

/// A named point in a chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Name beside the point.
    pub name: String,
    /// Horizontal value.
    pub x: f64,
    /// Vertical value.
    pub y: f64,
}

/// A reliability diagram (DeGroot and Fienberg 1983).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reliability {
    /// Bins of the calibrated probability, ascending.
    pub bins: Vec<ReliabilityBin>,
    /// Bins before calibration, drawn faintly; may be empty.
    pub before: Vec<ReliabilityBin>,
    /// One sentence on how calibration was done, e.g. `temperature 1.42, fitted on validation`.
    pub note: String,
}

/// One bin. An empty bin has `count` 0 and is not drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Lower edge of the bin, 0 to 1.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Images in it.
    pub count: u64,
    /// Mean probability of these images.
    pub mean_probability: Measured,
    /// Share of positive images among them, with interval.
    pub observed: Measured,
}

/// Histograms of the score by class, over common bins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreHistogram {
    /// Bin edges, ascending; one more than there are bins.
    pub edges: Vec<f64>,
    /// Counts of each class.
    pub classes: Vec<ClassCounts>,
    /// The chosen operating point.
    pub threshold: Option<f64>,
}

/// Counts of one class, one number a bin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCounts {
    /// True class.
    pub name: String,
    /// Images in each bin.
    pub counts: Vec<u64>,
}

/// Confusion matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// Classes in order, and the positive one.
    pub classes: ClassSet,
    /// `counts[truth][call]`.
    pub counts: Vec<Vec<u64>>,
    /// Name of the operating point or rule, e.g. `threshold 0.43 (Youden on validation)`.
    pub rule: String,
}

/// Figures of each class against the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassFigures {
    /// Keys of the columns, as in [`crate::glossary`].
    pub metrics: Vec<String>,
    /// Classes in order, then their mean.
    pub rows: Vec<ClassRow>,
}

/// One class against the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRow {
    /// Name of the class, or `mean of the classes`.
    pub name: String,
    /// Images of this class; all of them in the row of the mean.
    pub images: u64,
    /// One for each metric.
    pub figures: Vec<Measured>,
}

/// A three-way call on the test part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triage {
    /// What was promised, and of what: one sentence.
    pub note: String,
    /// Share of the images that are called.
    pub called: Measured,
    /// Share of these that are right.
    pub right: Measured,
    /// Share of images with tumor that are called as without.
    pub missed: Measured,
    /// Share of images without tumor that are called as with.
    pub false_alarms: Measured,
}

/// One operating point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// Name and rule, e.g. `Youden`, `sensitivity at least 0.95`.
    pub name: String,
    /// Threshold on the calibrated probability.
    pub threshold: f64,
    /// Whether it is the one used for calls.
    pub chosen: bool,
    /// Sensitivity on test.
    pub sensitivity: Measured,
    /// Specificity on test.
    pub specificity: Measured,
    /// Positive predictive value on test, at the test part's prevalence.
    pub ppv: Measured,
    /// Negative predictive value on test, at the test part's prevalence.
    pub npv: Measured,
}

/// One metric by subgroup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subgroups {
    /// Metric key, e.g. `auroc`.
    pub metric: String,
    /// On all test images.
    pub overall: NamedMeasure,
    /// By factor and level, in the order to be shown.
    pub rows: Vec<Subgroup>,
}

/// One subgroup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subgroup {
    /// E.g. `source`, `plane`, `width`.
    pub factor: String,
    /// E.g. `br35h`, `axial`, `below 256 px`.
    pub level: String,
    /// Test images in it.
    pub images: u64,
    /// The metric there.
    pub measured: Measured,
}
