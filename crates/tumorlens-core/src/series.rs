//! From the slices of a series to one answer.

use crate::{ClassSet, Judgement, Probability, Verdict};
use serde::{Deserialize, Serialize};

/// How the probabilities of slices become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pooling {
    /// The mean logit of the slices with the highest probability, this many at most. A lesion of a centimetre shows in
    /// about three slices, a single bright vessel in one.
    TopMean(usize),
    /// One minus the product of what speaks against each slice: right if slices erred independently.
    NoisyOr,
}

impl Pooling {
    /// The logit of the whole, finite for any probabilities; `None` without any.
    #[must_use]
    pub fn logit(self, slices: &[Probability]) -> Option<f64> {
        if slices.is_empty() {
            return None;
        }
        match self {
            Self::TopMean(most) => {
                let mut logits: Vec<f64> = slices.iter().map(|p| logit(*p)).collect();
                logits.sort_by(|a, b| b.total_cmp(a));
                logits.truncate(most.max(1));
                Some(logits.iter().sum::<f64>() / logits.len() as f64)
            }
            Self::NoisyOr => {
                let against: f64 = slices.iter().map(|p| (-finite(*p)).ln_1p()).sum();
                // ln((1 - q) / q) with q the product of what speaks against, in logarithms: q underflows.
                let in_favour = (-against.exp_m1()).max(f64::MIN_POSITIVE).ln();
                Some(in_favour - against)
            }
        }
    }
}

/// How slices are joined to one answer, and how that was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregation {
    /// From slices to a logit.
    pub pooling: Pooling,
    /// The pooled logit is divided by it, above 0.
    pub temperature: f64,
    /// Taken from the pooled logit before: the highest of many slices is high by chance alone.
    pub shift: f64,
    /// Subjects on whom it was chosen, or why it was not.
    pub chosen: String,
}

impl Default for Aggregation {
    /// The mean logit of the three highest slices, chosen beforehand.
    fn default() -> Self {
        Self {
            pooling: Pooling::TopMean(3),
            temperature: 1.0,
            shift: 0.0,
            chosen: "set beforehand, not on data".to_owned(),
        }
    }
}

impl Aggregation {
    /// The answer on slices, against their own operating point. `None` for more than two classes and for no slices.
    ///
    /// It is referred where the positive class is called of a whole of which no slice is called so by itself, and where more than
    /// half of the slices are referred: what is doubted of its parts cannot be sure of the whole.
    #[must_use]
    pub fn combine(&self, slices: &[Judgement], classes: &ClassSet) -> Option<Judgement> {
        let negative = classes.negative()?;
        let first = slices.first()?;
        let probabilities: Vec<Probability> = slices.iter().map(|s| s.probability).collect();
        let pooled = self.pooling.logit(&probabilities)?;
        let probability = Probability::from_logit((pooled - self.shift) / self.temperature)?;
        let positive = probability >= first.threshold;
        let class = if positive {
            classes.positive()
        } else {
            negative
        };
        let reason = doubt(slices, positive);
        Some(Judgement {
            logits: Vec::new(),
            probability,
            probabilities: Vec::new(),
            threshold: first.threshold,
            label: classes.name(class).to_owned(),
            verdict: if reason.is_some() {
                Verdict::Refer
            } else if positive {
                Verdict::Tumor
            } else {
                Verdict::NoTumor
            },
            reason,
        })
    }

    /// Why it cannot be used.
    ///
    /// # Errors
    /// When a number is out of range.
    pub fn check(&self) -> Result<(), String> {
        let sound =
            self.temperature.is_finite() && self.temperature > 0.0 && self.shift.is_finite();
        if !sound || self.pooling == Pooling::TopMean(0) {
            return Err("the aggregation of slices is out of range".to_owned());
        }
        Ok(())
    }
}

/// What the slices' own verdicts say against the answer on all of them.
fn doubt(slices: &[Judgement], positive: bool) -> Option<String> {
    let count = |verdict| slices.iter().filter(|s| s.verdict == verdict).count();
    let (referred, all) = (count(Verdict::Refer), slices.len());
    if positive && count(Verdict::Tumor) == 0 {
        Some(format!("none of {all} slices is called tumor by itself"))
    } else if 2 * referred > all {
        Some(format!("{referred} of {all} slices are referred"))
    } else {
        None
    }
}

/// The logit of a probability; finite even for 0 and 1.
#[must_use]
pub fn logit(p: Probability) -> f64 {
    let p = finite(p);
    (p / (1.0 - p)).ln()
}

fn finite(p: Probability) -> f64 {
    p.get().clamp(1e-9, 1.0 - 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(p: f64) -> Judgement {
        Judgement {
            logits: vec![],
            probability: Probability::new(p).unwrap(),
            probabilities: vec![],
            threshold: Probability::new(0.5).unwrap(),
            label: String::new(),
            verdict: Verdict::Tumor,
            reason: None,
        }
    }

    #[test]
    fn three_clear_slices_decide_however_many_are_empty_and_one_does_not() {
        let (classes, top) = (ClassSet::tumor(), Aggregation::default());
        let mut slices = vec![slice(0.02); 60];
        slices[10] = slice(0.9);
        let one = top.combine(&slices, &classes).unwrap();
        assert_eq!(one.verdict, Verdict::NoTumor);
        slices[11] = slice(0.95);
        slices[12] = slice(0.9);
        let three = top.combine(&slices, &classes).unwrap();
        assert_eq!(three.verdict, Verdict::Tumor);
        slices.reverse();
        assert_eq!(top.combine(&slices, &classes).unwrap(), three);
    }

    #[test]
    fn a_whole_is_referred_where_no_slice_is_called_tumor_or_most_are_referred_themselves() {
        let (classes, top) = (ClassSet::tumor(), Aggregation::default());
        let referred = |p| Judgement {
            verdict: Verdict::Refer,
            ..slice(p)
        };
        let clear = |p| Judgement {
            verdict: Verdict::NoTumor,
            ..slice(p)
        };
        let mut slices = vec![clear(0.02); 20];
        slices[3..6].fill(referred(0.6));
        let answer = top.combine(&slices, &classes).unwrap();
        assert_eq!(answer.verdict, Verdict::Refer);
        assert_eq!(
            answer.reason.as_deref(),
            Some("none of 20 slices is called tumor by itself")
        );
        slices[4] = slice(0.7);
        let answer = top.combine(&slices, &classes).unwrap();
        assert_eq!((answer.verdict, answer.reason), (Verdict::Tumor, None));
        let mut slices = vec![referred(0.02); 11];
        slices.extend(vec![clear(0.02); 10]);
        let answer = top.combine(&slices, &classes).unwrap();
        assert_eq!(answer.verdict, Verdict::Refer);
        assert_eq!(
            answer.reason.as_deref(),
            Some("11 of 21 slices are referred")
        );
        slices.push(clear(0.02));
        let answer = top.combine(&slices, &classes).unwrap();
        assert_eq!((answer.verdict, answer.reason), (Verdict::NoTumor, None));
    }

    #[test]
    fn noisy_or_of_two_halves_is_three_quarters() {
        let half = Probability::HALF;
        let logit = Pooling::NoisyOr.logit(&[half, half]).unwrap();
        assert!((logit - 3.0f64.ln()).abs() < 1e-12);
        let many = vec![half; 5000];
        assert!(Pooling::NoisyOr.logit(&many).unwrap().is_finite());
        let none = vec![Probability::new(0.0).unwrap(); 3];
        assert!(Pooling::NoisyOr.logit(&none).unwrap() < -15.0);
    }

    #[test]
    fn a_shift_answers_for_the_number_of_slices() {
        let classes = ClassSet::tumor();
        let shifted = Aggregation {
            shift: 5.0,
            ..Aggregation::default()
        };
        let slices = vec![slice(0.9); 3];
        let verdict = |a: &Aggregation| a.combine(&slices, &classes).unwrap().verdict;
        assert_eq!(verdict(&Aggregation::default()), Verdict::Tumor);
        assert_eq!(verdict(&shifted), Verdict::NoTumor);
    }

    #[test]
    fn certain_slices_give_a_finite_answer_and_no_slices_none() {
        let (classes, top) = (ClassSet::tumor(), Aggregation::default());
        assert!(top.combine(&[slice(1.0), slice(0.0)], &classes).is_some());
        assert!(top.combine(&[], &classes).is_none());
    }
}
