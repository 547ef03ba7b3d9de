//! How an image was taken, as far as its file or a table says: plane, sequence, contrast agent.

use crate::format::sequence::{Sequence, Weighting};
use serde::{Deserialize, Serialize};
use tumorlens_core::Plane;

/// Plane, sequence and contrast of one image. Empty strings stand for "not known".
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Acquisition {
    /// `axial`, `coronal` or `sagittal`.
    pub plane: String,
    /// As BIDS names it: `T1w`, `T2w`, `FLAIR`...
    pub sequence: String,
    /// `yes` or `no`: whether contrast agent was given.
    pub contrast: String,
}

impl Acquisition {
    /// What a scan's file says.
    #[must_use]
    pub fn of_scan(plane: Option<&str>, sequence: Sequence) -> Self {
        let contrast = sequence
            .contrast
            .map(|given| if given { "yes" } else { "no" });
        Self {
            plane: plane.unwrap_or_default().to_owned(),
            sequence: sequence.weighting.map_or("", Weighting::name).to_owned(),
            contrast: contrast.unwrap_or_default().to_owned(),
        }
    }

    /// What a table says, in any case; what is none of the known names is not known.
    #[must_use]
    pub fn of_table(plane: &str, sequence: &str, contrast: &str) -> Self {
        let named = |text: &str, names: &[&'static str]| {
            let found = names.iter().find(|name| name.eq_ignore_ascii_case(text));
            found.map_or_else(String::new, |name| (*name).to_owned())
        };
        Self {
            plane: named(plane, &Plane::ALL.map(Plane::name)),
            sequence: named(sequence, &Weighting::ALL.map(Weighting::name)),
            contrast: named(contrast, &["yes", "no"]),
        }
    }

    /// What another says where this one says nothing.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        let of = |this: String, other: &String| if this.is_empty() { other.clone() } else { this };
        Self {
            plane: of(self.plane, &other.plane),
            sequence: of(self.sequence, &other.sequence),
            contrast: of(self.contrast, &other.contrast),
        }
    }

    /// Which column holds what it may not, and what it may hold.
    ///
    /// # Errors
    /// When a value is none of the known names.
    pub fn check(&self) -> Result<(), String> {
        let known = Self::of_table(&self.plane, &self.sequence, &self.contrast);
        let rows = [
            (
                "plane",
                &self.plane,
                &known.plane,
                "axial, coronal, sagittal",
            ),
            (
                "sequence",
                &self.sequence,
                &known.sequence,
                "T1w, T2w, FLAIR, PDw, T2starw, dwi, bold",
            ),
            ("contrast", &self.contrast, &known.contrast, "yes, no"),
        ];
        match rows.iter().find(|(_, given, known, _)| given != known) {
            Some((column, given, _, names)) => Err(format!(
                "{column} is '{given}', expected {names} or nothing"
            )),
            None => Ok(()),
        }
    }

    /// Name and value of what is known.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("plane", self.plane.as_str()),
            ("sequence", self.sequence.as_str()),
            ("contrast", self.contrast.as_str()),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_may_write_names_in_any_case_and_what_it_makes_up_is_not_known() {
        let found = Acquisition::of_table("Axial", "t1w", "YES");
        assert_eq!(
            found,
            Acquisition::of_scan(
                Some("axial"),
                Sequence {
                    weighting: Some(Weighting::T1),
                    contrast: Some(true),
                }
            )
        );
        assert!(found.check().is_ok());
        assert_eq!(
            Acquisition::of_table("oblique", "x", ""),
            Acquisition::default()
        );
    }

    #[test]
    fn a_value_that_is_no_name_is_told_with_its_column() {
        let wrong = Acquisition {
            plane: "Axial".to_owned(),
            ..Acquisition::default()
        };
        assert_eq!(
            wrong.check().unwrap_err(),
            "plane is 'Axial', expected axial, coronal, sagittal or nothing"
        );
    }
}
