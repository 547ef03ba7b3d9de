//! What a classifier says of one image. Serialises to the line that `predict --json` prints.

use crate::probability::Probability;
use serde::{Deserialize, Serialize};

/// The call on one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Positive at the operating point.
    Tumor,
    /// Negative at the operating point.
    NoTumor,
    /// A person should look: near the line, or unusual.
    Refer,
    /// Not an image that the model may judge, or not readable.
    Refused,
}

/// What an answer on a scan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// One slice.
    Slice,
    /// All slices of a series or volume together.
    Series,
    /// All series of a subject together.
    Subject,
}

impl Level {
    /// `slice`, `series` or `subject`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slice => "slice",
            Self::Series => "series",
            Self::Subject => "subject",
        }
    }
}

/// One prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The file asked about.
    pub path: String,
    /// Calibrated probability of the positive class; absent when refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<Probability>,
    /// With more than two classes: probability of every class, in the order of the model's class names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Vec<Probability>>,
    /// The operating point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Probability>,
    /// Name of the called class; absent when refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the answer is about; absent for a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The subject, where a scan or a path names one; a pseudonym, not the patient's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// MR sequence of a scan as BIDS names it: `T1w`, `T2w`, `FLAIR`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
    /// Whether contrast agent was given, where the scan says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<bool>,
    /// Slices behind an answer on a series or subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slices: Option<usize>,
    /// The call.
    pub verdict: Verdict,
    /// Why, always for `refer` and `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Name and short hash of the model.
    pub model: String,
    /// With a map: values at or above it are the outlined region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_threshold: Option<f32>,
    /// With a map and its threshold: pixels of the image in the outlined region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_pixels: Option<usize>,
    /// Its area, mm2, where the scan states the size of a pixel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_mm2: Option<f64>,
}

impl Prediction {
    /// A refusal with its reason.
    #[must_use]
    pub fn refused(
        path: impl Into<String>,
        model: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            probability: None,
            probabilities: None,
            threshold: None,
            label: None,
            level: None,
            subject: None,
            sequence: None,
            contrast: None,
            slices: None,
            verdict: Verdict::Refused,
            reason: Some(reason.into()),
            model: model.into(),
            map_threshold: None,
            region_pixels: None,
            region_mm2: None,
        }
    }
}
