//! A part of the world left out of training and tested on: a source, a plane, a sequence, contrast agent.

use super::Dataset;
use crate::manifest::ManifestRow;
use crate::split::{MixedGroups, Part, SplitError, SplitItem, SplitName, rotate};
use std::collections::BTreeSet;
use tumorlens_core::Seed;

/// What is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldOut {
    /// Sources, taken together as one site.
    Site(Vec<String>),
    /// Images of a plane.
    Plane(String),
    /// Images of a sequence.
    Sequence(String),
    /// Images with contrast agent (`yes`) or without (`no`).
    Contrast(String),
}

/// A part of the world cannot be left out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeldOutError {
    /// Nothing to test on, or no image of a class to learn from.
    #[error("{what}: {images} images of class '{class}' are left for training")]
    NothingToLearn {
        /// What was left out.
        what: String,
        /// The class.
        class: String,
        /// Its images.
        images: usize,
    },
    /// No such images.
    #[error("{0}: the dataset has no such image")]
    NothingToTest(String),
    /// No validation part can be made of the rest.
    #[error("{what}: {error}")]
    Split {
        /// What was left out.
        what: String,
        /// Why.
        error: SplitError,
    },
}

impl HeldOut {
    /// All that a dataset tells apart: each site, then each plane, sequence and contrast of which something is known, where
    /// there are several. `sites` join sources; a source that none names is a site of its own.
    #[must_use]
    pub fn all(dataset: &Dataset, sites: &[Vec<String>]) -> Vec<Self> {
        let values = |of: fn(&ManifestRow) -> &String| -> BTreeSet<String> {
            let known = dataset.rows.iter().map(of).filter(|v| !v.is_empty());
            known.cloned().collect()
        };
        let named: BTreeSet<&String> = sites.iter().flatten().collect();
        let single = values(|row| &row.source)
            .into_iter()
            .filter(|source| !named.contains(source))
            .map(|source| vec![source]);
        let sites: Vec<Vec<String>> = sites.iter().cloned().chain(single).collect();
        let several = |found: Vec<Self>| if found.len() > 1 { found } else { Vec::new() };
        let each = |of: fn(&ManifestRow) -> &String, make: fn(String) -> Self| {
            several(values(of).into_iter().map(make).collect())
        };
        let mut all = several(sites.into_iter().map(Self::Site).collect());
        all.extend(each(|row| &row.plane, Self::Plane));
        all.extend(each(|row| &row.sequence, Self::Sequence));
        all.extend(each(|row| &row.contrast, Self::Contrast));
        all
    }

    /// What is left out, in words: `site br35h+navoneel`, `plane sagittal`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Site(sources) => format!("site {}", sources.join("+")),
            Self::Plane(plane) => format!("plane {plane}"),
            Self::Sequence(sequence) => format!("sequence {sequence}"),
            Self::Contrast(given) => format!("contrast {given}"),
        }
    }

    fn holds(&self, row: &ManifestRow) -> bool {
        match self {
            Self::Site(sources) => sources.contains(&row.source),
            Self::Plane(plane) => row.plane == *plane,
            Self::Sequence(sequence) => row.sequence == *sequence,
            Self::Contrast(given) => row.contrast == *given,
        }
    }
}

impl Dataset {
    /// The dataset with another split: what is held out is the test part, the rest training and validation. Rows that share
    /// a unit or a subject with a test image take no part at all.
    ///
    /// # Errors
    /// When there is nothing to test on, a class is missing in training, or no validation part can be made.
    pub fn held_out(
        &self,
        what: &HeldOut,
        validation: f64,
        seed: Seed,
    ) -> Result<Self, HeldOutError> {
        let tested: Vec<&ManifestRow> = self.rows.iter().filter(|row| what.holds(row)).collect();
        if tested.is_empty() {
            return Err(HeldOutError::NothingToTest(what.name()));
        }
        let units: BTreeSet<&str> = tested.iter().map(|row| row.unit()).collect();
        // Subjects are counted within one source.
        let subjects: BTreeSet<(&str, &str)> = tested
            .iter()
            .filter(|row| !row.subject.is_empty())
            .map(|row| (row.source.as_str(), row.subject.as_str()))
            .collect();
        let mut rows: Vec<ManifestRow> = self.rows.clone();
        rows.retain(|row| {
            let subject = (row.source.as_str(), row.subject.as_str());
            what.holds(row) || !units.contains(row.unit()) && !subjects.contains(&subject)
        });
        for class in self.classes.names() {
            let learnt = |row: &&ManifestRow| row.label == *class && !what.holds(row);
            let images = rows.iter().filter(learnt).count();
            if images == 0 {
                return Err(HeldOutError::NothingToLearn {
                    what: what.name(),
                    class: class.clone(),
                    images,
                });
            }
        }
        let items: Vec<SplitItem<'_>> = rows
            .iter()
            .map(|row| SplitItem {
                group: row.unit(),
                label: &row.label,
                source: &row.source,
            })
            .collect();
        let folds: Vec<SplitName> = rows
            .iter()
            .map(|row| SplitName::Fold(usize::from(what.holds(row))))
            .collect();
        let parts =
            rotate(&items, &folds, 1, validation, MixedGroups::Allow, seed).map_err(|error| {
                HeldOutError::Split {
                    what: what.name(),
                    error,
                }
            })?;
        for (row, part) in rows.iter_mut().zip(parts) {
            row.split = Part::to_string(&part);
        }
        Ok(Self {
            rows,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::DatasetRecord;
    use std::path::PathBuf;
    use tumorlens_core::ClassSet;

    /// Two sources of both classes, and a third of tumors alone; subjects of the first two have an axial and a sagittal image.
    fn dataset() -> Dataset {
        let mut rows = Vec::new();
        for source in ["a", "b", "c"] {
            for subject in 0..40 {
                let label = if source == "c" || subject % 2 == 0 {
                    "tumor"
                } else {
                    "no_tumor"
                };
                for plane in ["axial", "sagittal"] {
                    if source == "c" && plane == "axial" {
                        continue;
                    }
                    rows.push(ManifestRow {
                        path: format!("{source}/{subject}-{plane}.png"),
                        label: label.to_owned(),
                        group: format!("{source}{subject}"),
                        subject: format!("{subject}"),
                        source: source.to_owned(),
                        plane: plane.to_owned(),
                        sha256: "0".repeat(64),
                        ..ManifestRow::default()
                    });
                }
            }
        }
        Dataset {
            dir: PathBuf::new(),
            classes: ClassSet::tumor(),
            rows,
            record: DatasetRecord::default(),
        }
    }

    fn rows<'a>(dataset: &'a Dataset, part: &'a str) -> Vec<&'a ManifestRow> {
        dataset.part(part).collect()
    }

    #[test]
    fn a_site_is_tested_whole_and_never_seen_in_training() {
        let site = HeldOut::Site(vec!["a".to_owned(), "c".to_owned()]);
        let found = dataset().held_out(&site, 0.2, Seed(3)).unwrap();
        let test = rows(&found, "test");
        assert_eq!(test.len(), 120);
        assert!(test.iter().all(|r| r.source != "b"));
        let seen: Vec<_> = rows(&found, "train")
            .into_iter()
            .chain(rows(&found, "validation"))
            .collect();
        assert_eq!(seen.len(), 80);
        assert!(seen.iter().all(|r| r.source == "b"));
        assert!(!rows(&found, "validation").is_empty());
    }

    #[test]
    fn other_images_of_a_tested_subject_take_no_part() {
        let mut dataset = dataset();
        // Ten subjects of the first source have no sagittal image.
        dataset
            .rows
            .retain(|r| !(r.source == "a" && r.plane == "sagittal" && r.subject.len() == 1));
        let plane = HeldOut::Plane("sagittal".to_owned());
        let found = dataset.held_out(&plane, 0.2, Seed(3)).unwrap();
        assert!(rows(&found, "test").iter().all(|r| r.plane == "sagittal"));
        let learnt = rows(&found, "train").len() + rows(&found, "validation").len();
        assert_eq!(learnt, 10);
    }

    #[test]
    fn what_leaves_a_class_without_images_is_refused_by_name() {
        let site = HeldOut::Site(vec!["a".to_owned(), "b".to_owned()]);
        let error = dataset().held_out(&site, 0.2, Seed(3)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "site a+b: 0 images of class 'no_tumor' are left for training"
        );
    }

    #[test]
    fn all_sites_are_told_apart_and_joined_on_request() {
        let names = |sites: &[Vec<String>]| -> Vec<String> {
            let all = HeldOut::all(&dataset(), sites);
            all.iter().map(HeldOut::name).collect()
        };
        let planes = ["plane axial", "plane sagittal"];
        assert_eq!(
            names(&[]),
            [&["site a", "site b", "site c"][..], &planes].concat()
        );
        let joined = names(&[vec!["a".to_owned(), "b".to_owned()]]);
        assert_eq!(joined, [&["site a+b", "site c"][..], &planes].concat());
    }
}
