//! Figures of one look at the validation images.

use super::config::Metric;
use crate::evaluate::ScoredLogits;
use crate::loss::image::ImageLoss;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use tumorlens_core::{ClassSet, Measured};
use tumorlens_stats::confusion::{ConfusionMatrix, argmax};
use tumorlens_stats::roc::auroc;
use tumorlens_stats::undefined::{Undefined, measured};

/// Figures of one look at the validation images, each image counted once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationFigures {
    /// Mean cross entropy in nats, without smoothing or weights.
    pub loss: f64,
    /// Area under the ROC curve of the positive class; with more than two classes the mean over each class against
    /// the rest.
    pub auroc: Measured,
    /// Mean over the classes of the share called right, calling the most probable class.
    pub balanced_accuracy: Measured,
}

impl ValidationFigures {
    /// Figures of scored images.
    pub(super) fn new(scored: &[ScoredLogits], classes: &ClassSet) -> Self {
        let loss = ImageLoss::plain(classes);
        let logits: Vec<f32> = scored
            .iter()
            .flat_map(|s| s.logits.iter().copied())
            .collect();
        let targets: Vec<Vec<f64>> = scored.iter().map(|s| loss.target(s.label)).collect();
        let probabilities: Vec<Vec<f64>> = scored
            .iter()
            .map(|s| loss.probabilities(&s.logits))
            .collect();
        let truth: Vec<usize> = scored.iter().map(|s| s.label.0).collect();
        Self {
            loss: recorded(loss.of(&logits, &targets).value),
            auroc: rounded(measured(area(&truth, &probabilities, classes))),
            balanced_accuracy: rounded(measured(balanced_accuracy(
                &truth,
                &probabilities,
                classes,
            ))),
        }
    }

    /// The figure of a metric; `None` where it is undefined.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Loss => Some(self.loss),
            Metric::Auroc => self.auroc.get(),
            Metric::BalancedAccuracy => self.balanced_accuracy.get(),
        }
    }

    /// Whether these figures are better than others by a metric: on a small validation part many epochs reach the
    /// same AUROC, and then the loss decides.
    pub(super) fn better_than(&self, other: &Self, metric: Metric) -> bool {
        let order = match metric {
            Metric::Loss => Ordering::Equal,
            _ => self
                .get(metric)
                .partial_cmp(&other.get(metric))
                .unwrap_or(Ordering::Equal),
        };
        order.then(other.loss.total_cmp(&self.loss)) == Ordering::Greater
    }
}

fn area(truth: &[usize], probabilities: &[Vec<f64>], classes: &ClassSet) -> Result<f64, Undefined> {
    let of_class = |class: usize| {
        let is: Vec<bool> = truth.iter().map(|label| *label == class).collect();
        let scores: Vec<f64> = probabilities.iter().map(|p| p[class]).collect();
        auroc(&is, &scores)
    };
    if classes.is_binary() {
        return of_class(classes.positive().0);
    }
    let areas: Vec<f64> = (0..classes.len()).map(of_class).collect::<Result<_, _>>()?;
    Ok(areas.iter().sum::<f64>() / areas.len() as f64)
}

fn balanced_accuracy(
    truth: &[usize],
    probabilities: &[Vec<f64>],
    classes: &ClassSet,
) -> Result<f64, Undefined> {
    let called: Vec<usize> = probabilities.iter().filter_map(|p| argmax(p)).collect();
    ConfusionMatrix::count(classes.len(), truth, &called)?.balanced_accuracy()
}

fn rounded(figure: Measured) -> Measured {
    match figure {
        Measured::Value { value, .. } => Measured::value(recorded(value)),
        undefined @ Measured::Undefined { .. } => undefined,
    }
}

/// A number as it is recorded, to nine digits. So short a number comes back from JSON as it went in, and a resumed run
/// writes the same record and decides on the same figures.
pub(super) fn recorded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Features;
    use proptest::prelude::*;
    use tumorlens_core::ClassIndex;

    fn scored(logits: &[(&[f32], usize)]) -> Vec<ScoredLogits> {
        let one = |(index, (logits, label)): (usize, &(&[f32], usize))| ScoredLogits {
            index,
            label: ClassIndex(*label),
            logits: logits.to_vec(),
            members: vec![],
            features: Features::default(),
        };
        logits.iter().enumerate().map(one).collect()
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        // Positives at 2 and -1, negatives at 0 and -3: three of four pairs in order, one positive called wrong; a
        // logit of exactly 0 is a tie, called for the class that comes first.
        let figures = ValidationFigures::new(
            &scored(&[(&[2.0], 1), (&[-1.0], 1), (&[0.0], 0), (&[-3.0], 0)]),
            &ClassSet::tumor(),
        );
        assert_eq!(figures.auroc.get(), Some(0.75));
        assert_eq!(figures.balanced_accuracy.get(), Some(0.75));
        let nats = [
            (1.0 + (-2f64).exp()).ln(),
            (1.0 + 1f64.exp()).ln(),
            2f64.ln(),
            (1.0 + (-3f64).exp()).ln(),
        ];
        assert!((figures.loss - nats.iter().sum::<f64>() / 4.0).abs() < 1e-8);
    }

    #[test]
    fn without_a_positive_image_the_area_is_undefined_with_its_reason() {
        let figures =
            ValidationFigures::new(&scored(&[(&[2.0], 0), (&[-1.0], 0)]), &ClassSet::tumor());
        assert!(matches!(figures.auroc, Measured::Undefined { .. }));
        assert_eq!(figures.get(Metric::Auroc), None);
    }

    #[test]
    fn equal_areas_are_decided_by_the_loss() {
        let figures = |auroc: f64, loss: f64| ValidationFigures {
            loss,
            auroc: Measured::value(auroc),
            balanced_accuracy: Measured::undefined("not measured"),
        };
        assert!(figures(0.9, 0.5).better_than(&figures(0.8, 0.1), Metric::Auroc));
        assert!(figures(0.9, 0.4).better_than(&figures(0.9, 0.5), Metric::Auroc));
        assert!(!figures(0.9, 0.5).better_than(&figures(0.9, 0.5), Metric::Auroc));
        assert!(figures(0.1, 0.4).better_than(&figures(0.9, 0.5), Metric::Loss));
    }

    proptest! {
        #[test]
        fn a_recorded_number_comes_back_from_json_as_it_went_in(value in -1e6f64..1e6) {
            let once = recorded(value);
            let text = serde_json::to_string(&once).unwrap();
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), once.to_bits());
            prop_assert!((once - value).abs() <= 1e-8 * value.abs());
        }
    }
}
