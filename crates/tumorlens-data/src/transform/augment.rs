//! Augmentation: what varies between scanners, sites and heads, drawn anew for every sample.
//!
//! Randomness is drawn first, into an [`AugmentParams`] that can be written down, and then applied without any further
//! choice (the pattern of TorchIO, Pérez-García et al. 2021). Every transform draws from its own seed, so switching one
//! off leaves the others as they were. All work on `[side, side]` values in [0, 1], after the window and before the
//! normalisation; the order is that of the fields of [`AugmentConfig`], and the result is clamped to [0, 1].
//!
//! ```
//! use tumorlens_core::Seed;
//! use tumorlens_data::transform::AugmentConfig;
//!
//! let mut image = vec![0.5; 64 * 64];
//! let mut mask = vec![0.0; 64 * 64];
//! let params = AugmentConfig::default().draw(Seed(3));
//! params.apply(&mut image, Some(&mut mask), 64);
//! assert!(image.iter().all(|v| (0.0..=1.0).contains(v)));
//! ```

mod affine;
mod bias_field;
pub(crate) mod blur;
mod compression;
mod contrast;
mod elastic;
mod erasing;
mod flip;
mod frame;
mod gamma;
mod inversion;
mod low_resolution;
mod noise;
mod remap;
mod spatial;

pub use affine::{Affine, AffineParams};
pub use bias_field::{BiasField, BiasFieldParams};
pub(crate) use blur::gaussian;
pub use blur::{Blur, BlurParams, Sharpen, SharpenParams};
pub use compression::{Compression, CompressionParams};
pub use contrast::{Contrast, ContrastParams};
pub use elastic::{Elastic, ElasticParams};
pub use erasing::{Erasing, ErasingParams};
pub use flip::{Flip, FlipParams};
pub use frame::{Frame, FrameParams};
pub use gamma::{Gamma, GammaParams};
pub use inversion::{Inversion, InversionParams};
pub use low_resolution::{LowResolution, LowResolutionParams};
pub use noise::{Noise, NoiseParams};
pub use remap::{Remap, RemapParams};
pub use spatial::SpatialParams;

use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use tumorlens_core::Seed;

/// Which augmentations are applied, how often and how strongly. Every field may be left out of a configuration file and
/// then has its default, which suits slices of brain MRI; a probability of 0 switches a transform off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Mirroring.
    pub flip: Flip,
    /// Rotation, scale, aspect, shear and shift.
    pub affine: Affine,
    /// Smooth local displacement.
    pub elastic: Elastic,
    /// Tones of another sequence.
    pub remap: Remap,
    /// Uneven coil sensitivity.
    pub bias_field: BiasField,
    /// Contrast and brightness.
    pub contrast: Contrast,
    /// Tone curve.
    pub gamma: Gamma,
    /// Dark tissue bright and bright tissue dark.
    pub inversion: Inversion,
    /// Gaussian blur.
    pub blur: Blur,
    /// Unsharp mask.
    pub sharpen: Sharpen,
    /// Loss of resolution.
    pub low_resolution: LowResolution,
    /// Gaussian or Rician noise.
    pub noise: Noise,
    /// Traces of lossy compression.
    pub compression: Compression,
    /// A rectangle of one grey.
    pub erasing: Erasing,
    /// A border of one grey.
    pub frame: Frame,
}

/// A field of the configuration is out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("augmentation {transform}: {field} is {found}, expected 0 to {most}")]
pub struct AugmentError {
    /// The transform.
    pub transform: &'static str,
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub found: f32,
    /// The largest value allowed.
    pub most: f32,
}

/// One transform's configuration.
trait Augment: Copy {
    /// Its name in configuration files and in the derivation of its seed.
    const NAME: &'static str;
    /// What it draws.
    type Params;

    /// Draws the parameters, or that it is not applied.
    fn draw(self, draw: &mut Draw) -> Option<Self::Params>;
    /// Magnitudes and probability times `strength`, within their ranges.
    fn scaled(self, strength: f32) -> Self;
    /// Every field's name, value and largest allowed value; the smallest is 0.
    fn fields(self) -> Vec<(&'static str, f32, f32)>;

    /// Draws from the transform's own seed.
    fn draw_from(self, seed: Seed) -> Option<Self::Params> {
        self.draw(&mut Draw::new(seed.derive(Self::NAME)))
    }

    fn check(self) -> Result<(), AugmentError> {
        for (field, found, most) in self.fields() {
            // Written so that NaN fails.
            if !(0.0..=most).contains(&found) {
                return Err(AugmentError {
                    transform: Self::NAME,
                    field,
                    found,
                    most,
                });
            }
        }
        Ok(())
    }
}

/// A probability times `strength`, at most 1.
fn more_often(probability: f32, strength: f32) -> f32 {
    (probability * strength).min(1.0)
}

/// Calls the same thing on every transform of a configuration.
macro_rules! each {
    ($config:expr, $transform:ident => $does:expr) => {{
        let c = $config;
        AugmentConfig {
            flip: {
                let $transform = c.flip;
                $does
            },
            affine: {
                let $transform = c.affine;
                $does
            },
            elastic: {
                let $transform = c.elastic;
                $does
            },
            remap: {
                let $transform = c.remap;
                $does
            },
            bias_field: {
                let $transform = c.bias_field;
                $does
            },
            contrast: {
                let $transform = c.contrast;
                $does
            },
            gamma: {
                let $transform = c.gamma;
                $does
            },
            inversion: {
                let $transform = c.inversion;
                $does
            },
            blur: {
                let $transform = c.blur;
                $does
            },
            sharpen: {
                let $transform = c.sharpen;
                $does
            },
            low_resolution: {
                let $transform = c.low_resolution;
                $does
            },
            noise: {
                let $transform = c.noise;
                $does
            },
            compression: {
                let $transform = c.compression;
                $does
            },
            erasing: {
                let $transform = c.erasing;
                $does
            },
            frame: {
                let $transform = c.frame;
                $does
            },
        }
    }};
}

impl AugmentConfig {
    /// No augmentation at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default().scaled(0.0)
    }

    /// Every magnitude and probability times `strength` (0 for none, 1 for this configuration, 2 for twice as much),
    /// within the allowed ranges; negative or undefined strengths count as 0.
    #[must_use]
    pub fn scaled(&self, strength: f32) -> Self {
        let strength = if strength > 0.0 {
            strength.min(100.0)
        } else {
            0.0
        };
        each!(self, transform => transform.scaled(strength))
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn check(&self) -> Result<(), AugmentError> {
        each!(self, transform => { transform.check()?; transform });
        Ok(())
    }

    /// Draws what to do to one sample. The same seed gives the same parameters.
    #[must_use]
    pub fn draw(&self, seed: Seed) -> AugmentParams {
        let steps = [
            self.remap.draw_from(seed).map(Step::Remap),
            self.bias_field.draw_from(seed).map(Step::BiasField),
            self.contrast.draw_from(seed).map(Step::Contrast),
            self.gamma.draw_from(seed).map(Step::Gamma),
            self.inversion.draw_from(seed).map(Step::Inversion),
            self.blur.draw_from(seed).map(Step::Blur),
            self.sharpen.draw_from(seed).map(Step::Sharpen),
            self.low_resolution.draw_from(seed).map(Step::LowResolution),
            self.noise.draw_from(seed).map(Step::Noise),
            self.compression.draw_from(seed).map(Step::Compression),
            self.erasing.draw_from(seed).map(Step::Erasing),
            self.frame.draw_from(seed).map(Step::Frame),
        ];
        AugmentParams {
            spatial: SpatialParams {
                flip: self.flip.draw_from(seed),
                affine: self.affine.draw_from(seed),
                elastic: self.elastic.draw_from(seed),
            },
            steps: steps.into_iter().flatten().collect(),
        }
    }
}

/// What is done to one sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentParams {
    /// Moves image and outline alike, in one resampling.
    pub spatial: SpatialParams,
    /// Change the image's values, in this order.
    pub steps: Vec<Step>,
}

/// A change of values; the outline stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// See [`Remap`].
    Remap(RemapParams),
    /// See [`BiasField`].
    BiasField(BiasFieldParams),
    /// See [`Contrast`].
    Contrast(ContrastParams),
    /// See [`Gamma`].
    Gamma(GammaParams),
    /// See [`Inversion`].
    Inversion(InversionParams),
    /// See [`Blur`].
    Blur(BlurParams),
    /// See [`Sharpen`].
    Sharpen(SharpenParams),
    /// See [`LowResolution`].
    LowResolution(LowResolutionParams),
    /// See [`Noise`].
    Noise(NoiseParams),
    /// See [`Compression`].
    Compression(CompressionParams),
    /// See [`Erasing`].
    Erasing(ErasingParams),
    /// See [`Frame`].
    Frame(FrameParams),
}

impl AugmentParams {
    /// Changes an image `[side, side]` in [0, 1] and its outline, 0 or 1, on the same grid. Buffers of another length are
    /// left alone.
    pub fn apply(&self, image: &mut [f32], mask: Option<&mut [f32]>, side: usize) {
        if side == 0 || image.len() != side * side {
            return;
        }
        let mask = mask.filter(|m| m.len() == side * side);
        self.spatial.apply(image, mask, side);
        for step in &self.steps {
            step.apply(image, side);
        }
        for value in image {
            // Unlike `clamp`, `max` also turns what is not a number into 0: parameters may have been written by hand.
            #[expect(clippy::manual_clamp, reason = "a NaN must not get through")]
            let valid = value.max(0.0).min(1.0);
            *value = valid;
        }
    }
}

impl Step {
    fn apply(&self, image: &mut [f32], side: usize) {
        match self {
            Self::Remap(p) => p.apply(image, side),
            Self::BiasField(p) => p.apply(image, side),
            Self::Contrast(p) => p.apply(image),
            Self::Gamma(p) => p.apply(image),
            Self::Inversion(p) => p.apply(image),
            Self::Blur(p) => p.apply(image, side),
            Self::Sharpen(p) => p.apply(image, side),
            Self::LowResolution(p) => p.apply(image, side),
            Self::Noise(p) => p.apply(image),
            Self::Compression(p) => p.apply(image, side),
            Self::Erasing(p) => p.apply(image, side),
            Self::Frame(p) => p.apply(image, side),
        }
    }
}
