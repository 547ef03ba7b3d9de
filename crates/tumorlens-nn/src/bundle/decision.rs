//! From logits to a call: calibration and operating points.

use serde::{Deserialize, Serialize};
use tumorlens_core::{ClassSet, Judgement, Probability, Verdict};

/// A named threshold on the calibrated probability of the positive class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedThreshold {
    /// Name, e.g. `youden`.
    pub name: String,
    /// Images at or above it are called positive.
    pub threshold: Probability,
}

/// Calibration and operating points, all chosen on validation images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Logits are divided by it (Guo et al. 2017); above 0.
    pub temperature: f64,
    /// Operating points.
    pub operating_points: Vec<NamedThreshold>,
    /// Name of the operating point in use.
    pub default: String,
    /// Values of the default attribution at or above it are the outlined region, where outlines were compared.
    pub map_threshold: Option<f32>,
}

impl Decision {
    /// No calibration, threshold one half.
    #[must_use]
    pub fn uncalibrated() -> Self {
        let half = NamedThreshold { name: "half".to_owned(), threshold: Probability::HALF };
        Self { temperature: 1.0, operating_points: vec![half], default: "half".to_owned(), map_threshold: None }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return Err(format!("temperature {} is not above 0", self.temperature));
        }
        if self.operating_points.iter().any(|p| p.name == self.default) {
            Ok(())
        } else {
            Err(format!("operating point '{}' is not listed", self.default))
        }
    }

    /// The operating point in use.
    #[must_use]
    pub fn threshold(&self) -> Probability {
        self.operating_points.iter().find(|p| p.name == self.default).map_or(Probability::HALF, |p| p.threshold)
    }

    /// Calibrated probability of every class, in order; `None` when a logit is not finite.
    #[must_use]
    pub fn probabilities(&self, classes: &ClassSet, logits: &[f32]) -> Option<Vec<Probability>> {
        let scaled: Vec<f64> = logits.iter().map(|l| f64::from(*l) / self.temperature).collect();
        match (scaled.as_slice(), classes.is_binary()) {
            ([logit], true) => {
                let positive = Probability::from_logit(*logit)?;
                let negative = Probability::from_logit(-*logit)?;
                let positive_first = classes.positive().0 == 0;
                Some(if positive_first { vec![positive, negative] } else { vec![negative, positive] })
            }
            (scaled, false) if scaled.len() == classes.len() => {
                let top = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let exps: Vec<f64> = scaled.iter().map(|l| (l - top).exp()).collect();
                let sum: f64 = exps.iter().sum();
                exps.iter().map(|e| Probability::new(e / sum).ok()).collect()
            }
            _ => None,
        }
    }

    /// The call on logits; `None` when one is not finite.
    ///
    /// With two classes the operating point decides; with more the most probable class is called, and the verdict
    /// is `tumor` when that is the positive class.
    #[must_use]
    pub fn judge(&self, classes: &ClassSet, logits: &[f32]) -> Option<Judgement> {
        let probabilities = self.probabilities(classes, logits)?;
        let positive = classes.positive();
        let probability = *probabilities.get(positive.0)?;
        let threshold = self.threshold();
        let called = match classes.negative() {
            Some(negative) => {
                if probability >= threshold { positive } else { negative }
            }
            None => tumorlens_core::ClassIndex(
                (0..probabilities.len()).fold(0, |best, i| if probabilities[i] > probabilities[best] { i } else { best }),
            ),
        };
        Some(Judgement {
            logits: logits.to_vec(),
            probability,
            probabilities,
            threshold,
            label: classes.name(called).to_owned(),
            verdict: if called == positive { Verdict::Tumor } else { Verdict::NoTumor },
            reason: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_moves_probabilities_but_not_their_order() {
        let classes = ClassSet::tumor();
        let mut decision = Decision::uncalibrated();
        decision.temperature = 2.0;
        let p = |logit: f32| decision.judge(&classes, &[logit]).unwrap().probability.get();
        assert!((p(2.0) - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 1e-12);
        assert!(p(-1.0) < p(0.5));
        assert_eq!(decision.judge(&classes, &[0.0]).unwrap().verdict, Verdict::Tumor);
        assert_eq!(decision.judge(&classes, &[-0.1]).unwrap().label, "no_tumor");
        assert!(decision.judge(&classes, &[f32::NAN]).is_none());
    }

    #[test]
    fn with_three_classes_the_most_probable_one_is_called() {
        let names = ["glioma", "healthy", "meningioma"].map(str::to_owned).to_vec();
        let classes = ClassSet::new(names, "glioma").unwrap();
        let judged = Decision::uncalibrated().judge(&classes, &[0.0, 1.0, 2.0]).unwrap();
        assert_eq!(judged.label, "meningioma");
        assert_eq!(judged.verdict, Verdict::NoTumor);
        let sum: f64 = judged.probabilities.iter().map(|p| p.get()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
