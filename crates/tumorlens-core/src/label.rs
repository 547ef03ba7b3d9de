//! Classes and their names; which of them is the positive one is always said, never implied by order.

use serde::{Deserialize, Serialize};

/// Name of the class of images without tumor.
pub const NO_TUMOR: &str = "no_tumor";

/// Position of a class in its [`ClassSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClassIndex(pub usize);

/// The classes of a dataset or a model, in order, with the positive one named.
///
/// With two classes the network has one logit, that of the positive class; with more it has one a class.
/// "Positive" then means "this class against the rest" wherever a single probability is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawClassSet", into = "RawClassSet")]
pub struct ClassSet {
    names: Vec<String>,
    positive: usize,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClassSet {
    classes: Vec<String>,
    positive: String,
}

/// Why a list of class names is not a [`ClassSet`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassSetError {
    /// Fewer than two names.
    #[error("a classifier needs at least two classes, found {0}")]
    TooFew(usize),
    /// A name twice.
    #[error("class '{0}' is named twice")]
    Duplicate(String),
    /// An empty name.
    #[error("a class name is empty")]
    Empty,
    /// The positive class is not among the names.
    #[error("positive class '{0}' is not one of the classes")]
    UnknownPositive(String),
}

impl ClassSet {
    /// Checks names and positive class.
    ///
    /// # Errors
    /// When there are fewer than two names, a name is empty or stands twice, or `positive` is not among them.
    pub fn new(names: Vec<String>, positive: &str) -> Result<Self, ClassSetError> {
        if names.len() < 2 {
            return Err(ClassSetError::TooFew(names.len()));
        }
        for (i, name) in names.iter().enumerate() {
            if name.trim().is_empty() {
                return Err(ClassSetError::Empty);
            }
            if names[..i].contains(name) {
                return Err(ClassSetError::Duplicate(name.clone()));
            }
        }
        let positive = names
            .iter()
            .position(|n| n == positive)
            .ok_or_else(|| ClassSetError::UnknownPositive(positive.to_owned()))?;
        Ok(Self { names, positive })
    }

    /// The default pair: `no_tumor`, and `tumor` as the positive class.
    #[must_use]
    pub fn tumor() -> Self {
        Self {
            names: vec![NO_TUMOR.to_owned(), "tumor".to_owned()],
            positive: 1,
        }
    }

    /// Number of classes, at least two.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never true; here because `len` is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// True with exactly two classes, when the network has one logit.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.names.len() == 2
    }

    /// Number of logits of a network for these classes: 1 for two classes, else one a class.
    #[must_use]
    pub fn logits(&self) -> usize {
        if self.is_binary() {
            1
        } else {
            self.names.len()
        }
    }

    /// Names in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Name of a class; "?" for an index outside the set.
    #[must_use]
    pub fn name(&self, class: ClassIndex) -> &str {
        self.names.get(class.0).map_or("?", String::as_str)
    }

    /// The positive class.
    #[must_use]
    pub fn positive(&self) -> ClassIndex {
        ClassIndex(self.positive)
    }

    /// The class of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ClassIndex> {
        self.names.iter().position(|n| n == name).map(ClassIndex)
    }

    /// For two classes: the other one.
    #[must_use]
    pub fn negative(&self) -> Option<ClassIndex> {
        self.is_binary().then_some(ClassIndex(1 - self.positive))
    }
}

impl TryFrom<RawClassSet> for ClassSet {
    type Error = ClassSetError;
    fn try_from(raw: RawClassSet) -> Result<Self, Self::Error> {
        Self::new(raw.classes, &raw.positive)
    }
}

impl From<ClassSet> for RawClassSet {
    fn from(set: ClassSet) -> Self {
        let positive = set.names[set.positive].clone();
        Self {
            classes: set.names,
            positive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_survives_a_round_trip_and_names_its_positive_class() {
        let set = ClassSet::new(vec!["tumor".into(), "no_tumor".into()], "tumor").unwrap();
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(
            json,
            r#"{"classes":["tumor","no_tumor"],"positive":"tumor"}"#
        );
        assert_eq!(serde_json::from_str::<ClassSet>(&json).unwrap(), set);
        assert_eq!(set.positive(), ClassIndex(0));
        assert_eq!(set.negative(), Some(ClassIndex(1)));
    }

    #[test]
    fn an_invalid_set_cannot_be_read() {
        for bad in [
            r#"{"classes":["a"],"positive":"a"}"#,
            r#"{"classes":["a","a"],"positive":"a"}"#,
            r#"{"classes":["a","b"],"positive":"c"}"#,
            r#"{"classes":["a"," "],"positive":"a"}"#,
        ] {
            assert!(serde_json::from_str::<ClassSet>(bad).is_err(), "{bad}");
        }
    }
}
