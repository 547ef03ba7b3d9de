//! The learning rate over a training run, as a share of its peak.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Shape of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always the peak.
    Constant,
    /// Half a cosine from the peak down to `floor` (Loshchilov and Hutter 2017).
    Cosine {
        /// Share of the peak at the end, 0 to 1.
        #[serde(default)]
        floor: f64,
    },
    /// Up by half a cosine from `1 / start_divisor` to the peak over the first `rise` of the steps, then down to
    /// `1 / (start_divisor * end_divisor)` (Smith and Topin 2019; as `torch.optim.lr_scheduler.OneCycleLR`). Brings its
    /// own warm-up.
    OneCycle {
        /// Share of the steps that rise, above 0, below 1.
        #[serde(default = "default_rise")]
        rise: f64,
        /// Peak divided by the first rate, at least 1.
        #[serde(default = "default_start_divisor")]
        start_divisor: f64,
        /// First rate divided by the last one, at least 1.
        #[serde(default = "default_end_divisor")]
        end_divisor: f64,
    },
    /// Multiplied by `factor` after every `epochs` epochs.
    Step {
        /// Epochs between two steps, at least 1.
        epochs: usize,
        /// Factor, above 0, at most 1.
        factor: f64,
    },
}

fn default_rise() -> f64 {
    0.3
}

fn default_start_divisor() -> f64 {
    25.0
}

fn default_end_divisor() -> f64 {
    1e4
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Cosine { floor: 0.0 }
    }
}

/// Where a training run stands, in optimiser steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Steps taken before this one.
    pub step: usize,
    /// Steps of the whole run.
    pub steps: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// Steps of the warm-up, during which the rate rises in a line to the peak; part of `steps`.
    pub warm_up: usize,
}

impl Schedule {
    /// The learning rate of a step, as a share of the peak, 0 to 1.
    #[must_use]
    pub fn share(&self, at: Moment) -> f64 {
        if at.step < at.warm_up {
            return (at.step + 1) as f64 / at.warm_up as f64;
        }
        let step = (at.step - at.warm_up) as f64;
        let steps = at.steps.saturating_sub(at.warm_up).max(1) as f64;
        match *self {
            Self::Constant => 1.0,
            Self::Cosine { floor } => half_cosine(1.0, floor, step / steps),
            Self::OneCycle {
                rise,
                start_divisor,
                end_divisor,
            } => {
                let first = 1.0 / start_divisor;
                let (peak, end) = (rise * steps - 1.0, steps - 1.0);
                if step <= peak {
                    half_cosine(first, 1.0, step / peak.max(1.0))
                } else {
                    half_cosine(
                        1.0,
                        first / end_divisor,
                        (step - peak) / (end - peak).max(1.0),
                    )
                }
            }
            Self::Step { epochs, factor } => {
                factor.powf((at.step / (epochs.max(1) * at.steps_per_epoch.max(1))) as f64)
            }
        }
    }
}

/// From `from` at 0 to `to` at 1.
fn half_cosine(from: f64, to: f64, along: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * along.clamp(0.0, 1.0)).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Written by `reference/train/make_golden.py` with PyTorch's schedulers, peak 1.
    const GOLDEN: &str = include_str!("../../../reference/train/schedules.json");

    #[derive(Deserialize)]
    struct Case {
        name: String,
        schedule: Schedule,
        steps_per_epoch: usize,
        warm_up: usize,
        rates: Vec<f64>,
    }

    #[test]
    fn rates_are_those_of_pytorch() {
        let cases: Vec<Case> = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(cases.len(), 4);
        for Case {
            name,
            schedule,
            steps_per_epoch,
            warm_up,
            rates,
        } in cases
        {
            for (step, expected) in rates.iter().enumerate() {
                let found = schedule.share(Moment {
                    step,
                    steps: rates.len(),
                    steps_per_epoch,
                    warm_up,
                });
                assert!(
                    (found - expected).abs() < 1e-9,
                    "{name} step {step}: {found} {expected}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn a_rate_is_above_zero_and_at_most_the_peak(
            steps in 1usize..500, step in 0usize..500, warm_up in 0usize..100, which in 0usize..4,
        ) {
            let schedule = [
                Schedule::Constant,
                Schedule::default(),
                Schedule::OneCycle { rise: 0.3, start_divisor: 25.0, end_divisor: 1e4 },
                Schedule::Step { epochs: 2, factor: 0.5 },
            ][which];
            let at = Moment { step: step % steps, steps, steps_per_epoch: 10, warm_up: warm_up.min(steps) };
            let share = schedule.share(at);
            prop_assert!(share > 0.0 && share <= 1.0 + 1e-12, "{share}");
        }
    }
}
