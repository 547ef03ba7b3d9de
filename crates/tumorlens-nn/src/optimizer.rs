//! Optimisers on the host: flat values, their gradients, and what the optimiser remembers of each.
//!
//! Every value is updated by itself, so the number of threads cannot change a result, and what an optimiser remembers
//! is plain data that a checkpoint can hold.

mod adam_w;
mod clip;
mod sgd;

pub use adam_w::AdamW;
pub use clip::clip_global_norm;
pub use sgd::Sgd;

use crate::weights::{Role, Weights};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Which optimiser, with its constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
    /// Stochastic gradient descent with momentum.
    Sgd(Sgd),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::AdamW(AdamW::default())
    }
}

/// What an optimiser remembers of one parameter; empty where it remembers nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// AdamW: running mean of the gradient. SGD: momentum.
    pub first: Vec<f32>,
    /// AdamW: running mean of the squared gradient.
    pub second: Vec<f32>,
}

/// An optimiser at work on some weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    config: OptimizerConfig,
    /// Steps taken.
    pub steps: u64,
    /// One for each parameter, in the order of the weights.
    pub moments: Vec<Moments>,
}

impl Optimizer {
    /// An optimiser that has taken no step yet.
    #[must_use]
    pub fn new(config: OptimizerConfig, weights: &Weights) -> Self {
        let zeros = |n: usize, wanted: bool| if wanted { vec![0.0; n] } else { Vec::new() };
        let (first, second) = match config {
            OptimizerConfig::AdamW(_) => (true, true),
            OptimizerConfig::Sgd(sgd) => (sgd.momentum > 0.0, false),
        };
        let moments = weights
            .parameters
            .iter()
            .map(|p| {
                let learned = p.role.is_learned();
                let n = p.values.len();
                Moments {
                    first: zeros(n, first && learned),
                    second: zeros(n, second && learned),
                }
            })
            .collect();
        Self {
            config,
            steps: 0,
            moments,
        }
    }

    /// Takes one step at learning rate `rate`. `gradients` has one entry for each parameter, in the order of the
    /// weights; parameters without a gradient stay as they are. Only [`Role::Weight`] is decayed.
    pub fn step(&mut self, rate: f64, weights: &mut Weights, gradients: &[Option<Vec<f32>>]) {
        self.steps += 1;
        let (config, steps) = (self.config, self.steps);
        let parameters = weights
            .parameters
            .par_iter_mut()
            .zip(&mut self.moments)
            .zip(gradients);
        parameters.for_each(|((parameter, moments), gradient)| {
            let Some(gradient) = gradient else { return };
            let decayed = parameter.role == Role::Weight;
            let values = &mut *parameter.values;
            match config {
                OptimizerConfig::AdamW(adam) => {
                    adam.update(rate, steps, decayed, values, gradient, moments)
                }
                OptimizerConfig::Sgd(sgd) => sgd.update(rate, decayed, values, gradient, moments),
            }
        });
    }
}

#[cfg(test)]
mod tests;
