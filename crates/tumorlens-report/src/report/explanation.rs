//! What the calls rest on.

use super::Section;
use crate::figure::case::CasePicture;
use crate::picture::Picture;
use serde::{Deserialize, Serialize};
use tumorlens_core::Measured;

/// Heat maps, their scores, and what the network sees inside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Explanation {
    /// How the heat maps below were made: method, layer, scale.
    pub note: String,
    /// Best and worst cases, one group a heading.
    pub cases: Section<Vec<CaseGroup>>,
    /// Scores of the methods against outlines.
    pub scores: Section<MethodScores>,
    /// Deletion and insertion curves.
    pub faithfulness: Section<Faithfulness>,
    /// What texture and intensity alone tell.
    pub texture: Section<Texture>,
    /// Filters of the first layer.
    pub filters: Section<Vec<TensorSheet>>,
    /// Feature maps of chosen layers.
    pub feature_maps: Section<Vec<TensorSheet>>,
}

/// Cases under one heading.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseGroup {
    /// E.g. `Missed tumors`.
    pub title: String,
    /// How they were picked, e.g. `lowest probability among tumor images`.
    pub picked: String,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One image, what the model said, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Path as in the manifest.
    pub path: String,
    /// True class.
    pub truth: String,
    /// Called class or verdict.
    pub call: String,
    /// Whether the call is right; absent for `refer` and `refused`.
    pub right: Option<bool>,
    /// Calibrated probability of the positive class.
    pub probability: Option<f64>,
    /// Anything to add; may be empty.
    pub note: String,
    /// Image, heat map, outline.
    pub picture: CasePicture,
}

/// A second opinion from texture and intensity of the whole head, by trees that know nothing of shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texture {
    /// Features of the head that the trees see.
    pub count: u64,
    /// AUROC of the trees on the test part.
    pub auroc: Measured,
    /// AUROC of trees that see the same of the evidence region as well; absent in reports of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_region: Option<Measured>,
    /// AUROC of the network on the same images.
    pub network: Measured,
    /// Share of the test images on which both make the same call.
    pub agreement: Measured,
    /// How often the network is right where both make the same call.
    pub right_agreed: Measured,
    /// And where they do not.
    pub right_apart: Measured,
    /// The features that matter most to the trees that see most, in descending order.
    pub features: Vec<TextureFeature>,
}

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextureFeature {
    /// Name after the IBSI.
    pub name: String,
    /// Permutation importance: how much the AUROC falls when the feature is shuffled between images (Breiman 2001).
    pub importance: f64,
    /// Partial dependence (Friedman 2001): value of the feature, mean score of the trees. Empty for all but a few.
    pub dependence: Vec<(f64, f64)>,
}

/// Scores of attribution methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MethodScores {
    /// Images with outlines that were scored.
    pub images: u64,
    /// The methods, and the references chance and centre prior.
    pub rows: Vec<MethodScore>,
    /// The model's own map on all outlined test images, by size of the lesion; empty where it has none.
    pub by_lesion_size: Vec<LesionSizeScore>,
}

/// How well maps point at lesions of a size, beside the centre prior.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LesionSizeScore {
    /// Share of the image, e.g. `1 to 3 %`.
    pub lesions: String,
    /// Images.
    pub images: u64,
    /// Share of images whose largest value lies inside the outline.
    pub pointing_game: Measured,
    /// The same of the centre of the image.
    pub centre: Measured,
    /// Intersection over union.
    pub iou: Measured,
}

/// Scores of one method. Columns that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MethodScore {
    /// Method, e.g. `grad_cam`, or a reference, e.g. `centre prior`.
    pub method: String,
    /// Layer; empty for methods on the input.
    pub layer: String,
    /// True for chance and centre prior: what a method must beat.
    pub reference: bool,
    /// Share of images whose largest value lies inside the outline (Zhang et al. 2018). Higher is better.
    pub pointing_game: Option<Measured>,
    /// Share of positive attribution inside the outline. Higher is better.
    pub energy_inside: Option<Measured>,
    /// Intersection over union at the best threshold. Higher is better.
    pub iou: Option<Measured>,
    /// Area under the deletion curve (Petsiuk et al. 2018). Lower is better.
    pub deletion: Option<Measured>,
    /// Area under the insertion curve. Higher is better.
    pub insertion: Option<Measured>,
    /// Weight-randomisation check (Adebayo et al. 2018).
    pub sanity: Sanity,
}

/// Outcome of the weight-randomisation check: a map that survives random weights does not explain the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", deny_unknown_fields)]
pub enum Sanity {
    /// Not run, or not meaningful (references).
    #[default]
    NotChecked,
    /// The map changed with the weights.
    Passed {
        /// Similarity of the maps before and after, e.g. rank correlation.
        similarity: Measured,
    },
    /// The map stayed although the weights were random.
    Failed {
        /// Similarity of the maps before and after.
        similarity: Measured,
    },
}

/// Mean score against the share of pixels deleted or inserted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faithfulness {
    /// Most important pixels taken away first; a faithful map makes the score fall early.
    pub deletion: Vec<NamedCurve>,
    /// Most important pixels put in first; a faithful map makes the score rise early.
    pub insertion: Vec<NamedCurve>,
}

/// A named line through points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedCurve {
    /// Name in the legend.
    pub name: String,
    /// Points, ascending in the first number.
    pub points: Vec<(f64, f64)>,
}

/// Channels of a layer or filters as one tiled picture (see [`crate::figure::tensor`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSheet {
    /// Layer, e.g. `stage1.block2`.
    pub layer: String,
    /// What is shown, e.g. `16 of 64 channels, 32x32, each scaled by itself`.
    pub note: String,
    /// The tiles.
    pub picture: Picture,
}
