//! Named weights on the host: what is initialised, trained, saved and loaded.

mod element;
pub mod file;
mod pth;
pub mod safetensors;
pub mod transfer;
mod values;

pub use values::Values;

use crate::graph::{Graph, Op};
use crate::model::EVIDENCE_INITIAL_BIAS;
use rand::RngExt;
use std::collections::BTreeSet;
use tumorlens_core::Seed;

/// What a parameter is, which decides how it is initialised, decayed and updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weight of a convolution or dense layer: decayed.
    Weight,
    /// Bias.
    Bias,
    /// Scale of a batch normalisation.
    Scale,
    /// Shift of a batch normalisation.
    Shift,
    /// Running mean of a batch normalisation: not learned by gradient.
    RunningMean,
    /// Running (unbiased) variance of a batch normalisation: not learned by gradient.
    RunningVariance,
}

impl Role {
    /// True when gradients change it; running statistics are measured instead.
    #[must_use]
    pub fn is_learned(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// One named tensor on the host, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name after PyTorch, e.g. `layer1.0.conv1.weight`, `bn1.running_mean`.
    pub name: String,
    /// Shape, e.g. `[outputs, inputs, kernel, kernel]`.
    pub shape: Vec<usize>,
    /// Role.
    pub role: Role,
    /// Values.
    pub values: Values,
}

impl Parameter {
    /// Name of the layer that it belongs to.
    #[must_use]
    pub fn layer(&self) -> &str {
        layer_of(&self.name)
    }
}

/// All parameters of a graph, in the order of its nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// Parameters in the graph's order.
    pub parameters: Vec<Parameter>,
}

impl Weights {
    /// Initialises as PyTorch's reference models do: convolutions by He et al. 2015 (normal, fan-out, ReLU gain),
    /// dense weights normal with standard deviation 0.01, batch-norm scale 1, all else 0; running variance 1.
    /// The layer that gives an evidence map is a classifier: it starts as a dense one, with
    /// [`EVIDENCE_INITIAL_BIAS`]. Each parameter draws from its own seed, derived from its name.
    #[must_use]
    pub fn initial(graph: &Graph, seed: Seed) -> Self {
        let map = graph.evidence.map(|id| graph.node(id).name.as_str());
        let depthwise: BTreeSet<&str> = graph
            .nodes
            .iter()
            .filter(|node| matches!(node.op, Op::Depthwise { .. }))
            .map(|node| node.name.as_str())
            .collect();
        let parameters = slots(graph)
            .into_iter()
            .map(|slot| {
                let is_map = map.is_some_and(|map| slot.layer() == map);
                let n: usize = slot.shape.iter().product();
                let values = match slot.role {
                    Role::Weight => {
                        let deviation = match slot.shape[..] {
                            // Every channel by itself: one output reads what one tap gives.
                            [_, 1, height, width] if depthwise.contains(slot.layer()) => {
                                (2.0 / (height * width) as f32).sqrt()
                            }
                            [outputs, _, height, width] if !is_map => {
                                (2.0 / (outputs * height * width) as f32).sqrt()
                            }
                            _ => 0.01,
                        };
                        normal(n, deviation, seed.derive(&slot.name))
                    }
                    Role::Scale | Role::RunningVariance => vec![1.0; n],
                    Role::Bias if is_map => vec![EVIDENCE_INITIAL_BIAS; n],
                    Role::Bias | Role::Shift | Role::RunningMean => vec![0.0; n],
                };
                Parameter {
                    name: slot.name,
                    shape: slot.shape,
                    role: slot.role,
                    values: values.into(),
                }
            })
            .collect();
        Self { parameters }
    }

    /// The parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// Number of learned values.
    #[must_use]
    pub fn learned(&self) -> usize {
        self.parameters
            .iter()
            .filter(|p| p.role.is_learned())
            .map(|p| p.values.len())
            .sum()
    }

    /// Name of the first parameter that holds a value that is not finite.
    #[must_use]
    pub fn not_finite(&self) -> Option<&str> {
        self.parameters
            .iter()
            .find(|p| p.values.iter().any(|v| !v.is_finite()))
            .map(|p| p.name.as_str())
    }
}

/// A parameter that a graph needs: name, shape and role, without values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Name.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Role.
    pub role: Role,
}

impl Slot {
    /// Name of the layer that it belongs to.
    #[must_use]
    pub fn layer(&self) -> &str {
        layer_of(&self.name)
    }
}

/// A parameter's name without its last part.
fn layer_of(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(layer, _)| layer)
}

/// The parameters that a graph needs, in order.
#[must_use]
pub fn slots(graph: &Graph) -> Vec<Slot> {
    let mut all = Vec::new();
    for node in &graph.nodes {
        let mut add = |suffix: &str, shape: Vec<usize>, role| {
            all.push(Slot {
                name: format!("{}.{suffix}", node.name),
                shape,
                role,
            });
        };
        match node.op {
            Op::Conv {
                inputs,
                outputs,
                kernel,
                bias,
                ..
            } => {
                add(
                    "weight",
                    vec![outputs, inputs, kernel, kernel],
                    Role::Weight,
                );
                if bias {
                    add("bias", vec![outputs], Role::Bias);
                }
            }
            Op::Depthwise {
                channels, kernel, ..
            } => add("weight", vec![channels, 1, kernel, kernel], Role::Weight),
            Op::Linear { inputs, outputs } => {
                add("weight", vec![outputs, inputs], Role::Weight);
                add("bias", vec![outputs], Role::Bias);
            }
            Op::BatchNorm { channels } => {
                add("weight", vec![channels], Role::Scale);
                add("bias", vec![channels], Role::Shift);
                add("running_mean", vec![channels], Role::RunningMean);
                add("running_var", vec![channels], Role::RunningVariance);
            }
            _ => {}
        }
    }
    all
}

/// Normal values by Box and Muller 1958, two from each pair of uniforms.
fn normal(n: usize, deviation: f32, seed: Seed) -> Vec<f32> {
    let mut rng = seed.rng();
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        let u: f64 = 1.0 - rng.random::<f64>();
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        let radius = (-2.0 * u.ln()).sqrt() * f64::from(deviation);
        values.push((radius * angle.cos()) as f32);
        values.push((radius * angle.sin()) as f32);
    }
    values.truncate(n);
    values
}
