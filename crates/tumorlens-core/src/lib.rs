//! Nouns and traits of tumorlens, without input or output.
//!
//! Everything that three or more crates need to name lives here: labels, images, samples,
//! predictions, attributions, the preprocessing specification, measured values and seeds.
//! `tumorlens-data` and `tumorlens-nn` do not know each other; they meet in the traits of
//! [`sample`] and [`classifier`].

pub mod attribution;
pub mod bundle_card;
pub mod classifier;
pub mod geometry;
pub mod image;
pub mod label;
pub mod measured;
pub mod observer;
pub mod prediction;
pub mod preprocess;
pub mod probability;
pub mod sample;
pub mod seed;
pub mod series;

pub use attribution::{Attribution, MapLine};
pub use bundle_card::BundleCard;
pub use classifier::{Classifier, ClassifyError, Judgement};
pub use geometry::{Affine, AxisDirection, Plane};
pub use image::{GreyImage, Mask, Size};
pub use label::{ClassIndex, ClassSet, NO_TUMOR};
pub use measured::{Interval, Measured};
pub use observer::{Observer, Quiet};
pub use prediction::{Level, Prediction, Verdict};
pub use preprocess::PreprocessSpec;
pub use probability::Probability;
pub use sample::{Sample, SampleError, SampleInfo, SampleSource, View};
pub use seed::Seed;
