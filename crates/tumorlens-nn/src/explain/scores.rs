//! How far a map can be trusted: against outlines, against the score itself, and against a network that knows nothing.

mod blur;
mod curve;
mod mean;
mod row;
mod sanity;

pub use sanity::SANITY_THRESHOLD;

use super::{ExplainError, Method, attribute};
use crate::network::Network;
use row::Judge;
use serde::{Deserialize, Serialize};
use tumorlens_core::{ClassIndex, ClassSet, Measured, Observer, Seed};
use tumorlens_stats::faithfulness::{Cut, LocalisationRow, PerturbationCurve};

/// An image with its outline.
#[derive(Clone, Copy, Debug)]
pub struct OutlinedImage<'a> {
    /// Path as the manifest has it.
    pub path: &'a str,
    /// Group of the image; intervals resample groups.
    pub group: &'a str,
    /// `[channels, height, width]`, prepared as for prediction.
    pub input: &'a [f32],
    /// `[height, width]` on the same grid, row by row: true inside the lesion.
    pub mask: &'a [bool],
}

/// What is scored and how thoroughly.
#[derive(Clone, Debug)]
pub struct ScoreOptions {
    /// Layer of the CAM family; the last feature map when absent.
    pub layer: Option<String>,
    /// Cut of the evidence map, chosen on other images; absent: the best on this list.
    pub cut: Option<Cut>,
    /// Images of the deletion and insertion curves, the first ones of the list. Default 32.
    pub curve_images: usize,
    /// Images of the sanity check, the first ones of the list. Default 8.
    pub sanity_images: usize,
    /// Bootstrap replicates of the intervals; 0 for none. Default 2000.
    pub replicates: usize,
    /// Where random maps, ties, random weights and the bootstrap start.
    pub seed: Seed,
}

impl Default for ScoreOptions {
    fn default() -> Self {
        Self {
            layer: None,
            cut: None,
            curve_images: 32,
            sanity_images: 8,
            replicates: 2000,
            seed: Seed(0),
        }
    }
}

/// The table by method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Images with a lesion outlined, over which the outline columns are means.
    pub images: usize,
    /// Images of the curves.
    pub curve_images: usize,
    /// The methods as asked for, then the references `random` and `centre_prior`.
    pub rows: Vec<MethodScores>,
}

/// Scores of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodScores {
    /// Method, or `random`, `centre_prior`.
    pub method: String,
    /// Layer; empty for methods on the input and references.
    pub layer: String,
    /// True for what a method must beat.
    pub reference: bool,
    /// Images whose map is the same everywhere; they are missing from the three means below.
    pub pointing_nowhere: usize,
    /// Share of images whose largest value lies inside the outline (Zhang et al. 2018). Higher is better.
    pub pointing_game: Measured,
    /// Mean share of the positive values that lies inside the outline (Wang et al. 2020). Higher is better.
    pub energy_inside: Measured,
    /// Mean intersection over union of the outline and the values at or above `cut`. Higher is better.
    pub iou: Measured,
    /// The cut asked for, else that for which the mean IoU is largest over this very list: for `evidence` one logit for all images or a share of the
    /// largest where that is higher, else
    /// a share of each map's largest value. Absent when no map has a value above 0.
    pub cut: Option<Cut>,
    /// The same figures by size of the lesion, beside their expectation for a random map and the centre prior.
    pub by_lesion_size: Vec<LocalisationRow>,
    /// Mean area under the deletion curve. Lower is better.
    pub deletion: Measured,
    /// Mean area under the insertion curve. Higher is better.
    pub insertion: Measured,
    /// Mean probability of the target against the share of pixels taken away. Absent without images.
    pub deletion_curve: Option<PerturbationCurve>,
    /// Mean probability of the target against the share of pixels put in. Absent without images.
    pub insertion_curve: Option<PerturbationCurve>,
    /// Weight-randomisation check.
    pub sanity: Sanity,
}

/// Outcome of the weight-randomisation check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Sanity {
    /// The map changes with the weights.
    Pass {
        /// Mean size of the rank correlation of the maps before and after, below [`SANITY_THRESHOLD`].
        similarity: f64,
    },
    /// The map stays although the weights are random: it does not explain this network.
    Fail {
        /// As above, at or above [`SANITY_THRESHOLD`].
        similarity: f64,
    },
    /// Not run, or without an answer.
    NotRun {
        /// Why.
        reason: String,
    },
}

/// Scores methods on images with outlines, for the class `target`, which should be the class of the lesions. Images
/// whose outline holds no pixel, or all, are left out.
///
/// The same arguments give the same table, whatever the number of threads.
///
/// # Errors
/// When an image, its outline, a method or the layer does not fit the network, or the observer stops.
pub fn scores(
    network: &Network,
    classes: &ClassSet,
    target: ClassIndex,
    images: &[OutlinedImage<'_>],
    methods: &[Method],
    options: &ScoreOptions,
    observer: &dyn Observer,
) -> Result<Scores, ExplainError> {
    let outlined =
        |image: &OutlinedImage<'_>| image.mask.contains(&true) && image.mask.contains(&false);
    let images: Vec<OutlinedImage<'_>> = images.iter().copied().filter(outlined).collect();
    let judge = Judge {
        network,
        classes,
        target,
        images: &images,
        options,
    };
    let strangers = sanity::strangers(network, options.seed.derive("sanity"))?;
    observer.begin("explanation scores", Some(methods.len() as u64 + 2));
    let mut rows = vec![];
    for &method in methods {
        if observer.should_stop() {
            return Err(ExplainError::Stopped);
        }
        rows.push(judge.method(method, &strangers)?);
        observer.advance(rows.len() as u64, &method.to_string());
    }
    rows.extend([judge.random()?, judge.centre()?]);
    observer.end();
    Ok(Scores {
        images: images.len(),
        curve_images: images.len().min(options.curve_images),
        rows,
    })
}

#[cfg(test)]
mod tests;
