//! What each metric is called, what it means in plain words, and which direction is good.
//!
//! Keys are those of `evaluation.json`. A name that is not listed is shown as it is, without an explanation.

/// One metric in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Key, e.g. `balanced_accuracy`.
    pub key: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// One sentence for readers who are not statisticians.
    pub meaning: &'static str,
    /// Which direction is good.
    pub better: Better,
}

/// Which direction is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
}

const fn higher(key: &'static str, title: &'static str, meaning: &'static str) -> Term {
    Term {
        key,
        title,
        meaning,
        better: Better::Higher,
    }
}

const fn lower(key: &'static str, title: &'static str, meaning: &'static str) -> Term {
    Term {
        key,
        title,
        meaning,
        better: Better::Lower,
    }
}

const TERMS: &[Term] = &[
    higher("accuracy", "Accuracy", "Share of images called right."),
    higher(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean of sensitivity and specificity; 0.5 is guessing with two classes.",
    ),
    higher(
        "sensitivity",
        "Sensitivity",
        "Share of tumor images that were found.",
    ),
    higher(
        "specificity",
        "Specificity",
        "Share of images without tumor that were left alone.",
    ),
    higher(
        "ppv",
        "PPV",
        "Share of positive calls that were right, at the share of tumors in this test part.",
    ),
    higher(
        "npv",
        "NPV",
        "Share of negative calls that were right, at the share of tumors in this test part.",
    ),
    higher(
        "precision",
        "Precision",
        "Share of positive calls that were right.",
    ),
    higher("recall", "Recall", "Share of tumor images that were found."),
    higher("f1", "F1", "Harmonic mean of precision and sensitivity."),
    higher(
        "mcc",
        "MCC",
        "Correlation of call and truth; 0 is guessing, 1 is perfect.",
    ),
    higher(
        "auroc",
        "AUROC",
        "How often a tumor image scores above one without; 0.5 is guessing.",
    ),
    higher(
        "auprc",
        "AUPRC",
        "Mean precision over all thresholds; guessing reaches the share of tumors.",
    ),
    lower(
        "brier",
        "Brier score",
        "Mean squared error of the probability; smaller is better.",
    ),
    lower(
        "log_loss",
        "Log loss",
        "Penalty for confident mistakes; smaller is better.",
    ),
    lower(
        "ece",
        "ECE",
        "Mean gap between probability and observed share; smaller is better.",
    ),
    higher(
        "macro_auroc",
        "Macro AUROC",
        "Mean over classes of the AUROC of each class against the rest.",
    ),
    higher("macro_f1", "Macro F1", "Mean over classes of F1."),
];

/// The entry of a key.
#[must_use]
pub fn term(key: &str) -> Option<Term> {
    TERMS.iter().copied().find(|term| term.key == key)
}

/// The name for people: the listed title, or the key itself.
#[must_use]
pub fn title(key: &str) -> &str {
    term(key).map_or(key, |term| term.title)
}

/// One sentence on what it means; empty for a name that is not listed.
#[must_use]
pub fn meaning(key: &str) -> &'static str {
    term(key).map_or("", |term| term.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_metric_has_words_and_an_unknown_one_keeps_its_name() {
        assert_eq!(title("auroc"), "AUROC");
        assert!(meaning("auroc").contains("0.5 is guessing"));
        assert_eq!(term("brier").map(|t| t.better), Some(Better::Lower));
        assert_eq!(title("my_metric"), "my_metric");
        assert_eq!(meaning("my_metric"), "");
    }

    #[test]
    fn no_metric_is_listed_twice() {
        for (i, term) in TERMS.iter().enumerate() {
            assert!(
                TERMS[..i].iter().all(|other| other.key != term.key),
                "{}",
                term.key
            );
        }
    }
}
