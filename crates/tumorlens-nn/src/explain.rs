//! Explanation: what a score rests on, as a map over the network's input.
//!
//! A method is what differs and nothing else. The steps that all share stand in one place each: the question and
//! the passes that answer it (`question`), weighting, summing and rectifying a layer's channels (`cam`),
//! resizing to the input's grid (`resize`).
//!
//! | method | works on | gradients | range |
//! | --- | --- | --- | --- |
//! | `evidence` | the network's own evidence map, brought to the image's edges (`guided`) | no | logits, both signs; those below -2 count as -2 |
//! | `grad_cam`, `grad_cam_plus_plus`, `hires_cam`, `layer_cam` | a layer | yes | at least 0 |
//! | `score_cam`, `ablation_cam` | a layer | no | at least 0 |
//! | `integrated_gradients` | the input | yes | logits, both signs; sums to the score's difference |
//! | `smooth_grad` | the input | yes | at least 0 |
//! | `occlusion` | the input | no | logits, both signs |
//!
//! Every map is raw: only drawing scales. What is explained is a logit, never a probability, whose gradient vanishes
//! where the network is sure. A map is a function of network, image, target, method and layer: whatever is drawn at
//! random comes from a fixed seed.

mod cam;
mod error;
mod evidence;
mod feature_maps;
mod filters;
mod guided;
mod integrated_gradients;
mod layer;
mod method;
mod occlusion;
mod question;
mod resize;
pub mod scores;
mod smooth_grad;

pub use error::ExplainError;
pub use feature_maps::{FeatureMaps, feature_maps};
pub use filters::{Filters, filters};
pub use layer::{Layer, layers, resolutions};
pub use method::{Method, Passes, UnknownMethod};

use crate::network::Network;
use question::Question;
use tumorlens_core::{Attribution, ClassIndex, ClassSet, Size};

/// The map of one image for one class.
///
/// - `input`: `[channels, height, width]` as the graph's input, row by row, prepared as for prediction.
/// - `target`: the class whose logit is explained. With two classes there is one logit, that of the positive class;
///   the negative class is explained by its negation.
/// - `layer`: name of the layer for the CAM family, by default [`crate::graph::Graph::features`]; must be absent for
///   methods that look at the input or at the evidence map.
///
/// The map has the height and width of the input and is finite. The network may be on any device, with or without
/// gradients of its own.
///
/// # Errors
/// When the input, class, layer or method does not fit the network, or the map is not finite.
pub fn attribute(
    network: &Network,
    input: &[f32],
    classes: &ClassSet,
    target: ClassIndex,
    method: Method,
    layer: Option<&str>,
) -> Result<Attribution, ExplainError> {
    let question = Question::new(network, input, classes, target)?;
    let place = layer::place(network.graph(), method, layer)?;
    let values = match (method, place) {
        (Method::Evidence, _) => evidence::map(&question)?,
        (Method::IntegratedGradients, _) => integrated_gradients::map(&question)?,
        (Method::SmoothGrad, _) => smooth_grad::map(&question)?,
        (Method::Occlusion, _) => occlusion::map(&question)?,
        (_, place) => cam::map(&question, method, place)?,
    };
    if let Some(found) = values.iter().find(|v| !v.is_finite()) {
        return Err(ExplainError::NotFinite {
            what: format!("the map of {method}"),
            found: *found,
        });
    }
    let [_, height, width] = network.graph().input;
    Ok(Attribution {
        size: Size { width, height },
        values,
        method: method.to_string(),
        layer: if method.takes_layer() || method == Method::Evidence {
            network.graph().node(place).name.clone()
        } else {
            String::new()
        },
        target: classes.name(target).to_owned(),
    })
}
