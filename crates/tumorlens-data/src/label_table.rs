//! Which class a folder or a CSV entry names.
//!
//! Names are compared without case, spaces and signs, and "tumour" is "tumor": `No_Tumor`, `no tumor` and `notumor` are
//! one. The table:
//!
//! | class | names |
//! | --- | --- |
//! | `no_tumor` | no, no tumor, not tumor, non tumor, nontumorous, without tumor, tumor free, no brain tumor, healthy, healthy brain, normal, normal brain, negative, control, controls |
//! | `tumor` | yes, tumor, tumors, with tumor, has tumor, brain tumor, brain tumors, tumorous, positive |
//! | `glioma` | glioma, gliomas, glioma tumor |
//! | `meningioma` | meningioma, meningiomas, meningioma tumor |
//! | `pituitary` | pituitary, pituitary tumor, pituitary adenoma |
//! | `glioblastoma` | glioblastoma, gbm |
//! | `metastasis` | metastasis, metastases, brain metastasis, brain metastases |
//! | `schwannoma` | schwannoma, schwannomas |
//! | (left out) | unlabeled, unlabelled, unknown, pred, predict, prediction |
//!
//! With two classes (the default) every tumor type becomes `tumor`; with types they stay apart. Mappings that the user
//! gives come before the table and are taken as they are. A name that is nowhere becomes a class of its own where it
//! stands at the class level.

use std::collections::BTreeMap;

pub use tumorlens_core::NO_TUMOR;

/// Name of the class of images with a tumor of any kind.
pub const TUMOR: &str = "tumor";

const TABLE: [(&str, &[&str]); 8] = [
    (
        NO_TUMOR,
        &[
            "no",
            "notumor",
            "nottumor",
            "nontumor",
            "nontumorous",
            "withouttumor",
            "tumorfree",
            "nobraintumor",
            "healthy",
            "healthybrain",
            "normal",
            "normalbrain",
            "negative",
            "control",
            "controls",
        ],
    ),
    (
        TUMOR,
        &[
            "yes",
            "tumor",
            "tumors",
            "withtumor",
            "hastumor",
            "braintumor",
            "braintumors",
            "tumorous",
            "positive",
        ],
    ),
    ("glioma", &["glioma", "gliomas", "gliomatumor"]),
    (
        "meningioma",
        &["meningioma", "meningiomas", "meningiomatumor"],
    ),
    (
        "pituitary",
        &["pituitary", "pituitarytumor", "pituitaryadenoma"],
    ),
    ("glioblastoma", &["glioblastoma", "gbm"]),
    (
        "metastasis",
        &[
            "metastasis",
            "metastases",
            "brainmetastasis",
            "brainmetastases",
        ],
    ),
    ("schwannoma", &["schwannoma", "schwannomas"]),
];

const LEFT_OUT: [&str; 6] = [
    "unlabeled",
    "unlabelled",
    "unknown",
    "pred",
    "predict",
    "prediction",
];

/// How fine the classes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassMode {
    /// Every tumor type is `tumor`.
    #[default]
    Binary,
    /// Tumor types stay apart.
    Types,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This class.
    Class(String),
    /// Images without a label: left out of a dataset.
    LeftOut,
    /// Not in the table.
    Unknown,
}

/// A mapping given by the user is unusable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// No name or no class.
    #[error("label mapping '{name}={class}' has an empty side: write NAME=CLASS, e.g. yes=tumor")]
    Empty {
        /// Left side.
        name: String,
        /// Right side.
        class: String,
    },
    /// One name, two classes.
    #[error("label mapping gives '{name}' two classes, '{first}' and '{second}'")]
    Twice {
        /// The name.
        name: String,
        /// Its first class.
        first: String,
        /// Its second class.
        second: String,
    },
}

/// The table with the user's mappings before it.
#[derive(Clone, Debug, Default)]
pub struct LabelTable {
    mode: ClassMode,
    given: BTreeMap<String, String>,
}

impl LabelTable {
    /// A table with mappings of the form (name, class).
    ///
    /// # Errors
    /// When a side is empty or a name stands for two classes.
    pub fn new(mode: ClassMode, mappings: &[(String, String)]) -> Result<Self, MappingError> {
        let mut given: BTreeMap<String, String> = BTreeMap::new();
        for (name, class) in mappings {
            let (key, class) = (normalise(name), class.trim().to_owned());
            if key.is_empty() || class.is_empty() {
                return Err(MappingError::Empty {
                    name: name.clone(),
                    class,
                });
            }
            match given.insert(key, class.clone()) {
                Some(first) if first != class => {
                    return Err(MappingError::Twice {
                        name: name.clone(),
                        first,
                        second: class,
                    });
                }
                _ => {}
            }
        }
        Ok(Self { mode, given })
    }

    /// What a folder name or a CSV entry means.
    #[must_use]
    pub fn look_up(&self, name: &str) -> Meaning {
        let key = normalise(name);
        if let Some(class) = self.given.get(&key) {
            return Meaning::Class(class.clone());
        }
        if LEFT_OUT.contains(&key.as_str()) {
            return Meaning::LeftOut;
        }
        match TABLE
            .iter()
            .find(|(_, names)| names.contains(&key.as_str()))
        {
            Some(&(NO_TUMOR, _)) => Meaning::Class(NO_TUMOR.to_owned()),
            Some(_) if self.mode == ClassMode::Binary => Meaning::Class(TUMOR.to_owned()),
            Some(&(class, _)) => Meaning::Class(class.to_owned()),
            None => Meaning::Unknown,
        }
    }
}

/// The part of a split that a folder name or a CSV entry stands for: `train`, `validation` or `test`.
#[must_use]
pub fn split_part(name: &str) -> Option<&'static str> {
    match normalise(name).as_str() {
        "train" | "training" | "trainset" | "trainingset" => Some("train"),
        "val" | "valid" | "validation" | "valset" | "validationset" | "dev" => Some("validation"),
        "test" | "testing" | "testset" | "testingset" => Some("test"),
        _ => None,
    }
}

/// Lower-case letters and digits only; "tumour" as "tumor".
pub(crate) fn normalise(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    plain.replace("tumour", "tumor")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(table: &LabelTable, name: &str) -> String {
        match table.look_up(name) {
            Meaning::Class(class) => class,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_names_of_the_public_sets_are_known_in_any_spelling() {
        let table = LabelTable::default();
        for name in [
            "no",
            "NO",
            "no_tumor",
            "notumor",
            "No Tumor",
            "without_tumor",
            "Healthy",
            "normal",
            "no-tumour",
        ] {
            assert_eq!(class(&table, name), "no_tumor", "{name}");
        }
        for name in [
            "yes",
            "With Tumor",
            "Brain_Tumor",
            "glioma",
            "glioma_tumor",
            "Pituitary",
            "meningioma_tumor",
        ] {
            assert_eq!(class(&table, name), "tumor", "{name}");
        }
        assert_eq!(table.look_up("pred"), Meaning::LeftOut);
        assert_eq!(table.look_up("cats"), Meaning::Unknown);
    }

    #[test]
    fn types_stay_apart_on_request_and_given_mappings_come_first() {
        let given = [
            ("1".to_owned(), "glioma".to_owned()),
            ("Normal".to_owned(), "pituitary".to_owned()),
        ];
        let table = LabelTable::new(ClassMode::Types, &given).unwrap();
        assert_eq!(class(&table, "Glioma_Tumor"), "glioma");
        assert_eq!(class(&table, "1"), "glioma");
        assert_eq!(class(&table, "normal"), "pituitary");
        assert_eq!(class(&table, "notumor"), "no_tumor");
    }

    #[test]
    fn a_mapping_with_an_empty_side_or_two_meanings_is_refused() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert!(LabelTable::new(ClassMode::Binary, &[pair("_", "tumor")]).is_err());
        assert!(
            LabelTable::new(
                ClassMode::Binary,
                &[pair("a", "tumor"), pair("A ", "no_tumor")]
            )
            .is_err()
        );
    }
}
