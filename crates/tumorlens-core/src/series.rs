//! From the slices of a series to one answer.

use crate::{ClassSet, Judgement, Probability, Verdict};

/// Slices whose evidence counts: a lesion of a centimetre shows in about so many slices, and a single bright vessel in
/// one. Chosen beforehand, not on data.
pub const TOP_SLICES: usize = 3;

/// The answer on a series: the mean logit of the [`TOP_SLICES`] slices with the highest probability, against the same
/// operating point. `None` for more than two classes and for no slices.
#[must_use]
pub fn combine(slices: &[Judgement], classes: &ClassSet) -> Option<Judgement> {
    let negative = classes.negative()?;
    let first = slices.first()?;
    let mut logits: Vec<f64> = slices.iter().map(|s| logit(s.probability)).collect();
    logits.sort_by(|a, b| b.total_cmp(a));
    logits.truncate(TOP_SLICES);
    let probability = Probability::from_logit(logits.iter().sum::<f64>() / logits.len() as f64)?;
    let positive = probability.get() >= first.threshold.get();
    let class = if positive {
        classes.positive()
    } else {
        negative
    };
    Some(Judgement {
        logits: Vec::new(),
        probability,
        probabilities: Vec::new(),
        threshold: first.threshold,
        label: classes.name(class).to_owned(),
        verdict: if positive {
            Verdict::Tumor
        } else {
            Verdict::NoTumor
        },
        reason: None,
    })
}

/// Finite even for 0 and 1.
fn logit(p: Probability) -> f64 {
    let p = p.get().clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
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
        let classes = ClassSet::tumor();
        let mut slices = vec![slice(0.02); 60];
        slices[10] = slice(0.9);
        let one = combine(&slices, &classes).unwrap();
        assert_eq!(one.verdict, Verdict::NoTumor);
        slices[11] = slice(0.95);
        slices[12] = slice(0.9);
        let three = combine(&slices, &classes).unwrap();
        assert_eq!(three.verdict, Verdict::Tumor);
        slices.reverse();
        assert_eq!(combine(&slices, &classes).unwrap(), three);
    }

    #[test]
    fn certain_slices_give_a_finite_answer_and_no_slices_none() {
        let classes = ClassSet::tumor();
        assert!(combine(&[slice(1.0), slice(0.0)], &classes).is_some());
        assert!(combine(&[], &classes).is_none());
    }
}
