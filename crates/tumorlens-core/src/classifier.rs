//! The trait through which a server or a test uses a model without knowing the framework behind it.

use crate::{Attribution, ClassSet, GreyImage, Prediction, PreprocessSpec};

/// A decoded image could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// The image cannot be an input (constant, not finite, too small).
    #[error("{0}")]
    Input(String),
    /// The model itself failed.
    #[error("the model failed: {0}")]
    Model(String),
}

/// A model ready for use.
pub trait Classifier: Send + Sync {
    /// Name and short hash, as `predict --json` prints it.
    fn name(&self) -> &str;
    /// Classes in order.
    fn classes(&self) -> &ClassSet;
    /// How an image is prepared.
    fn preprocess(&self) -> &PreprocessSpec;
    /// Judges one decoded grey image; `path` only names it in the answer.
    ///
    /// # Errors
    /// When the image cannot be an input or the model fails.
    fn predict(&self, path: &str, image: &GreyImage) -> Result<Prediction, ClassifyError>;
    /// The default attribution for the positive class on the image's own pixel grid.
    ///
    /// # Errors
    /// When the image cannot be an input or the model fails.
    fn explain(&self, image: &GreyImage) -> Result<Attribution, ClassifyError>;
}
