//! What became of each layer.

use std::fmt;

/// What was taken over and what was not. Its text is one line for each kind, for the log and the model card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferReport {
    /// Layers taken over, in the graph's order.
    pub loaded: Vec<String>,
    /// First convolutions made to fit, with both numbers of channels.
    pub adapted: Vec<String>,
    /// Layers that keep their initial values.
    pub skipped: Vec<Skipped>,
    /// Tensors of the file that belong to no layer here, sorted.
    pub unused: Vec<String>,
}

/// A layer that keeps its initial values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Layer.
    pub layer: String,
    /// Why, e.g. `has shape [1000, 512] in the file, [1, 512] here`.
    pub reason: String,
}

impl fmt::Display for TransferReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loaded {} layers", self.loaded.len())?;
        for note in &self.adapted {
            write!(f, "\nadapted {note}")?;
        }
        for Skipped { layer, reason } in &self.skipped {
            write!(f, "\ninitial '{layer}': it {reason}")?;
        }
        if !self.unused.is_empty() {
            write!(f, "\nunused: {}", self.unused.join(", "))?;
        }
        Ok(())
    }
}
