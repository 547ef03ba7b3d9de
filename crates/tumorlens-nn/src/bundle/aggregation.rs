//! How slices become the answer on a subject, chosen on validation subjects.

use tumorlens_core::Probability;
use tumorlens_core::series::{Aggregation, Pooling};
use tumorlens_stats::calibration::fit_shift;

/// Subjects of each class from which a choice is better than the one made beforehand.
const ENOUGH: usize = 20;

/// In the order in which they are preferred where data do not tell them apart.
const CANDIDATES: [Pooling; 5] = [
    Pooling::TopMean(3),
    Pooling::TopMean(1),
    Pooling::TopMean(2),
    Pooling::TopMean(5),
    Pooling::NoisyOr,
];

/// A subject that took no part in training.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Subject {
    /// Whether any of the slices shows a tumor.
    pub(super) positive: bool,
    /// Calibrated probability of each slice.
    pub(super) slices: Vec<Probability>,
}

/// Chooses how to pool, and calibrates the pooled logit, on subjects with two slices or more.
///
/// The pooling with the lowest log loss after calibration wins, if it is lower than that of the default by more than the
/// standard error of the difference over subjects. With fewer than 20 subjects of each class the default stays, as it is.
#[must_use]
pub(super) fn choose(subjects: &[Subject]) -> Aggregation {
    let subjects: Vec<&Subject> = subjects.iter().filter(|s| s.slices.len() > 1).collect();
    let positives = subjects.iter().filter(|s| s.positive).count();
    let negatives = subjects.len() - positives;
    let stay = |chosen: String| Aggregation {
        chosen,
        ..Aggregation::default()
    };
    let counts = format!(
        "{positives} validation subjects with and {negatives} without a tumor of two slices or more"
    );
    if positives.min(negatives) < ENOUGH {
        return stay(format!(
            "set beforehand: {counts}, {ENOUGH} of each are needed for a choice"
        ));
    }
    let mut fitted = CANDIDATES.iter().filter_map(|p| fit(*p, &subjects));
    let Some(first) = fitted.next() else {
        return stay(format!(
            "set beforehand: pooled logits of {counts} do not point to the truth"
        ));
    };
    let best = fitted
        .filter(|other| clearly_lower(&other.losses, &first.losses))
        .min_by(|a, b| mean(&a.losses).total_cmp(&mean(&b.losses)))
        .unwrap_or(first);
    Aggregation {
        chosen: format!("chosen on {counts}; log loss {:.3}", mean(&best.losses)),
        ..best.aggregation
    }
}

struct Fitted {
    aggregation: Aggregation,
    /// Of each subject.
    losses: Vec<f64>,
}

fn fit(pooling: Pooling, subjects: &[&Subject]) -> Option<Fitted> {
    let truth: Vec<bool> = subjects.iter().map(|s| s.positive).collect();
    let pooled: Vec<f64> = subjects
        .iter()
        .map(|s| pooling.logit(&s.slices))
        .collect::<Option<_>>()?;
    let found = fit_shift(&truth, &pooled).ok()?;
    let temperature = found.fit.temperature.get();
    let losses = truth
        .iter()
        .zip(&pooled)
        .map(|(positive, z)| {
            let z = (z - found.shift) / temperature;
            let against = if *positive { -z } else { z };
            against.max(0.0) + (-against.abs()).exp().ln_1p()
        })
        .collect();
    Some(Fitted {
        aggregation: Aggregation {
            pooling,
            temperature,
            shift: found.shift,
            chosen: String::new(),
        },
        losses,
    })
}

/// Lower by more than the standard error of the mean difference.
fn clearly_lower(these: &[f64], those: &[f64]) -> bool {
    let differences: Vec<f64> = these.iter().zip(those).map(|(a, b)| a - b).collect();
    let (n, middle) = (differences.len() as f64, mean(&differences));
    let variance = differences
        .iter()
        .map(|d| (d - middle).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    middle < -(variance / n).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use tumorlens_core::series::logit;

    fn subject(positive: bool, slices: &[f64]) -> Subject {
        let slices = slices.iter().map(|p| Probability::new(*p).unwrap());
        Subject {
            positive,
            slices: slices.collect(),
        }
    }

    /// Small lesions show in one slice; healthy subjects have several that look a little suspicious.
    fn small_lesions(each: usize) -> Vec<Subject> {
        (0..each)
            .flat_map(|i| {
                let wobble = 0.001 * (i % 7) as f64;
                [
                    subject(true, &[0.93 + wobble, 0.03, 0.03, 0.03, 0.03, 0.03]),
                    subject(false, &[0.4 + wobble, 0.4, 0.4, 0.4, 0.4, 0.4]),
                ]
            })
            .collect()
    }

    #[test]
    fn where_one_slice_tells_the_highest_slice_is_chosen_and_calibrated() {
        let found = choose(&small_lesions(30));
        assert_eq!(found.pooling, Pooling::TopMean(1));
        let high = found.pooling.logit(&small_lesions(1)[0].slices).unwrap();
        let low = found.pooling.logit(&small_lesions(1)[1].slices).unwrap();
        assert!((high - found.shift) / found.temperature > 2.0);
        assert!((low - found.shift) / found.temperature < -2.0);
    }

    #[test]
    fn few_subjects_choose_nothing_and_the_reason_counts_them() {
        let found = choose(&small_lesions(19));
        assert_eq!(found.pooling, Aggregation::default().pooling);
        assert_eq!((found.temperature, found.shift), (1.0, 0.0));
        assert!(
            found.chosen.contains("19 validation subjects"),
            "{}",
            found.chosen
        );
    }

    #[test]
    fn where_poolings_do_not_differ_the_default_stays_but_is_calibrated() {
        let subjects: Vec<Subject> = (0..30)
            .flat_map(|i| {
                let p = 0.6 + 0.01 * (i % 10) as f64;
                [subject(true, &[p; 6]), subject(false, &[1.0 - p; 6])]
            })
            .collect();
        let found = choose(&subjects);
        assert_eq!(found.pooling, Pooling::TopMean(3));
        assert!(found.chosen.starts_with("chosen on 30"), "{}", found.chosen);
        let pooled = logit(Probability::new(0.65).unwrap());
        assert!((pooled - found.shift) / found.temperature > pooled);
    }
}
