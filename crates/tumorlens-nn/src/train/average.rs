//! Exponential moving average of the weights.

use crate::weights::Weights;
use rayon::prelude::*;

/// A slow copy of weights that change (Polyak and Juditsky 1992). Running statistics are averaged too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Average {
    decay: f64,
    /// Updates so far.
    pub(crate) steps: u64,
    /// The average.
    pub(crate) weights: Weights,
}

impl Average {
    /// Starts at the weights themselves.
    pub(crate) fn new(decay: f64, weights: &Weights) -> Self {
        Self {
            decay,
            steps: 0,
            weights: weights.clone(),
        }
    }

    /// Moves towards weights that just changed.
    pub(crate) fn update(&mut self, weights: &Weights) {
        self.steps += 1;
        let steps = self.steps as f64;
        let step = (1.0 - self.decay.min((1.0 + steps) / (10.0 + steps))) as f32;
        self.weights
            .parameters
            .par_iter_mut()
            .zip(&weights.parameters)
            .for_each(|(slow, fast)| {
                for (slow, fast) in slow.values.iter_mut().zip(&*fast.values) {
                    *slow += step * (fast - *slow);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{Parameter, Role};

    #[test]
    fn a_young_average_forgets_fast_and_an_old_one_slowly() {
        let weights = |value| Weights {
            parameters: vec![Parameter {
                name: "w".to_owned(),
                shape: vec![1],
                role: Role::Weight,
                values: vec![value].into(),
            }],
        };
        let mut average = Average::new(0.9, &weights(0.0));
        average.update(&weights(1.0));
        assert!((average.weights.parameters[0].values[0] - 9.0 / 11.0).abs() < 1e-6);
        average.steps = 10_000;
        average.weights = weights(0.0);
        average.update(&weights(1.0));
        assert!((average.weights.parameters[0].values[0] - 0.1).abs() < 1e-6);
    }
}
