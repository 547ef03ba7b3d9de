//! The figures of an evaluation by name, so that a report can go through them without knowing each.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tumorlens_core::Measured;

/// Figures by metric, in the order in which a table shows them.
pub type Figures = BTreeMap<Metric, Measured>;

/// One figure of merit. Sorted as tables show them: first those of the calls at an operating point, then those of
/// the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of right calls.
    Accuracy,
    /// Mean of sensitivity and specificity; with more classes, mean of the classes' sensitivities.
    BalancedAccuracy,
    /// Share of the positive images that were called positive (recall).
    Sensitivity,
    /// Share of the negative images that were called negative.
    Specificity,
    /// Share of the positive calls that are right (precision).
    Ppv,
    /// Share of the negative calls that are right.
    Npv,
    /// Harmonic mean of sensitivity and PPV.
    F1,
    /// Matthews' correlation of calls and truth, -1 to 1 (Matthews 1975; for more classes Gorodkin 2004).
    Mcc,
    /// Area under the ROC curve.
    Auroc,
    /// Average precision, the step-wise area under the precision-recall curve.
    Auprc,
    /// Brier score: mean squared error of the probability (Brier 1950).
    Brier,
    /// Mean negative natural logarithm of the probability given to the truth.
    LogLoss,
    /// Expected calibration error (Naeini et al. 2015; Guo et al. 2017).
    Ece,
}

impl Metric {
    /// Those that depend on the calls at an operating point.
    pub const OF_CALLS: [Self; 8] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::Sensitivity,
        Self::Specificity,
        Self::Ppv,
        Self::Npv,
        Self::F1,
        Self::Mcc,
    ];

    /// Those that depend on the scores alone.
    pub const OF_SCORES: [Self; 5] = [
        Self::Auroc,
        Self::Auprc,
        Self::Brier,
        Self::LogLoss,
        Self::Ece,
    ];

    /// Name in tables and figures.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::Sensitivity => "sensitivity",
            Self::Specificity => "specificity",
            Self::Ppv => "PPV",
            Self::Npv => "NPV",
            Self::F1 => "F1",
            Self::Mcc => "MCC",
            Self::Auroc => "AUROC",
            Self::Auprc => "AUPRC",
            Self::Brier => "Brier score",
            Self::LogLoss => "log loss",
            Self::Ece => "ECE",
        }
    }

    /// Whether more is better.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        !matches!(self, Self::Brier | Self::LogLoss | Self::Ece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_of_calls_or_of_scores_and_tables_keep_that_order() {
        let all: Vec<_> = Metric::OF_CALLS
            .into_iter()
            .chain(Metric::OF_SCORES)
            .collect();
        assert!(all.is_sorted_by(|a, b| a < b));
        let figures: Figures = all.iter().map(|m| (*m, Measured::value(0.5))).collect();
        let json = serde_json::to_string(&figures).unwrap();
        assert!(json.starts_with(r#"{"accuracy":{"value":0.5}"#), "{json}");
        assert_eq!(serde_json::from_str::<Figures>(&json).unwrap(), figures);
    }
}
