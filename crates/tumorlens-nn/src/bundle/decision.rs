//! From logits to a call: calibration and operating points.

use super::aggregation::{self, Subject};
use super::familiarity::{Doubt, Familiarity};
use super::triage::{Triage, TriageError};
use crate::evaluate::ScoredLogits;
use crate::network::Features;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tumorlens_core::series::Aggregation;
use tumorlens_core::{ClassIndex, ClassSet, Judgement, MapLine, NO_TUMOR, Probability, Verdict};
use tumorlens_stats::calibration::{
    Temperature, fit_shift_above, fit_temperature, fit_temperature_softmax,
};
use tumorlens_stats::operating_point::{OperatingPoint, Rule};

/// Sensitivity that the operating point for screening aims at on validation images.
const SCREENING: f64 = 0.95;

/// Validation images of each class from which a threshold chosen on them is better than one half. With n of each, the
/// share called right at a threshold is known to about 0.5 / sqrt(n).
const ENOUGH: usize = 50;

/// How probabilities are made of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// Divided by a temperature.
    Temperature,
    /// The one logit of two classes is shifted as well. Other networks take a temperature alone.
    Platt {
        /// The temperature is at least that: where validation images are told apart too easily, it keeps the model from being
        /// as sure of others.
        least: Temperature,
    },
}

/// Calibration and operating points, all chosen on validation images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Logits are divided by it.
    pub temperature: Temperature,
    /// Taken from the one logit of a two-class network before; 0 unless asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shift: f64,
    /// How the temperature was found, or why it is 1.
    pub calibration: String,
    /// Operating points.
    pub operating_points: Vec<OperatingPoint>,
    /// Name of the operating point in use; empty: one half.
    pub default: String,
    /// When to refer an image to a person; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triage: Option<Triage>,
    /// How slices become the answer on a series or a subject.
    #[serde(default, skip_serializing_if = "is_default")]
    pub aggregation: Aggregation,
    /// Values of the default attribution at or above it are the outlined region, where outlines were compared.
    pub map_threshold: Option<f32>,
    /// Or those at or above this share of a map's largest value, where that is higher; 0 in bundles of before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub map_share: f32,
}

impl Decision {
    /// No calibration, threshold one half.
    #[must_use]
    pub fn uncalibrated(reason: impl Into<String>) -> Self {
        Self {
            temperature: Temperature::ONE,
            shift: 0.0,
            calibration: reason.into(),
            operating_points: vec![],
            default: String::new(),
            triage: None,
            aggregation: Aggregation::default(),
            map_threshold: None,
            map_share: 0.0,
        }
    }

    /// Where the region of a default attribution begins.
    #[must_use]
    pub fn map_line(&self) -> Option<MapLine> {
        let share = self.map_share;
        self.map_threshold
            .map(|threshold| MapLine { threshold, share })
    }

    /// Sets where the region of a default attribution begins, or that it is not known.
    pub fn set_map_line(&mut self, line: Option<MapLine>) {
        self.map_threshold = line.map(|line| line.threshold);
        self.map_share = line.map_or(0.0, |line| line.share);
    }

    /// Fits the temperature and chooses the operating points (one half, Youden, sensitivity of at least 0.95) on the
    /// logits of validation images. The default is Youden's where at least 50 images of each class chose it, else
    /// one half: on fewer images the best threshold is mostly luck. What cannot be fitted or chosen is left out, with the
    /// reason in [`Self::calibration`].
    #[must_use]
    pub fn choose(classes: &ClassSet, validation: &[ScoredLogits]) -> Self {
        Self::calibrated(classes, validation, Scaling::Temperature)
    }

    /// As [`Self::choose`], with probabilities made of logits in a given way.
    #[must_use]
    pub fn calibrated(classes: &ClassSet, validation: &[ScoredLogits], scaling: Scaling) -> Self {
        let mut decision = Self::uncalibrated("");
        let positive = classes.positive();
        let truth: Vec<bool> = validation.iter().map(|s| s.label == positive).collect();
        let fit = if classes.is_binary() {
            let logits: Vec<f64> = validation
                .iter()
                .filter_map(|s| s.logits.first())
                .map(|l| f64::from(*l))
                .collect();
            if let Scaling::Platt { least } = scaling {
                fit_shift_above(&truth, &logits, least).map(|found| {
                    decision.shift = found.shift;
                    found.fit
                })
            } else {
                fit_temperature(&truth, &logits)
            }
        } else {
            let labels: Vec<usize> = validation.iter().map(|s| s.label.0).collect();
            let logits: Vec<Vec<f64>> = validation
                .iter()
                .map(|s| s.logits.iter().map(|l| f64::from(*l)).collect())
                .collect();
            fit_temperature_softmax(&labels, &logits)
        };
        match fit {
            Ok(fit) => {
                decision.temperature = fit.temperature;
                decision.calibration = format!(
                    "temperature {:.3}{}, fitted on {} validation images; log loss {:.3} before, {:.3} after",
                    fit.temperature.get(),
                    if decision.shift == 0.0 {
                        String::new()
                    } else {
                        format!(", shift {:.3}", decision.shift)
                    },
                    fit.images,
                    fit.log_loss_before,
                    fit.log_loss_after
                );
            }
            Err(reason) => decision.calibration = format!("not calibrated; {reason}"),
        }
        let scores: Option<Vec<f64>> = validation
            .iter()
            .map(|s| {
                decision
                    .probabilities(classes, &s.logits)
                    .map(|p| p[positive.0].get())
            })
            .collect();
        let screening = Probability::new(SCREENING).unwrap_or(Probability::HALF);
        let mut rules = [
            Rule::Youden,
            Rule::Fixed(Probability::HALF),
            Rule::Sensitivity(screening),
        ];
        let positives = truth.iter().filter(|is| **is).count();
        if positives.min(truth.len() - positives) < ENOUGH {
            rules.swap(0, 1);
        }
        for rule in rules {
            if let Some(Ok(point)) = scores.as_ref().map(|scores| rule.choose(&truth, scores)) {
                decision.operating_points.push(point);
            }
        }
        decision.default = decision
            .operating_points
            .first()
            .map(|p| p.name.clone())
            .unwrap_or_default();
        decision
    }

    /// Makes another operating point the one in use.
    ///
    /// # Errors
    /// When there is none of this name; names those that there are.
    pub fn use_point(&mut self, name: &str) -> Result<(), String> {
        let names: Vec<&str> = self
            .operating_points
            .iter()
            .map(|p| p.name.as_str())
            .collect();
        if !names.contains(&name) {
            return Err(format!(
                "no operating point is called '{name}'; there are: {}",
                names.join(", ")
            ));
        }
        name.clone_into(&mut self.default);
        Ok(())
    }

    /// Sets when to refer, from images that took no part in training; the default operating point is chosen already.
    ///
    /// # Errors
    /// When the error rate is out of range, or a class has too few images to promise it.
    pub fn triage(
        &mut self,
        classes: &ClassSet,
        calibration: &[ScoredLogits],
        error: f64,
    ) -> Result<(), TriageError> {
        let positive = classes.positive();
        let (truth, scores): (Vec<bool>, Vec<f64>) = calibration
            .iter()
            .filter_map(|s| {
                let p = self.probabilities(classes, &s.logits)?;
                Some((s.label == positive, p.get(positive.0)?.get()))
            })
            .unzip();
        self.triage = Some(Triage::choose(&truth, &scores, error, self.threshold())?);
        Ok(())
    }

    /// Chooses how slices are joined, on subjects who took no part in training: the name, the label and the logits of
    /// each slice. An empty name is no subject's.
    pub fn aggregate<'a>(
        &mut self,
        classes: &ClassSet,
        slices: impl Iterator<Item = (&'a str, ClassIndex, &'a [f32])>,
    ) {
        let positive = classes.positive();
        let mut subjects: BTreeMap<&str, Subject> = BTreeMap::new();
        for (name, label, logits) in slices.filter(|(name, ..)| !name.is_empty()) {
            let probabilities = self.probabilities(classes, logits);
            let Some(probability) = probabilities.and_then(|p| p.get(positive.0).copied()) else {
                continue;
            };
            let subject = subjects.entry(name).or_default();
            subject.positive |= label == positive;
            subject.slices.push(probability);
        }
        let subjects: Vec<Subject> = subjects.into_values().collect();
        self.aggregation = aggregation::choose(&subjects);
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !self.shift.is_finite() {
            return Err("the shift is not a finite number".to_owned());
        }
        if let Some(triage) = &self.triage {
            triage.check()?;
        }
        self.aggregation.check()?;
        if self.default.is_empty() || self.operating_points.iter().any(|p| p.name == self.default) {
            Ok(())
        } else {
            Err(format!("operating point '{}' is not listed", self.default))
        }
    }

    /// What refers or refuses an image whatever its probability, and why: features very unlike those of training images,
    /// members that disagree, unusual features.
    #[must_use]
    pub fn doubt(
        &self,
        classes: &ClassSet,
        familiarity: Option<&Familiarity>,
        members: &[f32],
        features: &Features,
    ) -> Option<(Verdict, String)> {
        let unlike = familiarity.map_or(Doubt::Usual, |f| f.doubt(features));
        if unlike.refuses() {
            return Some((Verdict::Refused, unlike.reason()?));
        }
        let reasons = [self.disagreement(classes, members), unlike.reason()];
        joined(reasons).map(|reasons| (Verdict::Refer, reasons))
    }

    /// Why an image is referred on which members of an ensemble disagree: one would call it positive without doubt,
    /// another negative. `members` are their logits; there is no such reason without triage.
    #[must_use]
    pub fn disagreement(&self, classes: &ClassSet, members: &[f32]) -> Option<String> {
        let triage = self.triage.filter(|_| classes.is_binary())?;
        let positive = classes.positive().0;
        let mut ends: Option<(Probability, Probability)> = None;
        for logit in members {
            let p = *self.probabilities(classes, &[*logit])?.get(positive)?;
            let (low, high) = ends.unwrap_or((p, p));
            ends = Some((
                if p < low { p } else { low },
                if p > high { p } else { high },
            ));
        }
        let (low, high) = ends?;
        (low < triage.low && high >= triage.high).then(|| {
            format!(
                "networks disagree: of {} one says {:.3}, one {:.3}",
                members.len(),
                low.get(),
                high.get()
            )
        })
    }

    /// The operating point in use.
    #[must_use]
    pub fn threshold(&self) -> Probability {
        self.operating_points
            .iter()
            .find(|p| p.name == self.default)
            .map_or(Probability::HALF, |p| p.threshold)
    }

    /// Calibrated probability of every class, in order; `None` when a logit is not finite.
    #[must_use]
    pub fn probabilities(&self, classes: &ClassSet, logits: &[f32]) -> Option<Vec<Probability>> {
        let logits: Vec<f64> = logits.iter().map(|l| f64::from(*l)).collect();
        let values = match (logits.as_slice(), classes.negative()) {
            ([logit], Some(negative)) => {
                let logit = logit - self.shift;
                let mut both = vec![self.temperature.sigmoid(logit); 2];
                both[negative.0] = self.temperature.sigmoid(-logit);
                both
            }
            (logits, None) if logits.len() == classes.len() => self.temperature.softmax(logits),
            _ => return None,
        };
        values
            .into_iter()
            .map(|p| Probability::new(p).ok())
            .collect()
    }

    /// The call on logits; `None` when one is not finite.
    #[must_use]
    pub fn judge(&self, classes: &ClassSet, logits: &[f32]) -> Option<Judgement> {
        let judgement = self.call(classes, self.probabilities(classes, logits)?, None)?;
        Some(Judgement {
            logits: logits.to_vec(),
            ..judgement
        })
    }

    /// The call on probabilities of all classes, and on what [`Self::doubt`] says. `None` with fewer probabilities than classes.
    ///
    /// With two classes the operating point decides; with more the most probable class is called, and the verdict
    /// is `tumor` for every class but [`NO_TUMOR`] where there is one, else for the positive class. What is referred for
    /// several reasons names them all.
    #[must_use]
    pub fn call(
        &self,
        classes: &ClassSet,
        probabilities: Vec<Probability>,
        doubt: Option<(Verdict, String)>,
    ) -> Option<Judgement> {
        let positive = classes.positive();
        let probability = *probabilities.get(positive.0)?;
        let threshold = self.threshold();
        let called = match classes.negative() {
            Some(_) if probability >= threshold => positive,
            Some(negative) => negative,
            None => most_probable(&probabilities),
        };
        // With more classes the probability of one says too little of the others.
        let near = self
            .triage
            .filter(|_| classes.is_binary())
            .and_then(|t| t.reason(probability));
        let (verdict, reason) = match (near, doubt) {
            (_, Some((Verdict::Refused, reason))) => (Verdict::Refused, Some(reason)),
            (None, None) if is_tumor(classes, called) => (Verdict::Tumor, None),
            (None, None) => (Verdict::NoTumor, None),
            (near, doubt) => {
                let reasons = joined([near, doubt.map(|(_, reason)| reason)]);
                (Verdict::Refer, reasons)
            }
        };
        Some(Judgement {
            logits: Vec::new(),
            probability,
            probabilities,
            threshold,
            label: classes.name(called).to_owned(),
            verdict,
            reason,
        })
    }
}

/// Reasons as one: who is asked to look should know of all.
pub(super) fn joined(reasons: [Option<String>; 2]) -> Option<String> {
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether calling this class is calling a tumor.
fn is_tumor(classes: &ClassSet, called: ClassIndex) -> bool {
    if classes.names().iter().any(|name| name == NO_TUMOR) {
        classes.name(called) != NO_TUMOR
    } else {
        called == classes.positive()
    }
}

/// The first of the most probable classes.
fn most_probable(probabilities: &[Probability]) -> ClassIndex {
    let first_best = (0..probabilities.len()).fold(0, |best, i| {
        if probabilities[i] > probabilities[best] {
            i
        } else {
            best
        }
    });
    ClassIndex(first_best)
}

#[cfg(test)]
mod tests;
