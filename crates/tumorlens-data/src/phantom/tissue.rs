//! How bright each tissue is in each kind of image.

use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The weighting of a phantom image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// T1: fat and white matter bright, fluid dark.
    T1,
    /// T1 after contrast agent: as T1, with bright vessels and enhancing lesions.
    T1Contrast,
    /// T2: fluid bright.
    T2,
    /// T2 with the signal of free fluid suppressed.
    Flair,
}

impl Weighting {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::T1, Self::T1Contrast, Self::T2, Self::Flair];

    /// As truth.csv and the command line spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::T1 => "t1",
            Self::T1Contrast => "t1_contrast",
            Self::T2 => "t2",
            Self::Flair => "flair",
        }
    }
}

/// Not the name of a weighting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no weighting; known are t1, t1_contrast, t2 and flair")]
pub struct UnknownWeighting(String);

impl FromStr for Weighting {
    type Err = UnknownWeighting;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|weighting| weighting.name() == name)
            .ok_or_else(|| UnknownWeighting(name.to_owned()))
    }
}

/// Brightness of the tissues, 0 (air) to about 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) weighting: Weighting,
    pub(super) skin: f32,
    pub(super) fat: f32,
    pub(super) muscle: f32,
    pub(super) bone: f32,
    pub(super) marrow: f32,
    pub(super) fluid: f32,
    pub(super) grey: f32,
    pub(super) white: f32,
    pub(super) nuclei: f32,
    pub(super) blood: f32,
    /// Parts of a lesion.
    pub(super) lesion: LesionPalette,
}

/// Brightness of the parts of lesions.
#[derive(Clone, Copy, Debug)]
pub(super) struct LesionPalette {
    /// Living tumor that takes up contrast agent.
    pub(super) enhancing: f32,
    /// Infiltrated tissue without uptake.
    pub(super) infiltrated: f32,
    /// Dead or cystic core.
    pub(super) necrotic: f32,
    /// Swollen white matter.
    pub(super) oedema: f32,
}

impl Palette {
    /// The usual brightness, each tissue a little off, as between scanners.
    pub(super) fn draw(weighting: Weighting, draw: &mut Draw) -> Self {
        let mut palette = Self::usual(weighting);
        for value in [
            &mut palette.skin,
            &mut palette.fat,
            &mut palette.muscle,
            &mut palette.marrow,
            &mut palette.fluid,
            &mut palette.grey,
            &mut palette.white,
        ] {
            *value *= 1.0 + draw.within(0.07);
        }
        palette.nuclei = 0.6 * palette.grey + 0.4 * palette.white;
        palette.fat *= draw.range(0.65..=1.1);
        palette
    }

    fn usual(weighting: Weighting) -> Self {
        let t1 = Self {
            weighting,
            skin: 0.45,
            fat: 0.95,
            muscle: 0.33,
            bone: 0.05,
            marrow: 0.5,
            fluid: 0.11,
            grey: 0.42,
            white: 0.66,
            nuclei: 0.5,
            blood: 0.2,
            lesion: LesionPalette {
                enhancing: 0.4,
                infiltrated: 0.34,
                necrotic: 0.2,
                oedema: 0.42,
            },
        };
        match weighting {
            Weighting::T1 => t1,
            Weighting::T1Contrast => Self {
                skin: 0.55,
                blood: 0.95,
                lesion: LesionPalette {
                    enhancing: 0.95,
                    ..t1.lesion
                },
                ..t1
            },
            Weighting::T2 => Self {
                skin: 0.35,
                fat: 0.7,
                muscle: 0.18,
                marrow: 0.4,
                fluid: 0.98,
                grey: 0.56,
                white: 0.37,
                blood: 0.06,
                lesion: LesionPalette {
                    enhancing: 0.64,
                    infiltrated: 0.76,
                    necrotic: 0.92,
                    oedema: 0.78,
                },
                ..t1
            },
            Weighting::Flair => Self {
                skin: 0.4,
                fat: 0.6,
                muscle: 0.25,
                marrow: 0.35,
                fluid: 0.09,
                grey: 0.55,
                white: 0.42,
                blood: 0.15,
                lesion: LesionPalette {
                    enhancing: 0.78,
                    infiltrated: 0.88,
                    necrotic: 0.4,
                    oedema: 0.88,
                },
                ..t1
            },
        }
    }
}
