//! Samples: what a network is fed, and the trait through which it asks for them.

use crate::label::ClassIndex;

/// Facts about one image of a dataset that do not need decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleInfo {
    /// Path as the manifest has it; unique within a dataset.
    pub path: String,
    /// Group: images that must stay on one side of a split (the manifest's unit).
    pub group: String,
    /// Where the image came from (the manifest's `source`).
    pub source: String,
    /// Label.
    pub label: ClassIndex,
    /// Whether an outline is known.
    pub has_mask: bool,
}

/// How a sample is to be prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Preprocessed only: validation, test, prediction.
    Plain,
    /// Preprocessed, then augmented with what the seed draws; the same seed gives the same bytes.
    Augmented(crate::Seed),
}

/// One prepared input.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Input `[channels, size, size]`, row by row.
    pub input: Vec<f32>,
    /// Outline `[size, size]` on the same grid, 0 or 1, where one is known. A negative image has an outline of
    /// zeros: it is known that nothing is there.
    pub mask: Option<Vec<f32>>,
    /// Label.
    pub label: ClassIndex,
    /// Position in its source.
    pub index: usize,
}

/// An image could not be made into a sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct SampleError {
    /// File.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A part of a dataset (training, validation or test), prepared on demand. Implemented by `tumorlens-data`,
/// used by `tumorlens-nn`; must give the same bytes whatever thread asks.
pub trait SampleSource: Sync {
    /// Number of images.
    fn len(&self) -> usize;

    /// True without images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Facts about image `index`, below `len`.
    fn info(&self, index: usize) -> &SampleInfo;

    /// Shape `[channels, height, width]` of every input.
    fn shape(&self) -> [usize; 3];

    /// Prepares image `index`.
    ///
    /// # Errors
    /// When the file cannot be read or decoded any more.
    fn load(&self, index: usize, view: View) -> Result<Sample, SampleError>;
}
