//! Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

use super::Moments;
use serde::{Deserialize, Serialize};
use tumorlens_kernels::flat;

/// Constants of AdamW; names and arithmetic as `torch.optim.AdamW`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// Memory of the mean gradient, 0 to below 1.
    pub beta1: f64,
    /// Memory of the mean squared gradient, 0 to below 1.
    pub beta2: f64,
    /// Added to the denominator, above 0.
    pub epsilon: f64,
    /// Share by which weights shrink in a step, per unit of learning rate; 0 or above.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        }
    }
}

impl AdamW {
    /// Step number `step`, counted from 1.
    pub(super) fn update(
        &self,
        rate: f64,
        step: u64,
        decayed: bool,
        values: &mut [f32],
        gradient: &[f32],
        moments: &mut Moments,
    ) {
        let step = step as f64;
        let scale = (rate / (1.0 - self.beta1.powf(step))) as f32;
        let correction = (1.0 - self.beta2.powf(step)).sqrt() as f32;
        let keep = if decayed {
            (1.0 - rate * self.weight_decay) as f32
        } else {
            1.0
        };
        let of = flat::AdamW {
            new_first: (1.0 - self.beta1) as f32,
            old_second: self.beta2 as f32,
            new_second: (1.0 - self.beta2) as f32,
            keep,
            scale,
            correction,
            epsilon: self.epsilon as f32,
        };
        let Moments { first, second } = moments;
        flat::adam_w(&of, values, gradient, first, second);
    }
}
