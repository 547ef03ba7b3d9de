//! Where the line between the two calls lies. It is chosen on validation images, before the test part is opened.

use crate::confusion::Confusion;
use crate::intervals::wilson;
use crate::ranking::Ranking;
use crate::roc::both_present;
use crate::undefined::{Undefined, measured, probabilities, same_length};
use serde::{Deserialize, Serialize};
use tumorlens_core::{Measured, Probability};

/// How the threshold is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// This probability, whatever the data.
    Fixed(Probability),
    /// The largest sensitivity + specificity - 1 (Youden 1950). On ties the lowest threshold, for a missed tumor weighs
    /// more than a false alarm.
    Youden,
    /// The highest threshold whose sensitivity reaches the target, so that specificity suffers least.
    Sensitivity(Probability),
    /// The lowest threshold whose specificity reaches the target, so that sensitivity suffers least.
    Specificity(Probability),
}

/// A threshold with the figures at which it was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// Name in tables and on the command line, e.g. `youden`.
    pub name: String,
    /// How it was chosen.
    pub rule: Rule,
    /// Called positive when the probability is at least this.
    pub threshold: Probability,
    /// Counts on the validation images. They are too good to be reported as a result: the threshold has seen them.
    pub validation: Confusion,
    /// Sensitivity on the validation images, with Wilson's 95 % interval.
    pub sensitivity: Measured,
    /// Specificity on the validation images, with Wilson's 95 % interval.
    pub specificity: Measured,
}

impl Rule {
    /// `0.5`, `youden`, `sensitivity_0.95`, `specificity_0.9`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Fixed(p) => p.get().to_string(),
            Self::Youden => "youden".to_owned(),
            Self::Sensitivity(p) => format!("sensitivity_{}", p.get()),
            Self::Specificity(p) => format!("specificity_{}", p.get()),
        }
    }

    /// Chooses the threshold on calibrated probabilities of validation images.
    ///
    /// A chosen threshold lies midway between the lowest probability called positive and the highest one called
    /// negative (or 0 or 1 beyond the last), so that no call hangs on the last digit of a stored number.
    ///
    /// # Errors
    /// When a class is absent (not for [`Rule::Fixed`]), a score is not a probability, the slices differ in length, or
    /// the target cannot be reached because the highest negative image has probability 1.
    pub fn choose(self, truth: &[bool], scores: &[f64]) -> Result<OperatingPoint, Undefined> {
        same_length("scores", truth.len(), scores.len())?;
        probabilities(scores)?;
        let threshold = match self {
            Self::Fixed(p) => p,
            _ => self.search(truth, scores)?,
        };
        let validation = Confusion::at(threshold.get(), truth, scores)?;
        let share = |figure, hits, of| match (measured(figure), wilson(hits, of, 0.95)) {
            (Measured::Value { value, .. }, Some(interval)) => {
                Measured::with_interval(value, interval)
            }
            (figure, _) => figure,
        };
        Ok(OperatingPoint {
            name: self.name(),
            rule: self,
            threshold,
            validation,
            sensitivity: share(
                validation.sensitivity(),
                validation.true_positive,
                validation.positives(),
            ),
            specificity: share(
                validation.specificity(),
                validation.true_negative,
                validation.negatives(),
            ),
        })
    }

    fn search(self, truth: &[bool], scores: &[f64]) -> Result<Probability, Undefined> {
        let cuts = cuts(&Ranking::new(truth, scores)?);
        let (positives, negatives) = cuts
            .last()
            .map_or((0, 0), |c| (c.true_positive, c.false_positive));
        both_present(positives, negatives)?;
        let sensitivity = |c: &Cut| c.true_positive as f64 / positives as f64;
        let specificity = |c: &Cut| (negatives - c.false_positive) as f64 / negatives as f64;
        // By falling threshold: sensitivity rises, specificity falls.
        let chosen = match self {
            Self::Sensitivity(target) => cuts.iter().find(|c| sensitivity(c) >= target.get()),
            Self::Specificity(target) => cuts.iter().rev().find(|c| specificity(c) >= target.get()),
            // Counted in integers, so that a tie is a tie.
            Self::Youden | Self::Fixed(_) => cuts.iter().max_by_key(|c| {
                i128::from(c.true_positive) * i128::from(negatives)
                    - i128::from(c.false_positive) * i128::from(positives)
            }),
        };
        let threshold = chosen.ok_or(Undefined::TargetOutOfReach)?.threshold;
        Probability::new(threshold).map_err(|_| Undefined::TargetOutOfReach)
    }
}

/// A threshold between two distinct probabilities, with the counts at or above it.
struct Cut {
    threshold: f64,
    true_positive: u64,
    false_positive: u64,
}

/// Every way to divide the images, by falling threshold: first nothing called positive, last everything.
fn cuts(ranking: &Ranking) -> Vec<Cut> {
    let steps: Vec<_> = ranking.steps().collect();
    let mut cuts = Vec::with_capacity(steps.len() + 1);
    let highest = steps.first().map_or(1.0, |s| s.threshold);
    if highest < 1.0 {
        cuts.push(Cut {
            threshold: between(highest, 1.0),
            true_positive: 0,
            false_positive: 0,
        });
    }
    for (i, step) in steps.iter().enumerate() {
        let below = steps.get(i + 1).map_or(0.0, |s| s.threshold);
        cuts.push(Cut {
            threshold: between(below, step.threshold),
            true_positive: step.true_positive,
            false_positive: step.false_positive,
        });
    }
    cuts
}

/// The middle; the upper end where no number lies between.
fn between(low: f64, high: f64) -> f64 {
    let middle = f64::midpoint(low, high);
    if middle > low { middle } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: [bool; 6] = [true, true, false, true, false, false];
    const SCORES: [f64; 6] = [0.9, 0.8, 0.7, 0.6, 0.4, 0.2];

    fn p(value: f64) -> Probability {
        Probability::new(value).unwrap()
    }

    #[test]
    fn each_rule_chooses_the_line_that_it_states() {
        let cases = [
            // Both 0.75 (2/3 + 1 - 1) and 0.5 (1 + 2/3 - 1) have the largest J: the lower one.
            (Rule::Youden, 0.5, 1.0, 2.0 / 3.0),
            (Rule::Sensitivity(p(0.6)), 0.75, 2.0 / 3.0, 1.0),
            (Rule::Sensitivity(p(1.0)), 0.5, 1.0, 2.0 / 3.0),
            (Rule::Specificity(p(1.0)), 0.75, 2.0 / 3.0, 1.0),
            (Rule::Specificity(p(0.3)), 0.3, 1.0, 1.0 / 3.0),
            (Rule::Fixed(p(0.65)), 0.65, 2.0 / 3.0, 2.0 / 3.0),
        ];
        for (rule, threshold, sensitivity, specificity) in cases {
            let point = rule.choose(&TRUTH, &SCORES).unwrap();
            assert!(
                (point.threshold.get() - threshold).abs() < 1e-12,
                "{rule:?}: {point:?}"
            );
            assert!(
                (point.sensitivity.get().unwrap() - sensitivity).abs() < 1e-12,
                "{rule:?}: {point:?}"
            );
            assert!(
                (point.specificity.get().unwrap() - specificity).abs() < 1e-12,
                "{rule:?}: {point:?}"
            );
        }
    }

    #[test]
    fn full_specificity_may_mean_that_nothing_is_called_positive() {
        let point = Rule::Specificity(p(1.0))
            .choose(&[false, true], &[0.8, 0.3])
            .unwrap();
        assert!(point.threshold.get() > 0.8);
        assert_eq!(point.validation.called_positive(), 0);
        let sure = Rule::Specificity(p(1.0)).choose(&[false, true], &[1.0, 0.3]);
        assert_eq!(sure, Err(Undefined::TargetOutOfReach));
    }

    #[test]
    fn neighbouring_numbers_are_still_told_apart() {
        let low = 0.5f64;
        let high = f64::from_bits(low.to_bits() + 1);
        let point = Rule::Youden.choose(&[true, false], &[high, low]).unwrap();
        assert_eq!(
            point.validation,
            Confusion {
                true_positive: 1,
                true_negative: 1,
                ..Confusion::default()
            }
        );
    }

    #[test]
    fn without_both_classes_only_a_fixed_line_can_be_drawn() {
        assert_eq!(
            Rule::Youden.choose(&[true], &[0.9]),
            Err(Undefined::NoNegative)
        );
        assert_eq!(
            Rule::Sensitivity(p(0.9)).choose(&[false], &[0.9]),
            Err(Undefined::NoPositive)
        );
        let fixed = Rule::Fixed(p(0.5)).choose(&[true], &[0.9]).unwrap();
        assert_eq!(fixed.specificity, Measured::undefined("no negative image"));
        assert_eq!(fixed.name, "0.5");
    }

    #[test]
    fn a_point_survives_a_round_trip() {
        let point = Rule::Sensitivity(p(0.95)).choose(&TRUTH, &SCORES).unwrap();
        let json = serde_json::to_string(&point).unwrap();
        assert!(
            json.starts_with(
                r#"{"name":"sensitivity_0.95","rule":{"sensitivity":0.95},"threshold":0.5"#
            ),
            "{json}"
        );
        assert_eq!(
            serde_json::from_str::<OperatingPoint>(&json).unwrap(),
            point
        );
    }
}
