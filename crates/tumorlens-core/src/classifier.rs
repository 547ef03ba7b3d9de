//! The trait through which a server or a test uses a model without knowing the framework behind it.
//!
//! A model judges prepared inputs; `tumorlens-data` prepares them from any file by the model's own
//! [`PreprocessSpec`], so that a served image and a training image cannot be prepared differently.

use crate::{Attribution, ClassSet, MapLine, Prediction, PreprocessSpec, Probability, Verdict};

/// A prepared input could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// The input has another number of values than the model takes.
    #[error("the input has {found} values, the model takes {expected}")]
    Shape {
        /// Values given.
        found: usize,
        /// `channels * size * size`.
        expected: usize,
    },
    /// The input or the answer holds a value that is not finite.
    #[error("{0} is not finite")]
    NotFinite(&'static str),
    /// The model itself failed.
    #[error("the model failed: {0}")]
    Model(String),
}

/// What a model says of one prepared input.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Logits before calibration: one for two classes, else one a class.
    pub logits: Vec<f32>,
    /// Calibrated probability of the positive class.
    pub probability: Probability,
    /// Calibrated probability of every class, in order.
    pub probabilities: Vec<Probability>,
    /// The operating point used.
    pub threshold: Probability,
    /// Name of the called class.
    pub label: String,
    /// The call.
    pub verdict: Verdict,
    /// Why, always for [`Verdict::Refer`].
    pub reason: Option<String>,
}

impl Judgement {
    /// The answer about a file, as `predict --json` prints it.
    #[must_use]
    pub fn of(self, path: impl Into<String>, model: impl Into<String>) -> Prediction {
        let several = self.probabilities.len() > 2;
        Prediction {
            path: path.into(),
            probability: Some(self.probability),
            probabilities: several.then_some(self.probabilities),
            threshold: Some(self.threshold),
            label: Some(self.label),
            level: None,
            subject: None,
            sequence: None,
            contrast: None,
            slices: None,
            verdict: self.verdict,
            reason: self.reason,
            model: model.into(),
            map_threshold: None,
            region_pixels: None,
            region_mm2: None,
        }
    }
}

/// A model ready for use.
pub trait Classifier: Send + Sync {
    /// Name and short hash, as `predict --json` prints it.
    fn name(&self) -> &str;

    /// Classes in order.
    fn classes(&self) -> &ClassSet;

    /// How an image is prepared.
    fn preprocess(&self) -> &PreprocessSpec;

    /// From which value on a default attribution shows the outlined region; `None` where no outline was ever compared.
    fn map_line(&self) -> Option<MapLine>;

    /// Judges inputs `[channels, size, size]`, in order.
    ///
    /// # Errors
    /// When an input has the wrong length or is not finite, or the model fails.
    fn judge(&self, inputs: &[&[f32]]) -> Result<Vec<Judgement>, ClassifyError>;

    /// The default attribution for the positive class, on the input's grid.
    ///
    /// # Errors
    /// When the input has the wrong length or is not finite, or the model fails.
    fn explain(&self, input: &[f32]) -> Result<Attribution, ClassifyError>;
}
