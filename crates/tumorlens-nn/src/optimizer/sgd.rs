//! Stochastic gradient descent with momentum.

use super::Moments;
use serde::{Deserialize, Serialize};

/// Constants of SGD; names and arithmetic as `torch.optim.SGD` without dampening: the decay is added to the gradient,
/// before the momentum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// Share of the last movement that is kept, 0 to below 1.
    pub momentum: f64,
    /// Look ahead along the momentum (Sutskever et al. 2013); needs momentum.
    pub nesterov: bool,
    /// Share of a weight that is added to its gradient, 0 or above.
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 1e-4,
        }
    }
}

impl Sgd {
    pub(super) fn update(
        &self,
        rate: f64,
        decayed: bool,
        values: &mut [f32],
        gradient: &[f32],
        moments: &mut Moments,
    ) {
        let decay = if decayed {
            self.weight_decay as f32
        } else {
            0.0
        };
        let (rate, momentum) = (rate as f32, self.momentum as f32);
        if moments.first.is_empty() {
            for (value, g) in values.iter_mut().zip(gradient) {
                *value -= rate * (g + decay * *value);
            }
            return;
        }
        for ((value, g), movement) in values.iter_mut().zip(gradient).zip(&mut moments.first) {
            let g = g + decay * *value;
            *movement = momentum * *movement + g;
            *value -= rate
                * if self.nesterov {
                    g + momentum * *movement
                } else {
                    *movement
                };
        }
    }
}
