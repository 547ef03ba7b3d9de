//! Why there is no explanation.

use super::Method;
use crate::graph::ShapeError;
use crate::network::NetworkError;
use tumorlens_stats::faithfulness::{CurveError, OutlinedError};

/// An explanation could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// No layer of this name.
    #[error("unknown layer '{layer}'; the layers are: {}", .known.join(", "))]
    UnknownLayer {
        /// What was asked for.
        layer: String,
        /// Names of all layers, from the input on.
        known: Vec<String>,
    },
    /// The layer has no rows and columns that a map could be made of.
    #[error(
        "layer '{layer}' has shape {shape:?}: a map needs rows and columns, choose an earlier layer"
    )]
    NotSpatial {
        /// Layer.
        layer: String,
        /// Its output for one image, `[channels, height, width]`.
        shape: [usize; 3],
    },
    /// A layer was named for a method that does not look at one.
    #[error("method {method} does not look at a layer: leave out '{layer}'")]
    LayerNotUsed {
        /// Method.
        method: Method,
        /// What was asked for.
        layer: String,
    },
    /// The score does not depend on the layer.
    #[error("the score does not depend on layer '{0}'")]
    Unreached(String),
    /// The network has no evidence map.
    #[error(
        "method evidence needs a network with an evidence head; use {}",
        Method::HiresCam
    )]
    NoEvidence,
    /// The network has no convolution.
    #[error("the network has no convolution, so no filters")]
    NoFilters,
    /// The weights are not this graph's.
    #[error("the weights of layer '{0}' are missing or have another shape")]
    WrongWeights(String),
    /// The input has another length.
    #[error(
        "the input has {found} values, the network takes {expected:?} (channels, height, width)"
    )]
    InputLength {
        /// Values given.
        found: usize,
        /// Shape of the network's input.
        expected: [usize; 3],
    },
    /// An outline does not fit the network's input.
    #[error(transparent)]
    Outline(#[from] OutlinedError),
    /// The probabilities under deletion or insertion make no curve.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// A value is infinite or not a number.
    #[error("{what} holds a value that is not finite ({found})")]
    NotFinite {
        /// Where.
        what: String,
        /// The value.
        found: f32,
    },
    /// No such class.
    #[error("class {index} does not exist: there are {classes} classes")]
    UnknownClass {
        /// What was asked for.
        index: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The network was made for other classes.
    #[error("the network has {found} outputs, these classes need {expected}")]
    Outputs {
        /// Outputs of the network.
        found: usize,
        /// Logits of the classes.
        expected: usize,
    },
    /// The graph makes no sense.
    #[error(transparent)]
    Graph(#[from] ShapeError),
    /// Random weights do not fit the graph.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The observer asked to stop.
    #[error("stopped")]
    Stopped,
    /// The device failed.
    #[error("the device failed: {0}")]
    Device(String),
}
